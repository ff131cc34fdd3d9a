// Operators and app code: status, readiness, outage drills, purges.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOrigin } from '../support/page-origin.ts';
import { startPagesNode } from '../support/pages-node.ts';
import { startNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

// Several nodes are started, on machines that may have much else to do.
setDefaultTimeout(30_000);

const door = '/.well-known/zerohop/pages';
interface Status {
  readonly pages: number;
  readonly readiness: {
    readonly hour: { readonly requests: number };
    readonly missing: readonly unknown[];
  };
}

const page = (text: string) =>
  new Response(text, { headers: { 'cache-control': 'max-age=3600', 'surrogate-key': 'all' } });

const whenStored = (url: string) =>
  until(`${url} is stored`, async () => {
    const response = await fetch(url);
    await response.text();
    return response.headers.get('cache-status')?.startsWith('zerohop;hit') ?? false;
  });

test('an outage drill: the origin is not asked, by any thread, until it is over', async () => {
  await using origin = startOrigin(() => page('one'));
  await using node = await startPagesNode(
    { host: '127.0.0.1', origin: origin.url, rules: [{ match: '/**' }] },
    { threads: 2 },
  );
  const order = (body: unknown) => fetch(node.url + door, { method: 'POST', body: JSON.stringify(body) });
  await whenStored(`${node.url}/a`);
  expect((await order({ outage: 'on' })).status).toBe(200);
  const cold = await Promise.all(Array.from({ length: 20 }, (_, index) => node.get(`/cold-${index}`)));
  expect(new Set(cold.map(({ status }) => status))).toEqual(new Set([503]));
  expect(cold[0]?.headers.get('proxy-status')).toContain('switched off');
  expect(await (await node.get('/a')).text()).toBe('one');
  expect(origin.seen.filter(({ path }) => path !== '/a')).toEqual([]);
  const status = await (await node.get(door)).json();
  expect(status).toMatchObject({ sites: [{ site: '127.0.0.1', outage: 'on', asked: false }] });
  await order({ outage: 'auto' });
  expect((await node.get('/cold-0')).status).toBe(200);
  expect((await order({ outage: 'perhaps' })).status).toBe(400);
  expect((await order({ outage: 'on', site: 'other' })).status).toBe(404);
});

test('status says what would be served if the origin failed now', async () => {
  await using origin = startOrigin((_request, path) =>
    path === '/a' ? page('one') : new Response('x', { headers: { 'cache-control': 'no-store' } }),
  );
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] }, { threads: 1 });
  await whenStored(`${node.url}/a`);
  const statusOf = async () => (await (await node.get(door)).json()) as Status;
  const { readiness: before } = await statusOf();
  for (let index = 0; index < before.hour.requests; index++) await node.get('/never');
  const { pages, readiness } = await statusOf();
  expect(pages).toBe(1);
  expect(readiness.hour as unknown).toEqual({ requests: 2 * before.hour.requests, fresh: 0.5, stale: 0 });
  expect(readiness.missing as unknown).toEqual([{ key: '*/never', requests: before.hour.requests }]);
});

test('nobody but administrators', async () => {
  await using origin = startOrigin(() => page('one'));
  await using node = await startPagesNode({ origin: origin.url }, { settings: { AUTHORIZE_LOCAL: 'false' } });
  const [, name, password] = await node.output.match(/user (\S+) with the password (\S+)/);
  const admin = `Basic ${btoa(`${name}:${password}`)}`;
  const operate = (authorization: string | undefined, body: object) =>
    fetch(node.operationsUrl, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { ...(authorization !== undefined && { authorization }) },
    });
  const user = `Basic ${btoa('Ann:secret-of-ann')}`;
  await operate(admin, { operation: 'add_role', role: 'reader', permission: {} });
  const made = await operate(admin, {
    operation: 'add_user',
    username: 'Ann',
    password: 'secret-of-ann',
    role: 'reader',
    active: true,
  });
  expect(made.status).toBe(200);
  for (const [authorization, expected] of [
    [undefined, 401],
    [user, 403],
    [admin, 200],
  ] as const) {
    const headers = { ...(authorization !== undefined && { authorization }) };
    const statuses = [
      (await fetch(node.url + door, { headers })).status,
      (await fetch(node.url + door, { method: 'POST', body: '{"outage":"auto"}', headers })).status,
      (await fetch(`${node.url}/a`, { method: 'PURGE', headers })).status,
      (await operate(authorization, { operation: 'pages_status' })).status,
      (await operate(authorization, { operation: 'pages_warm', urls: ['/a'] })).status,
    ];
    expect(statuses).toEqual(statuses.map(() => expected));
  }
  expect((await node.get('/a')).status).toBe(200);
});

