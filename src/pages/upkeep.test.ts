import { afterEach, beforeEach, expect, test } from 'bun:test';
import { openTestNode, type TestNodeParts } from '../resources/index.ts';
import { pack } from './bodies.ts';
import { PageStore } from './page-store.ts';
import { readSites } from './settings.ts';
import type { Page } from './types.ts';
import { PageUpkeep } from './upkeep.ts';

const [site] = readSites({ origin: 'http://origin.example' });

let node: TestNodeParts;
let store: PageStore;

beforeEach(async () => {
  node = await openTestNode();
  await PageStore.prepare(node.databases, site ? [site] : []);
  store = new PageStore({ databases: node.databases, hotBytes: 1_000_000 });
});

afterEach(() => node.close());

async function put(path: string, bytes: number, storedMs: number): Promise<void> {
  const packed = await pack(new Uint8Array(bytes).fill(path.charCodeAt(1)), 'identity', 'image/png', 0);
  const later = Date.now() + 3_600_000;
  const page: Page = {
    key: `*${path}`,
    url: `*${path}`,
    site: '*',
    status: 200,
    headers: [],
    tags: [],
    times: {
      bornMs: storedMs,
      storedMs,
      freshUntilMs: later,
      revalidateUntilMs: later,
      errorUntilMs: later,
      keepUntilMs: later,
    },
    body: packed.body,
  };
  const how = { vary: [], forward: new Headers(), maxVariants: 2, mark: store.mark('*') };
  expect(await store.put(page, packed.bytes, how)).toBe(true);
}

const isThere = (path: string) => store.find({ key: `*${path}`, forward: new Headers() }) !== undefined;

const bodyOf = (path: string) => store.peek({ key: `*${path}`, forward: new Headers() })?.page.body?.id ?? '';

test('equal bodies are stored once', async () => {
  await put('/a1', 500, 1);
  await put('/a2', 500, 2);
  await put('/b', 500, 3);
  expect(store.tables.body.recordCount()).toBe(2);
});

test('a body goes with the last page that has it', async () => {
  await put('/a1', 500, 1);
  await put('/a2', 500, 2);
  const upkeep = new PageUpkeep({ store, diskBytes: 1_000_000, log: node.log });
  for (const [gone, left] of [
    ['*/a1', 1],
    ['*/a2', 0],
  ] as const) {
    const transaction = node.databases.transaction();
    transaction.delete(store.tables.page, gone);
    await transaction.commit();
    await upkeep.round();
    expect(store.tables.body.recordCount()).toBe(left);
  }
});

test('over budget, the pages unused for longest go, and no more than needed', async () => {
  for (const [index, name] of ['c', 'a', 'b', 'd'].entries()) await put(`/${name}`, 1000, [30, 10, 20, 40][index] ?? 0);
  const bodyBytes = Buffer.byteLength(store.databases.peek(store.tables.body, bodyOf('/a'))?.body ?? '');
  const upkeep = new PageUpkeep({ store, diskBytes: Math.floor(2.5 * bodyBytes), log: node.log });
  await upkeep.round();
  expect(['/a', '/b', '/c', '/d'].map(isThere)).toEqual([false, false, true, true]);
  await upkeep.round();
  expect(upkeep.storedBytes).toBe(2 * bodyBytes);
});

test('a round of many bodies takes many steps and removes those alone that no page has', async () => {
  // The first letter makes the body.
  const paths = Array.from({ length: 200 }, (_, at) => `/${String.fromCharCode(0x100 + at)}`);
  for (const path of paths) await put(path, 100, 1);
  const isGone = (_: string, at: number) => at % 5 === 0;
  for (const path of paths.filter(isGone)) {
    const transaction = node.databases.transaction();
    transaction.delete(store.tables.page, `*${path}`);
    await transaction.commit();
  }
  const before = store.tables.body.recordCount();
  await new PageUpkeep({ store, diskBytes: 1_000_000, log: node.log }).round();
  expect([before, store.tables.body.recordCount()]).toEqual([200, 160]);
  for (const path of paths.filter((path, at) => !isGone(path, at))) {
    const hot = store.find({ key: `*${path}`, forward: new Headers() });
    expect(hot && (await store.form(hot, 'identity'))?.size).toBe(100);
  }
});
