// The log of one database and its numbers: what happened to which row, in commit order, and the version vector: of each origin (a node
// that writes) the number of its newest transaction that is in here.

import type { Connection } from '../storage/index.ts';
import type { Vector } from './remote-types.ts';
import type { TableState } from './table-state.ts';

/** What a `_log` entry says happened to a row. */
export const logOperations = { put: 1, patch: 2, delete: 3, expire: 4, index: 5 } as const;

/** This node's own origin number in every file. */
export const ownOrigin = 1;
/** The origin of log entries that tell this node's readers that a row changed and that are no part of any transaction. */
export const noOrigin = 0;

/** Log entries between marks. */
const entriesPerMark = 4096;

interface Peer {
  seq: number;
  /** The newest version seen in its transactions. */
  version: number;
  /** Its newest transaction of which something is no longer in the log. */
  trimmed: number;
  changed: boolean;
}

export class Ledger {
  /** Number of the newest log entry. */
  lsn = 0;
  /** Number of this node's newest transaction. */
  seq = 0;
  /** How many changes by this node's transactions were logged, refused ones included. */
  logged = 0;
  #version = 0;
  #saved = 0;
  #savedVersion = true;
  #marked = 0;
  readonly #connection: Connection;
  readonly #insert: ReturnType<Connection['prepare']>;
  #origins = new Map<number, string>();
  #numbers = new Map<string, number>();
  /** Without this node. */
  #peers = new Map<number, Peer>();
  #ownTrimmed = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#insert = connection.prepare(
      'INSERT INTO _log (lsn, origin, seq, version, tbl, row, op) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.load();
  }

  /** Reads the numbers from the file: at the start and after a group was rolled back. */
  load(): void {
    this.lsn = Number(this.#connection.first('SELECT lsn FROM _log ORDER BY lsn DESC LIMIT 1')?.[0] ?? 0);
    this.#marked = Number(this.#connection.first('SELECT lsn FROM _marks ORDER BY lsn DESC LIMIT 1')?.[0] ?? 0);
    this.#origins = new Map(
      this.#connection.all('SELECT number, id FROM _origins').map(([number, id]) => [Number(number), String(id)]),
    );
    this.#numbers = new Map([...this.#origins].map(([number, id]) => [id, number]));
    this.#peers = new Map(
      this.#connection.all('SELECT origin, seq, version, trimmed FROM _peers').map((row) => {
        const [origin = 0, seq = 0, version = 0, trimmed = 0] = row.map(Number);
        return [origin, { seq, version, trimmed, changed: false }];
      }),
    );
    const own = this.#peers.get(ownOrigin);
    this.#peers.delete(ownOrigin);
    this.seq = own?.seq ?? 0;
    this.#version = own?.version ?? 0;
    this.#ownTrimmed = own?.trimmed ?? 0;
    this.#saved = this.seq;
    this.#savedVersion = true;
  }

  /** Writes the numbers, inside the group's transaction. */
  save(): void {
    if (this.lsn >= this.#marked + entriesPerMark) this.#mark();
    if (this.seq !== this.#saved || !this.#savedVersion) {
      this.#saved = this.seq;
      this.#savedVersion = true;
      this.#savePeer(ownOrigin, this.seq, this.#version, this.#ownTrimmed);
    }
    for (const [origin, peer] of this.#peers) {
      if (!peer.changed) continue;
      peer.changed = false;
      this.#savePeer(origin, peer.seq, peer.version, peer.trimmed);
    }
  }

  /** Logs a change by this node's current transaction. */
  log(table: TableState, row: number, version: number, operation: number): void {
    if (version > this.#version) this.#version = version;
    this.logged++;
    this.#insert.run(++this.lsn, ownOrigin, this.seq, version, table.entry.number, row, operation);
  }

  /** Logs a change by a transaction of another node, or by `noOrigin`. */
  logOf(origin: number, seq: number, table: TableState, row: number, version: number, operation: number): void {
    this.#insert.run(++this.lsn, origin, seq, version, table.entry.number, row, operation);
  }

  /** The node id behind a number in `_origin`. */
  origin(number: number): string {
    return this.#origins.get(number) ?? '';
  }

  /** The number of a node, given to it when it is met first, inside the group's transaction. */
  number(origin: string): number {
    const known = this.#numbers.get(origin);
    if (known !== undefined) return known;
    const number = Math.max(ownOrigin, ...this.#origins.keys()) + 1;
    this.#connection.run('INSERT INTO _origins (number, id) VALUES (?, ?)', [number, origin]);
    this.#origins.set(number, origin);
    this.#numbers.set(origin, number);
    return number;
  }

  /** Number of the newest transaction of a node that is in here. */
  seqOf(origin: string): number {
    const number = this.#numbers.get(origin);
    if (number === undefined) return 0;
    return number === ownOrigin ? this.seq : (this.#peers.get(number)?.seq ?? 0);
  }

  vector(): Vector {
    const vector = new Map<string, number>();
    if (this.seq > 0) vector.set(this.origin(ownOrigin), this.seq);
    for (const [number, { seq }] of this.#peers) if (seq > 0) vector.set(this.origin(number), seq);
    return vector;
  }

  /** Everything up to transaction `seq` of another node is in here. `logged` false: its changes are, its log entries are not. */
  advance(origin: string, seq: number, version: number, logged: boolean): void {
    const number = this.number(origin);
    const peer = this.#peers.get(number) ?? { seq: 0, version: 0, trimmed: 0, changed: true };
    if (seq > peer.seq && !logged) peer.trimmed = seq;
    peer.seq = Math.max(peer.seq, seq);
    peer.version = Math.max(peer.version, version);
    peer.changed = true;
    this.#peers.set(number, peer);
  }

  /** Takes note, inside a transaction, that the log begins after entry `lsn`. */
  trimmed(lsn: number): void {
    this.#connection.run('DELETE FROM _marks WHERE lsn <= ?', [lsn]);
    this.#connection.run(
      `UPDATE _peers SET trimmed = max(trimmed, gone.seq)
       FROM (SELECT origin, max(seq) AS seq FROM _log WHERE lsn <= ? GROUP BY origin) AS gone WHERE gone.origin = _peers.origin`,
      [lsn],
    );
    for (const [origin = 0, trimmed = 0] of this.#connection
      .all('SELECT origin, trimmed FROM _peers')
      .map((row) => row.map(Number))) {
      const peer = this.#peers.get(origin);
      if (peer) peer.trimmed = trimmed;
      else if (origin === ownOrigin) this.#ownTrimmed = trimmed;
    }
  }

  /** Takes note of a version made elsewhere. */
  saw(version: number): void {
    if (version <= this.#version) return;
    this.#version = version;
    this.#savedVersion = false;
  }

  /** The newest version in here, in microseconds, of this node or any other. */
  newestVersion(): number {
    const logged = Number(this.#connection.first('SELECT version FROM _log ORDER BY lsn DESC LIMIT 1')?.[0] ?? 0);
    return Math.max(logged, this.#version, ...[...this.#peers.values()].map(({ version }) => version));
  }

  #mark(): void {
    this.#marked = this.lsn;
    this.#connection.run('INSERT INTO _marks (lsn, vector) VALUES (?, ?)', [
      this.lsn,
      JSON.stringify([...this.vector()]),
    ]);
  }

  #savePeer(origin: number, seq: number, version: number, trimmed: number): void {
    this.#connection.run(
      `INSERT INTO _peers (origin, seq, version, trimmed) VALUES (?, ?, ?, ?)
       ON CONFLICT (origin) DO UPDATE SET seq = excluded.seq, version = excluded.version, trimmed = excluded.trimmed`,
      [origin, seq, version, trimmed],
    );
  }
}
