// The body of a request on its way to an origin. A client that sends half of it, or slowly, is no failure of the origin.

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
