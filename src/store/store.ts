// The single writer of one database. Every change of every origin passes `commit`, in order:
//   1 stamp · 2 look · 3 precondition · 4 merge · 5 write row · 6 log · 7 commit
// and is durable once the WAL is synced (commit-queue.ts). Synchronous and plain, so that any thread can hold it.

import { type Clock, errorToData, type HybridClock, parseExact, stringifyExact, ZerohopError } from '../base/index.ts';
import { applyPatch, type Id, mergeFromText, mergeToText, type RecordState } from '../records/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { applySchema, Connection, prepareFile, readCatalog, storageError, uniqueViolation } from '../storage/index.ts';
import { recountBlobs } from './blob-references.ts';
import { addToDigest, digestToText, removeFromDigest } from './digest.ts';
import { type RowFull, type RowHead, TableState } from './table-state.ts';
import type {
  Change,
  CommitOutcome,
  IndexChange,
  PatchChange,
  Precondition,
  PutChange,
  StoreTransaction,
  Written,
} from './types.ts';

/** What a `_log` entry says happened to a row. */
export const logOperations = { put: 1, patch: 2, delete: 3, expire: 4 } as const;

/** This node's own origin number in every file. */
const ownOrigin = 1;

export interface StoreOptions {
  /** Path of the database file; its folder exists. */
  readonly path: string;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly versions: HybridClock;
  /** Whether the bytes of a blob are stored. */
  readonly blobExists: (id: string) => boolean;
}

