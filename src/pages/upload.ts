// The body of a request on its way to an origin. A client that sends half of it, or slowly, is no failure of the origin.

/** Bodies up to this size come in whole before the origin is asked: it is not kept waiting by their clients. In bytes. */
const wholeBytes = 256 * 1024;

/**
 * A body as the origin is to get it: all of it where it is small and its length is known, else as it comes. Undefined: it did not come in whole.
 * @param length as announced; NaN: it was not
 * @param idleMs how long the client may send nothing
 */
export async function bodyToSend(
  body: ReadableStream<Uint8Array>,
  length: number,
  idleMs: number,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined> {
  if (!(length <= wholeBytes)) return body;
  const reader = body.getReader();
  const whole = new Uint8Array(length);
  for (let at = 0; ; ) {
    const timer = setTimeout(() => void reader.cancel(), idleMs);
    try {
      const { done, value } = await reader.read();
      if (done) return at === length ? whole : undefined;
      if (at + value.length > length) return undefined;
      whole.set(value, at);
      at += value.length;
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

export interface UploadEvents {
  /** The client has sent nothing for too long. */
  readonly late: () => void;
  /** All of it is on its way. */
  readonly done: () => void;
}

export class Upload {
  readonly stream: ReadableStream<Uint8Array>;
  #isBroken = false;

  /** @param idleMs how long the client may send nothing */
  constructor(body: ReadableStream<Uint8Array>, idleMs: number, { late, done }: UploadEvents) {
    const reader = body.getReader();
    this.stream = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const timer = setTimeout(late, idleMs);
          try {
            const next = await reader.read();
            if (!next.done) return controller.enqueue(next.value);
            done();
            controller.close();
          } catch (error) {
            this.#isBroken = true;
            controller.error(error);
          } finally {
            clearTimeout(timer);
          }
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /** The client has broken it off. */
  get isBroken(): boolean {
    return this.#isBroken;
  }
}
