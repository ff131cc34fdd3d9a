// The bytes of blobs: one file each under `blobs/<database>/`, written once and never changed. A file is complete and synced before a record
// may refer to it; the store counts references (blob-references.ts).

import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { storageError } from '../storage/index.ts';

/** Where the bytes of a blob are. */
export function blobPath(dataFolder: string, database: string, id: string): string {
  return join(dataFolder, 'blobs', database, shard(id), id);
}

export class BlobFiles {
  readonly #folder: string;
  /** Folders that `removeStrays` has not come to yet. */
  #unseen: string[] | undefined;

  constructor(dataFolder: string, database: string) {
    this.#folder = join(dataFolder, 'blobs', database);
  }

  /**
   * Streams bytes into a new blob; resolves when they are on disk. Leaves nothing behind when the source fails. Rejects with STORAGE_FULL
   * or READ_ONLY.
   */
  async write(
    source: ReadableStream<Uint8Array> | Uint8Array,
  ): Promise<{ readonly id: string; readonly size: number }> {
    try {
      return await this.#write(source);
    } catch (error) {
      throw storageError(this.#folder, error) ?? error;
    }
  }

  async #write(
    source: ReadableStream<Uint8Array> | Uint8Array,
  ): Promise<{ readonly id: string; readonly size: number }> {
    const id = Bun.randomUUIDv7();
    const folder = join(this.#folder, shard(id));
    const made = mkdirSync(folder, { recursive: true });
    const unfinished = join(folder, `${id}.part`);
    const file = await open(unfinished, 'wx');
    let size = 0;
    try {
      for await (const chunk of source instanceof Uint8Array ? [source] : source) {
        await file.writeFile(chunk);
        size += chunk.byteLength;
      }
      await file.sync();
      await file.close();
      await this.#finish(unfinished, id, made);
    } catch (error) {
      await file.close().catch(() => {});
      await rm(unfinished, { force: true });
      throw error;
    }
    return { id, size };
  }

  /**
   * A piece of a blob of another node on its way in. Pieces come in order; one at 0 starts anew. Resolves when it is written, the last
   * when the whole blob is on disk. Rejects with STORAGE_FULL or READ_ONLY.
   * @param from tells apart those that send the same blob
   */
  async writePiece(
    from: string,
    piece: { readonly id: string; readonly offset: number; readonly bytes: Uint8Array; readonly last: boolean },
  ): Promise<void> {
    const { id, offset, bytes, last } = piece;
    const folder = join(this.#folder, shard(id));
    try {
      const made = mkdirSync(folder, { recursive: true });
      const unfinished = join(folder, `${id}.${from}.part`);
      const file = await open(unfinished, offset === 0 ? 'w' : 'r+');
      try {
        await file.write(bytes, 0, bytes.byteLength, offset);
        if (last) await file.sync();
      } finally {
        await file.close();
      }
      if (last) await this.#finish(unfinished, id, made);
    } catch (error) {
      throw storageError(this.#folder, error) ?? error;
    }
  }

  /** Undefined: there is no such blob. */
  readPiece(
    id: string,
    offset: number,
    most: number,
  ): { readonly bytes: Uint8Array; readonly last: boolean } | undefined {
    if (!this.exists(id)) return undefined;
    const file = openSync(this.path(id), 'r');
    try {
      const size = fstatSync(file).size;
      const bytes = new Uint8Array(Math.max(0, Math.min(most, size - offset)));
      const read = readSync(file, bytes, 0, bytes.byteLength, offset);
      return { bytes: bytes.subarray(0, read), last: offset + read >= size };
    } finally {
      closeSync(file);
    }
  }

  /** @param made the first folder that was made for it */
  async #finish(unfinished: string, id: string, made: string | undefined): Promise<void> {
    const folder = dirname(unfinished);
    await rename(unfinished, this.path(id));
    await syncFolder(folder);
    // The name of a new folder is durable only when the one it is in is.
    for (let above = dirname(folder); made && above.length >= dirname(made).length; above = dirname(above))
      await syncFolder(above);
  }

  exists(id: string): boolean {
    return existsSync(this.path(id));
  }

  path(id: string): string {
    return join(this.#folder, shard(id), id);
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) rmSync(this.path(id), { force: true });
  }

  /** Removes unfinished files and, unless `known`, blobs whose record was never committed. Only at start, when nobody writes. */
  removeOrphans(known: (id: string) => boolean): void {
    for (const shard of this.#shards())
      for (const id of readdirSync(join(this.#folder, shard)))
        if (id.endsWith('.part') || !known(id)) rmSync(join(this.#folder, shard, id), { force: true });
  }

  /**
   * Looks through some of the files for those that no record came to refer to, because their write was refused or broke off, and removes
   * what was last written before `beforeMs`. False when it has been through all; the next call begins anew.
   */
  removeStrays(known: (id: string) => boolean, beforeMs: number): boolean {
    this.#unseen ??= this.#shards();
    const shard = this.#unseen.pop();
    if (shard === undefined) this.#unseen = undefined;
    if (shard === undefined) return false;
    for (const id of readdirSync(join(this.#folder, shard))) {
      const path = join(this.#folder, shard, id);
      if (!known(id) && (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? beforeMs) < beforeMs)
        rmSync(path, { force: true });
    }
    return true;
  }

  #shards(): string[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  }
}

/** The last digits of a UUIDv7 are random; the first are the time. */
function shard(id: string): string {
  return id.slice(-2);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
