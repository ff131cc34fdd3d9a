// The writer with its queue, its blobs and its upkeep, on real files.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits, ZerohopError } from '../base/index.ts';
import { parseSdl } from '../schema/index.ts';
import { BlobFiles } from './blob-files.ts';
import { CommitQueue } from './commit-queue.ts';
import type { Store } from './store.ts';
import { StoreEngine, type StoreEngineOptions } from './store-engine.ts';
import type { Change, CommitOutcome } from './types.ts';

const sdl = `
type Picture @table { id: ID @primaryKey  bytes: Blob  small: Blob  code: String @unique }
type Note @table { id: ID @primaryKey  text: String }
`;

let folder = '';
let now = 0;
let engine: StoreEngine;
let blobs: BlobFiles;
let troubles: string[] = [];

function open(more: Partial<StoreEngineOptions> = {}): StoreEngine {
  const opened = new StoreEngine({
    folder,
    nodeId: 'node-a',
    clock: { nowMs: () => now },
    clockDriftMs: 60_000,
    writeQueue: 1000,
    logRetentionMs: limits.logRetentionMs,
    checkpointBytes: limits.checkpointBytes,
    commits: new Int32Array(16),
    fatal: (error) => {
      throw error;
    },
    trouble: (what) => troubles.push(what),
    ...more,
  });
  opened.applySchema(parseSdl(sdl, 's').tables);
  // From here on the intervals count.
  opened.runUpkeep();
  return opened;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-engine-'));
  now = Date.now();
  troubles = [];
  engine = open();
  blobs = new BlobFiles(folder, 'data');
});
afterEach(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

const storeOf = (of: StoreEngine): Store => {
  const store = of.store('data');
  if (!store) throw new Error('no store');
  return store;
};
const commit = async (...changes: Change[]): Promise<string> => {
  try {
    await engine.commit({ database: 'data', changes });
    return 'ok';
  } catch (error) {
    return error instanceof ZerohopError ? error.code : String(error);
  }
};
const put = (table: string, id: string, record: object, more: object = {}): Change => ({
  op: 'put',
  table,
  id,
  body: JSON.stringify({ id, ...record }),
  expires: null,
  ...more,
});
const blob = async (): Promise<{ $blob: string; size: number; type: string }> => {
  const { id, size } = await blobs.write(new Uint8Array([1, 2, 3]));
  return { $blob: id, size, type: 'image/png' };
};
const turn = () => new Promise((resolve) => setImmediate(resolve));
/** Lets upkeep run after `ms`, and all the turns it takes. */
async function upkeepAfter(ms: number): Promise<void> {
  now += ms;
  engine.runUpkeep();
  for (let i = 0; i < 300; i++) await turn();
  // The removal of blobs waits for the disk.
  await commit(put('Note', 'sync', {}));
}
const references = (): unknown[] =>
  storeOf(engine)
    .connection.all('SELECT refs FROM _blobs ORDER BY id')
    .map(([refs]) => refs);

describe('blobs', () => {
  test('stay as long as a record refers to them, through every kind of write', async () => {
    const [one, two] = [await blob(), await blob()];
    await commit(put('Picture', 'a', { bytes: one, small: one }), put('Picture', 'b', { bytes: one }));
    expect(references()).toEqual([3]);
    await commit({ op: 'patch', table: 'Picture', id: 'a', patch: { set: { small: two, bytes: one }, add: {} } });
    expect(references()).toEqual([2, 1]);
    await commit(put('Picture', 'a', { bytes: two, small: null }, { expires: now + 10 }));
    expect(references()).toEqual([1, 1]);
    await commit({ op: 'delete', table: 'Picture', id: 'b' });
    expect(references()).toEqual([0, 1]);
    await upkeepAfter(61_000);
    expect(storeOf(engine).figures()[0]).toMatchObject({ table: 'Picture', count: 0 });
    await upkeepAfter(61_000);
    await upkeepAfter(61_000);
    expect([references(), blobs.exists(one.$blob), blobs.exists(two.$blob)]).toEqual([[], false, false]);
  });

  test('are counted as before when a transaction is refused', async () => {
    const [one, two] = [await blob(), await blob()];
    await commit(put('Picture', 'a', { bytes: one, code: 'x' }));
    const refused = [
      put('Picture', 'a', { bytes: two }),
      { op: 'delete', table: 'Picture', id: 'a' } as const,
      put('Picture', 'b', { code: 'y' }, { if: { exists: true } }),
    ];
    expect(await commit(...refused)).toBe('NOT_FOUND');
    expect(await commit(put('Picture', 'b', { bytes: one, code: 'x' }))).toBe('NOT_UNIQUE');
    expect(await commit(put('Picture', 'b', { bytes: { ...one, $blob: 'none' } }))).toBe('VALIDATION_FAILED');
    expect(references()).toEqual([1]);
  });

  test('of refused writes go after an hour, those of records and of uploads under way stay', async () => {
    const [used, stray, fresh] = [await blob(), await blob(), await blob()];
    await commit(put('Picture', 'a', { bytes: used }));
    const old = now / 1000 - 2 * 3600;
    for (const { $blob } of [used, stray]) utimesSync(blobs.path($blob), old, old);
    await upkeepAfter(11 * 60_000);
    expect([used, stray, fresh].map(({ $blob }) => existsSync(blobs.path($blob)))).toEqual([true, false, true]);
  });

  test('that no record refers to are gone after a start', async () => {
    const [used, stray] = [await blob(), await blob()];
    await commit(put('Picture', 'a', { bytes: used }));
    await engine.close();
    engine = open();
    expect([used, stray].map(({ $blob }) => blobs.exists($blob))).toEqual([true, false]);
  });

  test('leave nothing behind when their source fails', async () => {
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(1000));
        controller.error(new Error('gone'));
      },
    });
    await expect(blobs.write(source)).rejects.toThrow('gone');
    expect([...new Bun.Glob('**/*').scanSync({ cwd: join(folder, 'blobs'), onlyFiles: true })]).toEqual([]);
  });
});

