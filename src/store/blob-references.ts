// Counts which blobs records refer to, in the same transaction as the records, so that a blob's bytes go only after the last
// reference is gone, and a record never refers to bytes that were never there.

import { ZerohopError } from '../base/index.ts';
import type { Connection } from '../storage/index.ts';

const reference = /"\$blob":"([0-9A-Za-z-]+)"/g;

/** The ids of blobs that a record's JSON text refers to. */
export function blobIds(body: string | null): string[] {
  return body === null ? [] : [...body.matchAll(reference)].map((match) => match[1] ?? '');
}

/**
 * Takes note that a record's body changed from `before` to `after`.
 * @param exists whether the bytes of a blob are stored
 */
export function recountBlobs(
  connection: Connection,
  before: string | null,
  after: string | null,
  nowMs: number,
  exists: (id: string) => boolean,
): void {
  for (const id of blobIds(after)) {
    if (!exists(id)) {
      throw new ZerohopError(
        'VALIDATION_FAILED',
        `The record refers to the blob ${id}, which is not stored here. Send the bytes again.`,
      );
    }
    connection.run(
      'INSERT INTO _blobs (id, refs, since) VALUES (?, 1, ?) ON CONFLICT (id) DO UPDATE SET refs = refs + 1',
      [id, nowMs],
    );
  }
  for (const id of blobIds(before))
    connection.run('UPDATE _blobs SET refs = refs - 1, since = ? WHERE id = ?', [nowMs, id]);
}
