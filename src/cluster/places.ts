// Where records are whose places code chooses by what is in them: an entry for each, in a small table that every node has. It is written with a new
// record, in one transaction, and when a record's place changes by a node that has it: see settler.ts. A record without an entry is on any nodes.

import { compareStamps, type Id } from '../records/index.ts';
import type { Attribute, Residence, TableDefinition } from '../schema/index.ts';
import { quoted } from '../storage/index.ts';
import type { Change, Precondition, RemoteRow, StoreEngine } from '../store/index.ts';

const tableName = 'zerohop_places';

/** In each database that has such records. */
export function placesTable(database: string): TableDefinition {
  const attribute = (name: string, scalar: 'ID' | 'String', indexed: boolean): Attribute => ({
    name,
    type: { kind: 'scalar', scalar },
    required: true,
    indexed,
    unique: false,
    fulltext: false,
    hidden: false,
  });
  return {
    database,
    name: tableName,
    primaryKey: 'id',
    attributes: [attribute('id', 'ID', false), attribute('place', 'String', true)],
    sealed: false,
    replicate: true,
    audit: false,
    hidden: true,
  };
}

/** Of one record: `place` as `placeText` gives it. */
export interface PlaceEntry {
  readonly place: string;
  /** Which version of the entry it is. */
  readonly stamp: string;
}

/** A place as text: the same for the same. '': nothing is said of nodes. */
export function placeText(residence: Residence): string {
  return residence === undefined ? '' : JSON.stringify(residence);
}

/** Different places that are looked at, at most, to tell whether all records can be had without some members. */
const mostPlaces = 1_000;

export class Places {
  readonly #engine: StoreEngine;

  constructor(engine: StoreEngine) {
    this.#engine = engine;
  }

  /** Makes the table where there is none. */
  prepare(database: string): void {
    const store = this.#engine.store(database);
    if (store && !store.tables.has(tableName)) this.#engine.applySchema([placesTable(database)]);
  }

  /** @param name `database.table` */
  of(name: string, id: Id): Residence {
    const [database, table] = partsOf(name);
    const store = this.#engine.store(database);
    const physical = store?.tables.get(tableName)?.entry.names.table;
    if (!store || physical === undefined) return undefined;
    // Looked up for each record that is sent: the rest of the row is not needed.
    const sql = `SELECT _body FROM ${quoted(physical)} WHERE _id = ?`;
    const [body = null] = store.connection.first(sql, [keyOf(table, id)]) ?? [];
    return body === null ? undefined : residenceFrom(placeIn(String(body)));
  }

  /** Undefined: nobody has said where the record is. */
  entry(database: string, table: string, id: Id): PlaceEntry | undefined {
    const [row] = this.rows(database, table, [id]);
    if (!row || row.body === null) return undefined;
    return { place: placeIn(row.body), stamp: `${row.version}/${row.origin}` };
  }

  /** The entries, as other nodes are told of them. */
  rows(database: string, table: string, ids: readonly Id[]): readonly RemoteRow[] {
    const keys = ids.map((id) => keyOf(table, id));
    return this.#engine.store(database)?.readThese(tableName, keys) ?? [];
  }

  /** Those of entries of another node that say more than what is here. */
  newsIn(database: string, entries: readonly RemoteRow[]): readonly RemoteRow[] {
    const store = this.#engine.store(database);
    return entries.filter((entry) => {
      const [here] = store?.readThese(tableName, [entry.id]) ?? [];
      return here === undefined || compareStamps(here, entry) < 0;
    });
  }

  /** Entries after a row number, with the keys of `idIn`. */
  after(
    database: string,
    row: number,
    limit: number,
  ): readonly { readonly row: number; readonly key: string; readonly version: number }[] {
    const store = this.#engine.store(database);
    const physical = this.physicalIn(database);
    if (!store || physical === undefined) return [];
    const sql = `SELECT _row, _id, _version FROM ${quoted(physical)} WHERE _row > ? AND _body IS NOT NULL ORDER BY _row LIMIT ?`;
    return store.connection
      .all(sql, [row, limit])
      .map(([number, key, version]) => ({ row: Number(number), key: String(key), version: Number(version) }));
  }

  /** Takes an entry back, if it is still this version. */
  removal(key: string, version: number): Change {
    return { op: 'delete', table: tableName, id: key, if: { row: version } };
  }

  /** Different places of records of a table, as text, without those that are on any nodes. Undefined: there are too many. */
  different(database: string, table: string): readonly string[] | undefined {
    const store = this.#engine.store(database);
    const entry = store?.tables.get(tableName)?.entry;
    if (!store || !entry) return [];
    const column = quoted(entry.names.columns.get('place') ?? 'place');
    const sql = `SELECT min(${column}) FROM ${quoted(entry.names.table)} WHERE ${column} > ? AND _body IS NOT NULL`;
    const from = `${table}/`;
    const found: string[] = [];
    for (let last = from; found.length <= mostPlaces; ) {
      const [next = null] = store.connection.first(sql, [last]) ?? [];
      if (next === null || !String(next).startsWith(from)) return found;
      last = String(next);
      found.push(last.slice(from.length));
    }
    return undefined;
  }

  /** Writes an entry. */
  change(table: string, id: Id, place: string, condition?: Precondition): Change {
    const key = keyOf(table, id);
    // The table's name goes before the place, so that the places of one table follow each other in the index.
    const body = JSON.stringify({ id: key, place: `${table}/${place}` });
    return { op: 'put', table: tableName, id: key, body, expires: null, ...(condition && { if: condition }) };
  }

  /** The record an entry is about. Undefined: it is of another table, or none. */
  idIn(table: string, key: string): Id | undefined {
    const start = `${table}/`;
    if (!key.startsWith(start)) return undefined;
    const id = key.slice(start.length + 1);
    return key[start.length] === 'n' ? Number(id) : id;
  }

  /** Of the table of entries, as the log names it. */
  numberIn(database: string): number | undefined {
    return this.#engine.store(database)?.tables.get(tableName)?.entry.number;
  }

  /** As the file has it, unquoted. */
  physicalIn(database: string): string | undefined {
    return this.#engine.store(database)?.tables.get(tableName)?.entry.names.table;
  }
}

/** `database.table`; a table's name may have dots, a database's has none. */
export function partsOf(name: string): [database: string, table: string] {
  const dot = name.indexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}

export function residenceFrom(place: string): Residence {
  return place === '' ? undefined : (JSON.parse(place) as Residence);
}

function keyOf(table: string, id: Id): string {
  return `${table}/${typeof id === 'number' ? 'n' : 's'}${id}`;
}

function placeIn(body: string): string {
  const { place } = JSON.parse(body) as { readonly place: string };
  return place.slice(place.indexOf('/') + 1);
}
