// What nodes ask each other about records that not all of them hold, and the answers; as bytes.

import { Packr } from 'msgpackr';
import type { ErrorData } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { CommitOutcome, FetchedRecord, RemoteRow, Search, StoreTransaction } from '../store/index.ts';
import type { VerifyQuestion, VerifyReply } from './verify-messages.ts';

export type Question =
  | VerifyQuestion
  /** To be committed by the node that is asked. */
  | { readonly type: 'write'; readonly transaction: StoreTransaction }
  | { readonly type: 'read'; readonly database: string; readonly table: string; readonly id: Id }
  /** Records that a query finds on the node that is asked. */
  | { readonly type: 'search'; readonly database: string; readonly search: Search }
  /** How many records a query finds that, of the nodes `among`, the node that is asked counts. `view`: of who holds what, as the asking node knows it. */
  | {
      readonly type: 'count';
      readonly database: string;
      readonly search: Search;
      readonly among: readonly string[];
      readonly view: string;
    }
  /** Whatever is in the table of a record whose place code chose by what is in it, whoever its homes are. */
  | { readonly type: 'trace'; readonly database: string; readonly table: string; readonly id: Id }
  /** Of which of these records there is nothing in the table, not even of their deletion. */
  | { readonly type: 'absent'; readonly database: string; readonly table: string; readonly ids: readonly Id[] }
  /** Rows of the same, to be merged by the node that is asked; and with `places` what is known of where they are. `isMove`: it is to become their home. */
  | {
      readonly type: 'take';
      readonly epoch: string;
      readonly database: string;
      readonly table: string;
      readonly rows: readonly RemoteRow[];
      readonly places: readonly RemoteRow[];
      readonly isMove: boolean;
    }
  /** Rows of a table after a row of the node that is asked, of which the asking node is a home in `epoch` and was none in any of `known`. */
  | {
      readonly type: 'move';
      readonly epoch: string;
      readonly known: readonly string[];
      readonly database: string;
      readonly table: string;
      readonly after: number;
    };

export type Reply =
  | VerifyReply
  /** `places`: what was written of where new records are. */
  | { readonly type: 'written'; readonly outcome: CommitOutcome; readonly places?: readonly RemoteRow[] }
  /** Rows that were merged and are on disk; `refused`: of which the node is no home, with what it knows of where they are. */
  | { readonly type: 'taken'; readonly refused: readonly Id[]; readonly places: readonly RemoteRow[] }
  | { readonly type: 'absent'; readonly ids: readonly Id[] }
  /** What a node has of a record; null: nothing, not even its deletion. */
  | { readonly type: 'trace'; readonly row: RemoteRow | null }
  /** `isKnown`: false where there is no trace of the record, not even of its deletion. */
  | { readonly type: 'record'; readonly record: FetchedRecord | null; readonly isKnown: boolean }
  | { readonly type: 'records'; readonly records: readonly (FetchedRecord & { readonly id: Id })[] }
  | { readonly type: 'count'; readonly count: number }
  | { readonly type: 'rows'; readonly rows: readonly RemoteRow[]; readonly next: number | null }
  /** The node that was asked does not answer for the record (`places`: it knows who does), or does not know of the epoch. */
  | { readonly type: 'notMine'; readonly places?: readonly RemoteRow[] }
  | { readonly type: 'failed'; readonly error: ErrorData };

// Integers of a patch may have more than 64 bits.
const messagePack = new Packr({ useRecords: false, moreTypes: false, useBigIntExtension: true });

/** Throws for what can not be sent. */
export function toBytes(value: Question | Reply): Uint8Array {
  // `pack` returns a view into a larger buffer it keeps using.
  return new Uint8Array(messagePack.pack(value));
}

export function questionFrom(bytes: Uint8Array): Question {
  return messagePack.unpack(bytes) as Question;
}

export function replyFrom(bytes: Uint8Array): Reply {
  return messagePack.unpack(bytes) as Reply;
}

/** Of questions. */
export const askingLimits = {
  /** On one connection without an answer yet; one more is refused. */
  underWay: 10_000,
  /** How long a read of one node may take before another is asked, in ms. */
  readMs: 2_000,
  /** How long a write or a part of a move may take, in ms. */
  workMs: 15_000,
  /** How long it is tried to find who answers for a record while records move, in ms; and how often. */
  findMs: 10_000,
  findPauseMs: 50,
  /** Records that a query finds on one node, at most. */
  foundRecords: 1_000,
  /** Records that are counted between two looks at what else there is to do. */
  countedRecords: 2_000,
  /** How long a query may take on a node, of a table whose places code chooses by what is in a record, in ms. */
  placedMs: 3_000,
  /** How long a record stays where it was after it was handed to its homes, in ms: longer than any query that might have missed it there. */
  lingerMs: 4_000,
  /** How often it is looked for entries of places whose records are gone, in ms; and how many are looked at in one go. */
  forgetMs: 60_000,
  forgetEntries: 200,
  /** Bytes of rows in one part of a move, about. */
  moveBytes: 256 * 1024,
} as const;

/** A question that was not answered. `mayBeDone`: it had been sent. */
export class Unanswered extends Error {
  readonly mayBeDone: boolean;

  constructor(message: string, mayBeDone: boolean) {
    super(message);
    this.name = 'Unanswered';
    this.mayBeDone = mayBeDone;
  }
}