test('operations: status of all threads together, readiness, purges, drills', async () => {
  await using origin = startOrigin((_request, path) =>
    path === '/a' ? page('one') : new Response('x', { headers: { 'cache-control': 'no-store' } }),
  );
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] }, { threads: 2 });
  const operate = async (body: object) => {
    const response = await fetch(node.operationsUrl, { method: 'POST', body: JSON.stringify(body) });
    return { status: response.status, answer: (await response.json()) as Status & Record<string, unknown> };
  };
  await whenStored(`${node.url}/a`);
  await Promise.all(Array.from({ length: 40 }, () => node.get('/never')));
  const { answer: status } = await operate({ operation: 'pages_status' });
  expect(status).toMatchObject({
    sites: [{ site: '*', outage: 'auto', asked: true }],
    pages: 1,
    warm: [{ site: '*' }],
  });
  const { answer } = await operate({ operation: 'pages_readiness' });
  const { readiness } = status;
  expect(answer as unknown).toEqual(readiness);
  expect(readiness.missing as unknown).toEqual([{ key: '*/never', requests: 40 }]);
  expect(readiness.hour.requests).toBeGreaterThan(40);
  expect((await operate({ operation: 'pages_purge', url: '/a', dryRun: true })).answer as unknown).toEqual({
    purged: 1,
    hard: true,
    dryRun: true,
  });
  expect((await operate({ operation: 'pages_purge', tag: 'all', soft: true })).answer).toMatchObject({ purged: 1 });
  expect((await operate({ operation: 'pages_outage', mode: 'forbid' })).answer as unknown).toEqual({ outage: 'on' });
  expect((await node.get('/b')).status).toBe(503);
  expect((await operate({ operation: 'pages_outage', mode: 'off', site: '*' })).status).toBe(200);
  expect((await node.get('/b')).status).toBe(200);
  for (const wrong of [
    { operation: 'pages_outage', mode: 'perhaps' },
    { operation: 'pages_purge' },
    { operation: 'pages_purge', tag: 7 },
    { operation: 'pages_warm', urls: 7 },
    { operation: 'pages_warm' },
  ])
    expect((await operate(wrong)).status).toBe(400);
  expect((await operate({ operation: 'pages_warm', site: 'nowhere' })).status).toBe(404);
});

test('an app without pages says so', async () => {
  const app = mkdtempSync(join(tmpdir(), 'zerohop-app-'));
  writeFileSync(join(app, 'config.yaml'), 'rest: true\n');
  try {
    await using node = await startNode({ app });
    const body = JSON.stringify({ operation: 'pages_status' });
    const response = await fetch(node.operationsUrl, { method: 'POST', body });
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { detail: expect.stringContaining('no page cache') },
    ]);
  } finally {
    rmSync(app, { recursive: true, force: true });
  }
});

test('metrics: requests by how they were answered, the origin, memory, disk, readiness, warming', async () => {
  await using origin = startOrigin((_request, path) =>
    path === '/broken' ? new Response('', { status: 500 }) : page('one'),
  );
  const rules = [{ match: '/api/**', store: false }, { match: '/**' }];
  const settings = { origin: origin.url, rules, limit: { backoff: '1ms' }, warm: { urls: ['/w'] } };
  await using node = await startPagesNode(settings, { threads: 2 });
  const metrics = async () => (await fetch(`${node.operationsUrl}/metrics`)).text();
  await until('it is warm', async () =>
    /zerohop_pages_warm_done{site="\*",result="fetched"} 1\n/.test(await metrics()),
  );
  for (const path of ['/a', '/a', '/a', '/api/x', '/broken']) await (await node.get(path)).text();
  await until('what was warmed is in memory', async () => /zerohop_pages_memory_pages [1-9]/.test(await metrics()));
  const text = await metrics();
  const value = (series: string): number => {
    const line = text.split('\n').find((one) => one.startsWith(`zerohop_pages_${series} `));
    return Number(line?.slice(line.lastIndexOf(' ') + 1) ?? Number.NaN);
  };
  const requests = (result: string) => value(`requests_total{site="*",result="${result}"}`);
  expect(['hit', 'miss', 'pass', 'error', 'stale'].map(requests)).toEqual([2, 1, 1, 1, 0]);
  expect(value('origin_requests_total{site="*",result="2xx"}')).toBe(3);
  expect(value('origin_requests_total{site="*",result="5xx"}')).toBe(1);
  expect(value('origin_seconds_count{site="*"}')).toBe(4);
  expect(value('origin_open{site="*"}')).toBe(1);
  expect(value('origin_under_way{site="*"}')).toBe(0);
  expect(value('stored')).toBe(2);
  expect(value('memory_pages')).toBeGreaterThan(0);
  expect(value('memory_bytes')).toBeGreaterThan(0);
  expect(value('warming{site="*"}')).toBe(0);
  expect(text).toContain('zerohop_pages_readiness_requests{servable="fresh"}');
  expect(text).toContain('zerohop_pages_stored_bytes');
});

test('app code purges', async () => {
  await using origin = startOrigin(() => page('one'));
  const app = mkdtempSync(join(tmpdir(), 'zerohop-app-'));
  const config = { rest: true, jsResource: { files: 'resources.js' }, pages: { path: '/shop', origin: origin.url } };
  writeFileSync(join(app, 'config.yaml'), JSON.stringify(config));
  writeFileSync(
    join(app, 'resources.js'),
    `import { pages, Resource } from 'zerohop';
     export class Purge extends Resource {
       static async post(_target, data) { return { purged: await pages.purge(await data) }; }
     }`,
  );
  try {
    await using node = await startNode({ app });
    const purge = async (body: unknown) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${node.url}/Purge`, { method: 'POST', body: JSON.stringify(body), headers });
      return response.ok ? response.json() : response.status;
    };
    for (const order of [{ url: '/shop/a' }, { tag: 'all' }, { all: true }]) {
      await whenStored(`${node.url}/shop/a`);
      expect(await purge({ ...order, dryRun: true })).toEqual({ purged: 1 });
      expect(await purge(order)).toEqual({ purged: 1 });
      expect(await purge(order)).toEqual({ purged: 0 });
    }
    expect(await purge({ tag: 'a', all: true })).toBe(400);
    expect(await purge({ url: '/elsewhere' })).toBe(400);
  } finally {
    rmSync(app, { recursive: true, force: true });
  }
});
