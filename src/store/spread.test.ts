// What a node that has only some records of a table does with its own: tells others of some, and leaves some to others.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HybridClock } from '../base/index.ts';
import { parseSdl } from '../schema/index.ts';
import { Store } from './store.ts';

let folder = '';
let store: Store;
const clock = { nowMs: () => 1_700_000_000_000 };
const ids = Array.from({ length: 4_500 }, (_, number) => `id-${number}`);
const isOdd = (id: string | number) => Number(String(id).slice(3)) % 2 === 1;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-spread-'));
  store = new Store({
    path: join(folder, 'data.db'),
    nodeId: 'node-a',
    clock,
    versions: new HybridClock(clock, 60_000),
    blobExists: () => false,
  });
  store.applySchema(
    parseSdl('type T @table(replicateTo: 2) { id: ID @primaryKey  tags: [String] @indexed }', 's').tables,
  );
  const changes = ids.map(
    (id) => ({ op: 'put', table: 'T', id, body: `{"id":"${id}","tags":["x"]}`, expires: null }) as const,
  );
  store.commit([{ database: 'data', changes }]);
  store.commit([{ database: 'data', changes: [{ op: 'delete', table: 'T', id: 'id-1' }] }]);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

/** All parts, one after the other. */
function parts<Part extends { readonly next: number | null }>(read: (after: number) => Part): Part[] {
  const all: Part[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const part: Part = read(after);
    all.push(part);
    after = part.next;
  }
  return all;
}

test('rows are read in parts, tombstones too, each once', () => {
  const read = parts((after) => store.readSome('T', after, 10_000, isOdd));
  expect(read.length).toBeGreaterThan(10);
  const rows = read.flatMap((part) => part.rows);
  expect(rows.map(({ id }) => id)).toEqual(ids.filter(isOdd));
  expect(rows.find(({ id }) => id === 'id-1')?.body).toBeNull();
  expect(store.readSome('Other', 0, 10_000, isOdd)).toEqual({ rows: [], next: null });
});

test('rows that are left are gone with what is indexed of them, and nobody is told of a deletion', () => {
  const vector = store.vector();
  const before = store.figures().find(({ table }) => table === 'T')?.count;
  expect(before).toBe(ids.length - 1);
  expect(parts((after) => store.leave('T', after, isOdd)).some(({ some }) => some)).toBe(true);
  expect(store.connection.all('SELECT _id FROM "T" ORDER BY _row').flat()).toEqual(ids.filter((id) => !isOdd(id)));
  expect(store.connection.all('SELECT 1 FROM "T$tags"')).toHaveLength(ids.length / 2);
  expect(store.figures().find(({ table }) => table === 'T')?.count).toBe(ids.length / 2);
  expect(store.vector()).toEqual(vector);
  const answer = store.readSince({ vector: new Map(), except: new Set(), after: 0, limitBytes: 1e9 });
  if (answer.kind !== 'batch') throw new Error('the log reaches back');
  expect(answer.batch.rows.some(({ id }) => isOdd(id))).toBe(false);
  expect(parts((after) => store.leave('T', after, isOdd)).some(({ some }) => some)).toBe(false);
});
