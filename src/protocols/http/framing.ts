// A sequence of values as bytes: what stands before, between and after them in one content type, and the cutting into chunks.
// Chunks are made only as fast as the client takes them.

/** One way of writing a sequence. A text framing makes strings throughout, a binary one bytes. */
export type Framing = TextFraming | BinaryFraming;

interface FramingOf<Piece> {
  readonly before: Piece;
  readonly between: Piece;
  readonly after: Piece;
  item(value: unknown): Piece;
}
export interface TextFraming extends FramingOf<string> {
  readonly binary: false;
}
export interface BinaryFraming extends FramingOf<Uint8Array> {
  readonly binary: true;
}

export type Chunk = string | Uint8Array;

/** Chunks are cut when they reach this size, in characters or bytes. */
export const chunkSize = 64 * 1024;

class Cutter {
  readonly #framing: Framing;
  #text = '';
  #parts: Uint8Array[] = [];
  #size = 0;
  #first = true;

  constructor(framing: Framing) {
    this.#framing = framing;
    this.#put(framing.before);
  }

  /** Takes a value; true when a chunk is due. */
  add(value: unknown): boolean {
    if (this.#first) this.#first = false;
    else this.#put(this.#framing.between);
    this.#put(this.#framing.item(value));
    return this.#size >= chunkSize;
  }

  take(): Chunk {
    const chunk = this.#framing.binary ? Buffer.concat(this.#parts) : this.#text;
    this.#text = '';
    this.#parts = [];
    this.#size = 0;
    return chunk;
  }

  end(): Chunk {
    this.#put(this.#framing.after);
    return this.take();
  }

  #put(piece: Chunk): void {
    if (typeof piece === 'string') this.#text += piece;
    else this.#parts.push(piece);
    this.#size += piece.length;
  }
}

function* cut(items: Iterable<unknown>, framing: Framing): Generator<Chunk> {
  const cutter = new Cutter(framing);
  for (const item of items) if (cutter.add(item)) yield cutter.take();
  yield cutter.end();
}

async function* cutAsync(items: AsyncIterable<unknown>, framing: Framing): AsyncGenerator<Chunk> {
  const cutter = new Cutter(framing);
  for await (const item of items) if (cutter.add(item)) yield cutter.take();
  yield cutter.end();
}

/** A body that is complete, or one that goes on as it is read. */
export type Body = { readonly whole: Chunk } | { readonly stream: ReadableStream<Uint8Array> };

/**
 * Values as a body. The first chunk is made at once, so that an error in it is still an ordinary error; an error later breaks the
 * connection. `done` is called once: when the last value was written, or reading failed or was given up.
 */
export async function frame(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  framing: Framing,
  done: () => void,
): Promise<Body> {
  const chunks = isAsyncIterable(items) ? cutAsync(items, framing) : cut(items, framing);
  return bodyOf(chunks, (chunk) => chunk.length < chunkSize, done);
}

/** Chunks that app code makes as a body. */
export async function chunksAsBody(chunks: Iterable<Chunk> | AsyncIterable<Chunk>, done: () => void): Promise<Body> {
  const iterator = isAsyncIterable(chunks) ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  return bodyOf(iterator, () => false, done);
}

async function bodyOf(
  chunks: Iterator<Chunk> | AsyncIterator<Chunk>,
  isLast: (chunk: Chunk) => boolean,
  done: () => void,
): Promise<Body> {
  let first: IteratorResult<Chunk>;
  try {
    first = await chunks.next();
  } catch (error) {
    done();
    throw error;
  }
  if (first.done || isLast(first.value)) {
    await chunks.return?.();
    done();
    return { whole: first.done ? '' : first.value };
  }
  return { stream: streamOf(first.value, chunks, done) };
}

function streamOf(
  first: Chunk,
  chunks: Iterator<Chunk> | AsyncIterator<Chunk>,
  done: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const bytes = (chunk: Chunk) => (typeof chunk === 'string' ? encoder.encode(chunk) : chunk);
  let pending: Chunk | undefined = first;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (pending !== undefined) {
          controller.enqueue(bytes(pending));
          pending = undefined;
          return;
        }
        try {
          const next = await chunks.next();
          if (!next.done) return controller.enqueue(bytes(next.value));
        } catch (error) {
          done();
          controller.error(error);
          return;
        }
        done();
        controller.close();
      },
      async cancel() {
        try {
          await chunks.return?.();
        } finally {
          done();
        }
      },
    },
    { highWaterMark: 0 },
  );
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
