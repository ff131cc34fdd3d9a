// What both ends of the way to the writer count, and how they refuse when it is full.

import { ZerohopError } from '../base/index.ts';
import type { Change, StoreTransaction } from './types.ts';

export function queueFull(): ZerohopError {
  return new ZerohopError('OVERLOADED', 'Too many writes are waiting for the disk. Retry in a moment.', {
    retryAfterSeconds: 1,
  });
}

/** Memory a transaction takes while it waits, in bytes, about. */
export function transactionBytes({ changes }: StoreTransaction): number {
  let bytes = 200;
  for (const change of changes) bytes += changeBytes(change);
  return bytes;
}

function changeBytes(change: Change): number {
  switch (change.op) {
    case 'put':
      return 200 + change.body.length + valueBytes(change.computed);
    case 'patch':
      return 200 + valueBytes(change.patch.set) + valueBytes(change.computed);
    case 'index':
      return 200 + valueBytes(change.computed);
    case 'delete':
      return 200;
  }
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let bytes = 16;
  for (const [name, item] of Object.entries(value)) bytes += name.length + valueBytes(item);
  return bytes;
}