describe('the queue', () => {
  test('refuses by size, takes one large transaction, and is free again once it has answered', async () => {
    const queue = new CommitQueue({
      store: storeOf(engine),
      limit: 100,
      limitBytes: 3000,
      committed: () => {},
      failed: (error) => {
        throw error;
      },
      lost: (error) => {
        throw error;
      },
    });
    const submit = (id: string, characters: number) =>
      new Promise<string>((resolve) => {
        const changes = [put('Note', id, { text: 'x'.repeat(characters) })];
        queue.submit({ database: 'data', changes }, (outcome: CommitOutcome) =>
          resolve(outcome.ok ? 'ok' : outcome.error.code),
        );
      });
    const burst = () => Promise.all([submit('a', 10_000), submit('b', 1), submit('c', 1)]);
    expect(await burst()).toEqual(['ok', 'OVERLOADED', 'OVERLOADED']);
    expect(await Promise.all([submit('d', 1000), submit('e', 1000), submit('f', 1000)])).toEqual([
      'ok',
      'ok',
      'OVERLOADED',
    ]);
    expect(await burst()).toEqual(['ok', 'OVERLOADED', 'OVERLOADED']);
    queue.close();
  });
});

describe('upkeep', () => {
  test('reports trouble once a minute, and goes on with everything else', async () => {
    await engine.close();
    let copies = 0;
    engine = open({
      checkpointBytes: 0,
      copyWal: async () => {
        copies++;
        throw new Error('the disk is full');
      },
    });
    await commit(put('Note', 'n', {}, { expires: now + 1 }));
    for (let second = 0; second < 90; second++) {
      now += 1000;
      engine.runUpkeep();
      await turn();
    }
    expect(troubles).toEqual([`upkeep of ${join(folder, 'data.db')}`, `upkeep of ${join(folder, 'data.db')}`]);
    expect(copies).toBeGreaterThan(30);
    expect(storeOf(engine).figures()[1]).toMatchObject({ table: 'Note', count: 0 });
  });

  test('does nothing more once the node stops', async () => {
    let copied = () => {};
    await engine.close();
    engine = open({ checkpointBytes: 0, copyWal: () => new Promise((resolve) => (copied = resolve)) });
    await commit(put('Note', 'n', {}));
    engine.runUpkeep();
    await engine.close();
    copied();
    await turn();
    copied();
    await turn();
    expect(troubles).toEqual([]);
  });
});

test('of two databases the one without trouble gets its schema, and readers are told', () => {
  const commits = new Int32Array(16);
  const second = open({ folder: join(folder, 'second'), commits });
  const before = Atomics.load(commits, 0);
  const tables = parseSdl(
    `type Order @table(database: "sales") { id: ID @primaryKey } type Note @table { text: ID @primaryKey }`,
    's',
  ).tables;
  second.commit({ database: 'data', changes: [put('Note', 'n', {})] });
  storeOf(second).commit([{ database: 'data', changes: [put('Note', 'n', {})] }]);
  expect(() => second.applySchema(tables)).toThrow(expect.objectContaining({ code: 'INVALID_SCHEMA' }));
  expect([second.databases, Atomics.load(commits, 0) > before]).toEqual([['data', 'sales'], true]);
  return second.close();
});
