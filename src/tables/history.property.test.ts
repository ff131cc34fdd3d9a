// Random histories of transactions on two threads' databases over one writer, against a slow model: every read and every search of every open
// transaction shows its snapshot and its own writes, every commit ends as it must, and no index, list, text or figure is left behind.

import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { limits, ZerohopError } from '../base/index.ts';
import { parseQueryString } from '../query/index.ts';
import { tagOf } from '../records/index.ts';
import { parseSdl } from '../schema/index.ts';
import { StoreEngine } from '../store/index.ts';
import { LiveDatabases } from './databases.ts';
import {
  commit,
  keyOf,
  live,
  type ModelRecord,
  ModelTransaction,
  type State,
  type TableName,
  type Write,
} from './testing/history-model.ts';
import { type Search, type Step, step } from './testing/history-steps.ts';
import type { CommittedWrite, Table, Transaction } from './types.ts';

const sdl = `
type Item @table {
  id: ID @primaryKey  n: Int @indexed  code: String @unique  name: String @fulltext  tags: [String] @indexed  created: Long @createdTime
  key: String @computed(from: "name + '/' + n") @indexed
}
type Session @table(expiration: 10) {
  id: ID @primaryKey  n: Int @indexed  code: String  name: String @fulltext  tags: [String] @indexed
}`;
const ids = ['a', 'b', 'c', 'd'];

interface Slot {
  readonly databases: LiveDatabases;
  transaction: Transaction;
  model: ModelTransaction;
  /** What it has read of records, for preconditions: the model knows them by version. */
  readonly seen: Map<string, { readonly version: number; readonly tag: number }>;
}

class World {
  now = 1_700_000_000_000;
  state: State = new Map();
  readonly folder = mkdtempSync(join(tmpdir(), 'zerohop-history-'));
  readonly engine: StoreEngine;
  readonly threads: readonly [LiveDatabases, LiveDatabases];
  readonly slots: readonly Slot[];

  constructor() {
    const clock = { nowMs: () => this.now };
    const commits = new Int32Array(16);
    const fail = (error: unknown) => {
      throw error;
    };
    this.engine = new StoreEngine({
      folder: this.folder,
      nodeId: 'node-a',
      clock,
      clockDriftMs: 60_000,
      writeQueue: 1000,
      logRetentionMs: limits.logRetentionMs,
      checkpointBytes: limits.checkpointBytes,
      commits,
      fatal: fail,
      trouble: (_what, error) => fail(error),
    });
    this.engine.applySchema(parseSdl(sdl, 's').tables);
    const open = () =>
      new LiveDatabases({
        folder: this.folder,
        clock,
        client: this.engine,
        applySchema: async () => {},
        commits,
        snapshotMs: 1e9,
        scanRows: 10_000,
      });
    this.threads = [open(), open()];
    const [one, two] = this.threads;
    this.slots = [one, two, one, two].map((databases) => ({
      databases,
      transaction: databases.transaction(),
      model: new ModelTransaction(),
      seen: new Map(),
    }));
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'get':
        return this.#get(this.#slot(step.slot), step);
      case 'search':
        return this.#search(this.#slot(step.slot), step.table, step.search);
      case 'latest':
        return this.#latest(this.#slot(step.slot), step);
      case 'put':
      case 'patch': {
        const { code, ...rest } = step.values;
        // The model knows uniqueness of one table.
        const values = step.table === 'Item' && code !== undefined ? { ...rest, code } : rest;
        const expiresInMs = step.do === 'put' ? step.expiresInMs : null;
        const expiry = expiresInMs !== null && { expiresAt: this.now + expiresInMs };
        const write: Write = { op: step.do, table: step.table, id: step.id, values, nowMs: this.now, ...expiry };
        return this.#write(this.#slot(step.slot), write, step.condition);
      }
      case 'delete':
        return this.#write(
          this.#slot(step.slot),
          { ...step, op: 'delete', values: {}, nowMs: this.now },
          step.condition,
        );
      case 'add': {
        const write: Write = { op: 'patch', table: 'Item', id: step.id, values: {}, add: step.by, nowMs: this.now };
        return this.#write(this.#slot(step.slot), write, 'none');
      }
      case 'commit': {
        const ending = step.slots.map((number) => this.#commit(this.#slot(number)));
        const settled = Promise.all(ending.map(({ outcome }) => outcome));
        this.#search(this.#slot(step.slot), 'Item', step.search);
        await settled;
        for (const { check } of ending) await check();
        return;
      }
      case 'abort': {
        const slot = this.#slot(step.slot);
        slot.transaction.abort();
        slot.transaction = slot.databases.transaction();
        slot.model = new ModelTransaction();
        return;
      }
      case 'reset': {
        const slot = this.#slot(step.slot);
        slot.transaction.resetReadSnapshot();
        return slot.model.rebase();
      }
      case 'wait':
        this.now += step.ms;
        this.engine.runUpkeep();
        await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** All indexes, lists, texts and figures of a table equal what its rows say. */
  checkDerived(table: TableName): void {
    const all = (sql: string) => JSON.stringify(this.engine.store('data')?.connection.all(sql).sort());
    this.engine
      .store('data')
      ?.connection.exec(`CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, '${table}$fulltext', 'instance')`);
    expect(all(`SELECT row, value FROM "${table}$tags"`)).toBe(
      all(`SELECT _row, element.value FROM ${table}, json_each(_body, '$.tags') AS element`),
    );
    expect(all('SELECT doc, term FROM temp.words')).toBe(
      all(
        `SELECT _row, element.value FROM ${table}, json_each('["' || replace(json_extract(_body, '$.name'), ' ', '","') || '"]') AS element`,
      ),
    );
    expect(all(`SELECT count FROM _catalog WHERE name = '${table}'`)).toBe(
      all(`SELECT count(*) FROM ${table} WHERE _body IS NOT NULL`),
    );
    expect(all('PRAGMA integrity_check')).toBe('[["ok"]]');
    this.engine.store('data')?.connection.exec('DROP TABLE temp.words');
  }

  async close(): Promise<void> {
    for (const thread of this.threads) thread.close();
    await this.engine.close();
    rmSync(this.folder, { recursive: true });
  }

  #slot(number: number): Slot {
    return this.slots[number] as Slot;
  }

