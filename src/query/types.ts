// One value for every query, whichever door it came through: REST, JS, operations.

import type { Json } from '../base/index.ts';

export const comparators = [
  'equals',
  'not_equal',
  'greater_than',
  'greater_than_equal',
  'less_than',
  'less_than_equal',
  'between',
  'in',
  'starts_with',
  'contains',
  'ends_with',
  /** Full text: every word of `value`; only on @fulltext attributes. */
  'ft',
] as const;
export type Comparator = (typeof comparators)[number];

/** From the table outwards: the last is an attribute, those before it relationships or nested objects. Never empty. */
export type AttributePath = readonly string[];

export interface Condition {
  readonly attribute: AttributePath;
  readonly comparator: Comparator;
  /** Already of the attribute's type. `between`: [low, high], both included; `in`: an array. */
  readonly value: Json | bigint;
}

export interface ConditionGroup {
  readonly operator: 'and' | 'or';
  readonly conditions: readonly (Condition | ConditionGroup)[];
}

export interface SortKey {
  readonly attribute: AttributePath;
  readonly descending: boolean;
}

/** `values`: bare values of the one attribute; `objects`; `arrays`: values in the order of `attributes`. */
export interface Selection {
  readonly shape: 'values' | 'objects' | 'arrays';
  readonly attributes: readonly SelectedAttribute[];
}

/** `$id`, `$updatedtime` are names too. `selection`: what to take from a related record or nested object. */
export interface SelectedAttribute {
  readonly name: string;
  readonly selection?: Selection;
}

export interface Query {
  readonly conditions?: ConditionGroup;
  readonly sort?: readonly SortKey[];
  readonly offset?: number;
  readonly limit?: number;
  /** Opaque text of an earlier page's end: continue after it. '' starts a paged walk. Not together with `offset`. */
  readonly cursor?: string;
  readonly select?: Selection;
  /** Count all matches, disregarding limit, offset and cursor. */
  readonly total?: boolean;
  /** Return the plan in place of rows. */
  readonly explain?: boolean;
  /** Find records that have expired, too. Of the runtime alone. */
  readonly evenExpired?: boolean;
  /** Permit a scan of a large table. */
  readonly allowFullScan?: boolean;
}
