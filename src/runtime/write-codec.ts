// How batches of writes and their answers cross between threads. As JSON text where JSON holds all of it, which is the fastest to make, to hand
// over and to read; as MessagePack else.

import { lazily } from '../base/index.ts';
import type { StoreTransaction } from '../store/index.ts';
import type { WriteAnswers, WriteBatch } from './messages.ts';

export type Packed = string | Uint8Array<ArrayBuffer>;

// Integers of a patch may have more than 64 bits.
const messagePack = lazily(() => {
  const { Packr }: typeof import('msgpackr') = require('msgpackr');
  return new Packr({ useRecords: false, moreTypes: false, useBigIntExtension: true });
});

/** Throws for what can not be sent. */
export function packBatch(batch: WriteBatch): Packed {
  return batch.every(([, transaction]) => isText(transaction)) ? JSON.stringify(batch) : bytesOf(batch);
}

export function packAnswers(answers: WriteAnswers): Packed {
  return answers.every(([, { ok }]) => ok) ? JSON.stringify(answers) : bytesOf(answers);
}

export function unpackBatch(packed: Packed): WriteBatch {
  return unpack(packed) as WriteBatch;
}

export function unpackAnswers(packed: Packed): WriteAnswers {
  return unpack(packed) as WriteAnswers;
}

function unpack(packed: Packed): unknown {
  return typeof packed === 'string' ? JSON.parse(packed) : messagePack().unpack(packed);
}

function bytesOf(value: WriteBatch | WriteAnswers): Uint8Array<ArrayBuffer> {
  // `pack` returns a view into a larger buffer it keeps using: a copy of its own can be handed over.
  return new Uint8Array(messagePack().pack(value));
}

/** Values of a patch and of computed attributes may be more than JSON holds; bodies are text already. */
function isText({ changes, gather }: StoreTransaction): boolean {
  if (gather !== undefined) return false;
  return changes.every((change) => change.op === 'delete' || (change.op === 'put' && change.computed === undefined));
}
