// Transactions of other nodes on their way into the tables: checked whole, then merged row by row, inside the caller's SQLite
// transaction. A merge never fails: where a unique attribute's value is taken, both records are kept and the clash is reported.

import { limits, parseExact, stringifyExact, ZerohopError } from '../base/index.ts';
import { compareStamps, mergeFromText, mergeRecord, mergeToText, type RecordState } from '../records/index.ts';
import { type Connection, quoted, uniqueViolation } from '../storage/index.ts';
import { blobIds, recountBlobs } from './blob-references.ts';
import { addToDigest, removeFromDigest } from './digest.ts';
import { type Ledger, logOperations, noOrigin } from './ledger.ts';
import type { Reclaimer } from './reclaimer.ts';
import type { Clash, RemoteBatch, RemoteCopy, RemoteRefusal, RemoteRow } from './remote-types.ts';
import type { StoreOptions } from './store-options.ts';
import type { RowFull, TableState } from './table-state.ts';

/** A row and where it stands after the merge. */
interface Placed {
  readonly table: TableState;
  readonly row: number;
  readonly operation: number;
}

export class RemoteWriter {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #tables: () => ReadonlyMap<string, TableState>;
  readonly #reclaimer: Reclaimer;
  readonly #options: StoreOptions;

  constructor(
    connection: Connection,
    ledger: Ledger,
    tables: () => ReadonlyMap<string, TableState>,
    reclaimer: Reclaimer,
    options: StoreOptions,
  ) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#tables = tables;
    this.#reclaimer = reclaimer;
    this.#options = options;
  }

  /** Why a batch can not be applied now; undefined when it can. Reads only. */
  refusalOfBatch({ from, rows, transactions }: RemoteBatch): RemoteRefusal | undefined {
    for (const [origin, needs] of from) {
      const has = this.#ledger.seqOf(origin);
      if (has < needs) return { kind: 'gap', origin, has, needs };
    }
    return this.refusalOfRows(rows, transactions);
  }

  /** The same for rows alone. `stamps`: further versions to check. */
  refusalOfRows(
    rows: readonly RemoteRow[],
    stamps: readonly { readonly version: number }[] = [],
  ): RemoteRefusal | undefined {
    let newest = stamps.reduce((version, stamp) => Math.max(version, stamp.version), 0);
    const missing = new Set<string>();
    for (const row of rows) {
      const table = this.#tables().get(row.table);
      if (!table) return { kind: 'unknownTable', table: row.table };
      if (row.version > newest) newest = row.version;
      if (!table.hasBlobs) continue;
      for (const id of blobIds(row.body)) if (!this.#options.blobExists(id)) missing.add(id);
    }
    const aheadMs = newest / 1000 - this.#options.clock.nowMs();
    if (aheadMs > (this.#options.clockDriftMs ?? limits.clockDriftMs)) return { kind: 'ahead', aheadMs };
    if (missing.size > 0) return { kind: 'missingBlobs', ids: [...missing] };
    return undefined;
  }

  /** Merges the transactions that are not in here yet, each under its own number. Returns records that clash. */
  applyBatch({ upTo, rows, transactions }: RemoteBatch): Clash[] {
    this.#followClock(rows, transactions);
    const clashes: Clash[] = [];
    const placed = new Map<number, Placed>();
    const newest = new Map<string, number>();
    for (const { origin, seq, version, rows: positions } of transactions) {
      if (seq <= this.#ledger.seqOf(origin)) continue;
      newest.set(origin, Math.max(version, newest.get(origin) ?? 0));
      const number = this.#ledger.number(origin);
      for (const position of positions) {
        const row = rows[position];
        if (row === undefined) throw unreadable();
        const place = placed.get(position) ?? this.#merge(row, clashes);
        placed.set(position, place);
        this.#ledger.logOf(number, seq, place.table, place.row, version, place.operation);
      }
    }
    for (const [origin, seq] of upTo)
      if (seq > this.#ledger.seqOf(origin)) this.#ledger.advance(origin, seq, newest.get(origin) ?? 0, true);
    return clashes;
  }

  /** Merges a part of a copy of all rows, and after the last part takes over the vector it was made with. */
  applyCopy({ source, vector, rows, next }: RemoteCopy): Clash[] {
    const newest = this.#followClock(rows, []);
    const clashes: Clash[] = [];
    for (const row of rows) {
      const { table, row: number, operation } = this.#merge(row, clashes);
      this.#ledger.logOf(noOrigin, 0, table, number, row.version, operation);
    }
    if (next) {
      this.#connection.run(
        'INSERT INTO _copies (source, vector, position) VALUES (?, ?, ?) ON CONFLICT (source) DO UPDATE SET vector = excluded.vector, position = excluded.position',
        [source, JSON.stringify([...vector]), JSON.stringify(next)],
      );
      return clashes;
    }
    this.#connection.run('DELETE FROM _copies WHERE source = ?', [source]);
    for (const [origin, seq] of vector)
      if (seq > this.#ledger.seqOf(origin)) this.#ledger.advance(origin, seq, newest, false);
    return clashes;
  }

  /** Local changes from now on are later than these, also after a restart. */
  #followClock(...lists: readonly (readonly { readonly version: number }[])[]): number {
    const newest = lists.flat().reduce((version, one) => Math.max(version, one.version), 0);
    this.#options.versions.resume(newest);
    this.#ledger.saw(newest);
    return newest;
  }

  #merge(row: RemoteRow, clashes: Clash[]): Placed {
    const table = this.#tables().get(row.table);
    if (!table) throw unreadable();
    const inserted = this.#insertAbsent(table, row);
    if (inserted !== undefined) {
      this.#account(table, undefined, row);
      return { table, row: inserted, operation: operationOf(row) };
    }
    const old = table.full(row.id);
    const next = old === undefined ? row : this.#merged(table, old, row);
    const operation = operationOf(next ?? old ?? row);
    // What is here knows all that the row does.
    if (next === undefined && old) return { table, row: old.row, operation };
    const written = next ?? row;
    const number = this.#write(table, old, written, clashes);
    if (old) this.#reclaimer.touched(table, number);
    this.#account(table, old, written);
    return { table, row: number, operation };
  }

  /** The common case of a record that is new here, without a look before; undefined where there may be more to it. */
  #insertAbsent(table: TableState, row: RemoteRow): number | undefined {
    if (table.hasUnique || table.hasBlobs || table.indexedValues) return undefined;
    const origin = this.#ledger.number(row.origin);
    return table.insertAbsent(row.id, row.version, origin, row.seq, row.expires, row.merge, row.computed, row.body);
  }

  /** The row as it is to be written; undefined when it stays as it is. */
  #merged(table: TableState, old: RowFull, row: RemoteRow): RemoteRow | undefined {
    const origin = this.#ledger.origin(old.origin);
    const order = compareStamps({ version: old.version, origin }, row);
    if (old.merge === null && order >= 0) return undefined;
    if (row.merge === null && order <= 0) return row;
    const here = stateOf({ ...old, origin });
    const after = mergeRecord(here, stateOf(row));
    const kept = this.#kept(table, old.row);
    const newer = order >= 0 ? { version: old.version, origin, seq: kept.seq } : row;
    const merge = mergeToText(after.merge);
    const body = after.body === null ? null : stringifyExact(after.body);
    if (order >= 0 && merge === old.merge && body === old.body && after.expires === old.expires) return undefined;
    return {
      table: row.table,
      id: row.id,
      version: newer.version,
      origin: newer.origin,
      seq: newer.seq,
      expires: after.expires,
      merge,
      // Of neither version, unless it is that one exactly; an app's function computes it anew.
      computed: body === row.body ? row.computed : body === old.body ? kept.computed : null,
      body,
    };
  }

  #kept(table: TableState, row: number): { readonly seq: number; readonly computed: string | null } {
    const name = quoted(table.entry.names.table);
    const [seq, computed = null] =
      this.#connection.first(`SELECT _seq, _computed FROM ${name} WHERE _row = ?`, [row]) ?? [];
    return { seq: Math.abs(Number(seq)), computed: computed === null ? null : String(computed) };
  }

  #write(table: TableState, old: RowFull | undefined, row: RemoteRow, clashes: Clash[]): number {
    const computed =
      row.body !== null && table.indexedValues ? stringifyExact(table.indexedValues(row.body, true)) : row.computed;
    const origin = this.#ledger.number(row.origin);
    const write = (seq: number): number => {
      if (old === undefined)
        return table.insert(row.id, row.version, origin, seq, row.expires, row.merge, computed, row.body);
      table.update(old.row, row.version, origin, seq, row.expires, row.merge, computed, row.body, false);
      return old.row;
    };
    const number = this.#writeBesideOthers(table, row, write, clashes);
    if (table.hasBlobs)
      recountBlobs(
        this.#connection,
        old?.body ?? null,
        row.body,
        this.#options.clock.nowMs(),
        this.#options.blobExists,
      );
    return number;
  }

  /** A row whose unique value is taken is kept with its number negated, which leaves it out of the unique index. */
  #writeBesideOthers(table: TableState, row: RemoteRow, write: (seq: number) => number, clashes: Clash[]): number {
    try {
      return write(row.seq);
    } catch (error) {
      if (!table.hasUnique || uniqueViolation(error) === undefined) throw error;
      clashes.push({ table: row.table, id: row.id });
      return write(-row.seq);
    }
  }

  #account(table: TableState, old: RowFull | undefined, row: RemoteRow): void {
    table.changed = true;
    if (typeof row.id === 'number' && row.id >= table.nextId) table.nextId = Math.min(row.id + 1, table.maxId);
    if (old?.live) {
      removeFromDigest(table.digest, row.id, old, this.#ledger.origin(old.origin));
      table.count--;
    }
    if (row.body !== null) {
      addToDigest(table.digest, row.id, row, row.origin);
      table.count++;
    }
  }

  /** Puts rows that were left out of a unique index back in, where their value is free again. */
  readmit(table: TableState): void {
    if (!table.hasUnique) return;
    this.#connection.run(`UPDATE OR IGNORE ${quoted(table.entry.names.table)} SET _seq = -_seq WHERE _seq < 0`);
  }
}

function operationOf({ body, merge }: Pick<RemoteRow, 'body' | 'merge'>): number {
  if (body === null) return logOperations.delete;
  return merge === null ? logOperations.put : logOperations.patch;
}

function stateOf(row: Pick<RemoteRow, 'version' | 'origin' | 'expires' | 'merge' | 'body'>): RecordState {
  return {
    stamp: { version: row.version, origin: row.origin },
    expires: row.expires,
    merge: mergeFromText(row.merge),
    body: row.body === null ? null : (parseExact(row.body) as RecordState['body']),
  };
}

function unreadable(): ZerohopError {
  return new ZerohopError('INVALID_REQUEST', 'A batch of another node names a row that is not in it.');
}
