// Backups of a node that is being written to, and what is restored of them.

import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placeAt, restoreBackup } from '../../src/backup/index.ts';
import { operate } from '../security/callers.ts';
import { serveS3 } from '../support/s3-server.ts';
import { launcher, startNode, type TestNode } from '../support/start-node.ts';

const home = mkdtempSync(join(tmpdir(), 'zerohop-backup-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const settings = { AUTHORIZE_LOCAL: 'true' };
const start = (data: string): Promise<TestNode> => startNode({ app: 'operations', threads: 1, data, settings });

interface Summary {
  readonly time: string;
  readonly bytes: number;
  readonly newBytes: number;
}

/** Writes one dog after the other until told to stop; tells how many are acknowledged. */
function writer(node: TestNode) {
  const state = { acknowledged: 0, stopped: false };
  const running = (async () => {
    while (!state.stopped) {
      const id = String(state.acknowledged + 1).padStart(6, '0');
      const response = await fetch(`${node.url}/Dog/${id}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: `dog ${id}`, owner: 'x'.repeat(500) }),
      });
      if (response.status !== 204) throw new Error(`${response.status} ${await response.text()}`);
      state.acknowledged++;
    }
  })();
  return {
    get acknowledged() {
      return state.acknowledged;
    },
    async stop() {
      state.stopped = true;
      await running;
    },
    running,
  };
}

async function idsOf(node: TestNode): Promise<string[]> {
  const query = { operation: 'search_by_conditions', table: 'Dog', get_attributes: ['id'], sort: { attribute: 'id' } };
  return ((await operate(node, query)) as { id: string }[]).map(({ id }) => id);
}

test('under load: every backup is one moment, no older than its beginning; only what is new is stored', async () => {
  const to = join(home, 'under-load');
  const sums: Summary[] = [];
  const least: number[] = [];
  {
    await using node = await start(join(home, 'first'));
    const bytes = 'a picture, bytes of its own';
    const picture = { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: bytes };
    expect((await fetch(`${node.url}/Picture/1/bytes`, picture)).status).toBeLessThan(500);
    const records = Array.from({ length: 20_000 }, (_, index) => ({ id: `${index}`, text: 'y'.repeat(300) }));
    await operate(node, { operation: 'create_table', table: 'Old' });
    await operate(node, { operation: 'insert', table: 'Old', records });
    const writing = writer(node);
    for (let round = 0; round < 3; round++) {
      least.push(writing.acknowledged);
      sums.push((await operate(node, { operation: 'create_backup', to })) as Summary);
    }
    await writing.stop();
  }
  const [first, , last] = sums;
  expect(first?.bytes).toBeGreaterThan(6_000_000);
  expect(last?.newBytes).toBeLessThan((last?.bytes ?? 0) / 2);
  for (const [index, { time }] of sums.entries()) {
    const data = join(home, `restored-${index}`);
    expect((await restoreBackup(placeAt(to), data, Date.parse(time))).time).toBe(time);
    await using node = await start(data);
    const ids = await idsOf(node);
    expect(ids).toEqual(ids.map((_, at) => String(at + 1).padStart(6, '0')));
    expect(ids.length).toBeGreaterThanOrEqual(least[index] ?? 0);
  }
}, 60_000);

test('killed while a backup is made: the one before is whole', async () => {
  const [to, data] = [join(home, 'killed'), join(home, 'second')];
  const node = await start(data);
  try {
    await operate(node, { operation: 'upsert', table: 'Dog', records: [{ id: '1', name: 'Harper' }] });
    await operate(node, { operation: 'create_backup', to });
    await operate(node, { operation: 'upsert', table: 'Dog', records: [{ id: '2', name: 'x'.repeat(4_000_000) }] });
    const interrupted = operate(node, { operation: 'create_backup', to }).catch((error: Error) => error.message);
    const before = readdirSync(join(to, 'manifests')).length;
    await node.kill9();
    await interrupted;
    expect(before).toBe(1);
  } finally {
    await node[Symbol.asyncDispose]();
  }
  const restored = join(home, 'after-kill');
  await restoreBackup(placeAt(to), restored);
  await using again = await start(restored);
  expect(await idsOf(again)).toContain('1');
}, 30_000);

test('a damaged chunk is found, and nothing is restored; nor over what is there', async () => {
  const [to, data] = [join(home, 'damaged'), join(home, 'third')];
  {
    await using node = await start(data);
    await operate(node, { operation: 'create_backup', to });
  }
  await expect(restoreBackup(placeAt(to), data)).rejects.toThrow('is not empty');
  await expect(restoreBackup(placeAt(to), join(home, 'early'), 0)).rejects.toThrow('There is no backup from 1970');
  for (const folder of readdirSync(join(to, 'chunks')))
    for (const name of readdirSync(join(to, 'chunks', folder))) {
      const path = join(to, 'chunks', folder, name);
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      writeFileSync(path, bytes);
    }
  const target = join(home, 'of-damaged');
  await expect(restoreBackup(placeAt(to), target)).rejects.toThrow('The backup is damaged');
  expect(readdirSync(home)).not.toContain('of-damaged');
}, 30_000);

test('to a bucket and back, on the command line; only what is new is sent', async () => {
  using store = serveS3('ours', 'a-secret');
  const environment = {
    AWS_ACCESS_KEY_ID: 'ours',
    AWS_SECRET_ACCESS_KEY: 'a-secret',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT: store.endpoint,
  };
  const zerohop = async (...words: string[]): Promise<string> => {
    const env = { PATH: process.env.PATH ?? '', HOME: home, ...environment };
    const child = Bun.spawn(['node', launcher, ...words], { env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    expect([await child.exited, err]).toEqual([0, '']);
    return out;
  };
  const [bucket, data, restored] = ['s3://shop/nightly', join(home, 'of-bucket'), join(home, 'from-bucket')];
  let moment = '';
  {
    await using node = await startNode({ app: 'operations', threads: 1, data, settings, environment });
    const records = Array.from({ length: 8_000 }, (_, at) => ({ id: `old-${at}`, name: 'y'.repeat(300) }));
    await operate(node, { operation: 'upsert', table: 'Dog', records });
    const first = JSON.parse(await zerohop('backup', bucket, '--data', data)) as Summary;
    moment = first.time;
    await operate(node, { operation: 'upsert', table: 'Dog', records: [{ id: 'later', name: 'Rex' }] });
    const second = JSON.parse(await zerohop('backup', bucket, '--data', data)) as Summary;
    expect(second.newBytes).toBeLessThan(first.newBytes / 2);
    expect(JSON.parse(await zerohop('backups', bucket, '--data', data))).toHaveLength(2);
  }
  expect([...store.objects.keys()].every((name) => name.startsWith('shop/nightly/'))).toBe(true);
  await zerohop('restore', bucket, '--data', restored, '--at', moment);
  await using again = await start(restored);
  const ids = await idsOf(again);
  expect([ids.length, ids.includes('later')]).toEqual([8_000, false]);
}, 60_000);

test('a place that can not be used is a clear refusal', async () => {
  using store = serveS3('ours', 'a-secret');
  const environment = { AWS_ACCESS_KEY_ID: 'ours', AWS_SECRET_ACCESS_KEY: 'wrong', AWS_ENDPOINT: store.endpoint };
  await using node = await startNode({ app: 'operations', threads: 1, settings, environment });
  const file = join(home, 'a-file');
  writeFileSync(file, 'no folder');
  for (const [body, reason] of [
    [{ operation: 'create_backup', to: 's3://shop/nightly' }, /s3:\/\/shop\/nightly: .*AWS_SECRET_ACCESS_KEY/],
    [{ operation: 'list_backups', from: 's3://shop/nightly' }, /SignatureDoesNotMatch.*AWS_SECRET_ACCESS_KEY/],
    [{ operation: 'create_backup', to: file }, /a-file: .*(ENOTDIR|EEXIST)/],
  ] as const) {
    const response = await fetch(node.operationsUrl, { method: 'POST', body: JSON.stringify(body) });
    const problem = (await response.json()) as { detail: string };
    expect([body, response.status, problem.detail]).toEqual([body, 400, expect.stringMatching(reason)]);
  }
}, 30_000);
