// The rare cases of transactions: walks nobody finishes, several transactions on one snapshot, schema changes and trimmed logs behind their back.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits, ZerohopError } from '../base/index.ts';
import { parseQueryString, type Query } from '../query/index.ts';
import { parseSdl } from '../schema/index.ts';
import { StoreEngine } from '../store/index.ts';
import { LiveDatabases } from './databases.ts';
import type { Table, Transaction } from './types.ts';

const sdl = `
type Item @table { id: ID @primaryKey  n: Int @indexed  name: String @fulltext  tags: [String] @indexed  created: Long @createdTime }
type Other @table { id: ID @primaryKey  n: Int @indexed }
type Keyed @table { id: ID @primaryKey  name: String  key: String @computed @indexed }
`;

let folder = '';
let now = 0;
let engine: StoreEngine;
let databases: LiveDatabases;
const commits = new Int32Array(new SharedArrayBuffer(64));

function openDatabases(): LiveDatabases {
  return new LiveDatabases({
    folder,
    clock: { nowMs: () => now },
    client: engine,
    applySchema: async (tables) => engine.applySchema(tables),
    commits,
    snapshotMs: 60_000,
    scanRows: 10_000,
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-tables-'));
  now = 1_700_000_000_000;
  engine = new StoreEngine({
    folder,
    nodeId: 'node-a',
    clock: { nowMs: () => now },
    clockDriftMs: 60_000,
    writeQueue: 1000,
    logRetentionMs: limits.logRetentionMs,
    checkpointBytes: limits.checkpointBytes,
    commits,
    fatal: (error) => {
      throw error;
    },
    trouble: (_what, error) => {
      throw error;
    },
  });
  databases = openDatabases();
  await databases.applySchema(parseSdl(sdl, 's').tables);
});
afterEach(async () => {
  databases.close();
  await engine.close();
  rmSync(folder, { recursive: true });
});

function tableOf(name: string, of = databases): Table {
  const table = of.table('data', name);
  if (!table) throw new Error(`no table ${name}`);
  return table;
}
async function write(work: (transaction: Transaction) => void): Promise<void> {
  const transaction = databases.transaction();
  work(transaction);
  await transaction.commit();
}
const fill = (count: number) =>
  write((t) => {
    for (let i = 0; i < count; i++) t.put(tableOf('Item'), `i${String(i).padStart(4, '0')}`, { n: i, name: 'shoe' });
  });
const queryOf = (text: string, table: Table): Query => parseQueryString(text, table.definition, () => undefined);
const search = (t: Transaction, text: string, table = tableOf('Item')) => t.search(table, queryOf(text, table)).rows;
const ids = (t: Transaction, text: string, table = tableOf('Item')) => [...search(t, text, table)].map(({ id }) => id);
const bodyOf = (record: { readonly body: string } | undefined): unknown => record && JSON.parse(record.body);
const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return 'ok';
  } catch (error) {
    return error instanceof ZerohopError ? error.code : String(error);
  }
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a walk that nobody finished', () => {
  test('does not keep later transactions at its snapshot', async () => {
    await fill(600);
    for (let round = 0; round < 3; round++) {
      const t = databases.transaction();
      const walk = search(t, 'n=ge=0&sort(n)')[Symbol.iterator]();
      expect(walk.next().value?.id).toBe('i0000');
      await turn();
      t.abort();
      await write((t) => t.put(tableOf('Item'), 'i0000', { n: 0, name: `round ${round}` }));
      expect(bodyOf(databases.getLatest(tableOf('Item'), 'i0000'))).toMatchObject({ name: `round ${round}` });
      const after = databases.transaction();
      expect(bodyOf(after.get(tableOf('Item'), 'i0000'))).toMatchObject({ name: `round ${round}` });
      after.abort();
      expect(await codeOf(() => [...{ [Symbol.iterator]: () => walk }])).toBe('SNAPSHOT_EXPIRED');
    }
    expect(databases.heldSnapshots).toBe(0);
  });

  test('ends with the commit, and a search that had not begun too', async () => {
    await fill(600);
    const t = databases.transaction();
    const begun = search(t, 'n=ge=0')[Symbol.iterator]();
    begun.next();
    const waiting = search(t, 'n=ge=0');
    t.put(tableOf('Other'), 'o', {});
    await t.commit();
    expect([await codeOf(() => [...{ [Symbol.iterator]: () => begun }]), await codeOf(() => [...waiting])]).toEqual([
      'SNAPSHOT_EXPIRED',
      'SNAPSHOT_EXPIRED',
    ]);
    t.abort();
  });
});

