// Operators and app code: status, readiness, outage drills, purges.

import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOrigin } from '../support/page-origin.ts';
import { startPagesNode } from '../support/pages-node.ts';
import { startNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

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
  expect((await node.get(door)).status).toBe(401);
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
