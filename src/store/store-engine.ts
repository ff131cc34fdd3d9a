// All databases of a node with their writers: what the store thread holds, or the one thread of a node with `threads: 0`.

import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, errorFromData, errorToData, HybridClock, type Tracer, ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { BlobFiles } from './blob-files.ts';
import { CommitQueue, type StoreMeters } from './commit-queue.ts';
import type { RemoteOutcome, RemoteWork, Vector } from './remote-types.ts';
import { Store } from './store.ts';
import type {
  CommitOutcome,
  CommitTimings,
  Confirmation,
  Confirmed,
  DatabaseChange,
  Fetched,
  Gathered,
  RecordName,
  Search,
  StoreClient,
  StoreTransaction,
  Written,
} from './types.ts';
import { Upkeep } from './upkeep.ts';

export interface StoreEngineOptions {
  /** The data folder; created when missing. */
  readonly folder: string;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly clockDriftMs: number;
  readonly writeQueue: number;
  readonly logRetentionMs: number;
  readonly checkpointBytes: number;
  /** Shared with reading threads: element 0 changes after every commit group of any database. */
  readonly commits: Int32Array;
  /** The disk refused a sync: the process has to end, as what was committed may be lost. */
  readonly fatal: (error: Error) => void;
  /** Trouble with upkeep: to be logged. */
  readonly trouble: (what: string, error: unknown) => void;
  readonly meters?: StoreMeters;
  readonly copyWal?: (path: string) => Promise<void>;
}

/** Who replicates a database: told of commits, asked what the others have. */
export interface Replication {
  /** The log has new entries. */
  committed(): void;
  /** What each other member has on disk. */
  members(): readonly Vector[];
  memberNames(): readonly string[];
  /** Calls `done` when enough of them have all that this node has on disk of its own now, or when time is up. */
  whenConfirmed(confirmation: Confirmation, done: (confirmed: Confirmed) => void): void;
}

/** Who knows which nodes hold a record, where not all do. */
export interface Router {
  /** Whether another node does the transaction, or nobody can; then `done` is called. */
  route(transaction: StoreTransaction, done: (outcome: CommitOutcome) => void): boolean;
  fetch(database: string, name: RecordName): Promise<Fetched>;
  gather(database: string, search: Search): Promise<Gathered>;
}

/** What replication is done with. */
export interface ReplicationDoor {
  readonly store: Store;
  readonly blobs: BlobFiles;
  /** Calls `done` when everything committed so far is on disk. */
  whenDurable(done: () => void): void;
  /** Merges what came from another node, together with what is committed here at that time; then `committed` is called, then `done`. */
  merge(work: RemoteWork, done: (outcome: RemoteOutcome) => void): void;
}

interface Writer {
  readonly blobs: BlobFiles;
  replication: Replication | undefined;
  readonly store: Store;
  readonly queue: CommitQueue;
  readonly upkeep: Upkeep;
}

/** How long a blob stays that no record refers to yet. */
const strayGraceMs = 3600_000;