describe('transactions of one turn', () => {
  test('may write and search while another walks, and commit', async () => {
    await fill(600);
    const [walking, writing] = [databases.transaction(), databases.transaction()];
    const seen: unknown[] = [];
    let committed: Promise<unknown> | undefined;
    for (const { id } of search(walking, 'n=ge=0&sort(n)')) {
      if (seen.push(id) !== 10) continue;
      writing.put(tableOf('Item'), 'new', { n: 5, tags: ['t'] });
      expect([ids(writing, 'n=5').length, ids(writing, 'tags=t'), ids(walking, 'tags=t')]).toEqual([2, ['new'], []]);
      committed = writing.commit();
    }
    expect([seen.length, new Set(seen).size]).toEqual([600, 600]);
    await committed;
    expect(ids(walking, 'tags=t')).toEqual([]);
    walking.abort();
    const later = databases.transaction();
    expect(ids(later, 'tags=t')).toEqual(['new']);
    later.abort();
  });

  test('never see what another staged, before or after it ended', async () => {
    await fill(3);
    for (let round = 0; round < 4; round++) {
      const [one, two] = [databases.transaction(), databases.transaction()];
      one.put(tableOf('Item'), 'one', { n: 100, name: 'hat' });
      one.delete(tableOf('Item'), 'i0001');
      two.put(tableOf('Item'), 'two', { n: 100 });
      expect([ids(one, 'n=ge=1&sort(n)'), ids(two, 'n=ge=1&sort(n)'), ids(one, 'name=ft=hat')]).toEqual([
        ['i0002', 'one'],
        ['i0001', 'i0002', 'two'],
        ['one'],
      ]);
      one.abort();
      const three = databases.transaction();
      three.patch(tableOf('Item'), 'i0002', { n: 50 });
      expect([ids(three, 'n=ge=1&sort(n)'), ids(three, 'name=ft=hat'), ids(two, 'n=100')]).toEqual([
        ['i0001', 'i0002'],
        [],
        ['two'],
      ]);
      two.abort();
      three.abort();
      await turn();
    }
  });
});

describe('own writes', () => {
  test('made while walking do not show in the walk', async () => {
    await fill(600);
    const t = databases.transaction();
    let visited = 0;
    for (const { id } of search(t, 'n=ge=0')) {
      visited++;
      t.patch(tableOf('Item'), id, { n: 1000 + visited });
      if (visited % 100 === 0) expect(ids(t, 'n=gt=1000').length).toBe(visited);
    }
    expect(visited).toBe(600);
    t.abort();
  });

  test('stay on top of what is committed meanwhile, once the snapshot is reset', async () => {
    await write((t) => t.put(tableOf('Item'), 'a', { n: 1, name: 'x' }));
    const t = databases.transaction();
    t.patch(tableOf('Item'), 'a', { n: 2 });
    expect(bodyOf(t.get(tableOf('Item'), 'a'))).toMatchObject({ n: 2, name: 'x' });
    await write((other) => other.patch(tableOf('Item'), 'a', { name: 'y' }));
    t.resetReadSnapshot();
    expect(bodyOf(t.get(tableOf('Item'), 'a'))).toMatchObject({ n: 2, name: 'y' });
    expect([ids(t, 'name=ft=y'), ids(t, 'n=2'), ids(t, 'name=ft=x')]).toEqual([['a'], ['a'], []]);
    t.abort();
  });

  test('keep the created time as the commit will', async () => {
    await write((t) => t.put(tableOf('Item'), 'a', { n: 1 }));
    const created = now;
    now += 1000;
    await write((t) => {
      t.put(tableOf('Item'), 'a', { n: 2 });
      expect(bodyOf(t.get(tableOf('Item'), 'a'))).toEqual({ id: 'a', n: 2, created });
      t.delete(tableOf('Item'), 'a');
      t.put(tableOf('Item'), 'a', { n: 3 });
      expect(bodyOf(t.get(tableOf('Item'), 'a'))).toEqual({ id: 'a', n: 3, created: now });
    });
    expect(bodyOf(databases.getLatest(tableOf('Item'), 'a'))).toEqual({ id: 'a', n: 3, created: now });
  });

  test('a patch after a whole write computes its index from that', async () => {
    const keyed = tableOf('Keyed');
    keyed.setComputed('key', (record) => `<${record.name}>`);
    await write((t) => t.put(keyed, 'k', { name: 'old' }));
    await write((t) => {
      t.put(keyed, 'k', { name: 'new' });
      t.patch(keyed, 'k', { more: 1 });
      t.put(keyed, 'l', { name: 'first' });
      t.patch(keyed, 'l', { name: 'second' });
    });
    const t = databases.transaction();
    expect(['<old>', '<new>', '<first>', '<second>'].map((key) => ids(t, `key=${key}`, keyed))).toEqual([
      [],
      ['k'],
      [],
      ['l'],
    ]);
    t.abort();
  });

  test('a transaction used after its commit counts as open until it ends', async () => {
    const t = databases.transaction();
    t.put(tableOf('Item'), 'a', {});
    await t.commit();
    expect(databases.openTransactions).toBe(0);
    t.get(tableOf('Item'), 'a');
    t.put(tableOf('Item'), 'b', {});
    expect(databases.openTransactions).toBe(1);
    await t.commit();
    await t.commit();
    t.get(tableOf('Item'), 'a');
    t.abort();
    t.abort();
    await turn();
    expect([databases.openTransactions, databases.heldSnapshots]).toEqual([0, 0]);
  });
});

