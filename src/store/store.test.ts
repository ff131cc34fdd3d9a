// The single writer on real files: what is committed, what is refused, and what both leave behind.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HybridClock } from '../base/index.ts';
import { parseSdl } from '../schema/index.ts';
import { Store } from './store.ts';
import type { Change, CommitOutcome } from './types.ts';

const sdl = `
type Product @table {
  id: ID @primaryKey
  name: String @fulltext
  price: Float @indexed
  code: String @unique
  tags: [String] @indexed
  created: Long @createdTime
}
type Counter @table { id: ID @primaryKey  value: Int }
type Numbered @table { id: Int @primaryKey  name: String }
type Token @table(expiration: 60, eviction: 0) { id: ID @primaryKey  owner: String @unique }
`;

let folder = '';
let now = 1_700_000_000_000;
let store: Store;

const clock = { nowMs: () => now };
const openStore = () =>
  new Store({
    path: join(folder, 'data.db'),
    nodeId: 'node-a',
    clock,
    versions: new HybridClock(clock, 60_000),
    blobExists: () => false,
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-store-'));
  now = 1_700_000_000_000;
  store = openStore();
  store.applySchema(parseSdl(sdl, 'schema.graphql').tables);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const put = (table: string, id: string | number | null, record: object, more: object = {}): Change => ({
  op: 'put',
  table,
  id,
  body: JSON.stringify(id === null ? record : { id, ...record }),
  expires: null,
  ...more,
});
const commit = (...changes: Change[]): CommitOutcome =>
  store.commit([{ database: 'data', changes }])[0] as CommitOutcome;
const code = (outcome: CommitOutcome): string => (outcome.ok ? 'ok' : outcome.error.code);
const body = (table: string, id: string | number): unknown =>
  JSON.parse(String(store.connection.first(`SELECT _body FROM "${table}" WHERE _id = ?`, [id])?.[0] ?? 'null'));
const column = (sql: string): unknown[] => store.connection.all(sql).map(([value]) => value);

describe('commit', () => {
  test('writes, replaces and deletes a record, counting and digesting as it goes', () => {
    const empty = store.figures();
    expect(code(commit(put('Product', 'a', { name: 'Shoe', price: 5 })))).toBe('ok');
    expect(code(commit(put('Product', 'a', { name: 'Boot', price: 6 })))).toBe('ok');
    expect(body('Product', 'a')).toEqual({ id: 'a', name: 'Boot', price: 6 });
    expect(store.figures().find(({ table }) => table === 'Product')?.count).toBe(1);
    expect(code(commit({ op: 'delete', table: 'Product', id: 'a' }))).toBe('ok');
    expect(body('Product', 'a')).toBeNull();
    expect(store.figures()).toEqual(empty);
  });

  test('keeps the time a record was created when it is replaced', () => {
    commit(put('Product', 'a', { name: 'Shoe', created: 1 }));
    commit(put('Product', 'a', { name: 'Boot', created: 2 }));
    expect(body('Product', 'a')).toEqual({ id: 'a', name: 'Boot', created: 1 });
  });

  test('a refused transaction leaves nothing, and its neighbours in the group commit', () => {
    commit(put('Product', 'a', { name: 'Shoe' }));
    const before = store.figures();
    const outcomes = store.commit([
      {
        database: 'data',
        changes: [put('Product', 'b', { name: 'Boot' }), put('Product', 'a', {}, { if: { exists: false } })],
      },
      { database: 'data', changes: [put('Counter', 'c', { value: 1 })] },
    ]);
    expect(outcomes.map(code)).toEqual(['CONFLICT', 'ok']);
    expect(body('Product', 'b')).toBeNull();
    expect(body('Counter', 'c')).toEqual({ id: 'c', value: 1 });
    expect(store.figures().find(({ table }) => table === 'Product')).toEqual(
      before.find(({ table }) => table === 'Product'),
    );
  });

  test('preconditions', () => {
    const first = commit(put('Counter', 'c', { value: 1 }));
    const version = first.ok ? first.version : 0;
    expect(code(commit(put('Counter', 'c', { value: 2 }, { if: { versions: [version + 1] } })))).toBe(
      'PRECONDITION_FAILED',
    );
    expect(code(commit(put('Counter', 'c', { value: 2 }, { if: { versions: [1, version] } })))).toBe('ok');
    expect(code(commit(put('Counter', 'c', { value: 3 }, { if: { versions: [version] } })))).toBe(
      'PRECONDITION_FAILED',
    );
    expect(code(commit(put('Counter', 'd', { value: 3 }, { if: { exists: true } })))).toBe('NOT_FOUND');
    expect(code(commit({ op: 'patch', table: 'Counter', id: 'x', patch: { set: {}, add: {} } }))).toBe('NOT_FOUND');
    expect(
      code(
        store.commit([
          { database: 'data', changes: [put('Counter', 'e', {})], reads: [['Counter', 'c', version]] },
        ])[0] as CommitOutcome,
      ),
    ).toBe('PRECONDITION_FAILED');
  });

  test('a counter goes to its minimum and not below', () => {
    commit(put('Counter', 'c', { value: 2 }));
    const take = (): string =>
      code(
        commit({
          op: 'patch',
          table: 'Counter',
          id: 'c',
          patch: { set: {}, add: { value: -1 } },
          minimum: { value: 0 },
        }),
      );
    expect([take(), take(), take()]).toEqual(['ok', 'ok', 'BELOW_MINIMUM']);
    expect(body('Counter', 'c')).toEqual({ id: 'c', value: 0 });
  });

  test('a unique value is refused, and free again once its holder is gone or expired', () => {
    commit(put('Product', 'a', { code: 'X' }));
    expect(code(commit(put('Product', 'b', { code: 'X' })))).toBe('NOT_UNIQUE');
    expect(code(commit(put('Product', 'a', { code: 'X', name: 'again' })))).toBe('ok');
    commit({ op: 'delete', table: 'Product', id: 'a' });
    expect(code(commit(put('Product', 'b', { code: 'X' })))).toBe('ok');
    commit(put('Token', 't', { owner: 'ann' }, { expires: now + 10 }));
    now += 20;
    expect(code(commit(put('Token', 'u', { owner: 'ann' })))).toBe('ok');
  });

  test('integer ids increase, also past ids given by hand, and are not used again', () => {
    const ids = [
      put('Numbered', null, { name: 'a' }),
      put('Numbered', 10, { name: 'b' }),
      put('Numbered', null, { name: 'c' }),
    ].map((change) => {
      const outcome = commit(change);
      return outcome.ok ? outcome.written[0]?.id : undefined;
    });
    expect(ids).toEqual([1, 10, 11]);
    expect(body('Numbered', 11)).toEqual({ id: 11, name: 'c' });
    commit({ op: 'delete', table: 'Numbered', id: 11 });
    const next = commit(put('Numbered', null, { name: 'd' }));
    expect(next.ok && next.written[0]?.id).toBe(12);
  });

  test('what a file holds is the same after it is opened again', () => {
    commit(put('Product', 'a', { code: 'X' }), put('Numbered', null, { name: 'n' }));
    const figures = store.figures();
    store.close();
    store = openStore();
    expect(store.figures()).toEqual(figures);
    const next = commit(put('Numbered', null, { name: 'm' }));
    expect(next.ok && next.written[0]?.id).toBe(2);
    expect(column('SELECT lsn FROM _log')).toEqual([1, 2, 3]);
  });
});

describe('indexes', () => {
  test('lists and full text follow every change', () => {
    commit(put('Product', 'a', { name: 'Red shoe', tags: ['x', 'y'] }));
    commit(put('Product', 'b', { name: 'Blue shoe', tags: ['y'] }));
    const tagged = (tag: string) =>
      column(
        `SELECT _id FROM Product WHERE _row IN (SELECT row FROM "Product$tags" WHERE value = '${tag}') ORDER BY 1`,
      );
    const found = (word: string) =>
      column(
        `SELECT _id FROM Product WHERE _row IN (SELECT rowid FROM "Product$fulltext" WHERE "Product$fulltext" MATCH '"${word}"') ORDER BY 1`,
      );
    expect([tagged('y'), found('shoe')]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    commit({ op: 'patch', table: 'Product', id: 'a', patch: { set: { name: 'Hat', tags: ['z'] }, add: {} } });
    expect([tagged('y'), tagged('z'), found('shoe'), found('hat')]).toEqual([['b'], ['a'], ['b'], ['a']]);
    commit({ op: 'delete', table: 'Product', id: 'a' });
    expect([tagged('z'), found('hat'), column('SELECT count(*) FROM "Product$tags"')]).toEqual([[], [], [1]]);
  });

  test('a changed schema adds, changes and drops indexes and keeps every record', () => {
    commit(put('Product', 'a', { name: 'Shoe', price: 5, tags: ['x'], size: 42, labels: ['l'] }));
    store.applySchema(
      parseSdl(
        'type Product @table { id: ID @primaryKey  price: String @indexed  size: Int @indexed  labels: [String] @indexed }',
        's',
      ).tables,
    );
    expect(body('Product', 'a')).toEqual({ id: 'a', name: 'Shoe', price: 5, tags: ['x'], size: 42, labels: ['l'] });
    expect(column('SELECT size FROM Product')).toEqual([42]);
    expect(column(`SELECT value FROM "Product$labels"`)).toEqual(['l']);
    expect(column(`SELECT name FROM sqlite_master WHERE name LIKE 'Product$%' AND type = 'table'`)).toEqual([
      'Product$labels',
    ]);
    store.applySchema(parseSdl(sdl, 's').tables);
    expect(column(`SELECT value FROM "Product$tags"`)).toEqual(['x']);
    expect(column(`SELECT rowid FROM "Product$fulltext" WHERE "Product$fulltext" MATCH 'shoe'`)).toEqual([1]);
    const objects = column('SELECT name FROM sqlite_master ORDER BY name');
    store.applySchema(parseSdl(sdl, 's').tables);
    expect(column('SELECT name FROM sqlite_master ORDER BY name')).toEqual(objects);
  });
});

describe('upkeep', () => {
  test('removes what has expired, tombstones and log older than the retention', () => {
    commit(put('Token', 't', { owner: 'a' }, { expires: now + 1000 }), put('Token', 'u', {}, { expires: now + 5000 }));
    commit(put('Product', 'p', {}));
    commit({ op: 'delete', table: 'Product', id: 'p' });
    now += 2000;
    expect(store.sweep('Token', now, 100)).toBe(1);
    expect(column('SELECT _id FROM Token')).toEqual(['u']);
    now += 10_000;
    commit(put('Counter', 'c', {}));
    store.trim((now - 1000) * 1000, 100);
    expect(column('SELECT _id FROM Product')).toEqual([]);
    expect(column('SELECT count(*) FROM _log')).toEqual([1]);
  });
});

describe('computed indexes', () => {
  const withKey = (from: string) =>
    `type Product @table { id: ID @primaryKey  name: String  key: String @computed(from: "${from}") @indexed }`;
  const keys = () => column('SELECT key FROM Product ORDER BY _id');

  test('follow every change and are filled when the schema changes them', () => {
    commit(put('Product', 'a', { name: 'Shoe' }));
    store.applySchema(parseSdl(withKey('name.toUpperCase()'), 's').tables);
    expect(keys()).toEqual(['SHOE']);
    commit({ op: 'patch', table: 'Product', id: 'a', patch: { set: { name: 'Boot' }, add: {} } });
    expect(keys()).toEqual(['BOOT']);
    store.applySchema(parseSdl(withKey('name.toLowerCase()'), 's').tables);
    expect(keys()).toEqual(['boot']);
  });
});

describe('schema changes that are refused', () => {
  test.each([
    ['another primary key', 'type Product @table { code: ID @primaryKey }'],
    ['uniqueness that records break', 'type Product @table { id: ID @primaryKey  name: String @unique }'],
  ])('%s', (_what, next) => {
    commit(put('Product', 'a', { name: 'Shoe' }), put('Product', 'b', { name: 'Shoe' }));
    expect(() => store.applySchema(parseSdl(next, 's').tables)).toThrow(
      expect.objectContaining({ code: 'INVALID_SCHEMA' }),
    );
    expect(code(commit(put('Product', 'c', { name: 'Boot' })))).toBe('ok');
  });
});
