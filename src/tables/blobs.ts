// Blobs as everything above sees them: bytes in, a reference out, and back. One folder per database; see store/blob-files.ts.

import { BlobFiles } from '../store/index.ts';
import type { BlobReference, BlobStore } from './types.ts';

export class Blobs implements BlobStore {
  readonly #files: BlobFiles;

  constructor(dataFolder: string, database: string) {
    this.#files = new BlobFiles(dataFolder, database);
  }

  async write(data: ReadableStream<Uint8Array> | Uint8Array | string, type: string): Promise<BlobReference> {
    const { id, size } = await this.#files.write(typeof data === 'string' ? new TextEncoder().encode(data) : data);
    return { $blob: id, size, type };
  }

  open(reference: BlobReference): Blob | undefined {
    return this.#files.exists(reference.$blob)
      ? Bun.file(this.#files.path(reference.$blob), { type: reference.type })
      : undefined;
  }
}

export function isBlobReference(value: unknown): value is BlobReference {
  return typeof value === 'object' && value !== null && '$blob' in value && typeof value.$blob === 'string';
}