describe('what is kept of what was read', () => {
  test('goes when the log was trimmed while this thread read nothing', async () => {
    await fill(3);
    const second = openDatabases();
    const read = (of: LiveDatabases) => {
      const t = of.transaction();
      const found = ids(t, 'n=ge=0&sort(n)&limit(10)', tableOf('Item', of));
      t.abort();
      return [found, bodyOf(of.getLatest(tableOf('Item', of), 'i0000'))];
    };
    expect(read(second)).toEqual(read(databases));
    await turn();
    now += 10_000;
    await write((t) => t.put(tableOf('Item'), 'i0000', { n: 9 }));
    await write((t) => t.put(tableOf('Other'), 'o', {}));
    engine.store('data')?.trim(now * 1000, 100, []);
    await write((t) => t.put(tableOf('Other'), 'o', {}));
    expect(read(second)).toEqual(read(databases));
    expect(read(second)[0]).toEqual(['i0001', 'i0002', 'i0000']);
    second.close();
  });

  test('is not a result with values that a function of the app computes', async () => {
    let calls = 0;
    const tables = parseSdl('type Odd @table { id: ID @primaryKey  count: Int @computed }', 's').tables;
    await databases.applySchema(tables);
    const odd = tableOf('Odd');
    odd.setComputed('count', () => ++calls);
    await write((t) => t.put(odd, 'a', {}));
    const read = () => {
      const t = databases.transaction();
      const [row] = [...search(t, 'select(count)&limit(5)', odd)];
      t.abort();
      return JSON.parse(row?.json ?? 'null');
    };
    expect([read(), read()]).toEqual([1, 2]);
  });
});

describe('a schema change', () => {
  test('lets open transactions read by key, and asks them to search anew', async () => {
    await write((t) => t.put(tableOf('Item'), 'a', { n: 1, size: 3 }));
    const old = databases.transaction();
    expect(ids(old, 'n=1')).toEqual(['a']);
    await databases.applySchema(parseSdl('type Item @table { id: ID @primaryKey  size: Int @indexed }', 's').tables);
    expect(bodyOf(old.get(tableOf('Item'), 'a'))).toMatchObject({ n: 1, size: 3 });
    expect(await codeOf(() => ids(old, 'size=3'))).toBe('SNAPSHOT_EXPIRED');
    old.resetReadSnapshot();
    expect(ids(old, 'size=3')).toEqual(['a']);
    old.abort();
  });

  test('is seen by twins that were made before', async () => {
    const staged = (t: Transaction, query: string) => {
      t.put(tableOf('Item'), 'a', { n: 1, size: 3, tags: ['t'] });
      const found = ids(t, query);
      t.abort();
      return found;
    };
    expect(staged(databases.transaction(), 'tags=t')).toEqual(['a']);
    await databases.applySchema(
      parseSdl('type Item @table { id: ID @primaryKey  size: Int @indexed  tags: [Any] @indexed }', 's').tables,
    );
    expect([staged(databases.transaction(), 'size=3'), staged(databases.transaction(), 'tags=t')]).toEqual([
      ['a'],
      ['a'],
    ]);
  });
});

test('a database file that is still being made is passed over until the next look', async () => {
  writeFileSync(join(folder, 'soon.db'), '');
  const second = openDatabases();
  expect([...second.all.keys()]).toEqual(['data']);
  engine.applySchema(parseSdl('type X @table(database: "soon") { id: ID @primaryKey }', 's').tables);
  second.refresh();
  expect([...second.all.keys()]).toEqual(['data', 'soon']);
  second.close();
});

test('nothing is opened after the end', async () => {
  const t = databases.transaction();
  const item = tableOf('Item');
  databases.close();
  expect(await codeOf(() => t.get(item, 'a'))).toBe('SHUTTING_DOWN');
});

test('a transaction that only insists on versions is refused like one that writes', async () => {
  await write((t) => t.put(tableOf('Item'), 'a', {}));
  const version = databases.getLatest(tableOf('Item'), 'a')?.version ?? 0;
  const insisting = (of: number | null) =>
    codeOf(async () => {
      const t = databases.transaction();
      t.insist(tableOf('Item'), 'a', of);
      expect(await t.commit()).toEqual([]);
    });
  expect([await insisting(version), await insisting(null), await insisting(1)]).toEqual([
    'ok',
    'PRECONDITION_FAILED',
    'PRECONDITION_FAILED',
  ]);
});

test('what another thread keeps of a query goes when an index is filled', async () => {
  const keyed = tableOf('Keyed');
  await engine.commit({
    database: 'data',
    changes: [{ op: 'put', table: 'Keyed', id: 'k', body: '{"id":"k","name":"x"}', expires: null }],
  });
  const second = openDatabases();
  const find = () => {
    const t = second.transaction();
    const found = ids(t, 'key=<x>&limit(5)', tableOf('Keyed', second));
    t.abort();
    return found;
  };
  expect(find()).toEqual([]);
  keyed.setComputed('key', (record) => `<${record.name}>`);
  await databases.fillComputed();
  expect(find()).toEqual(['k']);
  second.close();
});
