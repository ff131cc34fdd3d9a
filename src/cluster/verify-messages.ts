// What verify.ts asks of other members, and what it reports.

import type { Id } from '../records/index.ts';
import type { RemoteRow } from '../store/index.ts';
import type { IdRange, RangeSum, RowHead } from './table-ranges.ts';

export type VerifyQuestion =
  | { readonly type: 'verify'; readonly ask: 'sums'; readonly place: Place; readonly ranges: readonly IdRange[] }
  | { readonly type: 'verify'; readonly ask: 'heads'; readonly place: Place; readonly range: IdRange }
  | { readonly type: 'verify'; readonly ask: 'rows'; readonly place: Place; readonly ids: readonly Id[] }
  | { readonly type: 'verify'; readonly ask: 'merge'; readonly place: Place; readonly rows: readonly RemoteRow[] }
  /** The figures of the table are made anew from its rows. */
  | { readonly type: 'verify'; readonly ask: 'recount'; readonly place: Place };

export type VerifyReply =
  | { readonly type: 'sums'; readonly sums: readonly RangeSum[] }
  | { readonly type: 'heads'; readonly heads: readonly RowHead[] }
  | {
      readonly type: 'verified';
      readonly rows: readonly RemoteRow[];
      readonly vector: readonly (readonly [string, number])[];
    }
  | { readonly type: 'merged' };

export interface Place {
  readonly database: string;
  readonly table: string;
}

/** Where to go on. */
export interface VerifyCursor extends Place {
  readonly after: Id | null;
}

export interface Difference extends Place {
  /** Name of the other member. */
  readonly peer: string;
  readonly id: Id;
  /** The range of ids in which it was found. */
  readonly range: IdRange;
  readonly here: Standing;
  readonly there: Standing;
  readonly isRepaired: boolean;
}

/** 'absent': there is no trace of it. */
export type Standing = 'absent' | 'deleted' | { readonly version: number; readonly origin: string };

export interface VerifyReport {
  /** Records of this node that were compared. */
  readonly compared: number;
  readonly differences: readonly Difference[];
  /** Records that changed all the time they were looked at. */
  readonly unsettled: number;
  readonly next: VerifyCursor | null;
}
