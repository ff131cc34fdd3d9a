// The log of one database and its numbers: what happened to which row, in commit order.

import type { Connection } from '../storage/index.ts';
import type { TableState } from './table-state.ts';

/** What a `_log` entry says happened to a row. */
export const logOperations = { put: 1, patch: 2, delete: 3, expire: 4 } as const;

/** This node's own origin number in every file. */
export const ownOrigin = 1;

export class Ledger {
  /** Number of the newest log entry. */
  lsn = 0;
  /** Number of this node's newest transaction. */
  seq = 0;
  #saved = 0;
  readonly #connection: Connection;
  readonly #insert: ReturnType<Connection['prepare']>;
  #origins = new Map<number, string>();

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
    this.seq = Number(this.#connection.first('SELECT seq FROM _peers WHERE origin = ?', [ownOrigin])?.[0] ?? 0);
    this.#saved = this.seq;
    this.#origins = new Map(
      this.#connection.all('SELECT number, id FROM _origins').map(([number, id]) => [Number(number), String(id)]),
    );
  }

  /** Writes the numbers, inside the group's transaction. */
  save(): void {
    if (this.seq === this.#saved) return;
    this.#saved = this.seq;
    this.#connection.run(
      'INSERT INTO _peers (origin, seq) VALUES (?, ?) ON CONFLICT (origin) DO UPDATE SET seq = excluded.seq',
      [ownOrigin, this.seq],
    );
  }

  log(table: TableState, row: number, version: number, operation: number): void {
    this.#insert.run(++this.lsn, ownOrigin, this.seq, version, table.entry.number, row, operation);
  }

  /** The node id behind a number in `_origin`. */
  origin(number: number): string {
    return this.#origins.get(number) ?? '';
  }

  /** The version of the newest log entry, in microseconds. */
  newestVersion(): number {
    return Number(this.#connection.first('SELECT version FROM _log ORDER BY lsn DESC LIMIT 1')?.[0] ?? 0);
  }
}
