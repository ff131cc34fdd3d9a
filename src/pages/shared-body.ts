// A body on its way from the origin that several read at once, each at its own speed, while it is also gathered whole. One that turns out too
// large to keep goes on to its first reader alone, no faster than that one reads.

type Bytes = Uint8Array<ArrayBuffer>;

interface ByteReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

export class SharedBody {
  /** All of it; undefined: too large, or broken off. */
  readonly whole: Promise<Bytes | undefined>;
  readonly #maxBytes: number;
  readonly #resolveWhole: (bytes: Bytes | undefined) => void;
  #chunks: Uint8Array[] = [];
  /** Chunks given up at the front, once too large. */
  #dropped = 0;
  #size = 0;
  #state: 'flowing' | 'ended' | 'broken' | 'too large' = 'flowing';
  #error: unknown;
  #readers = 0;
  #changed = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();
  #cancelled = false;

  constructor(source: ReadableStream<Uint8Array> | null, maxBytes: number) {
    this.#maxBytes = maxBytes;
    const whole = Promise.withResolvers<Bytes | undefined>();
    this.whole = whole.promise;
    this.#resolveWhole = whole.resolve;
    if (source) void this.#pump(source.getReader());
    else this.#end('ended');
  }

  async #pump(reader: ByteReader): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done || value === undefined) return this.#end('ended');
        this.#size += value.byteLength;
        this.#chunks.push(value);
        this.#tellReaders();
        if (this.#size > this.#maxBytes && !(await this.#passOn())) return void (await reader.cancel());
      }
    } catch (error) {
      this.#error = error;
      this.#end('broken');
    }
  }

  /** Waits until the reader has what is here. False: nobody reads any more. */
  async #passOn(): Promise<boolean> {
    if (this.#state === 'flowing') {
      this.#state = 'too large';
      this.#resolveWhole(undefined);
    }
    while (this.#chunks.length > 0) {
      if (this.#readers === 0 || this.#cancelled) {
        this.#end('broken');
        return false;
      }
      this.#taken = Promise.withResolvers();
      await this.#taken.promise;
    }
    return true;
  }

  #end(state: 'ended' | 'broken'): void {
    const isWhole = state === 'ended' && this.#state === 'flowing';
    this.#resolveWhole(isWhole ? new Uint8Array(Buffer.concat(this.#chunks)) : undefined);
    this.#state = state;
    this.#tellReaders();
  }

  #tellReaders(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  /** From its beginning. */
  stream(): ReadableStream<Uint8Array> {
    const isFirst = this.#readers++ === 0;
    let at = 0;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          for (;;) {
            if (this.#state === 'too large' && !isFirst)
              return controller.error(new Error('The page is too large to be sent to several clients at once.'));
            const chunk = this.#chunks[at - this.#dropped];
            if (chunk) {
              at++;
              controller.enqueue(chunk);
              if (this.#size > this.#maxBytes) this.#drop(at);
              return;
            }
            if (this.#state === 'ended') return controller.close();
            if (this.#state === 'broken') return controller.error(this.#error ?? new Error('The origin broke off.'));
            await this.#changed.promise;
          }
        },
        cancel: () => {
          this.#readers--;
          if (isFirst) this.#cancelled = true;
          this.#taken.resolve();
        },
      },
      { highWaterMark: 0 },
    );
  }

  #drop(before: number): void {
    this.#chunks.splice(0, before - this.#dropped);
    this.#dropped = before;
    this.#taken.resolve();
  }
}
