// An order-free 64-bit digest of a table's live records: the sum, in two lanes of 32 bits, of a hash of each (id, version, origin).
// Two replicas with the same records have the same digest, whatever order they arrived in. Records that expire are left out: each node
// removes them in its own time.

import type { Id } from '../records/index.ts';

export interface Digest {
  high: number;
  low: number;
}

/** What of a record decides whether and how it counts. */
export interface Digested {
  readonly version: number;
  readonly expires: number | null;
}

export function addToDigest(digest: Digest, id: Id, { version, expires }: Digested, origin: string): void {
  if (expires !== null) return;
  const text = digestText(id, version, origin);
  digest.high = (digest.high + Bun.hash.xxHash32(text, 1)) >>> 0;
  digest.low = (digest.low + Bun.hash.xxHash32(text, 2)) >>> 0;
}

export function removeFromDigest(digest: Digest, id: Id, { version, expires }: Digested, origin: string): void {
  if (expires !== null) return;
  const text = digestText(id, version, origin);
  digest.high = (digest.high - Bun.hash.xxHash32(text, 1)) >>> 0;
  digest.low = (digest.low - Bun.hash.xxHash32(text, 2)) >>> 0;
}

/** 16 hexadecimal digits. */
export function digestToText(digest: Digest): string {
  return digest.high.toString(16).padStart(8, '0') + digest.low.toString(16).padStart(8, '0');
}

function digestText(id: Id, version: number, origin: string): string {
  return `${typeof id === 'number' ? 'n' : 's'}${id}\0${version}\0${origin}`;
}
