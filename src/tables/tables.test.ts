// Tables and transactions on a real store, in one thread: what a transaction sees, what others see, and what a commit makes of it.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits, ZerohopError } from '../base/index.ts';
import { parseQueryString } from '../query/index.ts';
import { parseSdl } from '../schema/index.ts';
import { StoreEngine } from '../store/index.ts';
import { LiveDatabases } from './databases.ts';
import type { SearchRow, Table, Transaction } from './types.ts';

const sdl = `
type Product @table {
  id: ID @primaryKey
  name: String @fulltext
  price: Float @indexed
  tags: [String] @indexed
  brandId: ID @indexed
  brand: Brand @relationship(from: brandId)
  key: String @computed(from: "name + ':' + price") @indexed
}
type Brand @table { id: ID @primaryKey  name: String @indexed  products: [Product] @relationship(to: brandId) }
type Session @table(expiration: 10) { id: ID @primaryKey  user: String @indexed }
type Numbered @table { id: Int @primaryKey  name: String }
`;

let folder = '';
let now = 0;
let engine: StoreEngine;
let databases: LiveDatabases;
let product: Table;
let brand: Table;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-tables-'));
  now = 1_700_000_000_000;
  const clock = { nowMs: () => now };
  const commits = new Int32Array(new SharedArrayBuffer(64));
  engine = new StoreEngine({
    folder,
    nodeId: 'node-a',
    clock,
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
  databases = new LiveDatabases({
    folder,
    clock,
    client: engine,
    applySchema: async (tables) => engine.applySchema(tables),
    commits,
    snapshotMs: 1000,
    scanRows: 10_000,
  });
  await databases.applySchema(parseSdl(sdl, 'schema.graphql').tables);
  product = tableOf('Product');
  brand = tableOf('Brand');
});
afterEach(async () => {
  databases.close();
  await engine.close();
  rmSync(folder, { recursive: true });
});

function tableOf(name: string): Table {
  const table = databases.table('data', name);
  if (!table) throw new Error(`no table ${name}`);
  return table;
}

async function write(work: (transaction: Transaction) => void): Promise<void> {
  const transaction = databases.transaction();
  work(transaction);
  await transaction.commit();
}

const lookup = (name: string) => databases.table('data', name)?.definition;
const find = (transaction: Transaction, table: Table, query: string): unknown[] =>
  [...transaction.search(table, parseQueryString(query, table.definition, lookup)).rows].map(({ json }: SearchRow) =>
    JSON.parse(json),
  );
const ids = (transaction: Transaction, query: string): unknown[] => find(transaction, product, `${query}&select(id)`);
const body = (record: { readonly body: string } | undefined): unknown => record && JSON.parse(record.body);
const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return 'ok';
  } catch (error) {
    return error instanceof ZerohopError ? error.code : String(error);
  }
};