  #get(slot: Slot, of: { readonly table: TableName; readonly id: string }): void {
    const record = slot.transaction.get(tableOf(slot, of.table), of.id);
    const { record: expected, isOwn } = slot.model.see(of, this.state, this.now);
    expect(bodyOf(record)).toEqual(expected?.body);
    if (isOwn || !record) return;
    expect(record.version).toBe(expected?.version ?? 0);
    slot.seen.set(keyOf(of), { version: record.version, tag: tagOf(record) });
  }

  #search(slot: Slot, name: TableName, { text, matches }: Search): void {
    const table = tableOf(slot, name);
    const query = parseQueryString(`${text}sort(id)&limit(50)`, table.definition, () => undefined);
    const found = [...slot.transaction.search(table, query).rows].map(({ json }) => JSON.parse(json));
    const records = ids.map((id) => slot.model.see({ table: name, id }, this.state, this.now).record);
    expect(found).toEqual(records.flatMap((record) => (record && matches(record.body) ? [record.body] : [])));
  }

  #latest({ databases }: Slot, of: { readonly table: TableName; readonly id: string }): void {
    const table = databases.table('data', of.table) as Table;
    const record = databases.getLatest(table, of.id);
    const expected = live(this.state.get(keyOf(of)), this.now);
    expect(record && [bodyOf(record), record.version]).toEqual(expected && [expected.body, expected.version]);
  }

  #write(slot: Slot, write: Write, condition: string): void {
    const { op, table: name, id, values, add, expiresAt } = write;
    const seen = condition === 'read' ? slot.seen.get(keyOf(write)) : undefined;
    const insisted = {
      ...(condition === 'exists' && { exists: true }),
      ...(condition === 'new' && { exists: false }),
    };
    const options = {
      if: { ...insisted, ...(seen && { versions: [seen.tag] }) },
      ...(expiresAt !== undefined && { expiresAt }),
    };
    const table = tableOf(slot, name);
    if (op === 'put') slot.transaction.put(table, id, values, options);
    else if (op === 'delete') slot.transaction.delete(table, id, options);
    else if (add === undefined) slot.transaction.patch(table, id, values, options);
    else slot.transaction.patch(table, id, {}, { add: { n: add }, minimum: { n: 0 } });
    slot.model.writes.push({ ...write, ...insisted, ...(seen && { versions: [seen.version] }) });
  }

  /** Begins a commit. It is to be checked after those that began before, in which order the store does them. */
  #commit(slot: Slot): { readonly outcome: Promise<unknown>; readonly check: () => Promise<void> } {
    const { writes } = slot.model;
    const outcome = slot.transaction.commit().catch((error: unknown) => error);
    slot.model = new ModelTransaction();
    const check = async () => {
      const ended = await outcome;
      const expected = commit(this.state, writes, this.now);
      if (typeof expected === 'string') {
        expect(ended instanceof ZerohopError ? ended.code : ended).toBe(expected);
        return;
      }
      if (!Array.isArray(ended)) throw ended;
      const written: readonly CommittedWrite[] = ended;
      expect(written.map(({ existed }) => existed)).toEqual([...expected.existed]);
      for (const [index, { version }] of written.entries()) stampWith(expected.state, writes[index] as Write, version);
      this.state = expected.state;
    };
    return { outcome, check };
  }
}

function stampWith(state: Map<string, ModelRecord>, write: Write, version: number): void {
  const record = state.get(keyOf(write));
  if (record) state.set(keyOf(write), { ...record, version });
}

function tableOf({ databases }: Slot, name: TableName): Table {
  return databases.table('data', name) as Table;
}

function bodyOf(record: { readonly body: string } | undefined): unknown {
  return record && JSON.parse(record.body);
}

test('every transaction of every history sees and does what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 80, size: 'max' }), async (steps) => {
      const world = new World();
      try {
        for (const step of steps) await world.run(step);
        for (const { transaction } of world.slots) transaction.abort();
        for (const table of ['Item', 'Session'] as const) {
          for (const id of ids) for (const slot of [0, 1]) await world.run({ do: 'latest', slot, table, id });
          world.checkDerived(table);
        }
        await new Promise((resolve) => setImmediate(resolve));
        expect(world.threads.map(({ openTransactions, heldSnapshots }) => [openTransactions, heldSnapshots])).toEqual([
          [0, 0],
          [0, 0],
        ]);
      } finally {
        await world.close();
      }
    }),
    { numRuns: 60 },
  );
}, 30_000);
