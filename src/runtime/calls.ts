// Calls to another thread that it answers by their numbers.

interface Waiting<Answer> {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class Calls<Answer> {
  readonly #waiting = new Map<number, Waiting<Answer>>();
  #last = 0;

  /** @param send tells the other thread, with the number of the call */
  make(send: (call: number) => void): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const call = ++this.#last;
    this.#waiting.set(call, { resolve, reject });
    send(call);
    return promise;
  }

  /** As `make`; who has not answered in time gives `otherwise`. */
  async within(ms: number, otherwise: Answer, send: (call: number) => void): Promise<Answer> {
    const call = this.#last + 1;
    const timer = setTimeout(() => this.answered(call, otherwise), ms).unref();
    try {
      return await this.make(send);
    } finally {
      clearTimeout(timer);
    }
  }

  answered(call: number, answer: Answer): void {
    this.#take(call)?.resolve(answer);
  }

  failed(call: number, error: Error): void {
    this.#take(call)?.reject(error);
  }

  allFailed(error: () => Error): void {
    for (const call of [...this.#waiting.keys()]) this.failed(call, error());
  }

  #take(call: number): Waiting<Answer> | undefined {
    const waiting = this.#waiting.get(call);
    this.#waiting.delete(call);
    return waiting;
  }
}