describe('reads', () => {
  test('a record written is read by the next transaction, from disk and from the cache', async () => {
    await write((t) => t.put(product, 'a', { name: 'Shoe', price: 5 }));
    for (let time = 0; time < 3; time++) {
      const t = databases.transaction();
      expect(body(t.get(product, 'a'))).toEqual({ id: 'a', name: 'Shoe', price: 5 });
      t.abort();
      expect(body(databases.getLatest(product, 'a'))).toEqual({ id: 'a', name: 'Shoe', price: 5 });
    }
    expect(databases.cachedRecords).toBe(1);
  });

  test('a cached record is never stale', async () => {
    await write((t) => t.put(product, 'a', { price: 0 }));
    for (let price = 1; price <= 50; price++) {
      expect(body(databases.getLatest(product, 'a'))).toEqual({ id: 'a', price: price - 1 });
      await write((t) => t.put(product, 'a', { price }));
    }
    await write((t) => t.delete(product, 'a'));
    expect(databases.getLatest(product, 'a')).toBeUndefined();
  });

  test('a transaction sees one moment across awaits, while others move on', async () => {
    await write((t) => t.put(product, 'a', { price: 1 }));
    const old = databases.transaction();
    expect(body(old.get(product, 'a'))).toEqual({ id: 'a', price: 1 });
    await write((t) => {
      t.put(product, 'a', { price: 2 });
      t.put(product, 'b', { price: 3 });
    });
    expect(body(old.get(product, 'a'))).toEqual({ id: 'a', price: 1 });
    expect(old.get(product, 'b')).toBeUndefined();
    expect(ids(old, 'price=gt=0')).toEqual(['a']);
    old.resetReadSnapshot();
    expect(ids(old, 'price=gt=0&sort(id)')).toEqual(['a', 'b']);
    old.abort();
    expect(databases.openTransactions).toBe(0);
  });

  test('an expired record is not there, by key or in queries', async () => {
    const session = tableOf('Session');
    await write((t) => t.put(session, 's', { user: 'ann' }));
    now += 9_999;
    expect(databases.getLatest(session, 's')).toBeDefined();
    now += 1;
    const t = databases.transaction();
    expect([databases.getLatest(session, 's'), t.get(session, 's'), find(t, session, 'user=ann')]).toEqual([
      undefined,
      undefined,
      [],
    ]);
    t.abort();
  });

  test('expired records are gone from the file within one scan interval', async () => {
    const session = tableOf('Session');
    await write((t) => {
      for (let i = 0; i < 1200; i++) t.put(session, `s${i}`, { user: 'ann' });
      t.put(product, 'p', { name: 'x' }, { expiresAt: now + 5_000 });
    });
    engine.runUpkeep();
    now += 60_000 + 10_000;
    engine.runUpkeep();
    while (session.recordCount() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(product.recordCount()).toBe(0);
  });
});

describe('own writes', () => {
  test('are seen by reads and queries of the transaction, and by no other, until committed', async () => {
    await write((t) => {
      t.put(brand, 'n', { name: 'Nord' });
      t.put(product, 'a', { name: 'Red shoe', price: 1, tags: ['x'], brandId: 'n' });
      t.put(product, 'b', { name: 'Blue shoe', price: 2, tags: ['y'], brandId: 'n' });
    });
    const t = databases.transaction();
    t.put(product, 'c', { name: 'Green shoe', price: 3, tags: ['x'], brandId: 'm' });
    t.put(brand, 'm', { name: 'Mar' });
    t.patch(product, 'a', { price: 10, tags: ['z'] });
    t.delete(product, 'b');
    expect(body(t.get(product, 'a'))).toMatchObject({ price: 10, name: 'Red shoe' });
    expect(t.get(product, 'b')).toBeUndefined();
    const seen = (transaction: Transaction) =>
      [
        'price=gt=0&sort(-price)',
        'tags=x',
        'tags=z',
        'name=ft=shoe&sort(id)',
        'brand.name=Mar',
        'brand.name=Nord',
        'key=Green shoe:3',
      ].map((query) => ids(transaction, query));
    const after = [['a', 'c'], ['c'], ['a'], ['a', 'c'], ['c'], ['a'], ['c']];
    expect(seen(t)).toEqual(after);
    const other = databases.transaction();
    expect(seen(other)).toEqual([['b', 'a'], ['a'], [], ['a', 'b'], [], ['a', 'b'], []]);
    other.abort();
    await t.commit();
    const later = databases.transaction();
    expect(seen(later)).toEqual(after);
    later.abort();
  });

  test('a commit that is refused leaves nothing of them, in any table', async () => {
    await write((t) => t.put(product, 'a', { price: 1 }));
    const t = databases.transaction();
    t.put(brand, 'x', { name: 'X' });
    t.put(product, 'a', { price: 2 }, { if: { exists: false } });
    expect(await codeOf(() => t.commit())).toBe('CONFLICT');
    expect(databases.getLatest(brand, 'x')).toBeUndefined();
    expect(body(databases.getLatest(product, 'a'))).toEqual({ id: 'a', price: 1 });
  });

  test('an aborted transaction refuses to go on', async () => {
    const t = databases.transaction();
    t.put(brand, 'x', { name: 'X' });
    t.abort();
    expect(await codeOf(() => t.commit())).toBe('INVALID_REQUEST');
    expect(databases.getLatest(brand, 'x')).toBeUndefined();
  });

  test('concurrent patches of one record keep every attribute, and its computed index', async () => {
    await write((t) => t.put(product, 'a', { name: 'Shoe', price: 0 }));
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        write((t) => t.patch(product, 'a', i % 2 ? { price: i } : { name: `Shoe ${i}` })),
      ),
    );
    const record = body(databases.getLatest(product, 'a')) as { name: string; price: number };
    expect(record).toMatchObject({ name: 'Shoe 18', price: 19 });
    const t = databases.transaction();
    expect(ids(t, `key=${record.name}:${record.price}`)).toEqual(['a']);
    t.abort();
  });

  test('additions of concurrent transactions sum, and stop at the minimum', async () => {
    await write((t) => t.put(product, 'a', { price: 10 }));
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, () =>
        codeOf(() => write((t) => t.patch(product, 'a', {}, { add: { price: -1 }, minimum: { price: 0 } }))),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'ok').length).toBe(10);
    expect(outcomes.filter((outcome) => outcome === 'BELOW_MINIMUM').length).toBe(20);
    expect(body(databases.getLatest(product, 'a'))).toMatchObject({ price: 0 });
  });

  test('an integer id is told by the commit', async () => {
    const t = databases.transaction();
    expect(t.put(tableOf('Numbered'), undefined, { name: 'one' })).toBeNull();
    expect((await t.commit()).map(({ id, existed }) => [id, existed])).toEqual([[1, false]]);
  });
});

