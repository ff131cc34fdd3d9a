// Which records of tables whose places code chooses by what is in them are to be looked at: those that the log names, and all of a table when it
// is not known what the log named before. How far it was read is kept in a table of this node alone.

import type { Id } from '../records/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { quoted } from '../storage/index.ts';
import type { StoreEngine } from '../store/index.ts';
import { systemDatabase } from './members.ts';
import { type Places, partsOf } from './places.ts';

const tableName = 'zerohop_places_read';

/** In the database `system`. */
export const followedTable: TableDefinition = {
  database: systemDatabase,
  name: tableName,
  primaryKey: 'id',
  attributes: [
    {
      name: 'id',
      type: { kind: 'scalar', scalar: 'ID' },
      required: true,
      indexed: false,
      unique: false,
      fulltext: false,
      hidden: false,
    },
  ],
  sealed: false,
  replicate: false,
  audit: false,
  hidden: true,
};

/** A record. `isNews`: what is said of its place has changed, or may have. */
export interface Named {
  readonly id: Id;
  readonly isNews: boolean;
}

interface Waiting extends Named {
  /** The log entry that named it. */
  readonly lsn: number;
}

interface Sweep {
  after: number;
  readonly isNews: boolean;
}

interface Followed {
  /** The log was read up to here. */
  lsn: number;
  /** Members and code for which all records were looked at. */
  epoch: string;
  saved: string;
}

/** Each is looked up by itself. */
const ends = 'SELECT (SELECT min(lsn) FROM _log), (SELECT max(lsn) FROM _log)';
/** Log entries read in one go. */
const entriesAtOnce = 5_000;
/** How often is kept how far it was read, in ms. */
const savingMs = 10_000;
/** Records named of one table that wait: while there are more, the log is not read on. */
const mostWaiting = 50_000;

export class FollowedLog {
  readonly #engine: StoreEngine;
  readonly #places: Places;
  readonly #followed = new Map<string, Followed>();
  readonly #waiting = new Map<string, Map<Id, Waiting>>();
  readonly #later = new Map<string, Map<Id, Waiting>>();
  readonly #held = new Map<string, Map<Id, Waiting>>();
  /** Taken and not come back with `again` until the next `take`. */
  readonly #taken = new Map<string, Map<Id, Waiting>>();
  readonly #sweeps = new Map<string, Sweep>();
  #savedMs = 0;

  constructor(engine: StoreEngine, places: Places) {
    this.#engine = engine;
    this.#places = places;
  }

