// The databases of a node as one thread sees them. Reads go through this thread's own connections; writes through the StoreClient it is
// given, whichever thread that leads to.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { assert, type Clock, ZerohopError } from '../base/index.ts';
import type { Query } from '../query/index.ts';
import { type Id, tagOfRow } from '../records/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { quoted } from '../storage/index.ts';
import type { Change, Fetched, Gathered, StoreClient, Written } from '../store/index.ts';
import { Blobs } from './blobs.ts';
import { DerivedValues } from './derived-values.ts';
import type { ReadSet } from './read-set.ts';
import { DatabaseReader, type ReaderMeters } from './reader.ts';
import { LiveTable } from './table.ts';
import { LiveTransaction } from './transaction.ts';
import type {
  Arrival,
  BlobStore,
  Databases,
  Followed,
  OwnTransaction,
  PutTextOptions,
  RowListener,
  StoredRow,
  Table,
  Unnamed,
} from './types.ts';

export interface DatabasesOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly client: StoreClient;
  /** Creates or changes tables where the writer is, and resolves when they are there. */
  readonly applySchema: (tables: readonly TableDefinition[]) => Promise<void>;
  /** Element 0 changes after every commit group. */
  readonly commits: Int32Array;
  readonly snapshotMs: number;
  readonly scanRows: number;
  readonly meters?: ReaderMeters;
}

const mustBeNew = { exists: false } as const;

export class LiveDatabases implements Databases {
  readonly #options: DatabasesOptions;
  readonly #readers = new Map<string, DatabaseReader>();
  readonly #tables = new Map<string, Map<string, LiveTable>>();
  readonly #blobs = new Map<string, Blobs>();
  #openTransactions = 0;

  /** Opens what is in the folder. */
  constructor(options: DatabasesOptions) {
    this.#options = options;
    this.refresh();
  }

  get all(): ReadonlyMap<string, ReadonlyMap<string, Table>> {
    return this.#tables;
  }

  get openTransactions(): number {
    return this.#openTransactions;
  }

