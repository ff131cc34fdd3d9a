// Takes rows out of tables for good: records that have expired and tombstones. A node alone does it at once. With other members it waits
// until each of them has what this node knows of the row: one that misses it would go on with what was there before, and hand that back.
//
//   nothing pending ──rows found──▶ waiting, with the vector of that moment ──every member has that vector──▶ removing, some at a time
//
// A row that changes meanwhile is no longer the one that was found, and stays.
//
// An expired record of a table with a source is evicted: its row stays, expired since the beginning of time, with what the record is found by.

import { parseExact, stringifyExact } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { type Connection, quoted, type SqlValue } from '../storage/index.ts';
import { recountBlobs } from './blob-references.ts';
import { removeFromDigest } from './digest.ts';
import { type Ledger, logOperations, noOrigin } from './ledger.ts';
import type { Vector } from './remote-types.ts';
import type { StoreOptions } from './store-options.ts';
import type { TableState } from './table-state.ts';
import { covers } from './vector.ts';

/** Rows of a table that may wait for the other members at the same time. */
const pendingRows = 50_000;
/** Rows looked at in one step of leaving a table. */
const leavingRows = 2_000;

interface Pending {
  readonly vector: Vector;
  /** Row number → version it was found with. */
  readonly rows: Map<number, number>;
}

type Kind = 'expired' | 'deleted';

const kinds: readonly Kind[] = ['expired', 'deleted'];

/** How long it is known that a record was invalidated, in ms: what a source began to fetch before must not be stored any more. */
const invalidatedMs = 10 * 60_000;

/** @returns a condition on a row, with the limit as ?1 */
function conditionOf({ entry: { definition } }: TableState, kind: Kind): string {
  if (kind === 'deleted') return '_body IS NULL AND _version < ?1';
  if (!definition.sourced) return '_expires <= ?1';
  // 0: evicted or invalidated. Where it is found by something there is nothing left to take away.
  if (foundBy(definition).length > 0) return '_expires <= ?1 AND _expires > 0';
  return `_expires <= ?1 AND (_expires > 0 OR _version < (?1 - ${invalidatedMs}) * 1000)`;
}

export class Reclaimer {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #options: StoreOptions;
  readonly #pending = new Map<string, Pending>();

