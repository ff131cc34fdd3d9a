// What a process prints, as it comes, with a way to wait for a part of it.

export class Output {
  /** Everything so far. */
  text = '';
  /** Resolves when the process has closed all streams. */
  readonly ended: Promise<void>;
  #changed = Promise.withResolvers<void>();
  #hasEnded = false;

  constructor(streams: readonly ReadableStream<Uint8Array>[]) {
    this.ended = Promise.all(streams.map((stream) => this.#read(stream))).then(() => {
      this.#hasEnded = true;
      this.#notify();
    });
  }

  /** Resolves with the first match in what is printed, now or later. Rejects when the output ends without one. */
  async match(pattern: RegExp): Promise<RegExpExecArray> {
    while (true) {
      const found = pattern.exec(this.text);
      if (found) return found;
      if (this.#hasEnded) throw new Error(`The process ended without printing ${pattern}. It printed:\n${this.text}`);
      await this.#changed.promise;
    }
  }

  /** The lines of its log: those that are JSON. */
  get log(): Record<string, unknown>[] {
    return this.text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.text += decoder.decode(chunk, { stream: true });
      this.#notify();
    }
  }

  #notify(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}
