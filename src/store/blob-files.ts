// The bytes of blobs: one file each under `blobs/<database>/`, written once and never changed. A file is complete and synced before a record
// may refer to it; the store counts references (blob-references.ts).

import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

export class BlobFiles {
  readonly #folder: string;
  #made = false;

  constructor(dataFolder: string, database: string) {
    this.#folder = join(dataFolder, 'blobs', database);
  }

  /** Streams bytes into a new blob; resolves when they are on disk. Leaves nothing behind when the source fails. */
  async write(
    source: ReadableStream<Uint8Array> | Uint8Array,
  ): Promise<{ readonly id: string; readonly size: number }> {
    const id = Bun.randomUUIDv7();
    const folder = join(this.#folder, shard(id));
    mkdirSync(folder, { recursive: true });
    this.#made = true;
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
      const directory = await open(folder, 'r');
      await directory.sync();
      await directory.close();
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
    if (this.#made || !existsSync(this.#folder)) return;
    for (const name of readdirSync(this.#folder)) {
      const folder = join(this.#folder, name);
      if (!statSync(folder).isDirectory()) continue;
      for (const id of readdirSync(folder))
        if (id.endsWith('.part') || !known(id)) rmSync(join(folder, id), { force: true });
    }
  }
}

/** The last digits of a UUIDv7 are random; the first are the time. */
function shard(id: string): string {
  return id.slice(-2);
}