  /** Records that wait to be looked at, of which it is known. */
  get size(): number {
    let size = this.#sweeps.size;
    for (const waiting of [...this.#waiting.values(), ...this.#later.values()]) size += waiting.size;
    return size;
  }

  /** Reads the log on. @param names `database.table` */
  follow(names: readonly string[], epoch: string): void {
    for (const database of new Set(names.map((name) => partsOf(name)[0]))) {
      const tables = names.filter((name) => partsOf(name)[0] === database);
      const followed = this.#followed.get(database) ?? this.#begin(database, tables);
      if (followed.epoch !== epoch) {
        followed.epoch = epoch;
        for (const name of tables) this.#sweep(name, false);
      }
      if (tables.every((name) => this.#waitingIn(name) < mostWaiting)) this.#read(database, tables, followed);
    }
  }

  #waitingIn(name: string): number {
    const size = (of: Map<string, Map<Id, Waiting>>) => of.get(name)?.size ?? 0;
    return size(this.#waiting) + size(this.#later) + size(this.#held);
  }

  /** Some records of a table, each once. `isAgain`: also those that could not be done before. */
  take(name: string, limit: number, isAgain: boolean): readonly Named[] {
    this.#taken.delete(name);
    const waiting = mapIn(this.#waiting, name);
    const later = mapIn(this.#later, name);
    if (isAgain) {
      for (const [id, one] of later) add(waiting, id, one);
      later.clear();
    }
    if (waiting.size === 0) this.#sweepOn(name, limit);
    const taken = new Map([...waiting].slice(0, limit));
    for (const id of taken.keys()) waiting.delete(id);
    this.#taken.set(name, taken);
    return [...taken.values()];
  }

  /** It could not be done, and is to be looked at again soon. */
  again(name: string, id: Id, isNews: boolean): void {
    add(mapIn(this.#later, name), id, { id, isNews, lsn: this.#lsnOf(name, id) });
    this.release(name, id);
  }

  /** It is being done, until `release` or `again`. */
  hold(name: string, id: Id): void {
    add(mapIn(this.#held, name), id, { id, isNews: false, lsn: this.#lsnOf(name, id) });
  }

  release(name: string, id: Id): void {
    this.#held.get(name)?.delete(id);
  }

  #lsnOf(name: string, id: Id): number {
    const known = this.#taken.get(name)?.get(id) ?? this.#held.get(name)?.get(id);
    return known?.lsn ?? this.#followed.get(partsOf(name)[0])?.lsn ?? 0;
  }

  /** Keeps how far all is done. */
  async save(nowMs: number): Promise<void> {
    if (nowMs - this.#savedMs < savingMs) return;
    this.#savedMs = nowMs;
    for (const [database, followed] of this.#followed) {
      const names = [...new Set([...this.#waiting.keys(), ...this.#later.keys(), ...this.#held.keys()])].filter(
        (name) => partsOf(name)[0] === database,
      );
      if ([...this.#sweeps.keys()].some((name) => partsOf(name)[0] === database)) continue;
      let lsn = followed.lsn;
      for (const name of names)
        for (const waiting of [this.#waiting.get(name), this.#later.get(name), this.#held.get(name)])
          for (const one of waiting?.values() ?? []) lsn = Math.min(lsn, one.lsn - 1);
      const body = JSON.stringify({ id: database, lsn, epoch: followed.epoch });
      if (body === followed.saved) continue;
      followed.saved = body;
      const change = { op: 'put', table: tableName, id: database, body, expires: null } as const;
      await this.#engine.commit({ database: systemDatabase, changes: [change] });
    }
  }

  #begin(database: string, names: readonly string[]): Followed {
    this.#engine.applySchema([followedTable]);
    const system = this.#engine.store(systemDatabase);
    const entry = system?.tables.get(tableName)?.entry;
    const [saved = null] =
      (entry && system?.connection.first(`SELECT _body FROM ${quoted(entry.names.table)} WHERE _id = ?`, [database])) ??
      [];
    const known = saved === null ? undefined : (JSON.parse(String(saved)) as { lsn: number; epoch: string });
    const [first, last] = this.#ends(database);
    const followed = { lsn: known?.lsn ?? last, epoch: known?.epoch ?? '', saved: '' };
    // Of before the log begins, or of another file.
    if (!known || known.lsn > last || known.lsn < first - 1) {
      followed.lsn = last;
      for (const name of names) this.#sweep(name, true);
    }
    this.#followed.set(database, followed);
    return followed;
  }

  #ends(database: string): [first: number, last: number] {
    const [first, last] = this.#engine.store(database)?.connection.first(ends) ?? [];
    return [Number(first ?? 0), Number(last ?? 0)];
  }

  #sweep(name: string, isNews: boolean): void {
    this.#sweeps.set(name, { after: 0, isNews: isNews || (this.#sweeps.get(name)?.isNews ?? false) });
  }

  #sweepOn(name: string, limit: number): void {
    const sweep = this.#sweeps.get(name);
    const [database, table] = partsOf(name);
    const store = this.#engine.store(database);
    const entry = store?.tables.get(table)?.entry;
    if (!sweep || !store || !entry) return;
    const sql = `SELECT _row, _id FROM ${quoted(entry.names.table)} WHERE _row > ? ORDER BY _row LIMIT ?`;
    const rows = store.connection.all(sql, [sweep.after, limit]);
    const lsn = this.#followed.get(database)?.lsn ?? 0;
    for (const [row, id] of rows) {
      sweep.after = Number(row);
      add(mapIn(this.#waiting, name), id as Id, { id: id as Id, isNews: sweep.isNews, lsn });
    }
    if (rows.length < limit) this.#sweeps.delete(name);
  }

  #read(database: string, names: readonly string[], followed: Followed): void {
    const store = this.#engine.store(database);
    if (!store) return;
    const byNumber = new Map<number, { readonly name: string; readonly physical: string }>();
    for (const name of names) {
      const entry = store.tables.get(partsOf(name)[1])?.entry;
      if (entry) byNumber.set(entry.number, { name, physical: entry.names.table });
    }
    const places = this.#places.numberIn(database);
    const physical = this.#places.physicalIn(database) ?? '';
    const [first, newest] = this.#ends(database);
    // It was trimmed before it was read.
    if (followed.lsn < first - 1) {
      for (const name of names) this.#sweep(name, true);
      followed.lsn = newest;
    }
    const last = Math.min(newest, followed.lsn + entriesAtOnce);
    const entries = store.connection.all('SELECT lsn, tbl, row FROM _log WHERE lsn > ? AND lsn <= ?', [
      followed.lsn,
      last,
    ]);
    for (const [lsn, number, row] of entries) {
      const of = byNumber.get(Number(number));
      if (of === undefined && Number(number) !== places) continue;
      const sql = `SELECT _id FROM ${quoted(of?.physical ?? physical)} WHERE _row = ?`;
      const [key = null] = store.connection.first(sql, [row ?? null]) ?? [];
      if (key === null) continue;
      if (of) add(mapIn(this.#waiting, of.name), key as Id, { id: key as Id, isNews: false, lsn: Number(lsn) });
      else
        for (const name of names) {
          const id = this.#places.idIn(partsOf(name)[1], String(key));
          if (id !== undefined) add(mapIn(this.#waiting, name), id, { id, isNews: true, lsn: Number(lsn) });
        }
    }
    followed.lsn = Math.max(followed.lsn, last);
  }
}

function mapIn(maps: Map<string, Map<Id, Waiting>>, name: string): Map<Id, Waiting> {
  const found = maps.get(name) ?? new Map<Id, Waiting>();
  maps.set(name, found);
  return found;
}

/** What was to be told stays to be told, from where it was named first. */
function add(waiting: Map<Id, Waiting>, id: Id, one: Waiting): void {
  const before = waiting.get(id);
  waiting.set(id, before ? { id, isNews: before.isNews || one.isNews, lsn: Math.min(before.lsn, one.lsn) } : one);
}
