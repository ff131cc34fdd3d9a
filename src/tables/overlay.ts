// How a transaction's own staged writes show in its queries: for each table it wrote, a temporary twin with the same columns, indexes and triggers
// holds the staged records, and views unite it with the stored rows it does not replace. The planner then reads the views by name and
// knows nothing of it. Lives on the transaction's snapshot connection, in memory, and goes with it.

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
}

export interface OverlayTable {
  readonly names: TableNames;
  /** FTS5 tables to look into: the stored one without replaced rows, and the staged one. */
  readonly fulltextSources: readonly { readonly table: string; readonly rowFilterSql?: string }[];
}

let overlays = 0;

export class Overlay {
  readonly #connection: Connection;
  readonly #number = ++overlays;
  readonly #tables = new Map<number, OverlayTable>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The table with `staged` records in place of the stored ones with the same ids. */
  put(entry: CatalogEntry, staged: Iterable<StagedRecord>): OverlayTable {
    const known = this.#tables.get(entry.number);
    const twin = `overlay${this.#number}.${entry.names.table}`;
    const overlay = known ?? this.#create(entry, twin);
    this.#tables.set(entry.number, overlay);
    this.#connection.run(`DELETE FROM temp.${quoted(twin)}`);
    this.#connection.run(`DELETE FROM temp.${quoted(`${twin}@replaced`)}`);
    for (const record of staged) this.#stage(entry, twin, record);
    return overlay;
  }

  drop(): void {
    for (const [, { names, fulltextSources }] of this.#tables) {
      const twin = names.table.slice(0, -'@view'.length);
      const views = [names.table, ...names.lists.values()];
      for (const view of views) this.#connection.run(`DROP VIEW temp.${quoted(view)}`);
      for (const list of names.lists.values())
        this.#connection.run(`DROP TABLE temp.${quoted(list.slice(0, -'@view'.length))}`);
      const fulltext = fulltextSources[1]?.table;
      this.#connection.run(`DROP TABLE temp.${quoted(twin)}`);
      if (fulltext) this.#connection.run(`DROP TABLE temp.${quoted(fulltext)}`);
      this.#connection.run(`DROP TABLE temp.${quoted(`${twin}@replaced`)}`);
    }
    this.#tables.clear();
  }

  #stage(entry: CatalogEntry, twin: string, { id, body, expires, computed, version }: StagedRecord): void {
    const stored = this.#connection.first(`SELECT _row FROM main.${quoted(entry.names.table)} WHERE _id = ?`, [
      id,
    ])?.[0];
    if (stored !== undefined)
      this.#connection.run(`INSERT INTO temp.${quoted(`${twin}@replaced`)} VALUES (?)`, [stored]);
    if (body === null) return;
    // Rows of their own numbers: below zero no stored row is.
    const next = Number(this.#connection.first(`SELECT min(_row) FROM temp.${quoted(twin)}`)?.[0] ?? 0) - 1;
    this.#connection.run(
      `INSERT INTO temp.${quoted(twin)} (_row, _id, _version, _origin, _seq, _expires, _computed, _body) VALUES (?, ?, ?, 0, 0, ?, ?, ?)`,
      [next, id, version, expires, computed, body],
    );
  }

  #create(entry: CatalogEntry, twin: string): OverlayTable {
    const { definition, names } = entry;
    const twinOf = (name: string) => twin + name.slice(names.table.length);
    const twins: TableNames = {
      table: twin,
      columns: names.columns,
      lists: new Map([...names.lists].map(([attribute, list]) => [attribute, `${twin}$${list}`])),
      fulltext: names.fulltext === null ? null : twinOf(names.fulltext),
    };
    this.#connection.run(tableSql(definition, twins, 'temp'));
    for (const object of tableObjects(definition, twins, 'temp')) this.#connection.run(object.sql);
    this.#connection.run(`CREATE TABLE temp.${quoted(`${twin}@replaced`)} (row INTEGER PRIMARY KEY)`);
    const kept = (column: string) => `${column} NOT IN (SELECT row FROM temp.${quoted(`${twin}@replaced`)})`;
    const columns = [...new Set([...systemColumns, ...names.columns.values()])].map(quoted).join(', ');
    this.#connection.run(
      `CREATE TEMP VIEW ${quoted(`${twin}@view`)} AS SELECT ${columns} FROM main.${quoted(names.table)} WHERE ${kept('_row')} ` +
        `UNION ALL SELECT ${columns} FROM temp.${quoted(twin)}`,
    );
    for (const [attribute, list] of names.lists) {
      const staged = twins.lists.get(attribute) ?? '';
      this.#connection.run(
        `CREATE TEMP VIEW ${quoted(`${staged}@view`)} AS SELECT value, row FROM main.${quoted(list)} WHERE ${kept('row')} ` +
          `UNION ALL SELECT value, row FROM temp.${quoted(staged)}`,
      );
    }
    return {
      names: {
        table: `${twin}@view`,
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
