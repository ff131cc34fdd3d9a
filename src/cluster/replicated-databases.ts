// The databases of this node that replicate: what goes out and comes in of each, and how far behind whom it is.

import type { Clock } from '../base/index.ts';
import { type Replicator, type Report, type Residency, replicateDatabase, schemaOf } from '../replication/index.ts';
import type { StoreEngine, Vector } from '../store/index.ts';
import { LagClock } from './lag.ts';
import { type Members, replicates } from './members.ts';
import { Staleness } from './staleness.ts';
import type { ClusterLog, Troubles } from './troubles.ts';

export interface ReplicatedDatabasesOptions {
  readonly engine: StoreEngine;
  readonly cluster: string;
  readonly node: string;
  readonly clock: Clock;
  /** Of the configuration: names, or `*`. */
  readonly wanted: readonly string[];
  readonly members: Members;
  readonly troubles: Troubles;
  readonly residency: (database: string) => Residency | undefined;
  /** A copy of all rows is complete. */
  readonly copied: () => void;
  /** Tables came in from another node. */
  readonly tablesMade: () => void;
  /** There is one more. */
  readonly opened: () => void;
  readonly log: ClusterLog;
}

/** Tables that differed when two nodes had the same transactions. */
export interface Comparison {
  readonly atMs: number;
  readonly different: readonly string[];
}

export interface OriginLag {
  readonly origin: string;
  /** What the member lacks of it, and for how long. */
  readonly commits: number;
  readonly seconds: number;
  /** What it has on disk and this node lacks. */
  readonly missingHere: number;
}

interface Replicated {
  readonly replicator: Replicator;
  readonly lag: LagClock;
  /** By peer. */
  readonly compared: Map<string, Comparison>;
}

/** Databases a peer may make this node open. */
const mostDatabases = 1_000;

export class ReplicatedDatabases {
  readonly replicators: Map<string, Replicator> = new Map();
  readonly #options: ReplicatedDatabasesOptions;
  readonly #opening = new Map<string, Promise<Replicator | undefined>>();
  readonly #replicated = new Map<string, Replicated>();
  readonly #staleness = new Staleness();
  #isStopped = false;

  constructor(options: ReplicatedDatabasesOptions) {
    this.#options = options;
  }

  /** Lets a database replicate, if it is to. @param canMake whether one that is not here is made */
  takeOn(database: string, canMake: boolean): Promise<Replicator | undefined> {
    const { engine, wanted, log } = this.#options;
    const known = this.#opening.get(database);
    if (known) return known;
    const isHere = engine.databases.includes(database);
    const isWanted = isHere || (canMake && this.#opening.size < mostDatabases && !this.#isStopped);
    if (!isWanted || !replicates(wanted, database)) return Promise.resolve(undefined);
    const opening = this.#open(database).catch((error: unknown) => {
      this.#opening.delete(database);
      const why = error instanceof Error ? error.message : String(error);
      log('error', `The database ${database} can not take part in replication: ${why}`);
      return undefined;
    });
    this.#opening.set(database, opening);
    return opening;
  }

  /** All that are here. */
  async takeOnAll(): Promise<void> {
    await Promise.all(this.#options.engine.databases.map((database) => this.takeOn(database, false)));
  }

  /** Local tables have changed. */
  schemaChanged(): void {
    for (const [database, replicator] of this.replicators) {
      const store = this.#options.engine.store(database);
      if (store) replicator.schemaChanged(schemaOf({ store }));
    }
  }

  /** @param isSecond whether a second has passed since it was last true */
  tick(isSecond: boolean): void {
    const { engine, clock, members } = this.#options;
    for (const [database, { replicator, lag }] of this.#replicated) {
      const vector = isSecond ? engine.store(database)?.vector() : undefined;
      if (vector) {
        lag.sample(vector, clock.nowMs());
        const others = members.othersWith(database).map((id) => replicator.durableAt(id));
        this.#staleness.sample(database, vector, others, clock.nowMs());
      }
      replicator.tick();
    }
  }

  /** What a member lacks of a database that this node has, per origin; and what it has that this node lacks. */
  lagOf(member: string, database: string): readonly OriginLag[] {
    const replicated = this.#replicated.get(database);
    const store = this.#options.engine.store(database);
    if (!replicated || !store) return [];
    const nowMs = this.#options.clock.nowMs();
    const ours = store.vector();
    const theirs: Vector = replicated.replicator.durableAt(member);
    return [...new Set([...ours.keys(), ...theirs.keys()])].sort().map((origin) => {
      const [here, there] = [ours.get(origin) ?? 0, theirs.get(origin) ?? 0];
      const { commits, seconds } = replicated.lag.behind(origin, there, here, nowMs);
      return { origin, commits, seconds, missingHere: Math.max(0, there - here) };
    });
  }

  /** How long this node has lacked what another has on disk. */
  get missingSeconds(): number {
    return this.#staleness.seconds(this.#options.clock.nowMs());
  }

  /** With a peer, the last one; undefined: there was none yet. */
  comparison(member: string, database: string): Comparison | undefined {
    return this.#replicated.get(database)?.compared.get(member);
  }

  stop(): void {
    this.#isStopped = true;
    for (const replicator of this.replicators.values()) replicator.stop();
  }

  async #open(database: string): Promise<Replicator | undefined> {
    const { engine, node, clock, cluster, members, residency, copied, tablesMade, opened } = this.#options;
    engine.openDatabase(database);
    const replicator = await replicateDatabase({
      engine,
      database,
      cluster,
      node,
      clock,
      members: () => members.othersWith(database),
      nameOf: (id) => members.nameOf(id),
      report: (report) => this.#reported(database, report),
      residency: () => residency(database),
      copied,
      tablesMade,
    });
    if (!replicator || this.#isStopped) return undefined;
    this.#replicated.set(database, { replicator, lag: new LagClock(), compared: new Map() });
    this.replicators.set(database, replicator);
    opened();
    return replicator;
  }

  #reported(database: string, report: Report): void {
    if (report.type === 'compared') {
      const atMs = this.#options.clock.nowMs();
      this.#replicated.get(database)?.compared.set(report.peer, { atMs, different: report.different });
    }
    this.#options.troubles.conversation(database, report);
  }
}
