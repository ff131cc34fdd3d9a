// Of an expired record of a table with a source stays what it is found by.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HybridClock } from '../base/index.ts';
import { parseSdl } from '../schema/index.ts';
import { Store } from './store.ts';

let folder = '';
const now = 1_700_000_000_000;
let store: Store;
const clock = { nowMs: () => now };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-evict-'));
  store = new Store({
    path: join(folder, 'data.db'),
    nodeId: 'node-a',
    clock,
    versions: new HybridClock(clock, 60_000),
    blobExists: () => false,
  });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const sdl = 'type T @table { id: ID @primaryKey  tags: [String] @indexed  code: BigInt @indexed  name: String }';
const define = (isSourced: boolean, text = sdl): void =>
  store.applySchema(
    parseSdl(text, 's').tables.map((table) => (isSourced ? { ...table, sourced: true as const } : table)),
  );
const put = (id: string, body: string, expires: number | null): void =>
  void store.commit([{ database: 'data', changes: [{ op: 'put', table: 'T', id, body, expires }] }]);
const rows = () => store.connection.all('SELECT _id, _version > 0, _expires, _body FROM "T" ORDER BY _id');
const body = (id: string) => `{"id":"${id}","tags":["x"],"code":12345678901234567890,"name":"long text"}`;
const fill = (): void => {
  put('a', body('a'), now + 10);
  put('b', body('b'), now + 20);
  put('c', body('c'), null);
};

test('the rest of it goes, once, and it is counted as before', () => {
  define(true);
  fill();
  expect(store.sweep('T', now + 10, 100)).toBe(1);
  expect(rows()).toEqual([
    ['a', 1, 0, '{"id":"a","tags":["x"],"code":12345678901234567890}'],
    ['b', 1, now + 20, body('b')],
    ['c', 1, null, body('c')],
  ]);
  expect(store.connection.all('SELECT "row" FROM "T$tags" WHERE value = \'x\'')).toHaveLength(3);
  expect(store.sweep('T', now + 10, 100)).toBe(0);
  expect(store.figures().find(({ table }) => table === 'T')?.count).toBe(3);
  put('a', body('a'), null);
  expect(store.figures().find(({ table }) => table === 'T')?.count).toBe(3);
});

test('an invalidated record is one for as long as a fetch may take', () => {
  define(true, sdl.replaceAll('@indexed', ''));
  put('a', '{"id":"a"}', 0);
  expect(store.sweep('T', now, 100)).toBe(0);
  expect(store.sweep('T', now + 601_000, 100)).toBe(1);
});

test('a schema that does not say so leaves the table what it is', () => {
  define(true);
  define(false, sdl.replace('name: String', 'name: String  more: Int'));
  fill();
  expect(store.sweep('T', now + 20, 100)).toBe(2);
  expect(rows()).toHaveLength(3);
});

test.each([
  ['without a source', false, sdl],
  ['without indexed attributes', true, sdl.replaceAll('@indexed', '')],
])('a table %s keeps nothing', (_why, isSourced, text) => {
  define(isSourced, text);
  fill();
  expect(store.sweep('T', now + 20, 100)).toBe(2);
  expect(rows().map(([id]) => id)).toEqual(['c']);
});
