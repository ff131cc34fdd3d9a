// What an operator sees of a node and says of it: its log, its analytics, its status; and starting it again.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { operate } from '../security/callers.ts';
import { launcher, startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

let home: string;
let node: TestNode;
let admin: Readonly<Record<string, string>>;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'zerohop-status-'));
  const file = join(home, 'zerohop.yaml');
  writeFileSync(file, '');
  const settings = { CONFIG: file, ANALYTICS_PERIOD_MS: '100', AUTHORIZE_LOCAL: 'false', LOG_LEVEL: 'info' };
  node = await startNode({ app: 'status', threads: 1, data: join(home, 'data'), settings });
  const [, password] = await node.output.match(/password (\S+) which/);
  admin = { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` };
}, 20_000);
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

const ask = (operation: string, body: object = {}): Promise<unknown> => operate(node, { operation, ...body });
const refused = (operation: string, body: object = {}): Promise<string> =>
  ask(operation, body).then(
    (answer) => `answered ${JSON.stringify(answer)}`,
    (error: Error) => error.message,
  );

interface Line {
  readonly level: string;
  readonly message: string;
  readonly timestamp: string;
  readonly thread: string;
}

test('read_log shows what the log says, newest first, and no secret that was told once', async () => {
  await node.output.match(/There was no administrator/);
  for (const text of ['said-one', 'said-two', 'said-three']) await fetch(`${node.url}/Say/${text}`, { headers: admin });
  const said = (await ask('read_log', { level: 'warn', filter: 'said-' })) as Line[];
  expect(said).toMatchObject(
    ['said-three', 'said-two', 'said-one'].map((message) => ({ level: 'warn', message, thread: 'serve-0' })),
  );
  const messages = async (more: object) => ((await ask('read_log', more)) as Line[]).map(({ message }) => message);
  expect(await messages({ filter: 'SAID-TWO' })).toEqual(['said-two']);
  expect(await messages({ filter: 'said-', start: 1, limit: 1 })).toEqual(['said-two']);
  expect(await messages({ filter: 'said-', order: 'asc' })).toEqual(['said-one', 'said-two', 'said-three']);
  const [last, middle] = said;
  expect(await messages({ level: 'warn', from: last?.timestamp })).toContain('said-three');
  expect(await messages({ until: Date.parse(middle?.timestamp ?? '') - 1 })).not.toContain('said-two');
  expect(await messages({ level: 'fatal' })).toEqual([]);
  expect(await refused('read_log', { level: 'loud' })).toContain('400');
  expect(await refused('read_log', { from: 'long ago' })).toContain('400');
  expect(await refused('read_log', { order: 'up' })).toContain('400');
  const path = join(node.folder, 'log/zerohop.log');
  expect(readFileSync(path, 'utf8')).not.toMatch(/There was no administrator/);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('status and logs from the command line', async () => {
  const zerohop = async (...words: string[]) => {
    const env = { PATH: process.env.PATH ?? '', HOME: home };
    const child = Bun.spawn(['node', launcher, ...words, '--data', node.folder], {
      env,
      stdout: 'pipe',
      stderr: 'pipe',
    });
    return JSON.parse(await new Response(child.stdout).text());
  };
  expect(await zerohop('logs', '--filter', 'said-', '--limit', '2')).toMatchObject([
    { message: 'said-two' },
    { message: 'said-three' },
  ]);
  expect(await zerohop('status')).toMatchObject({
    componentStatus: [{ status: 'healthy' }],
    system: { bun: Bun.version },
  });
});

test('analytics tell what was done, stretch by stretch', async () => {
  for (let index = 0; index < 5; index++) await fetch(`${node.url}/Item/`, { headers: admin });
  for (let index = 0; index < 2; index++) await fetch(`${node.url}/Item/none`, { headers: admin });
  const of = async (metric: string, more: object = {}) =>
    (await ask('get_analytics', { metric, ...more })) as Record<string, number | string>[];
  const total = (rows: Record<string, number | string>[], name: string) =>
    rows.reduce((sum, row) => sum + Number(row[name]), 0);
  const items = [{ attribute: 'path', comparator: 'contains', value: 'Item' }];
  await until('all are counted', async () => total(await of('success', { conditions: items }), 'count') === 7);
  expect(total(await of('success', { conditions: items }), 'total')).toBe(5);
  const durations = await of('duration', { conditions: items, coalesce_time: true });
  expect(total(durations, 'count')).toBe(7);
  for (const { time, period, mean, median, p99, method } of durations) {
    expect([Number(time) % 100, period, method]).toEqual([0, 100, 'GET']);
    expect(Number(mean)).toBeGreaterThan(0);
    expect(Number(p99)).toBeGreaterThanOrEqual(Number(median));
  }
  const start = Number(durations[0]?.time) + 100_000;
  expect(await of('duration', { start_time: start })).toEqual([]);
  expect(Object.keys((await of('duration', { get_attributes: ['path', 'count'] }))[0] ?? {})).toEqual([
    'path',
    'count',
  ]);
  const names = (await ask('list_metrics')) as string[];
  expect(names).toEqual(expect.arrayContaining(['duration', 'success', 'resident_memory_bytes']));
  expect(await ask('describe_metric', { metric: 'duration' })).toMatchObject({ type: 'histogram' });
  expect(await refused('describe_metric', { metric: 'fun' })).toContain('404');
  expect(await refused('get_analytics', { metric: 'duration', conditions: [{ comparator: 'like' }] })).toContain('400');
}, 20_000);

test('what an operator says of the node', async () => {
  const ready = async () => (await fetch(`${node.operationsUrl}/ready`)).status;
  expect(await ask('get_status')).toMatchObject({
    systemStatus: [],
    componentStatus: [{ status: 'healthy' }],
    restartRequired: false,
  });
  expect(await refused('get_status', { id: 'primary' })).toContain('404');
  const set = await ask('set_status', { id: 'primary', status: 'leader' });
  expect(set).toMatchObject({ id: 'primary', status: 'leader', __createdtime__: expect.any(Number) });
  expect(await ask('get_status', { id: 'primary' })).toEqual(set);
  expect(await ready()).toBe(200);
  await ask('set_status', { id: 'availability', status: 'Unavailable' });
  expect(await ready()).toBe(503);
  await ask('set_status', { id: 'availability', status: 'Available' });
  expect(await ready()).toBe(200);
  expect(await refused('set_status', { id: 'availability', status: 'maybe' })).toContain('400');
  expect(await refused('set_status', { id: 'mood', status: 'good' })).toContain('400');
  expect(await refused('set_status', { id: 'primary', status: 'x'.repeat(513) })).toContain('400');
  expect(await ask('clear_status', { id: 'availability' })).toEqual({ message: 'status of availability cleared' });
  await ask('set_configuration', { http_compressionThreshold: 5 });
  expect(await ask('get_status')).toMatchObject({ systemStatus: [{ id: 'primary' }], restartRequired: true });
});

test('a service is restarted while the node answers; the node is restarted with what was set', async () => {
  const { pid } = ((await ask('system_information')) as { process: { pid: number } }).process;
  expect(await ask('restart_service', { service: 'http_workers' })).toEqual({ message: 'Restarted http_workers.' });
  expect((await fetch(`${node.url}/ready`)).status).toBe(200);
  expect(await refused('restart_service', { service: 'teapot' })).toContain('400');
  await operate(node, { operation: 'insert', table: 'Item', records: [{ id: 'kept' }] });
  expect(await ask('restart')).toEqual({ message: 'Restarting Zerohop. This may take up to 60 seconds.' });
  await until('another process runs the node', async () => {
    const now = ((await ask('system_information')) as { process: { pid: number } }).process.pid;
    return now !== pid;
  });
  expect(await ask('get_configuration')).toMatchObject({ http: { compressionThreshold: 5 } });
  expect(await ask('search_by_id', { table: 'Item', ids: ['kept'] })).toEqual([{ id: 'kept' }]);
  expect(await ask('get_status')).toMatchObject({ systemStatus: [], restartRequired: false });
  // The launcher stops what it has started anew.
  expect(await node.stop()).toBe(0);
  expect(existsSync(join(node.folder, 'operations.sock'))).toBe(false);
}, 30_000);
