// One keep-alive connection that speaks HTTP/1.1, for what `fetch` can't do: hundreds of requests at a time, each on a connection of its
// own; bytes that are not HTTP; and knowing exactly whether an answer has arrived.

import type { Socket } from 'bun';

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** The connection ended before the answer was complete. */
export class ConnectionLost extends Error {}

interface Waiting {
  readonly method: string;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class HttpConnection {
  readonly #host: string;
  #socket: Socket<undefined> | undefined;
  #received = Buffer.alloc(0);
  #toSend = Buffer.alloc(0);
  #waiting: Waiting | undefined;
  #isClosed = false;
  readonly #closed = Promise.withResolvers<void>();

  private constructor(port: number) {
    this.#host = `127.0.0.1:${port}`;
  }

  static async open(port: number): Promise<HttpConnection> {
    const connection = new HttpConnection(port);
    connection.#socket = await Bun.connect<undefined>({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: (_, bytes) => connection.#take(bytes),
        drain: () => connection.#flush(),
        end: () => connection.#end(),
        close: () => connection.#end(),
        error: () => connection.#end(),
      },
    });
    return connection;
  }

  /** Resolves when the other side has closed, or this one. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Everything received that no answer has taken. */
  get received(): Buffer {
    return this.#received;
  }

  /** Sends a request and waits for its answer. Rejects with ConnectionLost. */
  request(
    method: string,
    target: string,
    {
      body = '',
      headers = {},
    }: { readonly body?: string | Uint8Array; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Answer> {
    const bytes =
      typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const given =
      bytes.length > 0 ? { 'content-type': 'application/json', 'content-length': String(bytes.length) } : {};
    const lines = Object.entries({ host: this.#host, ...given, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    this.send(Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), bytes]));
    return this.answer(method);
  }

  /** Waits for the answer to what was sent. Rejects with ConnectionLost. */
  answer(method = 'GET'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { method, resolve, reject };
      this.#deliver();
    });
  }

  /** Sends bytes as they are. */
  send(bytes: string | Uint8Array): void {
    this.#toSend = Buffer.concat([this.#toSend, typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes]);
    this.#flush();
  }

  close(): void {
    this.#socket?.end();
    this.#end();
  }

  /** Stops reading from the socket: the other side fills its buffers and waits. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  #flush(): void {
    if (this.#toSend.length === 0 || this.#isClosed) return;
    const sent = this.#socket?.write(this.#toSend) ?? 0;
    if (sent > 0) this.#toSend = this.#toSend.subarray(sent);
  }

  #take(bytes: Uint8Array): void {
    this.#received = this.#received.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#received, bytes]);
    this.#deliver();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.resolve();
    this.#deliver();
  }

  #deliver(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    const parsed = parseAnswer(this.#received, waiting.method, this.#isClosed);
    if (parsed) {
      this.#waiting = undefined;
      this.#received = this.#received.subarray(parsed.length);
      waiting.resolve(parsed.answer);
    } else if (this.#isClosed) {
      this.#waiting = undefined;
      waiting.reject(new ConnectionLost('The connection ended before the answer was complete.'));
    }
  }
}

/** The answer at the start of `bytes` when it is complete, and how long it is. Throws when it is not HTTP. */
function parseAnswer(
  bytes: Buffer,
  method: string,
  isClosed: boolean,
): { readonly answer: Answer; readonly length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1]);
  if (!(status >= 100)) throw new Error(`Not the start of an HTTP answer: ${first}`);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const start = headEnd + 4;
  const whole = (body: Buffer, end: number) => ({ answer: { status, headers, body }, length: end });
  if (method === 'HEAD' || status === 204 || status === 304 || status < 200) return whole(Buffer.alloc(0), start);
  const declared = headers.get('content-length');
  if (declared !== undefined) {
    const end = start + Number(declared);
    return bytes.length < end ? undefined : whole(bytes.subarray(start, end), end);
  }
  if (headers.get('transfer-encoding') === 'chunked') {
    const chunks = parseChunks(bytes, start);
    return chunks && whole(chunks.body, chunks.end);
  }
  return isClosed ? whole(bytes.subarray(start), bytes.length) : undefined;
}

function parseChunks(bytes: Buffer, start: number): { readonly body: Buffer; readonly end: number } | undefined {
  const chunks: Buffer[] = [];
  let at = start;
  while (true) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    if (bytes.length < end + 2) return undefined;
    if (size === 0) return { body: Buffer.concat(chunks), end: end + 2 };
    chunks.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}

export function json(answer: Answer): unknown {
  return JSON.parse(answer.body.toString());
}
