// What goes into the single writer and what comes out. Plain data: it crosses threads as one encoded buffer.

import type { ErrorData, JsonObject } from '../base/index.ts';
import type { Id, Patch } from '../records/index.ts';

/** Checked at commit, before anything of the transaction is written. Versions are given as tags: see `tagOf`. */
export interface Precondition {
  /** The record must exist with one of these versions. */
  readonly versions?: readonly number[];
  /** The record must not have one of these versions (`If-None-Match` with tags). */
  readonly notVersions?: readonly number[];
  /** True: must exist. False: must not. */
  readonly exists?: boolean;
  /** The row must have this tag, be its record expired or deleted; null: there must be none. */
  readonly row?: number | null;
}

interface ChangeBase {
  readonly table: string;
  readonly if?: Precondition;
}

export interface PutChange extends ChangeBase {
  readonly op: 'put';
  /** Null: the store assigns the next integer and writes it into the body's `primaryKey`. */
  readonly id: Id | null;
  /** The whole record as JSON text, with its primary key. */
  readonly body: string;
  /** Ms since 1970, null for never. */
  readonly expires: number | null;
  /** Values of indexed computed attributes. */
  readonly computed?: JsonObject;
}

export interface PatchChange extends ChangeBase {
  readonly op: 'patch';
  readonly id: Id;
  readonly patch: Patch;
  /** Lowest values counted attributes may reach; below → BELOW_MINIMUM, nothing of the transaction is written. */
  readonly minimum?: Readonly<Record<string, number>>;
  /** Undefined: keep what the record has. */
  readonly expires?: number | null;
  readonly computed?: JsonObject;
}

export interface DeleteChange extends ChangeBase {
  readonly op: 'delete';
  readonly id: Id;
}

/** New values of indexed computed attributes for a record that stays as it is; nothing happens when its tag is another by then. */
export interface IndexChange extends ChangeBase {
  readonly op: 'index';
  readonly id: Id;
  readonly tag: number;
  readonly computed: JsonObject;
}

export type Change = PutChange | PatchChange | DeleteChange | IndexChange;

/** Changes of one database that happen together or not at all. */
export interface StoreTransaction {
  readonly database: string;
  readonly changes: readonly Change[];
  /** Records read that must be unchanged at commit: [table, id, tag or null for absent]. */
  readonly reads?: readonly (readonly [table: string, id: Id, tag: number | null])[];
  /** Where they can't confirm it, nothing is written; where they don't in time, it is written and the outcome is NOT_CONFIRMED. */
  readonly confirm?: Confirmation;
  /** The outcome is to tell how long it took. */
  readonly timed?: boolean;
  /** In place of changes: a record to look for, as `StoreClient.fetch`. */
  readonly fetch?: RecordName;
  /** In place of changes: records to look for, as `StoreClient.gather`. */
  readonly gather?: Search;
}

/** `query`: of the floor above. */
export interface Search {
  readonly table: string;
  readonly query: unknown;
  /** Not the records, but how many there are on all nodes, whatever the query's limit. */
  readonly counts?: true;
}

export interface RecordName {
  readonly table: string;
  readonly id: Id;
}

/** A record that another node holds. */
export interface FetchedRecord {
  readonly version: number;
  /** See `tagOf`. */
  readonly tag?: number;
  readonly expires: number | null;
  readonly body: string;
}

/** Records of other nodes that a query may find, with those of this node; `here`: these are all. */
export type Gathered =
  | { readonly here: true }
  | {
      readonly here: false;
      readonly records: readonly (FetchedRecord & { readonly id: Id })[];
      /** Of a search that counts, with those of this node. */
      readonly total?: number;
    };

/** `here`: what this node has is what there is. Else what a node that holds the record has of it; null: there is none. */
export type Fetched = { readonly here: true } | { readonly here: false; readonly record: FetchedRecord | null };

/** When what happened to a transaction, in ms since 1970 with fractions. */
export interface CommitTimings {
  /** It came to the writer, and waited for its group. */
  readonly submittedMs: number;
  readonly startedMs: number;
  /** It was visible to readers, and waited for the disk. */
  readonly committedMs: number;
  readonly durableMs: number;
}

/** Other members that are to have a transaction on disk before it is answered. */
export interface Confirmation {
  /** How many. */
  readonly count: number;
  /** Names of those that count; absent: all. */
  readonly among?: readonly string[];
}

export interface Confirmed {
  readonly isEnough: boolean;
  /** Who has it. */
  readonly reached: readonly string[];
}

/** One per change: what was written. `existed`: whether the record was there before. */
export interface Written {
  readonly id: Id;
  readonly version: number;
  readonly existed: boolean;
}

export type CommitOutcome =
  | {
      readonly ok: true;
      readonly version: number;
      readonly written: readonly Written[];
      readonly timings?: CommitTimings;
      /** Of what was looked for. */
      readonly fetched?: Fetched;
      readonly gathered?: Gathered;
    }
  | { readonly ok: false; readonly error: ErrorData };

/** Making or dropping a database, or with `table` dropping that. */
export interface DatabaseChange {
  readonly do: 'create' | 'drop';
  readonly database: string;
  readonly table?: string;
}

/** The door to the single writer, whichever thread it is in. */
export interface StoreClient {
  /**
   * Resolves when the transaction is durable on disk. Rejects with a ZerohopError when it was refused; then nothing of it was written.
   * @param told how long a transaction that is `timed` took, before the promise resolves
   */
  commit(transaction: StoreTransaction, told?: (timings: CommitTimings) => void): Promise<readonly Written[]>;
  /** A record of a table of which each node has a part, from where it is. Rejects with UNREACHABLE. */
  fetch(database: string, name: RecordName): Promise<Fetched>;
  /** What a query finds of such a table on the other nodes. Rejects with UNREACHABLE, or what is wrong with the query. */
  gather(database: string, search: Search): Promise<Gathered>;
}
