// Values made from what was read, kept until the log names something of it. Each source tells which rows and tables its log named; what hangs on
// them is dropped before the next answer from here. Bounded by bytes: what was not used for longest goes first.

import type { Clock } from '../base/index.ts';
import type { ReadSet, ReadSource } from './read-set.ts';

interface Derived<Value> {
  readonly key: string;
  readonly value: Value;
  readonly bytes: number;
  readonly expires: number;
  readonly reads: ReadSet;
}

/** What hangs on the rows and tables of one database. */
class Dependents<Value> {
  readonly byTable = new Map<number, Set<Derived<Value>>>();
  readonly byRow = new Map<string, Set<Derived<Value>>>();
}

export class DerivedValues<Value> {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #values = new Map<string, Derived<Value>>();
  readonly #dependents = new Map<ReadSource, Dependents<Value>>();
  #bytes = 0;

  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#values.size;
  }

  /** The value kept under a key, unless something it was made from has changed. */
  get(key: string): Value | undefined {
    const derived = this.#values.get(key);
    if (derived === undefined) return undefined;
    for (const source of derived.reads.databases.keys()) source.catchUp();
    // Catching up may have dropped it.
    if (this.#values.get(key) !== derived) return undefined;
    if (!stands(derived.reads)) {
      this.#drop(derived);
      return undefined;
    }
    if (derived.expires <= this.#clock.nowMs()) {
      this.#drop(derived);
      return undefined;
    }
    this.#values.delete(key);
    this.#values.set(key, derived);
    return derived.value;
  }

  /** Keeps a value, if all it was made from is known and none of it has changed since. */
  set(key: string, value: Value, bytes: number, reads: ReadSet): void {
    if (!reads.isComplete || bytes + reads.bytes > this.#maxBytes / 16) return;
    for (const [source, { lsn, tables, rows }] of reads.databases) {
      source.catchUp();
      if (source.touchedSince(lsn, tables) || source.touchedSince(lsn, rows.keys())) return;
    }
    if (!stands(reads)) return;
    const old = this.#values.get(key);
    if (old !== undefined) this.#drop(old);
    const derived: Derived<Value> = { key, value, bytes: bytes + reads.bytes, expires: reads.expires, reads };
    this.#values.set(key, derived);
    this.#bytes += derived.bytes;
    this.#link(derived);
    for (const oldest of this.#values.values()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
  }

  clear(): void {
    for (const derived of [...this.#values.values()]) this.#drop(derived);
  }

  #link(derived: Derived<Value>): void {
    for (const [source, { tables, rows }] of derived.reads.databases) {
      const dependents = this.#dependentsOf(source);
      for (const table of tables) add(dependents.byTable, table, derived);
      for (const [table, numbers] of rows) for (const row of numbers) add(dependents.byRow, `${table}:${row}`, derived);
    }
  }

  #drop(derived: Derived<Value>): void {
    if (this.#values.get(derived.key) !== derived) return;
    this.#values.delete(derived.key);
    this.#bytes -= derived.bytes;
    for (const [source, { tables, rows }] of derived.reads.databases) {
      const dependents = this.#dependentsOf(source);
      for (const table of tables) remove(dependents.byTable, table, derived);
      for (const [table, numbers] of rows) {
        for (const row of numbers) remove(dependents.byRow, `${table}:${row}`, derived);
      }
    }
  }

  #dependentsOf(source: ReadSource): Dependents<Value> {
    const known = this.#dependents.get(source);
    if (known !== undefined) return known;
    const made = new Dependents<Value>();
    this.#dependents.set(source, made);
    source.onTouched({
      row: (table, row) => this.#dropAll(made.byRow.get(`${table}:${row}`), made.byTable.get(table)),
      everything: () => this.clear(),
    });
    return made;
  }

  #dropAll(...sets: readonly (Set<Derived<Value>> | undefined)[]): void {
    for (const set of sets) if (set !== undefined) for (const derived of [...set]) this.#drop(derived);
  }
}

/** Whether the results of queries are still what they were, as of where the log was read up to. */
function stands({ databases }: ReadSet): boolean {
  for (const [source, reads] of databases) {
    if (reads.results.length === 0 || reads.standsAt === source.position) continue;
    if (!source.standsSince(reads.standsAt, reads.results)) return false;
    reads.standsAt = source.position;
  }
  return true;
}

function add<Key, Item>(sets: Map<Key, Set<Item>>, key: Key, item: Item): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([item]));
  else set.add(item);
}

function remove<Key, Item>(sets: Map<Key, Set<Item>>, key: Key, item: Item): void {
  const set = sets.get(key);
  set?.delete(item);
  if (set?.size === 0) sets.delete(key);
}