export class Store {
  readonly connection: Connection;
  readonly #options: StoreOptions;
  #tables = new Map<string, TableState>();
  #origins = new Map<number, string>();
  readonly #logStatement: ReturnType<Connection['prepare']>;
  #lsn = 0;
  #seq = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.connection = new Connection(options.path, { readonly: false });
    prepareFile(this.connection, options.nodeId);
    this.#logStatement = this.connection.prepare(
      'INSERT INTO _log (lsn, origin, seq, version, tbl, row, op) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#load();
    this.options.versions.resume(
      Number(this.connection.first('SELECT version FROM _log ORDER BY lsn DESC LIMIT 1')?.[0] ?? 0),
    );
  }

  get options(): StoreOptions {
    return this.#options;
  }

  get tables(): ReadonlyMap<string, TableState> {
    return this.#tables;
  }

  /** Creates or changes tables, online. Never drops data. */
  applySchema(definitions: readonly TableDefinition[]): void {
    applySchema(this.connection, definitions);
    this.#load();
    for (const { name } of definitions) this.#computeMissing(name);
  }

  /**
   * Commits transactions in order, each whole or not at all; one that is refused does not touch the others. They are visible to readers when this
   * returns, and durable after the next sync of the WAL. When the disk fails, none is committed and all have that error.
   */
  commit(transactions: readonly StoreTransaction[]): CommitOutcome[] {
    try {
      this.connection.run('BEGIN IMMEDIATE');
      const outcomes = transactions.map((transaction) => this.#applyOrRefuse(transaction));
      for (const table of this.#tables.values()) table.save();
      this.connection.run(
        'INSERT INTO _peers (origin, seq) VALUES (?, ?) ON CONFLICT (origin) DO UPDATE SET seq = excluded.seq',
        [ownOrigin, this.#seq],
      );
      this.connection.run('COMMIT');
      return outcomes;
    } catch (error) {
      this.#rollBack();
      const outcome: CommitOutcome = {
        ok: false,
        error: errorToData(storageError(this.#options.path, error) ?? error),
      };
      return transactions.map(() => outcome);
    }
  }

  /** Table → number of live records and digest. */
  figures(): { readonly table: string; readonly count: number; readonly digest: string }[] {
    return [...this.#tables].map(([table, state]) => ({
      table,
      count: state.count,
      digest: digestToText(state.digest),
    }));
  }

  /**
   * Removes up to `limit` records of a table that expired before `beforeMs`. Returns how many went.
   */
  sweep(tableName: string, beforeMs: number, limit: number): number {
    const state = this.#tables.get(tableName);
    if (!state) return 0;
    return this.#internally(() => this.#expire(state, beforeMs, limit));
  }

  /** Removes up to `limit` log entries and tombstones older than `beforeVersion` (microseconds). Returns how many went. */
  trim(beforeVersion: number, limit: number): number {
    return this.#internally(() => {
      let removed = this.connection.run(
        'DELETE FROM _log WHERE lsn IN (SELECT lsn FROM _log WHERE version < ? AND lsn < ? ORDER BY lsn LIMIT ?)',
        [beforeVersion, this.#lsn, limit],
      );
      for (const { entry } of this.#tables.values()) {
        const table = `"${entry.names.table.replaceAll('"', '""')}"`;
        removed += this.connection.run(
          `DELETE FROM ${table} WHERE _row IN (SELECT _row FROM ${table} WHERE _body IS NULL AND _version < ? LIMIT ?)`,
          [beforeVersion, limit],
        );
      }
      return removed;
    });
  }

  /** Blobs without a reference since before `beforeMs`; forgets them. Their bytes may be removed once this is durable. */
  collectBlobs(beforeMs: number, limit: number): string[] {
    return this.#internally(() => {
      const ids = this.connection
        .all('SELECT id FROM _blobs WHERE refs = 0 AND since < ? LIMIT ?', [beforeMs, limit])
        .map(([id]) => String(id));
      for (const id of ids) this.connection.run('DELETE FROM _blobs WHERE id = ?', [id]);
      return ids;
    });
  }

  knowsBlob(id: string): boolean {
    return this.connection.first('SELECT 1 FROM _blobs WHERE id = ?', [id]) !== undefined;
  }

  /**
   * Copies the WAL into the database file as far as readers allow, and lets the WAL start over if they allow that too. False: a
   * reader with an old snapshot was in the way. Waits for readers 10 ms at most.
   */
  checkpoint(): boolean {
    const [, frames, copied] = (this.connection.first('PRAGMA wal_checkpoint(PASSIVE)') ?? []).map(Number);
    if (frames !== copied) return false;
    this.connection.run('PRAGMA busy_timeout = 10');
    const restarted = this.connection.first('PRAGMA wal_checkpoint(RESTART)')?.[0] === 0;
    this.connection.run('PRAGMA busy_timeout = 5000');
    return restarted;
  }

  /** Bytes in the WAL that are not in the database file yet. */
  walBytes(): number {
    const [, frames, copied] = (this.connection.first('PRAGMA wal_checkpoint(NOOP)') ?? []).map(Number);
    return Math.max(0, (frames ?? 0) - (copied ?? 0)) * 4096;
  }

  close(): void {
    try {
      this.connection.all('PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      this.connection.close();
    }
  }

  #load(): void {
    const known = this.#tables;
    this.#tables = new Map(
      readCatalog(this.connection).map((entry) => [entry.definition.name, new TableState(this.connection, entry)]),
    );
    known.clear();
    this.#origins = new Map(
      this.connection.all('SELECT number, id FROM _origins').map(([number, id]) => [Number(number), String(id)]),
    );
    this.#lsn = Number(this.connection.first('SELECT lsn FROM _log ORDER BY lsn DESC LIMIT 1')?.[0] ?? 0);
    this.#seq = Number(this.connection.first('SELECT seq FROM _peers WHERE origin = ?', [ownOrigin])?.[0] ?? 0);
  }

  #rollBack(): void {
    try {
      this.connection.run('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself already where the disk failed.
    }
    for (const table of this.#tables.values()) table.load();
    this.#lsn = Number(this.connection.first('SELECT lsn FROM _log ORDER BY lsn DESC LIMIT 1')?.[0] ?? 0);
    this.#seq = Number(this.connection.first('SELECT seq FROM _peers WHERE origin = ?', [ownOrigin])?.[0] ?? 0);
  }

  /** Runs upkeep in a transaction of its own. */
  #internally<T>(work: () => T): T {
    try {
      this.connection.run('BEGIN IMMEDIATE');
      const result = work();
      for (const table of this.#tables.values()) table.save();
      this.connection.run('COMMIT');
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #applyOrRefuse(transaction: StoreTransaction): CommitOutcome {
    const { changes } = transaction;
    const only = changes.length === 1 ? changes[0] : undefined;
    // A single change to a table without side effects is one statement after its checks: nothing to take back when refused.
    const simple = only !== undefined && this.#isSimple(only);
    const before = simple ? undefined : this.#mark();
    try {
      const version = this.#options.versions.next();
      this.#checkReads(transaction);
      this.#seq++;
      const written = changes.map((change) => this.#apply(change, version));
      if (before) this.connection.run('RELEASE change');
      return { ok: true, version, written };
    } catch (error) {
      if (!(error instanceof ZerohopError) || storageTrouble.has(error.code)) throw error;
      if (before) this.#backTo(before);
      return { ok: false, error: errorToData(error) };
    }
  }

  #isSimple(change: Change): boolean {
    const table = this.#tables.get(change.table);
    return table !== undefined && !table.hasUnique && !table.hasBlobs;
  }

  #mark(): Mark {
    this.connection.run('SAVEPOINT change');
    return {
      lsn: this.#lsn,
      seq: this.#seq,
      figures: [...this.#tables.values()].map(
        (table) => [table, table.count, table.nextId, table.digest.high, table.digest.low] as const,
      ),
    };
  }

  #backTo(mark: Mark): void {
    this.connection.run('ROLLBACK TO change');
    this.connection.run('RELEASE change');
    this.#lsn = mark.lsn;
    this.#seq = mark.seq;
    for (const [table, count, nextId, high, low] of mark.figures) {
      table.count = count;
      table.nextId = nextId;
      table.digest.high = high;
      table.digest.low = low;
    }
  }

  /** Fills the indexes of computed attributes that are new or changed, where their functions are expressions of the schema. */
  #computeMissing(tableName: string): void {
    const table = this.#tables.get(tableName);
    if (!table?.indexedValues) return;
    const { indexedValues } = table;
    const name = `"${table.entry.names.table.replaceAll('"', '""')}"`;
    this.#internally(() => {
      for (let after = 0; ; ) {
        const rows = this.connection.all(
          `SELECT _row, _body FROM ${name} WHERE _row > ? AND _computed IS NULL AND _body IS NOT NULL ORDER BY _row LIMIT 1000`,
          [after],
        );
        if (rows.length === 0) return;
        for (const [row, body] of rows) {
          this.connection.run(`UPDATE ${name} SET _computed = ? WHERE _row = ?`, [
            stringifyExact(indexedValues(String(body))),
            Number(row),
          ]);
          after = Number(row);
        }
      }
    });
  }

  #checkReads(transaction: StoreTransaction): void {
    for (const [tableName, id, version] of transaction.reads ?? []) {
      const head = this.#table(tableName).head(id);
      const current = head && this.#isLive(head) ? head.version : null;
      if (current !== version)
        throw new ZerohopError(
          'PRECONDITION_FAILED',
          `${tableName} ${id} has changed since it was read. Read it again and retry.`,
          { reads: true },
        );
    }
  }

  #apply(change: Change, version: number): Written {
    switch (change.op) {
      case 'put':
        return this.#put(change, version);
      case 'patch':
        return this.#patch(change, version);
      case 'delete':
        return this.#delete(change.table, change.id, version, change.if);
      case 'index':
        return this.#index(change);
    }
  }

  #put(change: PutChange, version: number): Written {
    const table = this.#table(change.table);
    const id = change.id ?? table.nextId;
    if (change.if?.exists === false && change.id !== null && !table.hasBlobs) {
      const row = this.#insertNew(table, change, change.id, version);
      if (row !== undefined) return { id, version, existed: false };
    }
    const old = change.id === null ? undefined : table.hasBlobs ? table.full(id) : table.head(id);
    const existed = old !== undefined && this.#isLive(old);
    check(change.table, id, change.if, existed ? old.version : null);
    const body = change.id === null ? withId(change.body, table.entry.definition.primaryKey, id) : change.body;
    const computed = change.computed === undefined ? null : stringifyExact(change.computed);
    const row = this.#writing(table, () => {
      if (old === undefined)
        return table.insert(id, version, ownOrigin, this.#seq, change.expires, null, computed, body);
      table.update(old.row, version, ownOrigin, this.#seq, change.expires, null, computed, body, existed);
      return old.row;
    });
    if (typeof id === 'number' && id >= table.nextId) table.nextId = id + 1;
    if (table.hasBlobs) this.#recount(old as RowFull | undefined, body);
    this.#account(table, id, old, version, true);
    this.#log(table, row, version, logOperations.put);
    return { id, version, existed };
  }

  /** The common case of a new record, without a look before: undefined when a row with the id, or with a unique value, is in the way. */
  #insertNew(table: TableState, change: PutChange, id: Id, version: number): number | undefined {
    const computed = change.computed === undefined ? null : stringifyExact(change.computed);
    let row: number;
    try {
      row = table.insert(id, version, ownOrigin, this.#seq, change.expires, null, computed, change.body);
    } catch (error) {
      if (uniqueViolation(error) === undefined) throw error;
      return undefined;
    }
    if (typeof id === 'number' && id >= table.nextId) table.nextId = id + 1;
    this.#account(table, id, undefined, version, true);
    this.#log(table, row, version, logOperations.put);
    return row;
  }

  #patch(change: PatchChange, version: number): Written {
    const table = this.#table(change.table);
    const old = table.full(change.id);
    const existed = old !== undefined && this.#isLive(old);
    check(change.table, change.id, change.if, existed ? old.version : null);
    if (!existed || old.body === null)
      throw new ZerohopError('NOT_FOUND', `${change.table} has no record ${change.id} to change.`);
    const before: RecordState = {
      stamp: { version: old.version, origin: this.#origin(old.origin) },
      expires: old.expires,
      merge: mergeFromText(old.merge),
      body: parseExact(old.body) as RecordState['body'],
    };
    const after = applyPatch(before, change.patch, { version, origin: this.#origin(ownOrigin) }, change.expires);
    for (const [attribute, minimum] of Object.entries(change.minimum ?? {})) {
      const value = Number(after.body?.[attribute]);
      if (value < minimum) {
        const available = Number(before.body?.[attribute]);
        throw new ZerohopError(
          'BELOW_MINIMUM',
          `${attribute} of ${change.table} ${change.id} is ${available}: it may not go below ${minimum}.`,
          {
            attribute,
            available,
          },
        );
      }
    }
    const body = stringifyExact(after.body);
    const values = table.indexedValues ? table.indexedValues(body) : change.computed;
    const computed = values === undefined ? null : stringifyExact(values);
    this.#writing(table, () => {
      table.update(
        old.row,
        version,
        ownOrigin,
        this.#seq,
        after.expires,
        mergeToText(after.merge),
        computed,
        body,
        false,
      );
      return old.row;
    });
    if (table.hasBlobs) this.#recount(old, body);
    this.#account(table, change.id, old, version, true);
    this.#log(table, old.row, version, logOperations.patch);
    return { id: change.id, version, existed };
  }

  #index(change: IndexChange): Written {
    const table = this.#table(change.table);
    const name = `"${table.entry.names.table.replaceAll('"', '""')}"`;
    this.connection.run(`UPDATE ${name} SET _computed = ? WHERE _id = ? AND _version = ? AND _body IS NOT NULL`, [
      stringifyExact(change.computed),
      change.id,
      change.version,
    ]);
    return { id: change.id, version: change.version, existed: true };
  }

  #delete(tableName: string, id: Id, version: number, precondition: Precondition | undefined): Written {
    const table = this.#table(tableName);
    const old = table.hasBlobs ? table.full(id) : table.head(id);
    const existed = old !== undefined && this.#isLive(old);
    check(tableName, id, precondition, existed ? old.version : null);
    if (!old?.live) return { id, version, existed: false };
    table.update(old.row, version, ownOrigin, this.#seq, null, null, null, null, false);
    if (table.hasBlobs) this.#recount(old as RowFull, null);
    this.#account(table, id, old, version, false);
    this.#log(table, old.row, version, logOperations.delete);
    return { id, version, existed };
  }

  /** Writes a row; a value that a unique index refuses becomes NOT_UNIQUE, unless its holder has expired. */
  #writing(table: TableState, write: () => number): number {
    try {
      return write();
    } catch (error) {
      const columns = uniqueViolation(error);
      if (columns === undefined) throw error;
      const { definition, names } = table.entry;
      if (this.#expire(table, this.#options.clock.nowMs(), Number.MAX_SAFE_INTEGER) > 0)
        return this.#writing(table, write);
      const column = columns.slice(columns.lastIndexOf('.') + 1);
      const attribute = [...names.columns].find(([, name]) => name === column)?.[0] ?? column;
      throw new ZerohopError('NOT_UNIQUE', `Another record of ${definition.name} has this ${attribute} already.`, {
        attribute,
      });
    }
  }

  #expire(table: TableState, beforeMs: number, limit: number): number {
    const { names } = table.entry;
    const name = `"${names.table.replaceAll('"', '""')}"`;
    const rows = this.connection.all(
      `SELECT _row, _id, _version, _origin, _body FROM ${name} WHERE _expires <= ? LIMIT ?`,
      [beforeMs, limit],
    );
    if (rows.length === 0) return 0;
    const version = this.#options.versions.next();
    this.#seq++;
    for (const [row, id, oldVersion, origin, body] of rows) {
      table.remove(Number(row));
      if (body !== null) {
        if (table.hasBlobs)
          recountBlobs(this.connection, String(body), null, this.#options.clock.nowMs(), this.#options.blobExists);
        removeFromDigest(table.digest, id as Id, Number(oldVersion), this.#origin(Number(origin)));
        table.count--;
        table.changed = true;
      }
      this.#log(table, Number(row), version, logOperations.expire);
    }
    return rows.length;
  }

  #recount(old: RowFull | undefined, body: string | null): void {
    recountBlobs(this.connection, old?.body ?? null, body, this.#options.clock.nowMs(), this.#options.blobExists);
  }

  #account(table: TableState, id: Id, old: RowHead | undefined, version: number, live: boolean): void {
    table.changed = true;
    if (old?.live) {
      removeFromDigest(table.digest, id, old.version, this.#origin(old.origin));
      table.count--;
    }
    if (live) {
      addToDigest(table.digest, id, version, this.#origin(ownOrigin));
      table.count++;
    }
  }

  #log(table: TableState, row: number, version: number, operation: number): void {
    this.#logStatement.run(++this.#lsn, ownOrigin, this.#seq, version, table.entry.number, row, operation);
  }

  #isLive(row: RowHead): boolean {
    return row.live && (row.expires === null || row.expires > this.#options.clock.nowMs());
  }

  #table(name: string): TableState {
    const table = this.#tables.get(name);
    if (!table) throw new ZerohopError('NOT_FOUND', `There is no table ${name} in this database.`);
    return table;
  }

  #origin(number: number): string {
    return this.#origins.get(number) ?? '';
  }
}

