// What a piece of work read, so that a value made from it can be kept for exactly as long as none of it changes.

/** Where it was read from, and can be asked whether that is still so. */
export interface ReadSource {
  /** Reads on in the log, if there is more, and tells listeners what it names. */
  catchUp(): void;
  /** Whether the log has named any of `tables` after `lsn`, as far as it was read. */
  touchedSince(lsn: number, tables: Iterable<number>): boolean;
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
  /** Numbers of tables a query went through, or a record was missing in: any change of one counts. */
  readonly tables: Set<number>;
  /** Table number → rows read by key. */
  readonly rows: Map<number, Set<number>>;
}

export class ReadSet {
  readonly databases = new Map<ReadSource, ReadsOfDatabase>();
  /** When the first of the records read expires, in ms since 1970. */
  expires = Number.POSITIVE_INFINITY;
  #isComplete = true;

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
    if (expires !== null && expires < this.expires) this.expires = expires;
  }

  noteTables(source: ReadSource, lsn: number, tables: Iterable<number>): void {
    const reads = this.#readsOf(source, lsn);
    for (const table of tables) reads.tables.add(table);
  }

  #readsOf(source: ReadSource, lsn: number): ReadsOfDatabase {
    const known = this.databases.get(source);
    if (known !== undefined) {
      if (known.lsn !== lsn) this.giveUp();
      return known;
    }
    const reads: ReadsOfDatabase = { lsn, tables: new Set(), rows: new Map() };
    this.databases.set(source, reads);
    return reads;
  }
}
