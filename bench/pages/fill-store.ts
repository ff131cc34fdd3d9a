// bun fill-store.ts FOLDER FROM TO BYTES
//
// Puts pages into a node's data through the page cache's own way of storing them, without an origin. The node must have been started on it once,
// and must not be running.

import { pack } from '../../src/pages/bodies.ts';
import { PageStore } from '../../src/pages/index.ts';
import { openStore } from '../open-store.ts';
import { pathOf } from '../outage/plan.ts';
import { pageText } from './page-text.ts';

const [path, from = 0, to = 0, bytes = 0] = process.argv.slice(2).map((word, at) => (at === 0 ? word : Number(word)));
if (typeof path !== 'string') throw new Error('Usage: fill-store.ts FOLDER FROM TO BYTES');

/** Commits under way at once; they share syncs. */
const atOnce = 256;
const weekMs = 7 * 86_400_000;

await using opened = openStore(path);
const { databases } = opened;
const store = new PageStore({ databases, hotBytes: 0 });
const site = '*';
const mark = store.mark(site);
const type = 'text/html; charset=utf-8';
const nowMs = Date.now();

let next = Number(from);
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    while (next < Number(to)) await put(next++);
  }),
);

async function put(number: number): Promise<void> {
  const text = `${pageText(number, Number(bytes))}<!-- made ${nowMs} -->`;
  const packed = await pack(new Uint8Array(Buffer.from(text)), 'identity', type, weekMs);
  const key = site + pathOf(number, 0);
  const untilMs = nowMs + weekMs;
  const times = {
    bornMs: nowMs,
    storedMs: nowMs,
    freshUntilMs: untilMs,
    revalidateUntilMs: untilMs,
    errorUntilMs: untilMs,
    keepUntilMs: untilMs,
  };
  const headers = [
    ['content-type', type],
    ['cache-control', `max-age=${weekMs / 1000}`],
    ['x-made', String(nowMs)],
  ] as const;
  const page = { key, url: key, site, status: 200, headers, tags: [], times, body: packed.body };
  const isStored = await store.put(page, packed.bytes, { vary: [], forward: new Headers(), maxVariants: 1, mark });
  if (!isStored) throw new Error(`${key} was not stored.`);
}
