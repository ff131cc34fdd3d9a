// The bytes of blobs: one file each under `blobs/<database>/`, written once and never changed. A file is complete and synced before a record
// may refer to it; the store counts references (blob-references.ts).

import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { storageError } from '../storage/index.ts';

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
    // The name of a new folder is durable only when the one it is in is.
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
      await rename(unfinished, this.path(id));
      await syncFolder(folder);
      for (let above = dirname(folder); made && above.length >= dirname(made).length; above = dirname(above))
        await syncFolder(above);
    } catch (error) {
      await file.close().catch(() => {});
      await rm(unfinished, { force: true });
      throw error;
    }
    return { id, size };
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