const databaseName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export class StoreEngine implements StoreClient {
  readonly #options: StoreEngineOptions;
  readonly #versions: HybridClock;
  readonly #writers = new Map<string, Writer>();
  #idSlot: number | undefined;
  #closing = false;
  #tracer: Tracer | undefined;
  #router: Router | undefined;

  /** Opens every database in the folder. Throws READ_ONLY, STORAGE_FULL or CORRUPT_DATA with the file's name. */
  constructor(options: StoreEngineOptions) {
    this.#options = options;
    this.#versions = new HybridClock(options.clock, options.clockDriftMs);
    mkdirSync(options.folder, { recursive: true });
    for (const file of readdirSync(options.folder)) if (file.endsWith('.db')) this.#open(file.slice(0, -3));
  }

  get databases(): readonly string[] {
    return [...this.#writers.keys()];
  }

  store(database: string): Store | undefined {
    return this.#writers.get(database)?.store;
  }

  /** Makes a database without tables, where there is none of this name. */
  openDatabase(database: string): void {
    checkDatabaseName(database);
    if (this.#writers.has(database)) return;
    this.#open(database);
    this.#announce();
  }

  /** Makes or drops a database or a table; dropping is for good. Rejects with NOT_FOUND, or CONFLICT where others have it too. */
  async changeDatabase({ do: what, database, table }: DatabaseChange): Promise<void> {
    if (what === 'create') return this.openDatabase(database);
    const writer = this.#writers.get(database);
    if (!writer) throw new ZerohopError('NOT_FOUND', `There is no database ${database}.`);
    if (writer.replication !== undefined) {
      throw new ZerohopError(
        'CONFLICT',
        'Other nodes of the cluster have this data and would bring it back: delete the records, or take the node out of the cluster first.',
      );
    }
    if (table === undefined) await this.#dropDatabase(database, writer);
    else if (!writer.store.dropTable(table))
      throw new ZerohopError('NOT_FOUND', `There is no table ${database}.${table}.`);
    this.#announce();
  }

  async #dropDatabase(database: string, { upkeep, queue, store }: Writer): Promise<void> {
    this.#writers.delete(database);
    upkeep.stop();
    await queue.whenIdle();
    queue.close();
    store.close();
    const { folder } = this.#options;
    for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `${database}.db${end}`), { force: true });
    rmSync(join(folder, 'blobs', database), { recursive: true, force: true });
  }

  /** From now on, integer ids assigned here are this node's alone: see `idSlots`. */
  numberIds(slot: number): void {
    this.#idSlot = slot;
  }

  /** Lets a database take part in replication from now on. Undefined: there is no such database. */
  replicate(database: string, replication: Replication): ReplicationDoor | undefined {
    const writer = this.#writers.get(database);
    if (!writer) return undefined;
    writer.replication = replication;
    const { store, blobs, queue } = writer;
    return {
      store,
      blobs,
      whenDurable: (done) => queue.whenDurable(done),
      merge: (work, done) =>
        this.#tracer === undefined
          ? queue.merge(work, done)
          : queue.merge(work, endingSpan(this.#tracer, database, work, done)),
    };
  }

  /** From now on, merging what comes from other nodes is traced. */
  trace(tracer: Tracer): void {
    this.#tracer = tracer;
  }

  /** Calls `done` when everything committed so far in a database is on disk. */
  whenDurable(database: string, done: () => void): void {
    const queue = this.#writers.get(database)?.queue;
    if (queue) queue.whenDurable(done);
    else done();
  }

  /** See `Store.leave`. */
  leave(database: string, table: string, after: number, which: (id: Id) => boolean): number | null {
    const left = this.#writers.get(database)?.store.leave(table, after, which);
    if (left?.some) this.#announce();
    return left?.next ?? null;
  }

  /** See `Store.leaveThese`. */
  leaveThese(database: string, table: string, ids: readonly Id[]): void {
    this.#writers.get(database)?.store.leaveThese(table, ids);
    this.#announce();
  }

  /** See `Store.forget`. */
  forget(database: string, table: string, which: (body: string) => boolean): void {
    if (this.#writers.get(database)?.store.forget(table, which)) this.#announce();
  }

  /** Does upkeep that is due now; for tests that moved the clock. */
  runUpkeep(): void {
    for (const { upkeep } of this.#writers.values()) upkeep.runDue();
  }

  applySchema(tables: readonly TableDefinition[]): void {
    const byDatabase = Map.groupBy(tables, (table) => table.database);
    for (const database of byDatabase.keys()) checkDatabaseName(database);
    try {
      for (const [database, definitions] of byDatabase)
        (this.#writers.get(database) ?? this.#open(database)).store.applySchema(definitions);
    } finally {
      this.#announce();
    }
  }

  /** From now on, what other nodes hold is done there. */
  routeBy(router: Router): void {
    this.#router = router;
  }

  submit(transaction: StoreTransaction, done: (outcome: CommitOutcome) => void): void {
    const { database, fetch, gather } = transaction;
    if (fetch !== undefined)
      return this.#told(
        this.fetch(database, fetch).then((fetched) => ({ fetched })),
        done,
      );
    if (gather !== undefined)
      return this.#told(
        this.gather(database, gather).then((gathered) => ({ gathered })),
        done,
      );
    if (this.#router?.route(transaction, done)) return;
    this.submitHere(transaction, done);
  }

  fetch(database: string, name: RecordName): Promise<Fetched> {
    return this.#router ? this.#router.fetch(database, name) : Promise.resolve({ here: true });
  }

  gather(database: string, search: Search): Promise<Gathered> {
    return this.#router ? this.#router.gather(database, search) : Promise.resolve({ here: true });
  }

  #told(
    finding: Promise<{ readonly fetched: Fetched } | { readonly gathered: Gathered }>,
    done: (outcome: CommitOutcome) => void,
  ): void {
    finding.then(
      (found) => done({ ok: true, version: 0, written: [], ...found }),
      (error: unknown) => done({ ok: false, error: errorToData(error) }),
    );
  }

  /** What readers of the same files need. */
  get files(): Pick<StoreEngineOptions, 'folder' | 'commits' | 'clock'> {
    return this.#options;
  }

  /** Commits in this node's own tables, whoever else holds such records. */
  submitHere(transaction: StoreTransaction, done: (outcome: CommitOutcome) => void): void {
    const writer = this.#writers.get(transaction.database);
    if (this.#closing || !writer) {
      const error = this.#closing
        ? new ZerohopError('SHUTTING_DOWN', 'The node is stopping. Retry on another node, or in a moment.', {
            retryAfterSeconds: 1,
          })
        : new ZerohopError('NOT_FOUND', `There is no database ${transaction.database}.`);
      return done({ ok: false, error: errorToData(error) });
    }
    const { confirm } = transaction;
    if (!confirm || confirm.count === 0) return writer.queue.submit(transaction, done);
    const { replication } = writer;
    const refused = cannotConfirm(confirm, replication?.memberNames() ?? []);
    if (refused || !replication) return done({ ok: false, error: errorToData(refused) });
    writer.queue.submit(transaction, (outcome) => {
      if (!outcome.ok) return done(outcome);
      replication.whenConfirmed(confirm, ({ isEnough, reached }) =>
        done(isEnough ? outcome : { ok: false, error: errorToData(notConfirmed(confirm, reached)) }),
      );
    });
  }

  commit(transaction: StoreTransaction, told?: (timings: CommitTimings) => void): Promise<readonly Written[]> {
    return new Promise((resolve, reject) => {
      this.submit(transaction, (outcome) => {
        if (!outcome.ok) return reject(errorFromData(outcome.error));
        if (outcome.timings) told?.(outcome.timings);
        resolve(outcome.written);
      });
    });
  }

  /** Commits what waits, moves the WALs into the files and closes them. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const { queue, upkeep, store } of this.#writers.values()) {
      upkeep.stop();
      await queue.whenIdle();
      queue.close();
      store.close();
    }
    this.#writers.clear();
  }

  #open(database: string): Writer {
    const { folder, nodeId, clock, writeQueue, fatal, trouble, meters, copyWal, logRetentionMs, checkpointBytes } =
      this.#options;
    const blobs = new BlobFiles(folder, database);
    const path = join(folder, `${database}.db`);
    const store = new Store({
      path,
      nodeId,
      clock,
      versions: this.#versions,
      clockDriftMs: this.#options.clockDriftMs,
      blobExists: (id) => blobs.exists(id),
      idSlot: () => this.#idSlot,
    });
    blobs.removeOrphans((id) => store.knowsBlob(id));
    const queue = new CommitQueue({
      store,
      limit: writeQueue,
      committed: () => {
        this.#announce();
        writer.replication?.committed();
      },
      failed: fatal,
      lost: (error) => trouble(path, error),
      ...(meters && { meters }),
    });
    const upkeep = new Upkeep({
      store,
      clock,
      logRetentionMs,
      checkpointBytes,
      removeBlobs: (ids) => queue.whenDurable(() => blobs.remove(ids)),
      removeStrays: () => blobs.removeStrays((id) => store.knowsBlob(id), clock.nowMs() - strayGraceMs),
      changed: () => this.#announce(),
      members: () => writer.replication?.members() ?? [],
      ...(meters && { meters }),
      ...(copyWal && { copyWal: () => copyWal(path) }),
      failed: (error) => trouble(`upkeep of ${path}`, error),
    });
    const writer: Writer = { store, queue, upkeep, blobs, replication: undefined };
    this.#writers.set(database, writer);
    return writer;
  }

  #announce(): void {
    Atomics.add(this.#options.commits, 0, 1);
  }
}

/** A refusal, before anything is written, of what no time could bring about. */
function cannotConfirm({ count, among }: Confirmation, members: readonly string[]): ZerohopError | undefined {
  const most = among ? among.filter((name) => members.includes(name)).length : members.length;
  if (count <= most) return undefined;
  return new ZerohopError(
    'NOT_CONFIRMED',
    `${count} other nodes were to confirm the write, and ${most === 0 ? 'there are none' : `there are only ${most}`}${among ? ` of these names: ${among.join(', ')}` : ''}. Nothing was written.`,
    { written: false, reached: [] },
  );
}

function notConfirmed({ count }: Confirmation, reached: readonly string[]): ZerohopError {
  const names = reached.length === 0 ? 'none did' : `only ${reached.join(', ')} did`;
  return new ZerohopError(
    'NOT_CONFIRMED',
    `${count} other nodes were to confirm the write; in time ${names}. It is written here, and goes to the others when they can be reached.`,
    { written: true, reached },
  );
}

function checkDatabaseName(database: string): void {
  if (databaseName.test(database)) return;
  throw new ZerohopError(
    'INVALID_SCHEMA',
    `"${database}" can't be the name of a database. Use letters, digits, "-" and "_", at most 64.`,
  );
}

/** The trace a transaction was made in stays on its node: merging it begins a trace of its own. */
function endingSpan(
  tracer: Tracer,
  database: string,
  work: RemoteWork,
  done: (outcome: RemoteOutcome) => void,
): (outcome: RemoteOutcome) => void {
  const { rows } = work.kind === 'batch' ? work.batch : work.copy;
  const origin = work.kind === 'batch' ? work.batch.transactions[0]?.origin : work.copy.source;
  const attributes = {
    'db.system.name': 'sqlite',
    'db.namespace': database,
    'db.operation.batch.size': rows.length,
    'zerohop.replication.kind': work.kind,
    ...(origin !== undefined && { 'zerohop.replication.origin': origin }),
  };
  const span = tracer.begin(`replicate ${database}`, { attributes });
  return (outcome) => {
    span.set({ 'zerohop.replication.merged': outcome.ok });
    span.end();
    done(outcome);
  };
}