describe('limits', () => {
  test('a snapshot held for too long is taken away', async () => {
    await write((t) => t.put(product, 'a', { price: 1 }));
    const t = databases.transaction();
    t.get(product, 'a');
    await new Promise((resolve) => setImmediate(resolve));
    now += 2_000;
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await codeOf(() => t.get(product, 'a'))).toBe('SNAPSHOT_EXPIRED');
    t.abort();
  });

  test('a full write queue refuses and says when to retry', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 1_100 }, (_, i) => codeOf(() => write((t) => t.put(brand, `b${i}`, { name: 'B' })))),
    );
    expect([
      outcomes.filter((outcome) => outcome === 'ok').length,
      outcomes.filter((outcome) => outcome === 'OVERLOADED').length,
    ]).toEqual([1000, 100]);
  });
});

test('a query result that is kept is never stale, whichever of its tables changes', async () => {
  await write((t) => {
    t.put(brand, 'n', { name: 'Nord' });
    t.put(product, 'a', { name: 'Shoe', price: 1, brandId: 'n' });
  });
  const ask = () => {
    const t = databases.transaction();
    const rows = find(t, product, 'price=gt=0&sort(price)&limit(10)&select(id,price,brand{name})');
    t.abort();
    return rows;
  };
  for (let price = 1; price < 30; price++) {
    expect(ask()).toEqual(
      [{ id: 'a', price, brand: { name: price % 3 === 1 ? 'Nord' : `Brand ${price - 1}` } }].slice(0, 1),
    );
    expect(ask()).toEqual(ask());
    await write((t) => {
      t.patch(product, 'a', { price: price + 1 });
      t.patch(brand, 'n', { name: (price + 1) % 3 === 1 ? 'Nord' : `Brand ${price}` });
    });
  }
});

describe('insisting on what was read', () => {
  test('refuses the whole commit when a record has changed, come or gone since', async () => {
    await write((t) => t.put(brand, 'seen', { name: 'Seen' }));
    const version = databases.getLatest(brand, 'seen')?.version ?? 0;
    const attempt = (id: string, expected: number | null) =>
      write((t) => {
        t.insist(brand, id, expected);
        t.put(brand, 'written', { name: 'Written' });
      });
    for (const [id, expected] of [
      ['seen', version - 1],
      ['seen', null],
      ['absent', 1],
    ] as const) {
      await expect(attempt(id, expected)).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
    }
    expect(databases.peek(brand, 'written')).toBeUndefined();
    await attempt('seen', version);
    await attempt('absent', null);
    expect(databases.peek(brand, 'written')?.body).toContain('Written');
  });
});