  get heldSnapshots(): number {
    return [...this.#readers.values()].reduce((sum, reader) => sum + reader.snapshots.heldCount, 0);
  }

  get cachedRecords(): number {
    return [...this.#readers.values()].reduce((sum, reader) => sum + reader.cachedRecords, 0);
  }

  table(database: string, name: string): Table | undefined {
    return this.#tables.get(database)?.get(name);
  }

  getLatest(table: Table, id: string | number): ReturnType<DatabaseReader['getLatest']> {
    const live = table as LiveTable;
    return live.reader.getLatest(live.entry, id);
  }

  get commits(): number {
    return Atomics.load(this.#options.commits, 0);
  }

  peek(table: Table, id: string | number): ReturnType<DatabaseReader['peek']> {
    const live = table as LiveTable;
    return live.reader.peek(live.entry, id);
  }

  follow(table: Table, listener: RowListener): Followed {
    const { reader, entry } = table as LiveTable;
    reader.catchUp();
    const end = reader.onTouched({
      row: (number, row) => {
        if (number === entry.number) listener.row(row);
      },
      everything: () => listener.everything(),
    });
    return { catchUp: () => reader.catchUp(), end };
  }

  row(table: Table, id: Id): StoredRow | undefined {
    const live = table as LiveTable;
    return live.reader.row(live.entry, id);
  }

  arrivals(table: Table, after: number, limit: number): readonly Arrival[] {
    const live = table as LiveTable;
    return live.reader.snapshots
      .current()
      .connection.all(
        `SELECT _row, _id, _version, _body FROM ${quoted(live.entry.names.table)} WHERE _row > ? AND _body IS NOT NULL ORDER BY _row LIMIT ?`,
        [after, limit],
      )
      .map(([row, id, version, body]) => ({
        row: Number(row),
        id: id as Id,
        version: Number(version),
        body: String(body),
      }));
  }

  unnamed(
    table: Table,
    by: { readonly table: Table; readonly attribute: string },
    after: number,
    limit: number,
  ): Unnamed {
    const { connection } = (table as LiveTable).reader.snapshots.current();
    const { names } = (table as LiveTable).entry;
    const isUnnamed = `NOT EXISTS (SELECT 1 FROM ${quoted((by.table as LiveTable).entry.names.table)} AS by WHERE by.${quoted(by.attribute)} = one._id)`;
    const [count, last, bytes, found] = (
      connection.first(
        `SELECT count(*), max(_row), sum(octet_length(_body)), sum(${isUnnamed}) FROM (
          SELECT _row, _id, _body FROM ${quoted(names.table)} WHERE _row > ? AND _body IS NOT NULL ORDER BY _row LIMIT ?) AS one`,
        [after, limit],
      ) ?? []
    ).map(Number);
    if (!count || last === undefined) return { ids: [], bytes: 0, next: undefined };
    const rows = found
      ? connection.all(
          `SELECT _id FROM ${quoted(names.table)} AS one WHERE _row > ? AND _row <= ? AND _body IS NOT NULL AND ${isUnnamed}`,
          [after, last],
        )
      : [];
    return { ids: rows.map(([id]) => id as Id), bytes: bytes ?? 0, next: count < limit ? undefined : last };
  }

  fetch(table: Table, id: Id): Promise<Fetched> {
    const { database, name } = table.definition;
    return this.#options.client.fetch(database, { table: name, id });
  }

  gather(table: Table, query: Query): Promise<Gathered> {
    const { database, name } = table.definition;
    return this.#options.client.gather(database, { table: name, query });
  }

  count(table: Table, query: Query): Promise<Gathered> {
    const { database, name } = table.definition;
    return this.#options.client.gather(database, { table: name, query, counts: true });
  }

  async putText(table: Table, id: Id, body: string, { expires, if: condition }: PutTextOptions): Promise<number> {
    const live = table as LiveTable;
    const { database, name } = live.definition;
    const computed = live.indexedValues(body);
    const change: Change = {
      op: 'put',
      table: name,
      id,
      body,
      expires,
      ...(computed && { computed }),
      ...(condition && { if: condition }),
    };
    const [written] = await this.#options.client.commit({ database, changes: [change] });
    assert(written, 'a commit tells what it wrote');
    return written.version;
  }

  /** @param reads is given what the transaction reads */
  transaction(reads?: ReadSet): OwnTransaction {
    const { clock, client, scanRows } = this.#options;
    return new LiveTransaction({
      clock,
      client,
      scanRows,
      counted: (difference) => {
        this.#openTransactions += difference;
      },
      ...(reads && { reads }),
      tables: (database, name) => this.#tables.get(database)?.get(name),
    });
  }

  derivedValues<Value>(maxBytes: number): DerivedValues<Value> {
    return new DerivedValues(this.#options.clock, maxBytes);
  }

  /** A new record in a transaction of its own: one change, with nothing to read. Gives its id; throws or rejects where the record is refused. */
  create(table: Table, record: Readonly<Record<string, unknown>>): Promise<Id> {
    const live = table as LiveTable;
    const { database, name } = live.definition;
    const { id, body, expires } = live.encoder.encode(record, { nowMs: this.#options.clock.nowMs() });
    const computed = live.indexedValues(body);
    const change: Change = { op: 'put', table: name, id, body, expires, ...(computed && { computed }), if: mustBeNew };
    return this.#options.client.commit({ database, changes: [change] }).then(firstId);
  }

  async applySchema(tables: readonly TableDefinition[]): Promise<void> {
    // Of several databases some may have changed when one refused.
    await this.#options.applySchema(tables).finally(() => this.refresh());
  }

  /**
   * Computes what indexes of computed attributes lack, where the function is one of the app. Called when the app has set its functions,
   * before it is served.
   */
  async fillComputed(): Promise<void> {
    for (const tables of this.#tables.values()) {
      for (const table of tables.values()) if (table.indexNeedsApp) await this.#fillTable(table);
    }
  }

  async #fillTable(table: LiveTable): Promise<void> {
    const { names, definition } = table.entry;
    for (let after = 0; ; ) {
      const rows = table.reader.snapshots
        .current()
        .connection.all(
          `SELECT _row, _id, _version, _body, _merge FROM ${quoted(names.table)} WHERE _row > ? AND _computed IS NULL AND _body IS NOT NULL ORDER BY _row LIMIT 1000`,
          [after],
        );
      if (rows.length === 0) return;
      after = Number(rows.at(-1)?.[0]);
      const changes = rows.map(([_row, id, version, body, merge]): Change => {
        // A record that is there already can't be refused for it.
        const computed = table.indexedValues(String(body), true) ?? {};
        return {
          op: 'index',
          table: definition.name,
          id: id as Id,
          tag: tagOfRow(Number(version), merge === null ? null : String(merge)),
          computed,
        };
      });
      await this.#options.client.commit({ database: definition.database, changes });
    }
  }

  blobs(database: string): BlobStore {
    const known = this.#blobs.get(database);
    if (known) return known;
    if (!this.#tables.has(database)) throw new ZerohopError('NOT_FOUND', `There is no database ${database}.`);
    const blobs = new Blobs(this.#options.folder, database);
    this.#blobs.set(database, blobs);
    return blobs;
  }

  /** Takes note of databases and tables that were created or changed, by this thread or another. */
  refresh(): void {
    const { folder } = this.#options;
    if (!existsSync(folder)) return;
    const files = readdirSync(folder);
    for (const database of [...this.#readers.keys()]) if (!files.includes(`${database}.db`)) this.#forget(database);
    for (const file of files) {
      if (!file.endsWith('.db')) continue;
      const database = file.slice(0, -3);
      const reader = this.#readers.get(database) ?? this.#open(join(folder, file));
      if (!reader) continue;
      this.#readers.set(database, reader);
      const tables = this.#tables.get(database) ?? new Map<string, LiveTable>();
      this.#tables.set(database, tables);
      this.#takeOn(reader, tables);
    }
  }

  /** Of a database that was dropped. */
  #forget(database: string): void {
    this.#readers.get(database)?.close();
    this.#readers.delete(database);
    this.#tables.delete(database);
    this.#blobs.delete(database);
  }

  /** Undefined while the writer is still making the file: there is another refresh when it is done. */
  #open(path: string): DatabaseReader | undefined {
    if (!DatabaseReader.isReady(path)) return undefined;
    const { clock, commits, snapshotMs, meters } = this.#options;
    return new DatabaseReader({ path, clock, commits, snapshotMs, ...(meters && { meters }) });
  }

  #takeOn(reader: DatabaseReader, tables: Map<string, LiveTable>): void {
    let hasChanged = false;
    const entries = reader.readCatalog();
    for (const name of [...tables.keys()]) {
      if (entries.some(({ definition }) => definition.name === name)) continue;
      tables.delete(name);
      hasChanged = true;
    }
    for (const entry of entries) {
      const table = tables.get(entry.definition.name);
      if (!table) tables.set(entry.definition.name, new LiveTable(reader, entry));
      else if (
        table.entry.number !== entry.number ||
        JSON.stringify(table.definition) !== JSON.stringify(entry.definition)
      ) {
        table.redefine(entry);
        hasChanged = true;
      }
    }
    if (hasChanged) reader.forget();
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
    this.#tables.clear();
  }
}

function firstId([written]: readonly Written[]): Id {
  assert(written, 'a commit tells what it wrote');
  return written.id;
}
