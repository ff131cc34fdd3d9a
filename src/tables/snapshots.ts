// Read snapshots of one database on one thread. All transactions that start in the same turn of the event loop share one snapshot: a read
// transaction on a connection. At the end of the turn a snapshot nobody holds is let go; one that a transaction took across an `await` keeps its
// connection until that transaction ends, and new transactions get another from the pool.
//
//   idle connection ──open──▶ current ──end of turn, unheld──▶ idle
//                                └──end of turn or newer commit, held──▶ held ──last release──▶ idle
//                                                                          └──too old──▶ expired

import { type Clock, ZerohopError } from '../base/index.ts';
import { Connection } from '../storage/index.ts';
import { Twins } from './twins.ts';

/** A connection and what transactions left on it for the next. */
interface Pooled {
  readonly connection: Connection;
  readonly twins: Twins;
}

export interface Snapshot extends Pooled {
  /** The newest log entry it sees. */
  readonly lsn: number;
  /** What the commit counter said just before it was opened. */
  readonly commits: number;
  holders: number;
  readonly openedMs: number;
  /** How many schema changes came before. */
  readonly schema: number;
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

/** Connections that wait for the next transaction; what is more is closed. */
const idleConnections = 8;
/** A connection with more twins than these is closed rather than used again. */
const keptTwins = 32;

export class Snapshots {
  readonly #options: SnapshotOptions;
  readonly #idle: Pooled[] = [];
  readonly #held = new Set<Snapshot>();
  #current: Snapshot | undefined;
  #turnEnds = false;
  #schema = 0;
  #closed = false;
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
    const pooled = this.#idle.pop() ?? this.#connect();
    const openedMs = this.#options.clock.nowMs();
    const lsn = beginAt(pooled.connection);
    this.#current = { ...pooled, lsn, commits, holders: 0, openedMs, schema: this.#schema, state: 'current' };
    this.#endTurn();
    return this.#current;
  }

  /** From now on queries know other columns than snapshots that were opened before. */
  schemaChanged(): void {
    this.#schema++;
    this.#retire();
  }

  /** Whether a snapshot was opened before the last schema change. */
  isOutdated(snapshot: Snapshot): boolean {
    return snapshot.schema !== this.#schema;
  }

  /** As `current`, and stays until it is released. */
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
    this.#closed = true;
    clearInterval(this.#watch);
    if (this.#current) this.#held.add(this.#current);
    this.#current = undefined;
    for (const snapshot of this.#held) this.#letGo(snapshot);
    this.#held.clear();
    for (const { connection } of this.#idle.splice(0)) connection.close();
  }

  #connect(): Pooled {
    if (this.#closed) throw new ZerohopError('SHUTTING_DOWN', 'The node is stopping. Retry in a moment.');
    if (this.#held.size >= this.#options.limit) {
      throw new ZerohopError(
        'OVERLOADED',
        `${this.#held.size} transactions hold a read snapshot. Finish or shorten them, and retry.`,
        { retryAfterSeconds: 1 },
      );
    }
    const connection = new Connection(this.#options.path, { readonly: true });
    return { connection, twins: new Twins(connection) };
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
    const { connection, twins } = snapshot;
    // A walk that nobody finished would keep the connection at this snapshot.
    connection.endWalks(expired);
    // Not ROLLBACK, which would take the twins.
    connection.run('COMMIT');
    if (twins.made > keptTwins || this.#idle.length >= idleConnections) connection.close();
    else this.#idle.push({ connection, twins });
  }

  /** An old snapshot keeps the WAL from being checkpointed. */
  #expireOld(): void {
    const before = this.#options.clock.nowMs() - this.#options.maxAgeMs;
    for (const snapshot of this.#held) {
      if (snapshot.openedMs >= before) continue;
      this.#held.delete(snapshot);
      snapshot.state = 'expired';
      snapshot.connection.endWalks(expired);
      snapshot.connection.close();
    }
  }
}

/** Opens a read transaction; returns the newest log entry it sees. */
function beginAt(connection: Connection): number {
  try {
    connection.run('BEGIN');
    return Number(connection.first('SELECT lsn FROM _log ORDER BY lsn DESC LIMIT 1')?.[0] ?? 0);
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Refuses to read from a snapshot that was held for too long. */
export function usable(snapshot: Snapshot): Connection {
  if (snapshot.state === 'expired' || snapshot.state === 'closed') throw expired();
  return snapshot.connection;
}

function expired(): ZerohopError {
  return new ZerohopError(
    'SNAPSHOT_EXPIRED',
    'The transaction has been open for too long. Run it again, in shorter steps.',
  );
}
