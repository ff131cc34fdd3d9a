// Records a thread read recently, by table and id, exact as of one log position: before an answer from it, the entries that the log names since
// that position are dropped. Bounded in two generations: what was not used while one filled up goes.

import type { Id } from '../records/index.ts';
import type { StoredRecord } from './types.ts';

export interface CachedRecord extends StoredRecord {
  readonly row: number;
  /** Decoded for app code, when it has been. */
  decoded?: Readonly<Record<string, unknown>>;
}

interface Generation {
  readonly byId: Map<number, Map<Id, CachedRecord>>;
  size: number;
  bytes: number;
}

export class RecordCache {
  readonly #maxRecords: number;
  readonly #maxBytes: number;
  #young: Generation = emptyGeneration();
  #old: Generation = emptyGeneration();
  /** table number → row number → id, of what either generation holds. */
  readonly #ids = new Map<number, Map<number, Id>>();

  constructor(maxRecords: number, maxBytes: number) {
    this.#maxRecords = maxRecords / 2;
    this.#maxBytes = maxBytes / 2;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(table: number, id: Id): CachedRecord | undefined {
    const young = this.#young.byId.get(table)?.get(id);
    if (young) return young;
    const records = this.#old.byId.get(table);
    const old = records?.get(id);
    if (old) {
      records?.delete(id);
      this.#old.size--;
      this.#old.bytes -= weight(old);
      this.#keep(table, old);
    }
    return old;
  }

  set(table: number, record: CachedRecord): void {
    this.evict(table, record.row);
    const ids = this.#ids.get(table) ?? new Map<number, Id>();
    this.#ids.set(table, ids.set(record.row, record.id));
    this.#keep(table, record);
  }

  /** Forgets the record in a row. */
  evict(table: number, row: number): void {
    const id = this.#ids.get(table)?.get(row);
    if (id === undefined) return;
    this.#ids.get(table)?.delete(row);
    for (const generation of [this.#young, this.#old]) {
      const record = generation.byId.get(table)?.get(id);
      if (!record) continue;
      generation.byId.get(table)?.delete(id);
      generation.size--;
      generation.bytes -= weight(record);
    }
  }

  clear(): void {
    this.#young = emptyGeneration();
    this.#old = emptyGeneration();
    this.#ids.clear();
  }

  #keep(table: number, record: CachedRecord): void {
    const records = this.#young.byId.get(table) ?? new Map<Id, CachedRecord>();
    this.#young.byId.set(table, records);
    const replaced = records.get(record.id);
    if (replaced) this.#young.bytes -= weight(replaced);
    else this.#young.size++;
    records.set(record.id, record);
    this.#young.bytes += weight(record);
    if (this.#young.size > this.#maxRecords || this.#young.bytes > this.#maxBytes) this.#turnOver();
  }

  #turnOver(): void {
    for (const [table, records] of this.#old.byId) {
      const ids = this.#ids.get(table);
      for (const record of records.values()) ids?.delete(record.row);
    }
    this.#old = this.#young;
    this.#young = emptyGeneration();
  }
}

/** Bytes of memory, about: text is stored with one byte a character in most bodies, and decoding it doubles it. */
function weight(record: CachedRecord): number {
  return 200 + 3 * record.body.length;
}

function emptyGeneration(): Generation {
  return { byId: new Map(), size: 0, bytes: 0 };
}
