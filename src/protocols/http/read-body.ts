// Request bodies, with a limit on their size and on the time they may take to arrive.

import { type Clock, ZerohopError } from '../../base/index.ts';
import { decompressStream, type Encoding } from '../../semantics/index.ts';

export interface BodyLimits {
  readonly bytes: number;
  readonly timeoutMs: number;
}

/**
 * Reads bodies and gives up on those that take too long. One timer serves all of a thread, so that a small body costs none: a body is
 * given up at most a second late.
 */
export class BodyReader {
  readonly #limits: BodyLimits;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #timer: Timer | undefined;

  constructor(limits: BodyLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * The whole body, decompressed. Rejects with BODY_TOO_LARGE as soon as that is known, REQUEST_TIMEOUT, INVALID_BODY where it is not coded as
   * it says, or UNSUPPORTED_MEDIA_TYPE.
   */
  read(request: Request): Promise<Uint8Array<ArrayBuffer>> {
    const { headers } = request;
    if (headers.has('content-encoding') || !headers.has('content-length')) return this.#readAny(request);
    if (Number(headers.get('content-length')) > this.#limits.bytes) return Promise.reject(this.#tooLarge());
    // Looking at `body` would make a stream of it, which costs as much as all the rest of a small request.
    return this.#inTime(() => request.arrayBuffer().then(bytesOf));
  }

  async #readAny(request: Request): Promise<Uint8Array<ArrayBuffer>> {
    const coding = codingOf(request.headers);
    const declared = declaredLength(request);
    if (declared !== undefined && declared > this.#limits.bytes) throw this.#tooLarge();
    return this.#inTime((waiting) => this.#readCounting(coding ? this.stream(request) : request.body, waiting));
  }

  #inTime(read: (waiting: Waiting) => Promise<Uint8Array<ArrayBuffer>>): Promise<Uint8Array<ArrayBuffer>> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { deadlineMs: this.#clock.nowMs() + this.#limits.timeoutMs, expire: reject };
      this.#wait(waiting);
      read(waiting).then(
        (bytes) => {
          this.#waiting.delete(waiting);
          resolve(bytes);
        },
        (error) => {
          this.#waiting.delete(waiting);
          reject(error instanceof ZerohopError ? error : connectionEnded());
        },
      );
    });
  }

  /** The body as a stream that keeps to the time limit, decompressed; its size is for the consumer to limit. Throws UNSUPPORTED_MEDIA_TYPE. */
  stream(request: Request): ReadableStream<Uint8Array> {
    const coding = codingOf(request.headers);
    const sent = this.#sent(request);
    return coding ? refusingWrongCoding(decompressStream(sent, coding), coding) : sent;
  }

  #sent(request: Request): ReadableStream<Uint8Array> {
    const reader = request.body?.getReader();
    const waiting: Waiting = { deadlineMs: 0, expire: () => {} };
    const step = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      const limited = Promise.withResolvers<never>();
      waiting.expire = limited.reject;
      // Large uploads may take long as long as they move: the limit holds for each piece.
      waiting.deadlineMs = this.#clock.nowMs() + this.#limits.timeoutMs;
      this.#wait(waiting);
      try {
        const next = await Promise.race([reader?.read(), limited.promise]);
        if (next === undefined || next.done) controller.close();
        else controller.enqueue(next.value);
      } catch (error) {
        controller.error(error instanceof ZerohopError ? error : connectionEnded());
      } finally {
        this.#waiting.delete(waiting);
      }
    };
    return new ReadableStream<Uint8Array>({ pull: step, cancel: () => void reader?.cancel() }, { highWaterMark: 0 });
  }

  /** For chunked bodies, whose length is known only at the end. */
  async #readCounting(body: ReadableStream<Uint8Array> | null, waiting: Waiting): Promise<Uint8Array<ArrayBuffer>> {
    if (body === null) return new Uint8Array(0);
    const reader = body.getReader();
    const parts: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return Buffer.concat(parts);
      if (!this.#waiting.has(waiting)) return new Uint8Array(0);
      size += value.length;
      if (size > this.#limits.bytes) {
        reader.cancel().catch(() => {});
        throw this.#tooLarge();
      }
      parts.push(value);
    }
  }

  #tooLarge(): ZerohopError {
    return new ZerohopError(
      'BODY_TOO_LARGE',
      `A body may have ${this.#limits.bytes} bytes. Send less, or put large content into a Blob attribute.`,
      { limit: this.#limits.bytes },
    );
  }

  #wait(waiting: Waiting): void {
    this.#waiting.add(waiting);
    if (this.#timer) return;
    this.#timer = setInterval(() => this.#expire(), Math.min(1000, this.#limits.timeoutMs));
    this.#timer.unref();
  }

  #expire(): void {
    const now = this.#clock.nowMs();
    for (const waiting of this.#waiting) {
      if (waiting.deadlineMs > now) continue;
      this.#waiting.delete(waiting);
      waiting.expire(
        new ZerohopError(
          'REQUEST_TIMEOUT',
          `The body did not arrive within ${this.#limits.timeoutMs} ms. Send it again.`,
        ),
      );
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function bytesOf(buffer: ArrayBuffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}

function connectionEnded(): ZerohopError {
  return new ZerohopError('INVALID_BODY', 'The connection ended before the whole body had arrived.');
}

interface Waiting {
  deadlineMs: number;
  expire: (error: ZerohopError) => void;
}

/** What a body was compressed with. Throws UNSUPPORTED_MEDIA_TYPE (RFC 9110 §8.4). */
function codingOf(headers: Headers): Encoding | undefined {
  const coding = headers.get('content-encoding')?.trim().toLowerCase();
  if (coding === undefined || coding === '' || coding === 'identity') return undefined;
  const known = codings.get(coding);
  if (known) return known;
  throw new ZerohopError(
    'UNSUPPORTED_MEDIA_TYPE',
    `A body can not be sent with Content-Encoding: ${coding}. Send it as it is, or compressed once with gzip, br or zstd.`,
    { acceptEncoding: 'gzip, br, zstd' },
  );
}

/** RFC 9110 §8.4.1.3: `x-gzip` is gzip. */
const codings = new Map<string, Encoding>([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['br', 'br'],
  ['zstd', 'zstd'],
]);

function refusingWrongCoding(body: ReadableStream<Uint8Array>, coding: Encoding): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          controller.error(error instanceof ZerohopError ? error : wronglyCoded(coding));
        }
      },
      cancel: () => reader.cancel(),
    },
    { highWaterMark: 0 },
  );
}

function wronglyCoded(coding: Encoding): ZerohopError {
  return new ZerohopError('INVALID_BODY', `The body says Content-Encoding: ${coding}, but can not be read as such.`);
}

function declaredLength(request: Request): number | undefined {
  const header = request.headers.get('content-length');
  return header === null ? undefined : Number(header);
}
