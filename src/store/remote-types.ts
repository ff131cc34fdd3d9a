// What goes from one node's store into another's. Plain data; records as the rows have them: bodies and merge states are JSON text, so that a
// record that is only passed on is never parsed.

import type { Id } from '../records/index.ts';

/** A version vector: node id → number of that node's newest transaction that is known, with all before it. */
export type Vector = ReadonlyMap<string, number>;

/** One version of one record. */
export interface RemoteRow {
  readonly table: string;
  readonly id: Id;
  /** Stamp of the version, and the number of the transaction of `origin` that made it. */
  readonly version: number;
  readonly origin: string;
  readonly seq: number;
  readonly expires: number | null;
  readonly merge: string | null;
  readonly computed: string | null;
  /** Null: deleted. */
  readonly body: string | null;
}

/** A transaction of one node: which rows of its batch it wrote. */
export interface RemoteTransaction {
  readonly origin: string;
  readonly seq: number;
  readonly version: number;
  /** Positions in `RemoteBatch.rows`. */
  readonly rows: readonly number[];
}

/**
 * Whole transactions, oldest first for each origin. A row stands in it once, in the state the sender has it in now, which may be newer
 * than the transactions that name it: a state knows all that the states before it knew, so that merging it early changes nothing in the
 * end, and the later transactions, which `upTo` does not count yet, come again and merge to the same.
 */
export interface RemoteBatch {
  /** What the receiver must have already, of the origins in `upTo`. */
  readonly from: Vector;
  /** What the receiver has afterwards. */
  readonly upTo: Vector;
  readonly rows: readonly RemoteRow[];
  readonly transactions: readonly RemoteTransaction[];
}

/** How far a copy of all rows has come. */
export interface CopyPosition {
  readonly table: string;
  /** The sender's row number; this one and all before it are done. */
  readonly row: number;
  /** The last row of the table when its turn came: later ones are in the log. */
  readonly last: number;
}

/** A part of a copy of all rows, for a node that the log does not reach. */
export interface RemoteCopy {
  /** The node that sends it. */
  readonly source: string;
  /** The sender's vector when the copy was begun: what the receiver has when it is complete. */
  readonly vector: Vector;
  readonly rows: readonly RemoteRow[];
  /** Null: this is the last part. */
  readonly next: CopyPosition | null;
}

/** A copy that another node has not finished sending. */
export interface CopyProgress {
  readonly source: string;
  readonly vector: Vector;
  readonly position: CopyPosition;
}

/** A record that is in here beside another one with the same value of a unique attribute. */
export interface Clash {
  readonly table: string;
  readonly id: Id;
}

export type RemoteRefusal =
  /** The sender left out transactions this node does not have. */
  | { readonly kind: 'gap'; readonly origin: string; readonly has: number; readonly needs: number }
  /** A version is further ahead of the local clock than is allowed. */
  | { readonly kind: 'ahead'; readonly aheadMs: number }
  | { readonly kind: 'unknownTable'; readonly table: string }
  /** Records refer to these blobs, whose bytes are not here. */
  | { readonly kind: 'missingBlobs'; readonly ids: readonly string[] }
  /** The disk, or a batch that can't be read. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** Refused: nothing of it was written. */
export type RemoteOutcome =
  | { readonly ok: true; readonly clashes: readonly Clash[] }
  | { readonly ok: false; readonly refusal: RemoteRefusal };

/** What came from another node and is to be merged. */
export type RemoteWork =
  | { readonly kind: 'batch'; readonly batch: RemoteBatch }
  | { readonly kind: 'copy'; readonly copy: RemoteCopy };
