// What goes to and comes from a process that runs SQL statements; plain data both.

import type { Denial, SealedPlan } from '../storage/index.ts';

export interface SqlJob {
  readonly plan: SealedPlan;
  readonly sql: string;
  readonly parameters: readonly (string | number | null)[];
  /** Rows of the answer; one more is an error. */
  readonly rows: number;
  /** Rows after these are left away; null: that is an error too. */
  readonly limit: number | null;
  readonly answerBytes: number;
  /** How rows are written. */
  readonly shape: 'objects' | 'lists';
}

/** `ready`: the process has started. */
export type SqlMessage = { readonly kind: 'ready' } | SqlAnswer;

export type SqlAnswer =
  | { readonly kind: 'rows'; readonly json: string; readonly count: number }
  /** `message`: SQLite's own. */
  | { readonly kind: 'wrong'; readonly message: string; readonly denial?: Denial }
  | { readonly kind: 'tooMany'; readonly what: 'rows' | 'bytes' };
