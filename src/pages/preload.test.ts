// The list of pages that are brought into memory, and what is brought in by it.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { openTestNode, type TestNodeParts } from '../resources/index.ts';
import { pack } from './bodies.ts';
import { PageStore } from './page-store.ts';
import { Preload, preloadMost } from './preload.ts';
import { readSites } from './settings.ts';
import type { Page } from './types.ts';

const [site] = readSites({ origin: 'http://origin.example' });
const stepMs = 6 * 3_600_000;

let node: TestNodeParts;
let store: PageStore;
let preload: Preload;

beforeEach(async () => {
  node = await openTestNode();
  await PageStore.prepare(node.databases, site ? [site] : []);
  open(1_000_000);
});

afterEach(() => {
  preload.stop();
  store.close();
  node.close();
});

function open(hotBytes: number): void {
  store = new PageStore({ databases: node.databases, hotBytes });
  preload = new Preload({ store, log: node.log });
}

async function put(path: string, storedMs: number, vary: readonly string[] = []): Promise<void> {
  const text = new TextEncoder().encode(`page ${path} `.repeat(20));
  const packed = await pack(text, 'identity', 'text/html', 3_600_000);
  const later = storedMs + 3_600_000;
  const times = { bornMs: storedMs, storedMs, freshUntilMs: later, revalidateUntilMs: later, errorUntilMs: later };
  const page: Page = {
    key: `*${path}`,
    url: `*${path}`,
    site: '*',
    status: 200,
    headers: [['content-type', 'text/html']],
    tags: [],
    times: { ...times, keepUntilMs: later + stepMs },
    body: packed.body,
  };
  const forward = new Headers({ 'accept-language': 'de' });
  expect(await store.put(page, packed.bytes, { vary, forward, maxVariants: 2, mark: store.mark('*') })).toBe(true);
}

function listed(): unknown {
  const row = node.databases.peek(store.tables.warm, ' hot');
  return row && JSON.parse(row.body).hot;
}

/** Until as many pages are in memory; fails by the time limit of the test. */
async function broughtIn(count: number): Promise<void> {
  preload.start();
  while (store.hotPages !== count) await Bun.sleep(5);
}

test('who is asked for comes first, then who is new, then who was there', async () => {
  for (const path of ['/asked', '/once']) await put(path, Date.now());
  await preload.write(['*/a', '*/b']);
  await preload.write(['*/c', '*/a']);
  expect(listed()).toEqual(['*/c', '*/a', '*/b']);
  const find = (path: string) => store.find({ key: `*${path}`, forward: new Headers() });
  for (const path of ['/asked', '/asked', '/asked', '/once']) find(path);
  await preload.write(['*/d']);
  expect(listed()).toEqual(['*/asked', '*/d', '*/c', '*/a', '*/b']);
  await preload.write([]);
  expect(listed()).toEqual(['*/asked', '*/d', '*/c', '*/a', '*/b']);
});

test('the list has an end', async () => {
  await preload.write(Array.from({ length: preloadMost + 100 }, (_, at) => `*/${at}`));
  await preload.write(['*/new']);
  expect(listed()).toEqual(['*/new', ...Array.from({ length: preloadMost - 1 }, (_, at) => `*/${at}`)]);
});

test('pages come in with their variants and bodies, as often as the list is written; keys without a page, and what is damaged, are passed over', async () => {
  for (const path of ['/a', '/b', '/c']) await put(path, Date.now());
  await put('/varies', Date.now(), ['accept-language']);
  // Damaged: it is no page.
  const transaction = node.databases.transaction();
  transaction.put(store.tables.page, '*/bad', { key: '*/bad', url: '*/bad', site: '*' });
  await transaction.commit();
  await preload.write(['*/gone', '*/bad', '*/a', '*/varies']);
  // The list of variants is one of them.
  await broughtIn(3);
  const bytes = store.hotBytes;
  expect(bytes).toBeGreaterThan(3 * 1_000);
  await preload.write(['*/b', '*/a']);
  await broughtIn(4);
  // Their bodies are in memory: to send one takes no more.
  const hot = store.find({ key: '*/a', forward: new Headers() });
  const before = store.hotBytes;
  expect(hot && store.formAtHand(hot, hot.page.body?.stored ?? 'identity')?.size).toBeGreaterThan(0);
  expect(store.hotBytes).toBe(before);
});

test('no more come in than there is room for', async () => {
  const paths = Array.from({ length: 40 }, (_, at) => `/${at}`);
  for (const path of paths) await put(path, Date.now());
  store.close();
  open(20_000);
  await preload.write(paths.map((path) => `*${path}`));
  preload.start();
  while (!store.isFull) await Bun.sleep(5);
  expect(store.hotBytes).toBeLessThanOrEqual(20_000);
  // The first of the list, which are the busiest, are those that are there.
  expect(store.bringIn('*/0')).toEqual([]);
  expect(store.bringIn('*/39')).toHaveLength(1);
});

test('that a page was used is written down anew when that was long ago', async () => {
  const usedMs = () => JSON.parse(node.databases.peek(store.tables.page, '*/a')?.body ?? '').usedMs;
  const nowMs = Date.now();
  await put('/a', nowMs - stepMs - 60_000);
  expect(usedMs()).toBe(nowMs - stepMs - 60_000);
  await put('/a', nowMs - 120_000);
  expect(usedMs()).toBe(nowMs - stepMs - 60_000);
  store.find({ key: '*/a', forward: new Headers() });
  while (usedMs() < nowMs) await Bun.sleep(5);
  await put('/a', nowMs - 60_000);
  expect(usedMs()).toBeGreaterThanOrEqual(nowMs);
});