/** Where to go back to when a transaction of a group is refused after it wrote something. */
interface Mark {
  readonly lsn: number;
  readonly seq: number;
  readonly figures: readonly (readonly [table: TableState, count: number, nextId: number, high: number, low: number])[];
}

const storageTrouble = new Set(['STORAGE_FULL', 'READ_ONLY', 'CORRUPT_DATA']);

/** Refuses when a record in its current version (null: absent) does not meet a precondition. */
function check(table: string, id: Id, precondition: Precondition | undefined, version: number | null): void {
  if (!precondition) return;
  const { exists, versions, notVersions } = precondition;
  if (exists === false && version !== null) throw new ZerohopError('CONFLICT', `${table} has a record ${id} already.`);
  if (exists === true && version === null) throw new ZerohopError('NOT_FOUND', `${table} has no record ${id}.`);
  if (
    (versions && (version === null || !versions.includes(version))) ||
    (version !== null && notVersions?.includes(version))
  )
    throw new ZerohopError(
      'PRECONDITION_FAILED',
      `${table} ${id} is not in the version you asked for. Read it again and retry.`,
    );
}

/** Puts an assigned id at the start of a body that has none. */
function withId(body: string, primaryKey: string, id: Id): string {
  const rest = body.slice(1);
  return `{${JSON.stringify(primaryKey)}:${JSON.stringify(id)}${rest === '}' ? '' : ','}${rest}`;
}
