// A node as in a process: the real store on a real file, the real conversations, a clock of its own that may be wrong. It loses what was not
// on disk when its power fails, and nothing else.

import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HybridClock } from '../../src/base/index.ts';
import { type ReplicatedStore, Replicator, type Report } from '../../src/replication/index.ts';
import { parseSdl, type TableDefinition } from '../../src/schema/index.ts';
import {
  type Change,
  type CommitOutcome,
  type RemoteOutcome,
  type RemoteWork,
  Store,
  type StoreTransaction,
  type Vector,
} from '../../src/store/index.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

export const clockDriftMs = 60_000;

/**
 * A rule that is broken on purpose, to see that a simulation notices: own changes are told of before they are on disk, merge states are
 * thrown away, a copy counts as complete after its first part, or rows are taken out that other members miss.
 */
export type Sabotage = 'early' | 'unmerged' | 'incomplete' | 'forgotten' | 'untold';

export interface SimNodeOptions {
  readonly sabotage?: Sabotage;
  readonly limits: { readonly batchBytes: number; readonly window: number };
  readonly id: string;
  readonly folder: string;
  readonly sdl: string;
  readonly world: World;
  readonly random: Random;
  readonly report: (node: SimNode, report: Report) => void;
}

export class SimNode {
  readonly id: string;
  /** How wrong its clock is. */
  skewMs = 0;
  /** How long its disk takes to sync, at most, but for a few syncs. */
  syncMs = 20;
  isUp = false;
  /** What is promised to be on disk. */
  durable: Vector = new Map();
  /** Counts its lives. */
  life = 0;
  readonly #options: SimNodeOptions;
  readonly #tables: readonly TableDefinition[];
  #store: Store | undefined;
  #replicator: Replicator | undefined;
  /** Bytes of the WAL that are on disk. */
  #synced = 0;
  #syncing = false;
  #unsynced = false;
  /** Came in, and waits for the next commit. */
  #works: { readonly work: RemoteWork; readonly done: (outcome: RemoteOutcome) => void }[] = [];

  constructor(options: SimNodeOptions) {
    this.#options = options;
    this.id = options.id;
    this.#tables = parseSdl(options.sdl, 'schema.graphql').tables;
  }

