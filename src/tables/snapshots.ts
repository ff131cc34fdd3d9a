// Read snapshots of one database on one thread. All transactions that start in the same turn of the event loop share one snapshot: a read
// transaction on a connection. At the end of the turn a snapshot nobody holds is let go; one that a transaction took across an `await` keeps its
// connection until that transaction ends, and new transactions get another from the pool.
//
//   idle connection ──open──▶ current ──end of turn, unheld──▶ idle
//                                └──end of turn or newer commit, held──▶ held ──last release──▶ idle
//                                                                          └──too old──▶ expired

import { type Clock, ZerohopError } from '../base/index.ts';
import { Connection } from '../storage/index.ts';

export interface Snapshot {
  readonly connection: Connection;
  /** The newest log entry it sees. */
  readonly lsn: number;
  /** What the commit counter said just before it was opened. */
  readonly commits: number;
  holders: number;
  readonly openedMs: number;
  state: 'current' | 'held' | 'expired' | 'closed';
}

export interface SnapshotOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Element 0 changes after every commit group. */
  readonly commits: Int32Array;
  /** How long a snapshot may be held, in ms. */
  readonly maxAgeMs: number;
  /** How many may be held at the same time. */
  readonly limit: number;
}

export class Snapshots {
  readonly #options: SnapshotOptions;
  readonly #idle: Connection[] = [];
  readonly #held = new Set<Snapshot>();
  #current: Snapshot | undefined;
  #turnEnds = false;
  readonly #watch: Timer;

  constructor(options: SnapshotOptions) {
    this.#options = options;
    this.#idle.push(this.#connect());
    this.#watch = setInterval(() => this.#expireOld(), 1000);
    this.#watch.unref();
  }

  /** How many connections are held by transactions. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** The snapshot that has everything committed so far. Throws OVERLOADED when too many are held. */
  current(): Snapshot {
    const commits = Atomics.load(this.#options.commits, 0);
    if (this.#current) {
      if (this.#current.commits === commits) return this.#current;
      this.#retire();
    }
    const connection = this.#idle.pop() ?? this.#connect();
    connection.run('BEGIN');
    const lsn = Number(connection.first('SELECT lsn FROM _log ORDER BY lsn DESC LIMIT 1')?.[0] ?? 0);
    this.#current = { connection, lsn, commits, holders: 0, openedMs: this.#options.clock.nowMs(), state: 'current' };
    this.#endTurn();
    return this.#current;
  }

  hold(): Snapshot {
    const snapshot = this.current();
    snapshot.holders++;
    return snapshot;
  }

  release(snapshot: Snapshot): void {
    snapshot.holders--;
    if (snapshot.holders === 0 && snapshot.state === 'held') {
      this.#held.delete(snapshot);
      this.#letGo(snapshot);
    }
  }

  close(): void {
    clearInterval(this.#watch);
    if (this.#current) this.#held.add(this.#current);
    this.#current = undefined;
    for (const snapshot of this.#held) this.#letGo(snapshot);
    this.#held.clear();
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  #connect(): Connection {
    if (this.#held.size >= this.#options.limit) {
      throw new ZerohopError(
        'OVERLOADED',
        `${this.#held.size} transactions hold a read snapshot. Finish or shorten them, and retry.`,
        { retryAfterSeconds: 1 },
      );
    }
    return new Connection(this.#options.path, { readonly: true });
  }

  #endTurn(): void {
    if (this.#turnEnds) return;
    this.#turnEnds = true;
    setImmediate(() => {
      this.#turnEnds = false;
      this.#retire();
    });
  }

  #retire(): void {
    const snapshot = this.#current;
    if (!snapshot) return;
    this.#current = undefined;
    if (snapshot.holders === 0) return this.#letGo(snapshot);
    snapshot.state = 'held';
    this.#held.add(snapshot);
  }

  #letGo(snapshot: Snapshot): void {
    if (snapshot.state === 'expired') return;
    snapshot.state = 'closed';
    snapshot.connection.run('ROLLBACK');
    this.#idle.push(snapshot.connection);
  }

  /** An old snapshot keeps the WAL from being checkpointed. */
  #expireOld(): void {
    const before = this.#options.clock.nowMs() - this.#options.maxAgeMs;
    for (const snapshot of this.#held) {
      if (snapshot.openedMs >= before) continue;
      this.#held.delete(snapshot);
      snapshot.state = 'expired';
      snapshot.connection.run('ROLLBACK');
      snapshot.connection.close();
    }
  }
}

/** Refuses to read from a snapshot that was held for too long. */
export function usable(snapshot: Snapshot): Connection {
  if (snapshot.state === 'expired' || snapshot.state === 'closed') {
    throw new ZerohopError(
      'SNAPSHOT_EXPIRED',
      'The transaction has been open for too long. Run it again, in shorter steps.',
    );
  }
  return snapshot.connection;
}
