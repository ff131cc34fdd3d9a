// Steps 2 to 6 of a commit: one change of one record, inside the group's transaction.

import { limits, parseExact, stringifyExact, ZerohopError } from '../base/index.ts';
import { applyPatch, type Id, mergeFromText, mergeToText, type RecordState, tagOfRow } from '../records/index.ts';
import { type Connection, columnValueSql, quoted, uniqueViolation } from '../storage/index.ts';
import { recountBlobs } from './blob-references.ts';
import { check, checkSums, nextId } from './checks.ts';
import { addToDigest, type Digested, removeFromDigest } from './digest.ts';
import { type Ledger, logOperations, noOrigin, ownOrigin } from './ledger.ts';
import type { StoreOptions } from './store-options.ts';
import type { RowFull, RowHead, TableState } from './table-state.ts';
import type { Change, IndexChange, PatchChange, Precondition, PutChange, StoreTransaction, Written } from './types.ts';

export class ChangeWriter {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #tables: () => ReadonlyMap<string, TableState>;
  readonly #options: StoreOptions;

  constructor(
    connection: Connection,
    ledger: Ledger,
    tables: () => ReadonlyMap<string, TableState>,
    options: StoreOptions,
  ) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#tables = tables;
    this.#options = options;
  }

  checkReads(transaction: StoreTransaction): void {
    for (const [tableName, id, version] of transaction.reads ?? []) {
      const head = this.#table(tableName).head(id);
      const current = head && this.#isLive(head) ? tagOfRow(head.version, head.merge) : null;
      if (current !== version)
        throw new ZerohopError(
          'PRECONDITION_FAILED',
          `${tableName} ${id} has changed since it was read. Read it again and retry.`,
          { reads: true },
        );
    }
  }

  apply(change: Change, version: number): Written {
    switch (change.op) {
      case 'put':
        return this.#put(change, version);
      case 'patch':
        return this.#patch(change, version);
      case 'delete':
        return this.#delete(change.table, change.id, version, change.if);
      case 'index':
        return this.#index(change);
    }
  }

  #put(change: PutChange, version: number): Written {
    const table = this.#table(change.table);
    const id = change.id ?? nextId(table, this.#options.idSlot?.());
    if (
      change.if?.exists === false &&
      !change.if.versions &&
      change.if.row === undefined &&
      change.id !== null &&
      !table.hasBlobs
    ) {
      const row = this.#insertNew(table, change, change.id, version);
      if (row !== undefined) return { id, version, existed: false };
    }
    const old = change.id === null ? undefined : table.hasBlobs ? table.full(id) : table.head(id);
    const existed = old !== undefined && this.#isLive(old);
    check(change.table, id, change.if, existed, old);
    const body = change.id === null ? withId(change.body, table.entry.definition.primaryKey, id) : change.body;
    const computed = change.computed === undefined ? null : stringifyExact(change.computed);
    const row = this.#writing(table, { id, version, body, computed }, () => {
      if (old === undefined)
        return table.insert(id, version, ownOrigin, this.#ledger.seq, change.expires, null, computed, body);
      table.update(old.row, version, ownOrigin, this.#ledger.seq, change.expires, null, computed, body, existed);
      return old.row;
    });
    if (typeof id === 'number' && id >= table.nextId) table.nextId = id + 1;
    if (table.hasBlobs) this.#recount(old as RowFull | undefined, body);
    this.#account(table, id, old, { version, expires: change.expires });
    this.#ledger.log(table, row, version, logOperations.put);
    return { id, version, existed };
  }

  /** The common case of a new record, without a look before: undefined when a row with the id, or with a unique value, is in the way. */
  #insertNew(table: TableState, change: PutChange, id: Id, version: number): number | undefined {
    const computed = change.computed === undefined ? null : stringifyExact(change.computed);
    let row: number;
    try {
      row = table.insert(id, version, ownOrigin, this.#ledger.seq, change.expires, null, computed, change.body);
    } catch (error) {
      if (uniqueViolation(error) === undefined) throw error;
      return undefined;
    }
    if (typeof id === 'number' && id >= table.nextId) table.nextId = id + 1;
    this.#account(table, id, undefined, { version, expires: change.expires });
    this.#ledger.log(table, row, version, logOperations.put);
    return row;
  }

  #patch(change: PatchChange, version: number): Written {
    const table = this.#table(change.table);
    const old = table.full(change.id);
    const existed = old !== undefined && this.#isLive(old);
    check(change.table, change.id, change.if, existed, old);
    if (!existed || old.body === null)
      throw new ZerohopError('NOT_FOUND', `${change.table} has no record ${JSON.stringify(change.id)} to change.`);
    const before: RecordState = {
      stamp: { version: old.version, origin: this.#ledger.origin(old.origin) },
      expires: old.expires,
      merge: mergeFromText(old.merge),
      body: parseExact(old.body) as RecordState['body'],
    };
    const after = applyPatch(before, change.patch, { version, origin: this.#ledger.origin(ownOrigin) }, change.expires);
    checkSums(table, change, before.body ?? {}, after.body ?? {});
    const body = stringifyExact(after.body);
    if (body.length * 3 > limits.recordBytes && Buffer.byteLength(body) > limits.recordBytes)
      throw new ZerohopError(
        'BODY_TOO_LARGE',
        `${change.table} ${change.id} would have ${Buffer.byteLength(body)} bytes; at most ${limits.recordBytes} are possible. Put large content into a Blob.`,
      );
    const values = table.indexedValues ? table.indexedValues(body) : change.computed;
    const computed = values === undefined ? null : stringifyExact(values);
    this.#writing(table, { id: change.id, version, body, computed }, () => {
      table.update(
        old.row,
        version,
        ownOrigin,
        this.#ledger.seq,
        after.expires,
        mergeToText(after.merge),
        computed,
        body,
        false,
      );
      return old.row;
    });
    if (table.hasBlobs) this.#recount(old, body);
    this.#account(table, change.id, old, { version, expires: after.expires });
    this.#ledger.log(table, old.row, version, logOperations.patch);
    return { id: change.id, version, existed };
  }

  #index(change: IndexChange): Written {
    const table = this.#table(change.table);
    const old = table.head(change.id);
    if (!old?.live || tagOfRow(old.version, old.merge) !== change.tag)
      return { id: change.id, version: old?.version ?? 0, existed: old?.live === true };
    const name = quoted(table.entry.names.table);
    this.#connection.run(`UPDATE ${name} SET _computed = ? WHERE _row = ?`, [stringifyExact(change.computed), old.row]);
    // For readers, who may have kept what a query found without it. No other node is concerned.
    this.#ledger.logOf(noOrigin, 0, table, old.row, old.version, logOperations.index);
    return { id: change.id, version: old.version, existed: true };
  }

  #delete(tableName: string, id: Id, version: number, precondition: Precondition | undefined): Written {
    const table = this.#table(tableName);
    const old = table.hasBlobs ? table.full(id) : table.head(id);
    const existed = old !== undefined && this.#isLive(old);
    check(tableName, id, precondition, existed, old);
    if (!old?.live) return { id, version, existed: false };
    table.update(old.row, version, ownOrigin, this.#ledger.seq, null, null, null, null, false);
    if (table.hasBlobs) this.#recount(old as RowFull, null);
    this.#account(table, id, old, null);
    this.#ledger.log(table, old.row, version, logOperations.delete);
    return { id, version, existed };
  }

  /** Writes a row; a value that a unique index refuses becomes NOT_UNIQUE, unless its holder has expired. */
  #writing(table: TableState, next: NextRow, write: () => number): number {
    for (;;) {
      try {
        return write();
      } catch (error) {
        const columns = uniqueViolation(error);
        if (columns === undefined) throw error;
        const { definition, names } = table.entry;
        const column = columns.slice(columns.lastIndexOf('.') + 1);
        const attribute = [...names.columns].find(([, name]) => name === column)?.[0] ?? column;
        if (this.#removeExpiredHolder(table, attribute, next)) continue;
        throw new ZerohopError('NOT_UNIQUE', `Another record of ${definition.name} has this ${attribute} already.`, {
          attribute,
        });
      }
    }
  }

  /** Deletes the record that has the value `next` is to have in a unique attribute, if it has expired: on every node, so as a change. */
  #removeExpiredHolder(table: TableState, attributeName: string, next: NextRow): boolean {
    const { definition, names } = table.entry;
    const attribute = definition.attributes.find(({ name }) => name === attributeName);
    const column = names.columns.get(attributeName);
    if (!attribute || column === undefined) return false;
    const holders = this.#connection.all(
      `SELECT _id FROM ${quoted(names.table)} WHERE ${quoted(column)} = (${columnValueSql(attribute, '?1')}) AND _body IS NOT NULL AND _expires <= ?2`,
      [attribute.computed ? next.computed : next.body, this.#options.clock.nowMs()],
    );
    const others = holders.map(([id]) => id as Id).filter((id) => id !== next.id);
    for (const id of others) this.#delete(definition.name, id, next.version, undefined);
    return others.length > 0;
  }

  #recount(old: RowFull | undefined, body: string | null): void {
    recountBlobs(this.#connection, old?.body ?? null, body, this.#options.clock.nowMs(), this.#options.blobExists);
  }

  #account(table: TableState, id: Id, old: RowHead | undefined, next: Digested | null): void {
    table.changed = true;
    if (old?.live) {
      removeFromDigest(table.digest, id, old, this.#ledger.origin(old.origin));
      table.count--;
    }
    if (next) {
      addToDigest(table.digest, id, next, this.#ledger.origin(ownOrigin));
      table.count++;
    }
  }

  #isLive(row: RowHead): boolean {
    return row.live && (row.expires === null || row.expires > this.#options.clock.nowMs());
  }

  #table(name: string): TableState {
    const table = this.#tables().get(name);
    if (!table) throw new ZerohopError('NOT_FOUND', `There is no table ${name} in this database.`);
    return table;
  }
}

/** A row that is about to be written. */
interface NextRow {
  readonly id: Id;
  readonly version: number;
  readonly body: string;
  readonly computed: string | null;
}

/** Puts an assigned id at the start of a body that has none. */
function withId(body: string, primaryKey: string, id: Id): string {
  const rest = body.slice(1);
  return `{${JSON.stringify(primaryKey)}:${JSON.stringify(id)}${rest === '}' ? '' : ','}${rest}`;
}
