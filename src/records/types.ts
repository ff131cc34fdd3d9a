// A record as the store keeps it, and what may be done to one.

import type { Json, JsonObject } from '../base/index.ts';

/** A primary key. Multi-part keys are one string, parts joined by `/` (a slash inside a part is `%2F`). */
export type Id = string | number;

/** When and where a value was written. Ordered by version (microseconds), then by origin id. */
export interface Stamp {
  readonly version: number;
  readonly origin: string;
}

/**
 * How a record that patches touched came about; null for one written whole (then `stamp` of the record says it all).
 * `whole` is the last whole write. `attributes` has the stamp of each attribute set by a patch after it. `counters` has, for each
 * attribute counted with addTo, the stamp of the value it counts from and each origin's number of additions and sum. A name is in one of
 * the two. `whole` of version 0: never written whole, only patched.
 */
export interface MergeState {
  readonly whole: Stamp;
  readonly attributes: Readonly<Record<string, Stamp>>;
  readonly counters: Readonly<Record<string, Counter>>;
  /** Of these names, those that the whole write did not have, sorted: they stand at the end of the body. */
  readonly added?: readonly string[];
  /** Stamp of the patch that set `expires` after the whole write. */
  readonly expires?: Stamp;
  /** In a tombstone: what patches newer than the deletion set. It shows again if a whole write older than them turns up. */
  readonly hidden?: { readonly values: JsonObject; readonly expires: number | null };
}

export interface Counter {
  readonly base: Stamp;
  /** The number counting started from. */
  readonly start: number;
  readonly origins: Readonly<Record<string, { readonly count: number; readonly sum: number }>>;
}

/** One version of a record. `body` null: deleted (a tombstone). `expires`: ms since 1970, null for never. */
export interface RecordState {
  readonly stamp: Stamp;
  readonly expires: number | null;
  readonly merge: MergeState | null;
  readonly body: JsonObject | null;
}

/** What a patch does to attributes. A name is in one of the two. */
export interface Patch {
  readonly set: Readonly<Record<string, Json>>;
  readonly add: Readonly<Record<string, number>>;
}
