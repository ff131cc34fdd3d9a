// A data folder that was restored under another node id.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits, systemClock } from '../base/index.ts';
import { parseSdl } from '../schema/index.ts';
import type { RemoteOutcome } from './index.ts';
import { StoreEngine } from './store-engine.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-restored-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const { tables } = parseSdl(
  'type Note @table { id: ID @primaryKey, tags: [String] @indexed, text: String @fulltext }',
  'schema.graphql',
);

function open(name: string, nodeId: string): StoreEngine {
  const engine = new StoreEngine({
    folder: join(folder, name),
    nodeId,
    clock: systemClock,
    clockDriftMs: limits.clockDriftMs,
    writeQueue: 100,
    logRetentionMs: limits.logRetentionMs,
    checkpointBytes: limits.checkpointBytes,
    commits: new Int32Array(1),
    fatal: (error) => {
      throw error;
    },
    trouble: (_what, error) => {
      throw error;
    },
  });
  engine.applySchema(tables);
  return engine;
}

const write = (engine: StoreEngine, id: string) =>
  engine.commit({
    database: 'data',
    changes: [{ op: 'put', table: 'Note', id, body: JSON.stringify({ id, tags: [id], text: id }), expires: null }],
  });

/** Brings all that one has to the other. */
function bring(from: StoreEngine, to: StoreEngine): RemoteOutcome | undefined {
  const vector = to.store('data')?.vector() ?? new Map();
  const answer = from.store('data')?.readSince({ vector, except: new Set(), after: 0, limitBytes: 1e6 });
  return answer?.kind === 'batch' ? to.store('data')?.applyRemote(answer.batch) : undefined;
}

test.each([
  ['new', 'c', { b: 1, a: 2, c: 1 }],
  ['known by its writes', 'b', { b: 2, a: 2 }],
])('what was there is still of the node that wrote it, what comes is of the %s one', async (_what, id, vector) => {
  const [a, b] = [open('a', 'a'), open('b', 'b')];
  await write(b, 'of-b');
  await write(a, '1');
  await write(a, '2');
  expect(bring(b, a)).toMatchObject({ ok: true });
  const digest = a.store('data')?.figures();
  await a.close();
  const restored = open('a', id);
  expect(restored.store('data')?.figures()).toEqual(digest);
  await write(restored, 'after');
  expect(Object.fromEntries(restored.store('data')?.vector() ?? [])).toEqual(vector);
  const fresh = open('fresh', 'z');
  expect(bring(restored, fresh)).toMatchObject({ ok: true });
  expect(fresh.store('data')?.figures()).toEqual(restored.store('data')?.figures());
  for (const engine of [b, restored, fresh]) await engine.close();
});