  constructor(connection: Connection, ledger: Ledger, options: StoreOptions) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#options = options;
  }

  /**
   * Removes up to `limit` records that expired before `before` (ms), or tombstones older than the version `before`. Returns how many went.
   * @param members what each other member has on disk
   */
  reclaim(table: TableState, kind: Kind, before: number, limit: number, members: readonly Vector[]): number {
    if (members.length === 0) {
      const rows = this.#connection.all(`${select(table)} WHERE ${conditionOf(table, kind)} LIMIT ?2`, [before, limit]);
      this.#remove(table, rows);
      return rows.length;
    }
    const key = `${kind}${table.entry.number}`;
    const pending = this.#pending.get(key) ?? this.#find(table, kind, before);
    if (pending.rows.size === 0) {
      this.#pending.delete(key);
      return 0;
    }
    this.#pending.set(key, pending);
    if (!members.every((member) => covers(member, pending.vector))) return 0;
    return this.#removeFound(table, kind, before, limit, pending);
  }

  /** Takes out of this node alone the records whose body is one of `which`. Returns how many went. */
  forget(table: TableState, which: (body: string) => boolean): number {
    const rows = this.#connection
      .all(`${select(table)} WHERE _body IS NOT NULL`)
      .filter(([, , , , , body]) => which(String(body)));
    this.#remove(table, rows);
    return rows.length;
  }

  /** Takes out of this node alone the rows whose id is one of `which`, among some after `after`. */
  leave(
    table: TableState,
    after: number,
    which: (id: Id) => boolean,
  ): { readonly next: number | null; readonly some: boolean } {
    const found = this.#connection.all(`${select(table)} WHERE _row > ?1 ORDER BY _row LIMIT ?2`, [after, leavingRows]);
    const going = found.filter(([, id]) => which(id as Id));
    this.#remove(table, going);
    return { next: found.length < leavingRows ? null : Number(found.at(-1)?.[0]), some: going.length > 0 };
  }

  /** Takes out of this node alone the rows with these ids. */
  leaveThese(table: TableState, ids: readonly Id[]): void {
    for (const id of ids) this.#remove(table, this.#connection.all(`${select(table)} WHERE _id = ?1`, [id]));
  }

  /** A row has changed by another node's doing. */
  touched(table: TableState, row: number): void {
    for (const kind of kinds) this.#pending.get(`${kind}${table.entry.number}`)?.rows.delete(row);
  }

  #find(table: TableState, kind: Kind, before: number): Pending {
    const rows = this.#connection.all(
      `SELECT _row, _version FROM ${quoted(table.entry.names.table)} WHERE ${conditionOf(table, kind)} LIMIT ?2`,
      [before, pendingRows],
    );
    return {
      vector: this.#ledger.vector(),
      rows: new Map(rows.map(([row, version]) => [Number(row), Number(version)])),
    };
  }

  #removeFound(table: TableState, kind: Kind, before: number, limit: number, pending: Pending): number {
    let removed = 0;
    for (const [number, version] of pending.rows) {
      if (removed === limit) break;
      pending.rows.delete(number);
      const rows = this.#connection.all(
        `${select(table)} WHERE _row = ?2 AND _version = ?3 AND (${conditionOf(table, kind)})`,
        [before, number, version],
      );
      this.#remove(table, rows);
      removed += rows.length;
    }
    return removed;
  }

  /** It is still counted, and keeps its version: no other member needs to know. */
  #evict(table: TableState, row: number, version: number, before: string, after: string): void {
    const name = quoted(table.entry.names.table);
    this.#connection.run(`UPDATE ${name} SET _body = ?, _expires = 0, _merge = NULL WHERE _row = ?`, [after, row]);
    if (table.hasBlobs)
      recountBlobs(this.#connection, before, after, this.#options.clock.nowMs(), this.#options.blobExists);
    table.changed = true;
    this.#ledger.logOf(noOrigin, 0, table, row, version, logOperations.expire);
  }

  #remove(table: TableState, rows: readonly (readonly SqlValue[])[]): void {
    const evict = evictionOf(table.entry.definition);
    for (const [row, id, version, origin, expires, body] of rows) {
      if (body !== null && evict !== undefined) {
        this.#evict(table, Number(row), Number(version), String(body), evict(String(body)));
        continue;
      }
      table.remove(Number(row));
      if (body === null) continue;
      if (table.hasBlobs)
        recountBlobs(this.#connection, String(body), null, this.#options.clock.nowMs(), this.#options.blobExists);
      const digested = { version: Number(version), expires: expires === null ? null : Number(expires) };
      removeFromDigest(table.digest, id as Id, digested, this.#ledger.origin(Number(origin)));
      table.count--;
      table.changed = true;
      // For readers of this node; what other members keep is their own affair.
      this.#ledger.logOf(noOrigin, 0, table, Number(row), Number(version), logOperations.expire);
    }
  }
}

/** The attributes with an index, without the primary key. */
function foundBy({ attributes, primaryKey }: TableDefinition): string[] {
  const found = attributes.filter(({ indexed, unique, fulltext }) => indexed || unique || fulltext);
  return found.map(({ name }) => name).filter((name) => name !== primaryKey);
}

/** Makes of a record's body what stays of it; undefined: nothing does. */
function evictionOf(definition: TableDefinition): ((body: string) => string) | undefined {
  const { sourced, primaryKey } = definition;
  const names = foundBy(definition);
  if (!sourced || names.length === 0) return undefined;
  return (body) => {
    const record = parseExact(body) as Readonly<Record<string, unknown>>;
    const kept = [primaryKey, ...names].filter((name) => Object.hasOwn(record, name));
    return stringifyExact(Object.fromEntries(kept.map((name) => [name, record[name]])));
  };
}

function select(table: TableState): string {
  return `SELECT _row, _id, _version, _origin, _expires, _body FROM ${quoted(table.entry.names.table)}`;
}
