// What a backup says about itself. It is written last: without it there is no backup.
//
//   manifests/<time>.json    this
//   chunks/<xx>/<sha-256>    1 MiB of pages each, shared by all backups that have the same bytes there
//   blobs/<database>/<id>    bytes of Blob attributes, which never change

import { ZerohopError } from '../base/index.ts';
import type { BackupPlace } from './backup-place.ts';

export interface Manifest {
  readonly format: 1;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly databases: readonly BackedUpDatabase[];
}

export interface BackedUpDatabase {
  readonly name: string;
  readonly bytes: number;
  /** SHA-256 of each chunk, in order. */
  readonly chunks: readonly string[];
  readonly blobs: readonly string[];
}

export const chunkBytes = 1024 * 1024;

export function chunkName(digest: string): string {
  return `chunks/${digest.slice(0, 2)}/${digest}`;
}

export function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex');
}

/** Oldest first. */
export async function manifestNames(place: BackupPlace): Promise<readonly string[]> {
  const names = await place.list('manifests/');
  return names.filter((name) => name.endsWith('.json')).sort();
}

export async function readManifest(place: BackupPlace, name: string): Promise<Manifest> {
  const manifest = JSON.parse(new TextDecoder().decode(await place.read(name))) as Manifest;
  if (manifest.format === 1) return manifest;
  throw new ZerohopError(
    'INVALID_REQUEST',
    `${name} was made by a newer version of Zerohop. Update Zerohop to restore it.`,
  );
}

export function timeOfName(name: string): string {
  return name.replace(/^manifests\/|\.json$/g, '');
}
