// What a piece of work read, so that a value made from it can be kept for exactly as long as none of it changes.

import type { WatchTest } from '../query/index.ts';
import type { SqlValue } from '../storage/index.ts';

/** A result of a query, in one table: see query/watch.ts. */
export interface WatchedResult {
  /** Number of the table. */
  readonly table: number;
  readonly members: ReadonlySet<SqlValue>;
  readonly test: WatchTest;
}

/** Where it was read from, and can be asked whether that is still so. */
export interface ReadSource {
  /** Reads on in the log, if there is more, and tells listeners what it names. */
  catchUp(): void;
  /** Whether the log has named any of `tables` after `lsn`, as far as it was read. */
  touchedSince(lsn: number, tables: Iterable<number>): boolean;
  /** Whether what the log names after `lsn`, as far as it can be read, leaves all these results as they are. */
  standsSince(lsn: number, results: readonly WatchedResult[]): boolean;
  /** The log position up to which it was read. */
  readonly position: number;
  onTouched(listener: TouchListener): void;
}

/** Told what the log names. */
export interface TouchListener {
  row(table: number, row: number): void;
  /** The log can't tell: anything may have changed. */
  everything(): void;
}

export interface ReadsOfDatabase {
  /** The log position it was read at. */
  readonly lsn: number;
  /** Numbers of tables a query went through that can't be followed closer: any change of one counts. */
  readonly tables: Set<number>;
  /** Results of queries: a change counts when it would change one. */
  readonly results: WatchedResult[];
  /** The log position at which the results were last seen to stand. */
  standsAt: number;
  /** Table number → rows read by key. */
  readonly rows: Map<number, Set<number>>;
}

/** What one row takes in memory, and one result beside its rows, about. */
const memberBytes = 64;
const resultBytes = 300;

/** About how much memory they take. */
export function bytesOf(results: readonly WatchedResult[]): number {
  return results.reduce((sum, { members }) => sum + resultBytes + memberBytes * members.size, 0);
}

export class ReadSet {
  readonly databases = new Map<ReadSource, ReadsOfDatabase>();
  /** When the first of the records read expires, in ms since 1970. */
  expires = Number.POSITIVE_INFINITY;
  #isComplete = true;
  #weight = 0;

  /** Whether everything the work depends on is in here. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** The work depends on something that can't be followed. */
  giveUp(): void {
    this.#isComplete = false;
  }

  noteRow(source: ReadSource, lsn: number, table: number, row: number, expires: number | null): void {
    const reads = this.#readsOf(source, lsn);
    const rows = reads.rows.get(table) ?? new Set<number>();
    reads.rows.set(table, rows.add(row));
    this.#weight += memberBytes;
    if (expires !== null && expires < this.expires) this.expires = expires;
  }

  noteTables(source: ReadSource, lsn: number, tables: Iterable<number>): void {
    const reads = this.#readsOf(source, lsn);
    for (const table of tables) reads.tables.add(table);
  }

  noteResults(source: ReadSource, lsn: number, results: readonly WatchedResult[]): void {
    const reads = this.#readsOf(source, lsn);
    reads.results.push(...results);
    this.#weight += bytesOf(results);
  }

  /** About how many bytes this takes. */
  get bytes(): number {
    return this.#weight;
  }

  #readsOf(source: ReadSource, lsn: number): ReadsOfDatabase {
    const known = this.databases.get(source);
    if (known !== undefined) {
      if (known.lsn !== lsn) this.giveUp();
      return known;
    }
    const reads: ReadsOfDatabase = { lsn, tables: new Set(), results: [], standsAt: lsn, rows: new Map() };
    this.databases.set(source, reads);
    return reads;
  }
}
