// Which rows of each table the log named lately, newest last, for as far back as there is room.

/** Entries kept per table. */
const keptEntries = 4_096;
/** Rows that are looked at one by one; more of them are as good as any. */
const fewRows = 256;

interface Entries {
  readonly lsns: number[];
  readonly rows: number[];
  /** Entries up to here may be missing. */
  before: number;
}

export class RecentChanges {
  readonly #tables = new Map<number, Entries>();
  #before = -1;

  /** @param lsn larger than all before */
  note(table: number, row: number, lsn: number): void {
    let entries = this.#tables.get(table);
    if (entries === undefined) {
      entries = { lsns: [], rows: [], before: this.#before };
      this.#tables.set(table, entries);
    }
    const { lsns, rows } = entries;
    lsns.push(lsn);
    rows.push(row);
    if (lsns.length <= keptEntries) return;
    const dropped = keptEntries / 2;
    entries.before = lsns[dropped - 1] ?? lsn;
    lsns.splice(0, dropped);
    rows.splice(0, dropped);
  }

  /** The rows of a table that were named after `lsn`, each once; undefined when they are many, or not known. */
  since(table: number, lsn: number): number[] | undefined {
    const entries = this.#tables.get(table);
    if (lsn < (entries?.before ?? this.#before)) return undefined;
    const named = new Set<number>();
    if (entries === undefined) return [];
    const { lsns, rows } = entries;
    for (let at = lsns.length - 1; at >= 0 && (lsns[at] ?? 0) > lsn; at--) {
      named.add(rows[at] ?? 0);
      if (named.size > fewRows) return undefined;
    }
    return [...named];
  }

  /** What happened up to `lsn` is not known. */
  clear(lsn: number): void {
    this.#tables.clear();
    this.#before = lsn;
  }
}
