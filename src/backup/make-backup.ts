// Backs up all databases of a data folder while the node goes on: each as of one moment of its own, and only what is not there yet from
// backups before.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, ZerohopError } from '../base/index.ts';
import { Connection } from '../storage/index.ts';
import { blobPath } from '../store/index.ts';
import type { BackupPlace } from './backup-place.ts';
import {
  type BackedUpDatabase,
  chunkBytes,
  chunkName,
  type Manifest,
  manifestNames,
  readManifest,
  sha256,
  timeOfName,
} from './manifest.ts';
import { SnapshotPages } from './snapshot-pages.ts';

export interface BackupSummary {
  readonly time: string;
  readonly databases: readonly string[];
  readonly bytes: number;
  /** What was not in a backup before. */
  readonly newBytes: number;
}

export interface BackupOptions {
  /** The data folder. */
  readonly folder: string;
  readonly place: BackupPlace;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export async function makeBackup(options: BackupOptions): Promise<BackupSummary> {
  const { folder, place, clock, signal } = options;
  const time = new Date(clock.nowMs()).toISOString();
  const name = `manifests/${time}.json`;
  if (await place.has(name)) throw new ZerohopError('CONFLICT', `There is a backup of ${time} already. Try again.`);
  const written = { bytes: 0 };
  const databases: BackedUpDatabase[] = [];
  for (const file of readdirSync(folder)
    .filter((one) => one.endsWith('.db'))
    .sort())
    databases.push(await copyDatabase(folder, file.slice(0, -3), place, signal, written));
  const manifest: Manifest = { format: 1, time, databases };
  await place.write(name, new TextEncoder().encode(JSON.stringify(manifest)));
  return { ...summaryOf(manifest), newBytes: written.bytes };
}

export async function listBackups(place: BackupPlace): Promise<readonly Omit<BackupSummary, 'newBytes'>[]> {
  const names = await manifestNames(place);
  return Promise.all(
    names.map(async (name) => ({ ...summaryOf(await readManifest(place, name)), time: timeOfName(name) })),
  );
}

function summaryOf({ time, databases }: Manifest): Omit<BackupSummary, 'newBytes'> {
  return {
    time,
    databases: databases.map(({ name }) => name),
    bytes: databases.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

async function copyDatabase(
  folder: string,
  name: string,
  place: BackupPlace,
  signal: AbortSignal,
  written: { bytes: number },
): Promise<BackedUpDatabase> {
  const path = join(folder, `${name}.db`);
  const pages = new SnapshotPages(path);
  try {
    const perChunk = chunkBytes / pages.pageBytes;
    const chunks: string[] = [];
    for (let first = 1; first <= pages.pageCount; first += perChunk) {
      signal.throwIfAborted();
      const bytes = pages.read(first, perChunk);
      const digest = sha256(bytes);
      chunks.push(digest);
      await writeNew(place, chunkName(digest), bytes, written);
    }
    const blobs: string[] = [];
    for (const id of blobsIn(path)) {
      signal.throwIfAborted();
      const to = blobName(name, id);
      // A blob is never changed. One that is gone had no reference any more.
      const file = Bun.file(blobPath(folder, name, id));
      if (!(await file.exists())) continue;
      if (!(await place.has(to))) await writeNew(place, to, new Uint8Array(await file.arrayBuffer()), written);
      blobs.push(id);
    }
    return { name, bytes: pages.pageCount * pages.pageBytes, chunks, blobs };
  } finally {
    pages.close();
  }
}

export function blobName(database: string, id: string): string {
  return `blobs/${database}/${id}`;
}

async function writeNew(
  place: BackupPlace,
  name: string,
  bytes: Uint8Array,
  written: { bytes: number },
): Promise<void> {
  if (await place.has(name)) return;
  await place.write(name, bytes);
  written.bytes += bytes.length;
}

/**
 * All that any record may refer to, as of now: later than the pages' moment, which does no harm, as one stays for long after its last
 * reference.
 */
function blobsIn(path: string): string[] {
  const connection = new Connection(path, { readonly: true });
  try {
    return connection.all('SELECT id FROM _blobs ORDER BY id').map(([id]) => String(id));
  } finally {
    connection.close();
  }
}
