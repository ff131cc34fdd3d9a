// bun fill-store.ts FOLDER FROM TO BYTES
//
// Puts pages into a node's data through the page cache's own way of storing them, without an origin. The node must have been started on it once,
// and must not be running.

import { limits, systemClock } from '../../src/base/index.ts';
import { pack } from '../../src/pages/bodies.ts';
import { PageStore } from '../../src/pages/index.ts';
import { takeDataFolder } from '../../src/runtime/data-folder.ts';
import { StoreEngine } from '../../src/store/index.ts';
import { LiveDatabases } from '../../src/tables/index.ts';
import { pathOf } from '../outage/plan.ts';
import { pageText } from './page-text.ts';

const [path, from = 0, to = 0, bytes = 0] = process.argv.slice(2).map((word, at) => (at === 0 ? word : Number(word)));
if (typeof path !== 'string') throw new Error('Usage: fill-store.ts FOLDER FROM TO BYTES');

/** Commits under way at once; they share syncs. */
const atOnce = 256;
const weekMs = 7 * 86_400_000;

const folder = takeDataFolder(path);
const commits = new Int32Array(1);
const engine = new StoreEngine({
  folder: folder.path,
  nodeId: folder.nodeId,
  clock: systemClock,
  clockDriftMs: limits.clockDriftMs,
  writeQueue: limits.writeQueue,
  logRetentionMs: limits.logRetentionMs,
  checkpointBytes: 4 * limits.checkpointBytes,
  commits,
  fatal: (error) => {
    throw error;
  },
  trouble: (what, error) => console.error(what, error),
});
const databases = new LiveDatabases({
  folder: folder.path,
  clock: systemClock,
  client: engine,
  applySchema: async (tables) => engine.applySchema(tables),
  commits,
  snapshotMs: limits.snapshotMs,
  scanRows: limits.scanRows,
});
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
databases.close();
await engine.close();
folder.release();

async function put(number: number): Promise<void> {
  const text = `${pageText(number, Number(bytes))}<!-- made ${nowMs} -->`;
  const packed = await pack(new Uint8Array(Buffer.from(text)), 'identity', type);
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
