// Writes over a port, as between a serve thread and the store thread: what arrives is what was sent, and what can't be is refused alone.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { type Json, limits, systemClock, ZerohopError } from '../base/index.ts';
import { parseSdl } from '../schema/index.ts';
import { type Change, StoreEngine } from '../store/index.ts';
import { StorePortClient, servePort } from './store-port.ts';

let folder = '';
let engine: StoreEngine;
let channel: MessageChannel;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-port-'));
  engine = new StoreEngine({
    folder,
    nodeId: 'node-a',
    clock: systemClock,
    clockDriftMs: 60_000,
    writeQueue: 1000,
    logRetentionMs: limits.logRetentionMs,
    checkpointBytes: limits.checkpointBytes,
    commits: new Int32Array(16),
    fatal: (error) => {
      throw error;
    },
    trouble: (_what, error) => {
      throw error;
    },
  });
  engine.applySchema(parseSdl('type Note @table { id: ID @primaryKey }', 's').tables);
  channel = new MessageChannel();
  servePort(channel.port1, engine);
});
afterEach(async () => {
  channel.port1.close();
  channel.port2.close();
  await engine.close();
  rmSync(folder, { recursive: true });
});

const put = (id: string, text = ''): Change => ({
  op: 'put',
  table: 'Note',
  id,
  body: JSON.stringify({ id, text }),
  expires: null,
});
const patch = (id: string, set: Record<string, Json>): Change => ({
  op: 'patch',
  table: 'Note',
  id,
  patch: { set, add: {} },
});
const codeOf = async (client: StorePortClient, ...changes: Change[]): Promise<string> => {
  try {
    await client.commit({ database: 'data', changes });
    return 'ok';
  } catch (error) {
    return error instanceof ZerohopError ? error.code : String(error);
  }
};
const body = (id: string) => engine.store('data')?.connection.first('SELECT _body FROM Note WHERE _id = ?', [id])?.[0];

test('a patch arrives exactly, integers of any length included', async () => {
  const client = new StorePortClient(channel.port2);
  const large = 10n ** 299n;
  const set = {
    small: 5n,
    large,
    negative: -large,
    float: 2.5,
    zero: 0,
    more: 'ü\u0000',
    list: [null, true, { a: 1 }],
  };
  expect(await codeOf(client, put('a'), patch('a', set as unknown as Record<string, Json>))).toBe('ok');
  expect(body('a')).toBe(
    `{"id":"a","text":"","small":5,"large":${large},"negative":${-large},"float":2.5,"zero":0,"more":"ü\\u0000","list":[null,true,{"a":1}]}`,
  );
});

test('what can not be sent is refused, and its neighbours of the turn are not', async () => {
  const client = new StorePortClient(channel.port2);
  const unsendable = { value: Symbol('no') as unknown as Json };
  const changes = [put('a'), { ...put('b'), computed: unsendable }, put('c')];
  expect(await Promise.all(changes.map((change) => codeOf(client, change)))).toEqual(['ok', 'INTERNAL', 'ok']);
  expect(['a', 'b', 'c'].map((id) => body(id) !== undefined)).toEqual([true, false, true]);
});

test('the queue is bounded by number and by size, and free again after the answers', async () => {
  const small = new StorePortClient(channel.port2, 2, 5_000);
  const burst = (sizes: readonly number[]) =>
    Promise.all(sizes.map((size, i) => codeOf(small, put(`n${i}`, 'x'.repeat(size)))));
  for (let round = 0; round < 2; round++) {
    expect(await burst([1, 1, 1])).toEqual(['ok', 'ok', 'OVERLOADED']);
    expect(await burst([3000, 3000])).toEqual(['ok', 'OVERLOADED']);
    expect(await burst([30_000, 1])).toEqual(['ok', 'OVERLOADED']);
  }
});
