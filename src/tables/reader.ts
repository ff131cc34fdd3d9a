// One database as one thread reads it: its catalog, its snapshots, and the records it has at hand.

import { type Clock, type Counter, limits } from '../base/index.ts';
import { type Id, tagFields } from '../records/index.ts';
import { type CatalogEntry, Connection, isPrepared, quoted, readCatalog } from '../storage/index.ts';
import { type CachedResult, QueryCache } from './query-cache.ts';
import type { ReadSource, TouchListener, WatchedResult } from './read-set.ts';
import { RecentChanges } from './recent-changes.ts';
import { type CachedRecord, RecordCache } from './record-cache.ts';
import { type Snapshot, Snapshots, usable } from './snapshots.ts';
import type { StoredRow } from './types.ts';

export interface ReaderMeters {
  readonly cacheHits: Counter;
  readonly cacheMisses: Counter;
}

export interface ReaderOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly commits: Int32Array;
  readonly snapshotMs: number;
  readonly meters?: ReaderMeters;
}

export class DatabaseReader implements ReadSource {
  readonly #options: ReaderOptions;
  readonly snapshots: Snapshots;
  readonly queries = new QueryCache(limits.cachedQueries, limits.cachedBytes);
  readonly #cache = new RecordCache(limits.cachedRecords, limits.cachedBytes);
  /** The log position the cache is exact at, and what the commit counter said then. */
  #cacheLsn = -1;
  #cacheCommits = Number.NaN;
  /** Table number → newest log entry that touched it, as far as the cache has read the log. */
  readonly #touched = new Map<number, number>();
  readonly #recent = new RecentChanges();
  /** Up to here any table may have been touched. */
  #touchedBefore = -1;
  readonly #listeners: TouchListener[] = [];

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.snapshots = new Snapshots({ ...options, maxAgeMs: options.snapshotMs, limit: limits.snapshots });
  }

  /** Whether a database file has been made completely. */
  static isReady(path: string): boolean {
    const connection = new Connection(path, { readonly: true });
    try {
      return isPrepared(connection);
    } finally {
      connection.close();
    }
  }

  get cachedRecords(): number {
    return this.#cache.size;
  }

  readCatalog(): CatalogEntry[] {
    return readCatalog(this.snapshots.current().connection);
  }

  /** Live records of a table, as of now. */
  count(entry: CatalogEntry): number {
    return Number(
      this.snapshots.current().connection.first('SELECT count FROM _catalog WHERE number = ?', [entry.number])?.[0] ??
        0,
    );
  }

  /** The record as of now: for a read that stands alone. */
  getLatest(entry: CatalogEntry, id: Id): CachedRecord | undefined {
    if (Atomics.load(this.#options.commits, 0) === this.#cacheCommits) {
      const cached = this.#cache.get(entry.number, id);
      if (cached) {
        this.#options.meters?.cacheHits.add(1);
        return this.#unexpired(cached);
      }
    }
    return this.get(this.snapshots.current(), entry, id);
  }

  /** The record as of now, without keeping it. */
  peek(entry: CatalogEntry, id: Id): CachedRecord | undefined {
    const record = readRecord(this.snapshots.current().connection, entry, id);
    return record && this.#unexpired(record);
  }

  /** The row of an id, as of now. */
  row(entry: CatalogEntry, id: Id): StoredRow | undefined {
    const row = this.snapshots.current().connection.first(selectRecord(entry), [id]);
    if (!row) return undefined;
    const [, version, expires, body, merge] = row;
    return {
      version: Number(version),
      expires: expires === null ? null : Number(expires),
      body: body === null ? null : String(body),
      ...tagFields(Number(version), merge),
    };
  }

  /** The record as a snapshot sees it. */
  get(snapshot: Snapshot, entry: CatalogEntry, id: Id): CachedRecord | undefined {
    const cacheable = snapshot.state === 'current' && this.#bringCacheTo(snapshot);
    if (cacheable) {
      const cached = this.#cache.get(entry.number, id);
      if (cached) {
        this.#options.meters?.cacheHits.add(1);
        return this.#unexpired(cached);
      }
      this.#options.meters?.cacheMisses.add(1);
    }
    const record = readRecord(usable(snapshot), entry, id);
    if (record && cacheable) this.#cache.set(entry.number, record);
    return record && this.#unexpired(record);
  }

  /** Whether a result is what its query gives in a snapshot, as far as that can be told without running it. */
  isCurrent(snapshot: Snapshot, result: CachedResult): boolean {
    if (snapshot.state !== 'current' || !this.#bringCacheTo(snapshot)) return false;
    const { tables, results, lsn } = result;
    if (tables.every((table) => this.#touchedAt(table) <= lsn)) return true;
    if (!results?.every((one) => this.#stands(snapshot, lsn, one))) return false;
    result.lsn = snapshot.lsn;
    return true;
  }

  get position(): number {
    return this.#cacheLsn;
  }

  /** Reads on in the log, if there is more, and so drops what it names. */
  catchUp(): void {
    if (Atomics.load(this.#options.commits, 0) !== this.#cacheCommits) this.#bringCacheTo(this.snapshots.current());
  }

  /** Whether the log has named any of `tables` after `lsn`, as far as it was read. */
  touchedSince(lsn: number, tables: Iterable<number>): boolean {
    for (const table of tables) if (this.#touchedAt(table) > lsn) return true;
    return this.#cacheLsn < lsn;
  }

  standsSince(lsn: number, results: readonly WatchedResult[]): boolean {
    const snapshot = this.snapshots.current();
    return this.#bringCacheTo(snapshot) && results.every((result) => this.#stands(snapshot, lsn, result));
  }

  #stands(snapshot: Snapshot, lsn: number, { table, members, test }: WatchedResult): boolean {
    if (this.#touchedAt(table) <= lsn) return true;
    const rows = this.#recent.since(table, lsn);
    if (rows === undefined) return false;
    const found = snapshot.connection.all(test.sql, [...test.parameters, JSON.stringify(rows)]);
    // A row that is gone was taken out by the store.
    return found.length === rows.length && found.every(([id, fits]) => fits !== 1 && !members.has(id ?? null));
  }

  /** From now on tells `listener` what the log names. Returns what ends that. */
  onTouched(listener: TouchListener): () => void {
    this.#listeners.push(listener);
    return () => {
      const at = this.#listeners.indexOf(listener);
      if (at >= 0) this.#listeners.splice(at, 1);
    };
  }

  /** After a schema change: column values may mean something else. */
  forget(): void {
    for (const listener of this.#listeners) listener.everything();
    this.#cache.clear();
    this.queries.clear();
    this.#touched.clear();
    this.#recent.clear(this.#cacheLsn);
    this.#cacheLsn = -1;
    this.#cacheCommits = Number.NaN;
    this.snapshots.schemaChanged();
  }

  close(): void {
    this.snapshots.close();
  }

  /** Makes the cache exact for a current snapshot. */
  #bringCacheTo(snapshot: Snapshot): boolean {
    if (this.#cacheLsn < snapshot.lsn) {
      this.#evictSince(snapshot, this.#cacheLsn);
      this.#cacheLsn = snapshot.lsn;
    }
    if (this.#cacheLsn !== snapshot.lsn) return false;
    this.#cacheCommits = snapshot.commits;
    return true;
  }

  #evictSince(snapshot: Snapshot, lsn: number): void {
    const isNear = lsn >= 0 && snapshot.lsn - lsn <= limits.cachedRecords;
    const changes = isNear ? snapshot.connection.all('SELECT tbl, row, lsn FROM _log WHERE lsn > ?', [lsn]) : [];
    // Entries may have been trimmed meanwhile, if this thread read nothing for as long as the log is kept.
    if (Number(changes[0]?.[2]) !== lsn + 1) return this.#startOver(snapshot.lsn);
    for (const [table, row, at] of changes) {
      this.#cache.evict(Number(table), Number(row));
      for (const listener of this.#listeners) listener.row(Number(table), Number(row));
      this.#touched.set(Number(table), Number(at));
      this.#recent.note(Number(table), Number(row), Number(at));
    }
  }

  #startOver(lsn: number): void {
    this.#cache.clear();
    this.#touched.clear();
    this.#recent.clear(lsn);
    this.#touchedBefore = lsn;
    for (const listener of this.#listeners) listener.everything();
  }

  #touchedAt(table: number): number {
    return this.#touched.get(table) ?? this.#touchedBefore;
  }

  #unexpired(record: CachedRecord): CachedRecord | undefined {
    return record.expires !== null && record.expires <= this.#options.clock.nowMs() ? undefined : record;
  }
}

function readRecord(connection: Connection, entry: CatalogEntry, id: Id): CachedRecord | undefined {
  const row = connection.first(selectRecord(entry), [id]);
  if (!row || row[3] === null) return undefined;
  const record = {
    id,
    row: Number(row[0]),
    version: Number(row[1]),
    expires: row[2] === null ? null : Number(row[2]),
    body: String(row[3]),
  };
  return row[4] === null ? record : { ...record, ...tagFields(record.version, row[4]) };
}

const selectTexts = new WeakMap<CatalogEntry, string>();

function selectRecord(entry: CatalogEntry): string {
  let text = selectTexts.get(entry);
  if (text === undefined) {
    text = `SELECT _row, _version, _expires, _body, _merge FROM ${quoted(entry.names.table)} WHERE _id = ?`;
    selectTexts.set(entry, text);
  }
  return text;
}
