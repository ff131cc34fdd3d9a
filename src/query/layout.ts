// What the planner needs to know of the tables of a database, and what runs its SQL. Handed in.

import type { TableDefinition } from '../schema/index.ts';
import type { SqlValue, TableNames } from '../storage/index.ts';

export interface TableLayout {
  readonly definition: TableDefinition;
  /** Names of tables or views with the columns `storage` gives; a transaction may put overlays of its own here. */
  readonly names: TableNames;
  /** About how many records there are; decides what a scan costs. */
  readonly rowCount: number;
  /** False only when no row has `_expires`. */
  readonly mayExpire: boolean;
  /** Full-text tables to look into, when `names.fulltext` alone does not tell: all are searched. */
  readonly fulltextSources?: readonly FulltextSource[];
}

export interface FulltextSource {
  readonly table: string;
  /** SQL condition on `rowid` that a match must meet. */
  readonly rowFilterSql?: string;
}

export type LayoutLookup = (table: string) => TableLayout | undefined;

/** A connection that reads. Parameters are bound to `?1`, `?2`, … */
export interface SqlReader {
  /** All rows at once, each an array of column values. */
  all(sql: string, parameters?: readonly SqlValue[]): SqlValue[][];
  /** Rows one at a time; several walks may go on at once. */
  iterate(sql: string, parameters?: readonly SqlValue[]): Iterable<SqlValue[]>;
}

export interface PlanOptions {
  /** Records that expire at or before this are not found. Ms since 1970. */
  readonly nowMs: number;
  /** Rows a query may visit without an index. */
  readonly scanRows: number;
}
