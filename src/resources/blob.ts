// Blobs as app code sees them: `createBlob(data)` going in, a `Blob` on the record coming out.

import { ZerohopError } from '../base/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { type BlobReference, type BlobStore, isBlobReference } from '../tables/index.ts';

export type BlobData =
  | string
  | Uint8Array<ArrayBuffer>
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** Makes the value of a Blob attribute. A stream is read when the record is written, and only once. */
export function createBlob(data: BlobData, options: { readonly type?: string } = {}): Blob {
  if (data instanceof ReadableStream) return new StreamBlob(data, options.type ?? '');
  if (typeof data === 'object' && Symbol.asyncIterator in data)
    return new StreamBlob(streamOf(data), options.type ?? '');
  return new Blob([data], options);
}

/** A Blob whose bytes are still to come. */
class StreamBlob extends Blob {
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #type: string;

  constructor(stream: ReadableStream<Uint8Array>, type: string) {
    super([]);
    this.#stream = stream;
    this.#type = type;
  }

  override get type(): string {
    return this.#type;
  }

  override stream(): ReturnType<Blob['stream']> {
    return this.#stream as ReturnType<Blob['stream']>;
  }
}

function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

const referenceOf: unique symbol = Symbol('reference');

/** The stored bytes a record refers to; undefined when they are gone. */
export function openBlob(reference: BlobReference, blobs: BlobStore): Blob | undefined {
  const blob = blobs.open(reference);
  // What is written with another record of the database, or sent as JSON, is the reference.
  return blob && Object.assign(blob, { [referenceOf]: { reference, blobs }, toJSON: () => reference });
}

/** Names of the attributes that hold Blobs. */
export function blobAttributes(definition: TableDefinition): readonly string[] {
  const names = definition.attributes.filter(({ type }) => type.kind === 'scalar' && type.scalar === 'Blob');
  return names.map(({ name }) => name);
}

/**
 * The record with the bytes of its Blob attributes stored and references in their place. The same object when there are none.
 * `current`: what the attribute of the stored record holds; a reference to just that may be sent back in.
 */
export async function storeBlobs(
  record: Readonly<Record<string, unknown>>,
  names: readonly string[],
  blobs: BlobStore,
  current: (name: string) => unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const present = names.filter((name) => record[name] !== undefined && record[name] !== null);
  if (present.length === 0) return record;
  const stored: Record<string, unknown> = { ...record };
  for (const name of present) stored[name] = await storeBlob(record[name], name, blobs, current);
  return stored;
}

async function storeBlob(
  value: unknown,
  name: string,
  blobs: BlobStore,
  current: (name: string) => unknown,
): Promise<BlobReference> {
  if (isBlobReference(value)) {
    const kept = current(name);
    if (isBlobReference(kept) && kept.$blob === value.$blob) return kept;
    throw new ZerohopError('VALIDATION_FAILED', `"${name}" needs the bytes themselves, not a reference to them.`, {
      attribute: name,
    });
  }
  if (typeof value === 'string') return blobs.write(value, 'text/plain');
  if (value instanceof Uint8Array) return blobs.write(value, 'application/octet-stream');
  if (value instanceof ArrayBuffer) return blobs.write(new Uint8Array(value), 'application/octet-stream');
  if (value instanceof ReadableStream) return blobs.write(value, 'application/octet-stream');
  if (value instanceof Blob) {
    const known = referenceIn(value);
    if (known !== undefined && known.blobs === blobs) return known.reference;
    return blobs.write(value.stream(), value.type || 'application/octet-stream');
  }
  throw new ZerohopError(
    'VALIDATION_FAILED',
    `"${name}" holds a Blob: give createBlob(data), a Blob, a stream, bytes or text, not ${typeof value}.`,
    { attribute: name },
  );
}

function referenceIn(blob: Blob & { [referenceOf]?: { reference: BlobReference; blobs: BlobStore } }) {
  return blob[referenceOf];
}
