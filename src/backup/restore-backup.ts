// Makes a data folder of a backup. Every chunk is compared with its digest, every database checked by SQLite, and the records of every
// table compared with the count and digest that the store kept of them; only then the folder gets its name.

import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ZerohopError } from '../base/index.ts';
import { Connection, quoted, readCatalog } from '../storage/index.ts';
import { addToDigest, blobPath, type Digest } from '../store/index.ts';
import type { BackupPlace } from './backup-place.ts';
import { blobName } from './make-backup.ts';
import {
  type BackedUpDatabase,
  chunkName,
  type Manifest,
  manifestNames,
  readManifest,
  sha256,
  timeOfName,
} from './manifest.ts';

export interface RestoreSummary {
  /** Of the backup. */
  readonly time: string;
  readonly databases: readonly { readonly name: string; readonly records: number }[];
}

/**
 * @param folder must not exist, or be empty
 * @param until ms since 1970: the newest backup that is not younger is restored; undefined: the newest
 */
export async function restoreBackup(place: BackupPlace, folder: string, until?: number): Promise<RestoreSummary> {
  const path = resolve(folder);
  if (existsSync(path) && readdirSync(path).length > 0)
    throw new ZerohopError(
      'CONFLICT',
      `${path} is not empty. Stop the node that uses it and move it away first, or name another with --data.`,
    );
  const manifest = await chosen(place, until);
  const making = `${path}.restoring`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true, mode: 0o700 });
  const databases: { name: string; records: number }[] = [];
  for (const database of manifest.databases)
    databases.push({ name: database.name, records: await restoreDatabase(place, making, database) });
  if (existsSync(path)) rmdirSync(path);
  renameSync(making, path);
  await syncFolder(dirname(path));
  return {
    time: manifest.time,
    databases,
  };
}

async function chosen(place: BackupPlace, until = Number.POSITIVE_INFINITY): Promise<Manifest> {
  const names = (await manifestNames(place)).filter((name) => Date.parse(timeOfName(name)) <= until);
  const name = names.at(-1);
  if (name !== undefined) return readManifest(place, name);
  throw new ZerohopError(
    'NOT_FOUND',
    Number.isFinite(until)
      ? `There is no backup from ${new Date(until).toISOString()} or before.`
      : 'There is no backup there. Name the folder, or s3://bucket/prefix, that "zerohop backup" was given.',
  );
}

async function restoreDatabase(place: BackupPlace, folder: string, database: BackedUpDatabase): Promise<number> {
  const path = join(folder, `${database.name}.db`);
  const file = await open(path, 'wx', 0o600);
  try {
    for (const digest of database.chunks) {
      const bytes = await place.read(chunkName(digest));
      if (sha256(bytes) !== digest)
        throw damaged(`${chunkName(digest)} of the backup has other bytes than were written`);
      await file.writeFile(bytes);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  for (const id of database.blobs) {
    const to = blobPath(folder, database.name, id);
    mkdirSync(dirname(to), { recursive: true });
    const blob = await open(to, 'wx', 0o600);
    await blob.writeFile(await place.read(blobName(database.name, id)));
    await blob.sync().finally(() => blob.close());
  }
  return verify(path, database);
}

/** Gives the number of records. Throws CORRUPT_DATA. */
function verify(path: string, { name, blobs }: BackedUpDatabase): number {
  const connection = new Connection(path, { readonly: false });
  try {
    const [said] = connection.first('PRAGMA quick_check') ?? [];
    if (said !== 'ok') throw damaged(`the database ${name}: ${String(said)}`);
    const there = new Set(blobs);
    for (const [id] of connection.iterate('SELECT id FROM _blobs WHERE refs > 0'))
      if (!there.has(String(id))) throw damaged(`the blob ${String(id)} of ${name} is missing`);
    const origins = new Map(
      connection.all('SELECT number, id FROM _origins').map(([number, id]) => [number, String(id)]),
    );
    let all = 0;
    for (const { definition, names, number } of readCatalog(connection)) {
      const kept = connection.first('SELECT count, digest_high, digest_low FROM _catalog WHERE number = ?', [number]);
      const digest: Digest = { high: 0, low: 0 };
      let records = 0;
      const live = `SELECT _id, _version, _expires, _origin FROM ${quoted(names.table)} WHERE _body IS NOT NULL`;
      for (const [id = null, version, expires = null, origin = null] of connection.iterate(live)) {
        records++;
        const counted = { version: Number(version), expires: expires === null ? null : Number(expires) };
        addToDigest(digest, typeof id === 'number' ? id : String(id), counted, origins.get(origin) ?? '');
      }
      if (String(kept) !== String([records, digest.high, digest.low]))
        throw damaged(`the records of ${name}.${definition.name}`);
      all += records;
    }
    return all;
  } finally {
    connection.close();
  }
}

function damaged(what: string): ZerohopError {
  return new ZerohopError(
    'CORRUPT_DATA',
    `The backup is damaged: ${what}. Nothing was restored; restore an earlier one with --at.`,
  );
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