  get store(): Store {
    if (!this.#store) throw new Error(`${this.id} is down`);
    return this.#store;
  }

  get replicator(): Replicator {
    if (!this.#replicator) throw new Error(`${this.id} is down`);
    return this.#replicator;
  }

  nowMs(): number {
    return Math.floor(this.#options.world.nowMs + this.skewMs);
  }

  start(): void {
    const { id, folder, report } = this.#options;
    this.life++;
    mkdirSync(this.#folder(), { recursive: true });
    const clock = { nowMs: () => this.nowMs() };
    const store = new Store({
      path: this.#path(),
      nodeId: id,
      clock,
      versions: new HybridClock(clock, clockDriftMs),
      clockDriftMs,
      blobExists: () => false,
    });
    store.applySchema(this.#tables);
    this.#store = store;
    this.durable = store.vector();
    // What survived is synced before anybody is told of it.
    this.#synced = this.#walSize();
    this.#syncing = false;
    this.#unsynced = false;
    this.#works = [];
    this.#replicator = new Replicator({
      cluster: folder,
      node: id,
      database: 'data',
      store: this.#replicated(store),
      blobs: { read: () => undefined, write: async () => {} },
      schema: { digest: 'same', definitions: '[]' },
      durable: store.vector(),
      nowMs: () => this.nowMs(),
      applySchema: () => {},
      digests: () => this.digests(),
      ...this.#options.limits,
      report: (one) => report(this, one),
    });
    this.isUp = true;
    this.#tickSoon(this.life);
  }

  /** In one group with what came in and waits. */
  commit(changes: readonly Change[]): CommitOutcome {
    const [outcome] = this.#commitTogether([{ database: 'data', changes }]);
    if (!outcome) throw new Error('no outcome');
    return outcome;
  }

  /** Puts all that was committed on disk. */
  syncNow(): void {
    this.#synced = this.#walSize();
    this.durable = this.store.vector();
    this.replicator.durable(this.durable);
  }

  digests(): ReadonlyMap<string, string> {
    return new Map(this.store.figures().map(({ table, digest }) => [table, digest]));
  }

  /** Ends as by a kill, which loses nothing, or a power failure, which loses some or all of what was not synced. */
  crash(losesPower: boolean): void {
    const from = this.#path();
    const size = this.#walSize();
    const { random } = this.#options;
    const kept = !losesPower ? size : random.chance(0.5) ? this.#synced : random.between(this.#synced, size);
    const wal = existsSync(`${from}-wal`) ? readFileSync(`${from}-wal`).subarray(0, kept) : new Uint8Array();
    const database = join(this.#options.folder, `${this.id}.copy`);
    copyFileSync(from, database);
    this.isUp = false;
    this.#store?.close();
    this.#store = undefined;
    this.#replicator = undefined;
    rmSync(this.#folder(), { recursive: true });
    mkdirSync(this.#folder(), { recursive: true });
    copyFileSync(database, from);
    if (wal.byteLength > 0) writeFileSync(`${from}-wal`, wal);
  }

  close(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.#store?.close();
  }

  /** The members whose acknowledgements decide what may be taken out. */
  members(all: readonly SimNode[]): readonly Vector[] {
    if (this.#options.sabotage === 'forgotten') return [];
    return all.filter((other) => other !== this).map((other) => this.replicator.durableAt(other.id));
  }

  #commitTogether(transactions: readonly StoreTransaction[]): readonly CommitOutcome[] {
    const works = this.#works.splice(0);
    const { outcomes, merged } = this.store.commitTogether(
      transactions,
      works.map(({ work }) => work),
    );
    if ([...outcomes, ...merged].some(({ ok }) => ok)) {
      if (this.#options.sabotage === 'early') this.replicator.durable(this.store.vector());
      this.replicator.committed();
      this.#syncSoon();
    }
    for (const [index, { done }] of works.entries()) {
      const outcome = merged[index];
      if (outcome) done(outcome);
    }
    return outcomes;
  }

  #replicated(store: Store): ReplicatedStore {
    const { world, random } = this.#options;
    return {
      readSince: (request) => store.readSince(request),
      readCopy: (position, limitBytes) => store.readCopy(position, limitBytes),
      reachesBack: (vector) => store.reachesBack(vector),
      vector: () => store.vector(),
      copies: () => store.copies(),
      merge: (work, done) => {
        const { life } = this;
        this.#works.push({ work: this.#sabotaged(work), done });
        world.after(random.between(0, 3), () => {
          if (this.isUp && this.life === life && this.#works.length > 0) this.#commitTogether([]);
        });
      },
    };
  }

  #sabotaged(work: RemoteWork): RemoteWork {
    const { sabotage } = this.#options;
    if (work.kind === 'copy') return sabotage === 'incomplete' ? { ...work, copy: { ...work.copy, next: null } } : work;
    if (sabotage !== 'unmerged') return work;
    const rows = work.batch.rows.map((row) => ({ ...row, merge: null }));
    return { ...work, batch: { ...work.batch, rows } };
  }

  #folder(): string {
    return join(this.#options.folder, this.id);
  }

  #path(): string {
    return join(this.#folder(), 'data.db');
  }

  #walSize(): number {
    const path = `${this.#path()}-wal`;
    return existsSync(path) ? statSync(path).size : 0;
  }

  /** One sync at a time, for all that was committed before it began; what comes meanwhile is for the next. */
  #syncSoon(): void {
    if (this.#syncing) {
      this.#unsynced = true;
      return;
    }
    const { world, random } = this.#options;
    this.#syncing = true;
    this.#unsynced = false;
    const [life, size, vector] = [this.life, this.#walSize(), this.store.vector()];
    world.after(random.between(1, random.chance(0.1) ? this.syncMs * 10 : this.syncMs), () => {
      if (!this.isUp || this.life !== life) return;
      this.#syncing = false;
      this.#synced = size;
      this.durable = vector;
      this.replicator.durable(vector);
      if (this.#unsynced) this.#syncSoon();
    });
  }

  #tickSoon(life: number): void {
    this.#options.world.after(1000, () => {
      if (!this.isUp || this.life !== life) return;
      this.replicator.tick();
      this.#tickSoon(life);
    });
  }
}
