// Temporary twins of tables, in which queries of a transaction see its staged writes. A twin has a table's columns, indexes and triggers and holds
// staged records; views unite it with the stored rows it does not replace. It is made once per connection and used by one transaction after the
// other, since making one has SQLite prepare every statement of the connection anew.

import type { Id } from '../records/index.ts';
import {
  type CatalogEntry,
  type Connection,
  quoted,
  systemColumns,
  type TableNames,
  tableObjects,
  tableSql,
} from '../storage/index.ts';

/** A staged record: what it will be at commit. `body` null: deleted. */
export interface StagedRecord {
  readonly id: Id;
  readonly body: string | null;
  readonly expires: number | null;
  readonly computed: string | null;
  /** Version of the stored record it is based on; 0 for a new one. */
  readonly version: number;
  /** Of the same, see `tagOf`. */
  readonly tag?: number;
}

/** A table and its twin as a query has to look at them. */
export interface OverlayTable {
  readonly names: TableNames;
  /** FTS5 tables to look into: the stored one without replaced rows, and the staged one. */
  readonly fulltextSources: readonly { readonly table: string; readonly rowFilterSql?: string }[];
}

/** The twins of one connection. */
export class Twins {
  readonly #connection: Connection;
  readonly #free = new Map<number, Twin[]>();
  #made = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** How many were made on this connection. */
  get made(): number {
    return this.#made;
  }

  /** An empty twin. */
  take(entry: CatalogEntry): Twin {
    const free = this.#free.get(entry.number) ?? [];
    for (let twin = free.pop(); twin; twin = free.pop()) {
      if (twin.entry === entry) return twin;
      twin.drop();
    }
    return new Twin(this.#connection, entry, `overlay${++this.#made}.${entry.names.table}`);
  }

  giveBack(twin: Twin): void {
    twin.clear();
    const { number } = twin.entry;
    const free = this.#free.get(number) ?? [];
    this.#free.set(number, free);
    free.push(twin);
  }
}

export class Twin {
  readonly entry: CatalogEntry;
  readonly overlay: OverlayTable;
  readonly #connection: Connection;
  readonly #names: TableNames;
  readonly #replaced: string;
  /** Where staged records are; null for a deleted one. */
  readonly #rows = new Map<Id, number | null>();
  /** Rows of their own numbers: below zero no stored row is. */
  #lastRow = 0;

  constructor(connection: Connection, entry: CatalogEntry, name: string) {
    const { names } = entry;
    this.entry = entry;
    this.#connection = connection;
    this.#names = {
      table: name,
      columns: names.columns,
      lists: new Map([...names.lists].map(([attribute, list]) => [attribute, `${name}$${list}`])),
      fulltext: names.fulltext === null ? null : `${name}$fulltext`,
    };
    this.#replaced = `temp.${quoted(`${name}@replaced`)}`;
    this.overlay = this.#create();
  }

  /** Puts staged records in place of what was here with the same ids. */
  stage(records: Iterable<StagedRecord>): void {
    this.#connection.settleWalks();
    for (const record of records) this.#stage(record);
  }

  clear(): void {
    this.#connection.settleWalks();
    this.#connection.run(`DELETE FROM temp.${quoted(this.#names.table)}`);
    this.#connection.run(`DELETE FROM ${this.#replaced}`);
    this.#rows.clear();
    this.#lastRow = 0;
  }

  drop(): void {
    this.#connection.settleWalks();
    const { table, lists, fulltext } = this.#names;
    for (const name of [table, ...lists.values()]) this.#connection.run(`DROP VIEW temp.${quoted(`${name}@view`)}`);
    for (const name of [table, ...lists.values()]) this.#connection.run(`DROP TABLE temp.${quoted(name)}`);
    if (fulltext !== null) this.#connection.run(`DROP TABLE temp.${quoted(fulltext)}`);
    this.#connection.run(`DROP TABLE ${this.#replaced}`);
  }

  #stage({ id, body, expires, computed, version }: StagedRecord): void {
    const table = `temp.${quoted(this.#names.table)}`;
    const known = this.#rows.get(id);
    if (known === undefined) this.#replace(id);
    else if (known !== null) this.#connection.run(`DELETE FROM ${table} WHERE _row = ?`, [known]);
    this.#rows.set(id, body === null ? null : --this.#lastRow);
    if (body === null) return;
    this.#connection.run(
      `INSERT INTO ${table} (_row, _id, _version, _origin, _seq, _expires, _computed, _body) VALUES (?, ?, ?, 0, 0, ?, ?, ?)`,
      [this.#lastRow, id, version, expires, computed, body],
    );
  }

  #replace(id: Id): void {
    const [stored] =
      this.#connection.first(`SELECT _row FROM main.${quoted(this.entry.names.table)} WHERE _id = ?`, [id]) ?? [];
    if (stored !== undefined) this.#connection.run(`INSERT INTO ${this.#replaced} VALUES (?)`, [stored]);
  }

  #create(): OverlayTable {
    const { definition, names } = this.entry;
    const twins = this.#names;
    const run = (sql: string) => this.#connection.run(sql);
    this.#connection.settleWalks();
    run(tableSql(definition, twins, 'temp'));
    for (const object of tableObjects(definition, twins, 'temp')) run(object.sql);
    run(`CREATE TABLE ${this.#replaced} (row INTEGER PRIMARY KEY)`);
    const kept = (column: string) => `${column} NOT IN (SELECT row FROM ${this.#replaced})`;
    const unite = (twin: string, stored: string, row: string, columns: string) =>
      run(
        `CREATE TEMP VIEW ${quoted(`${twin}@view`)} AS SELECT ${columns} FROM main.${quoted(stored)} WHERE ${kept(row)} ` +
          `UNION ALL SELECT ${columns} FROM temp.${quoted(twin)}`,
      );
    const columns = [...new Set([...systemColumns, ...names.columns.values()])].map(quoted).join(', ');
    unite(twins.table, names.table, '_row', columns);
    for (const [attribute, list] of names.lists) unite(twins.lists.get(attribute) ?? '', list, 'row', 'value, row');
    return {
      names: {
        table: `${twins.table}@view`,
        columns: names.columns,
        lists: new Map([...twins.lists].map(([attribute, list]) => [attribute, `${list}@view`])),
        fulltext: names.fulltext,
      },
      fulltextSources:
        names.fulltext === null || twins.fulltext === null
          ? []
          : [{ table: names.fulltext, rowFilterSql: kept('rowid') }, { table: twins.fulltext }],
    };
  }
}
