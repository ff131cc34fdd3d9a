// The single writer of one database. Every change of every origin passes `commit`, in order:
//   1 stamp · 2 look · 3 precondition · 4 merge · 5 write row · 6 log · 7 commit
// and is durable once the WAL is synced (commit-queue.ts). Synchronous and plain, so that any thread can hold it.

import { assert, errorToData, ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import {
  applySchema,
  Connection,
  dropTable,
  prepareFile,
  quoted,
  readCatalog,
  storageError,
} from '../storage/index.ts';
import { recountBlobs } from './blob-references.ts';
import { ChangeWriter } from './change-writer.ts';
import { computeMissing } from './compute-missing.ts';
import { addToDigest, digestToText } from './digest.ts';
import { Ledger } from './ledger.ts';
import { type CopyAnswer, type LogAnswer, LogReader, type LogRequest, type SomeRows } from './log-reader.ts';
import { Reclaimer } from './reclaimer.ts';
import type {
  Clash,
  CopyPosition,
  CopyProgress,
  RemoteBatch,
  RemoteCopy,
  RemoteOutcome,
  RemoteWork,
  Vector,
} from './remote-types.ts';
import { RemoteWriter } from './remote-writer.ts';
import type { StoreOptions } from './store-options.ts';
import { TableState } from './table-state.ts';
import type { Change, CommitOutcome, StoreTransaction } from './types.ts';
import { covers } from './vector.ts';

export class Store {
  readonly connection: Connection;
  readonly #options: StoreOptions;
  #tables = new Map<string, TableState>();
  readonly #ledger: Ledger;
  readonly #writer: ChangeWriter;
  readonly #reclaimer: Reclaimer;
  readonly #reader: LogReader;
  readonly #remote: RemoteWriter;
  /** As they were read last. */
  #copies: readonly CopyProgress[] | undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.connection = new Connection(options.path, { readonly: false });
    try {
      prepareFile(this.connection, options.nodeId);
      this.#ledger = new Ledger(this.connection);
      this.#reclaimer = new Reclaimer(this.connection, this.#ledger, options);
      this.#reader = new LogReader(this.connection);
      this.#remote = new RemoteWriter(this.connection, this.#ledger, () => this.#tables, this.#reclaimer, options);
      this.#writer = new ChangeWriter(this.connection, this.#ledger, () => this.#tables, options);
      this.#load();
    } catch (error) {
      this.connection.close();
      throw error;
    }
    options.versions.resume(this.#ledger.newestVersion());
  }

  get options(): StoreOptions {
    return this.#options;
  }

  get tables(): ReadonlyMap<string, TableState> {
    return this.#tables;
  }

  /** Takes a table out for good. Blobs that only its records refer to are collected later. False: there is none of this name. */
  dropTable(name: string): boolean {
    const table = this.#tables.get(name);
    if (table === undefined) return false;
    this.connection.exec('BEGIN IMMEDIATE');
    try {
      const nowMs = this.#options.clock.nowMs();
      const withBlobs = `SELECT _body FROM ${quoted(table.entry.names.table)} WHERE instr(_body, '"$blob":') > 0`;
      for (const [body] of this.connection.all(withBlobs))
        recountBlobs(this.connection, String(body), null, nowMs, () => true);
      // Prepared statements would hold it.
      table.close();
      dropTable(this.connection, table.entry);
      this.connection.exec('COMMIT');
    } catch (error) {
      this.connection.rollBack();
      throw error;
    } finally {
      this.#load();
    }
    return true;
  }

  /** Creates or changes tables, online. Never drops data. */
  applySchema(definitions: readonly TableDefinition[]): void {
    // The schema language does not say it: the app's code does, after its schema.
    const next = definitions.map((definition) => {
      const { sourced, residency } = this.#tables.get(definition.name)?.entry.definition ?? {};
      if (!sourced && residency === undefined) return definition;
      const kept = definition.residency ?? residency;
      return { ...definition, ...(sourced && { sourced }), ...(kept !== undefined && { residency: kept }) };
    });
    applySchema(this.connection, next, (entry) => computeMissing(this.connection, entry));
    this.#load();
  }

  /**
   * Commits transactions in order, each whole or not at all; one that is refused does not touch the others. They are visible to readers when this
   * returns, and durable after the next sync of the WAL. When the disk fails, none is committed and all have that error.
   */
  commit(transactions: readonly StoreTransaction[]): readonly CommitOutcome[] {
    return this.commitTogether(transactions, []).outcomes;
  }

  /** Merges transactions of other nodes, whole or not at all, each once: those that are in here already are passed over. */
  applyRemote(batch: RemoteBatch): RemoteOutcome {
    return this.#applyOne({ kind: 'batch', batch });
  }

  /** Merges a part of a copy of all rows of another node; with the last part this node has what that one had when it began. */
  applyCopy(copy: RemoteCopy): RemoteOutcome {
    return this.#applyOne({ kind: 'copy', copy });
  }

  /**
   * Merges what came from other nodes, then commits transactions of this one, all in one SQLite transaction: every piece and every transaction
   * is whole or not at all, whatever becomes of the others. Visible and durable as with `commit`.
   */
  commitTogether(transactions: readonly StoreTransaction[], works: readonly RemoteWork[]): GroupOutcome {
    try {
      this.connection.run('BEGIN IMMEDIATE');
      const merged = works.map((work) => this.#merge(work));
      const outcomes = transactions.map((transaction) => this.#applyOrRefuse(transaction));
      this.#finish();
      return { outcomes, merged };
    } catch (error) {
      this.#rollBack();
      const trouble = storageError(this.#options.path, error) ?? error;
      // A bug or a damaged record that one of them brings out does not touch its neighbours.
      if (transactions.length + works.length > 1 && !(trouble instanceof ZerohopError && forAll.has(trouble.code)))
        return {
          merged: works.flatMap((work) => this.commitTogether([], [work]).merged),
          outcomes: transactions.flatMap((transaction) => this.commitTogether([transaction], []).outcomes),
        };
      const data = errorToData(trouble);
      const outcome: CommitOutcome = { ok: false, error: data };
      const failed: RemoteOutcome = { ok: false, refusal: { kind: 'failed', code: data.code, message: data.message } };
      return { outcomes: transactions.map(() => outcome), merged: works.map(() => failed) };
    }
  }

  /** What is in here, of every node. */
  vector(): Vector {
    return this.#ledger.vector();
  }

  /** What a node with another vector lacks. */
  readSince(request: LogRequest): LogAnswer {
    return this.#reader.read(request);
  }

  /** The next part of a copy of all rows, for a node that the log does not reach. */
  readCopy(position: CopyPosition | undefined, limitBytes: number): CopyAnswer {
    return this.#reader.readCopy(position, limitBytes);
  }

  /** Whether the log still has everything since a vector. */
  reachesBack(vector: Vector): boolean {
    return this.#reader.reachesBack(vector);
  }

  /** Copies that other nodes have begun and not finished, unless what they bring has come by other ways. */
  copies(): CopyProgress[] {
    this.#copies ??= this.connection
      .all('SELECT source, vector, position FROM _copies')
      .map(([source, vector, position]) => ({
        source: String(source),
        vector: new Map(JSON.parse(String(vector)) as [string, number][]),
        position: JSON.parse(String(position)) as CopyPosition,
      }));
    return this.#copies.length === 0 ? [] : this.#copies.filter(({ vector }) => !covers(this.vector(), vector));
  }

  /** Records that are in here beside others with the same value of a unique attribute: see `RemoteWriter`. */
  clashes(limit: number): Clash[] {
    return [...this.#tables.values()]
      .filter(({ hasUnique }) => hasUnique)
      .flatMap(({ entry }) =>
        this.connection
          .all(`SELECT _id FROM ${quoted(entry.names.table)} WHERE _seq < 0 AND _body IS NOT NULL LIMIT ?`, [limit])
          .map(([id]) => ({ table: entry.definition.name, id: id as Id })),
      )
      .slice(0, limit);
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
   * @param members what each other member has on disk: nothing goes that one of them does not have yet
   */
  sweep(tableName: string, beforeMs: number, limit: number, members: readonly Vector[] = []): number {
    const state = this.#tables.get(tableName);
    if (!state) return 0;
    return this.#internally(() => this.#reclaimer.reclaim(state, 'expired', beforeMs, limit, members));
  }

  /**
   * Removes up to `limit` log entries, the oldest, and tombstones older than `beforeVersion` (microseconds). Returns how many went.
   * @param members what each other member has on disk: no tombstone goes that one of them does not have yet
   */
  trim(beforeVersion: number, limit: number, members: readonly Vector[] = []): number {
    return this.#internally(() => {
      // Without a gap, so that a reader sees from the first entry it finds whether it missed one. The newest stays: it has the number.
      const oldest = this.connection.all('SELECT lsn, version FROM _log WHERE lsn < ? ORDER BY lsn LIMIT ?', [
        this.#ledger.lsn,
        limit,
      ]);
      const kept = oldest.findIndex(([, version]) => Number(version) >= beforeVersion);
      const last = oldest.at(kept < 0 ? -1 : kept - 1);
      let removed = 0;
      if (kept !== 0 && last) {
        this.#ledger.trimmed(Number(last[0]));
        removed = this.connection.run('DELETE FROM _log WHERE lsn <= ?', [Number(last[0])]);
      }
      for (const table of this.#tables.values())
        removed += this.#reclaimer.reclaim(table, 'deleted', beforeVersion, limit, members);
      for (const table of this.#tables.values()) this.#remote.readmit(table);
      return removed;
    });
  }

  /**
   * Takes records out of this node alone, and of what it would tell others. Those of other nodes with the same keys take their places, however
   * old they are. Returns how many went.
   */
  forget(tableName: string, which: (body: string) => boolean): number {
    const state = this.#tables.get(tableName);
    return state ? this.#internally(() => this.#reclaimer.forget(state, which)) : 0;
  }

  /**
   * Takes rows out of this node alone that others hold, tombstones included: looks at some after the row `after`. Not a deletion: no other
   * node hears of it. `next`: where to go on; null: that was the last.
   */
  leave(
    tableName: string,
    after: number,
    which: (id: Id) => boolean,
  ): { readonly next: number | null; readonly some: boolean } {
    const state = this.#tables.get(tableName);
    return state ? this.#internally(() => this.#reclaimer.leave(state, after, which)) : { next: null, some: false };
  }

  /** The same of rows with these ids. */
  leaveThese(tableName: string, ids: readonly Id[]): void {
    const state = this.#tables.get(tableName);
    if (state) this.#internally(() => this.#reclaimer.leaveThese(state, ids));
  }

  /** The rows with these ids, tombstones included, as other nodes are told of them. */
  readThese(table: string, ids: readonly Id[]): SomeRows['rows'] {
    return this.#reader.readThese(table, ids);
  }

  /** Rows of a table after a row number, tombstones included, that are `which`, as other nodes are told of them. `next`: where to go on. */
  readSome(table: string, after: number, limitBytes: number, which: (id: Id) => boolean): SomeRows {
    return this.#reader.readSome(table, after, limitBytes, which);
  }

  /** Makes a table's figures anew from its rows: when the file was changed by something else than this store. */
  recount(tableName: string): void {
    const state = this.#tables.get(tableName);
    if (!state) return;
    this.#internally(() => {
      state.count = 0;
      state.digest.high = 0;
      state.digest.low = 0;
      const rows = `SELECT _id, _version, _origin, _expires FROM ${quoted(state.entry.names.table)} WHERE _body IS NOT NULL`;
      for (const [id, version, origin, expires] of this.connection.iterate(rows)) {
        const digested = { version: Number(version), expires: expires === null ? null : Number(expires) };
        addToDigest(state.digest, id as Id, digested, this.#ledger.origin(Number(origin)));
        state.count++;
      }
      state.changed = true;
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
    this.connection.exec('PRAGMA busy_timeout = 10');
    try {
      return this.connection.first('PRAGMA wal_checkpoint(RESTART)')?.[0] === 0;
    } finally {
      this.connection.exec('PRAGMA busy_timeout = 5000');
    }
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
    for (const table of this.#tables.values()) table.close();
    this.#tables = new Map(
      readCatalog(this.connection).map((entry) => [entry.definition.name, new TableState(this.connection, entry)]),
    );
  }

  #rollBack(): void {
    this.connection.rollBack();
    this.#copies = undefined;
    for (const table of this.#tables.values()) table.load();
    this.#ledger.load();
  }

  #applyOne(work: RemoteWork): RemoteOutcome {
    const [outcome] = this.commitTogether([], [work]).merged;
    assert(outcome, 'one outcome for one piece');
    return outcome;
  }

  /** Inside the group's transaction. */
  #merge(work: RemoteWork): RemoteOutcome {
    const refusal =
      work.kind === 'batch' ? this.#remote.refusalOfBatch(work.batch) : this.#remote.refusalOfRows(work.copy.rows);
    if (refusal) return { ok: false, refusal };
    if (work.kind === 'copy') this.#copies = undefined;
    const clashes = work.kind === 'batch' ? this.#remote.applyBatch(work.batch) : this.#remote.applyCopy(work.copy);
    return { ok: true, clashes };
  }

  /** Runs upkeep in a transaction of its own. */
  #internally<T>(work: () => T): T {
    try {
      this.connection.run('BEGIN IMMEDIATE');
      const result = work();
      this.#finish();
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** Saves the figures and commits. */
  #finish(): void {
    for (const table of this.#tables.values()) table.save();
    this.#ledger.save();
    this.connection.run('COMMIT');
  }

  #applyOrRefuse(transaction: StoreTransaction): CommitOutcome {
    const { changes } = transaction;
    const only = changes.length === 1 ? changes[0] : undefined;
    // A single change to a table without side effects is one statement after its checks: nothing to take back when refused.
    const simple = only !== undefined && this.#isSimple(only);
    const before = simple ? undefined : this.#mark();
    const { seq, logged } = this.#ledger;
    try {
      const version = this.#options.versions.next();
      this.#writer.checkReads(transaction);
      this.#ledger.seq++;
      const written = changes.map((change) => this.#writer.apply(change, version));
      if (before) this.connection.run('RELEASE change');
      // What changed nothing takes no number.
      if (this.#ledger.logged === logged) this.#ledger.seq = seq;
      return { ok: true, version, written };
    } catch (error) {
      if (!(error instanceof ZerohopError) || storageTrouble.has(error.code)) throw error;
      if (before) this.#backTo(before);
      this.#ledger.seq = seq;
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
      lsn: this.#ledger.lsn,
      figures: [...this.#tables.values()].map(
        (table) => [table, table.count, table.nextId, table.digest.high, table.digest.low] as const,
      ),
    };
  }

  #backTo(mark: Mark): void {
    this.connection.run('ROLLBACK TO change');
    this.connection.run('RELEASE change');
    this.#ledger.lsn = mark.lsn;
    for (const [table, count, nextId, high, low] of mark.figures) {
      table.count = count;
      table.nextId = nextId;
      table.digest.high = high;
      table.digest.low = low;
    }
  }
}

/** What became of each, in order. */
export interface GroupOutcome {
  readonly outcomes: readonly CommitOutcome[];
  readonly merged: readonly RemoteOutcome[];
}

/** Where to go back to when a transaction of a group is refused after it wrote something. */
interface Mark {
  readonly lsn: number;
  readonly figures: readonly (readonly [table: TableState, count: number, nextId: number, high: number, low: number])[];
}

/** Trouble with the disk or the file that every transaction of a group has. */
const forAll: ReadonlySet<string> = new Set(['STORAGE_FULL', 'READ_ONLY', 'OVERLOADED']);
/** Trouble after which a group is rolled back. */
const storageTrouble: ReadonlySet<string> = new Set([...forAll, 'CORRUPT_DATA']);
