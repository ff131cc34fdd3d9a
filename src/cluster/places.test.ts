// The entries of places in a store: what is written is found, by record and by place.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTestEngine } from '../replication/open-test-engine.ts';
import type { StoreEngine } from '../store/index.ts';
import { Places, placeText } from './places.ts';

let folder = '';
let engine: StoreEngine;
let places: Places;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-places-'));
  engine = openTestEngine(folder, 'n1');
  engine.openDatabase('data');
  places = new Places(engine);
  places.prepare('data');
  places.prepare('data');
});
afterEach(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

const said = [
  ['Item', 'a', 1],
  ['Item', 1, 2],
  ['Item', '1', ['db/1', 'db-2']],
  ['Item', 'any', undefined],
  ['Items', 'a', 3],
  ['Order', 'a/b', 1],
] as const;

async function say(): Promise<void> {
  const changes = said.map(([table, id, place]) => places.change(table, id, placeText(place)));
  await engine.commit({ database: 'data', changes });
}

test('each record has its own place', async () => {
  await say();
  for (const [table, id, place] of said) {
    expect<unknown>(places.of(`data.${table}`, id)).toEqual(place);
    expect(places.entry('data', table, id)?.place).toBe(placeText(place));
  }
  expect(places.of('data.Item', 'nobody')).toBeUndefined();
  expect(places.entry('data', 'Item', 'nobody')).toBeUndefined();
  expect(places.of('elsewhere.Item', 'a')).toBeUndefined();
  const known = places.after('data', 0, 100).map(({ key }) => [places.idIn('Item', key), places.idIn('Order', key)]);
  expect(known).toEqual([
    ['a', undefined],
    [1, undefined],
    ['1', undefined],
    ['any', undefined],
    [undefined, undefined],
    [undefined, 'a/b'],
  ]);
});

test('the places that are used are known, of each table', async () => {
  await say();
  expect(places.different('data', 'Item')).toEqual(['1', '2', '["db/1","db-2"]']);
  expect(places.different('data', 'Items')).toEqual(['3']);
  expect(places.different('data', 'None')).toEqual([]);
  const many = Array.from({ length: 1_001 }, (_, number) => places.change('Item', `x-${number}`, String(number)));
  await engine.commit({ database: 'data', changes: many });
  expect(places.different('data', 'Item')).toBeUndefined();
});

test('an entry is taken back only as it was seen', async () => {
  await say();
  const [first] = places.after('data', 0, 1);
  const { key = '', version = 0 } = first ?? {};
  await engine.commit({ database: 'data', changes: [places.change('Item', 'a', '5')] });
  await expect(engine.commit({ database: 'data', changes: [places.removal(key, version)] })).rejects.toThrow();
  expect(places.of('data.Item', 'a')).toBe(5);
  const again = places.after('data', 0, 1)[0]?.version ?? 0;
  await engine.commit({ database: 'data', changes: [places.removal(key, again)] });
  expect(places.entry('data', 'Item', 'a')).toBeUndefined();
  expect(places.of('data.Item', 'a')).toBeUndefined();
});

test('only what says more than what is here is news', async () => {
  await say();
  const before = places.rows('data', 'Item', ['a']);
  expect(places.newsIn('data', before)).toEqual([]);
  const later = before.map((row) => ({ ...row, version: row.version + 1 }));
  const other = before.map((row) => ({ ...row, id: 'Item/sother' }));
  expect(places.newsIn('data', [...later, ...other])).toEqual([...later, ...other]);
});
