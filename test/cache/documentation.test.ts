// The example of docs/reference/caching.md, with a catalogue behind it.

import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startTestNode } from '../../src/testing.ts';

test('the example does what the page says', async () => {
  const asked: string[] = [];
  const catalogue = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      if (request.method === 'PUT') return new Response('closed for today', { status: 423 });
      if (request.headers.has('if-modified-since')) return new Response(null, { status: 304 });
      return Response.json({ name: 'Boot', brand: 'nord' });
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-docs-'));
  let now = Date.now();
  process.env.CATALOGUE_URL = `http://127.0.0.1:${catalogue.port}`;
  try {
    const page = await Bun.file(resolve(import.meta.dirname, '../../docs/reference/caching.md')).text();
    for (const [, name = '', body = ''] of page.matchAll(/^```\w+ file=(\S+)\n(.*?)^```$/gms))
      writeFileSync(join(folder, name), body);
    await using node = await startTestNode({ app: folder, clock: { nowMs: () => now } });
    const get = async (headers = {}) => (await node.fetch('/Product/42', { headers })).json();
    const all = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(all).toEqual(Array(20).fill({ id: '42', name: 'Boot', brand: 'nord' }));
    expect(await (await node.fetch('/Product/?brand=nord&select(name)')).json()).toEqual(['Boot']);
    expect(asked).toEqual(['GET /42']);
    const put = { method: 'PUT', body: '{"name":"Shoe"}', headers: { 'content-type': 'application/json' } };
    expect((await node.fetch('/Product/42', put)).status).toBe(423);
    now += 61_000;
    expect(await get()).toMatchObject({ name: 'Boot' });
    expect(await get({ 'cache-control': 'no-cache' })).toMatchObject({ name: 'Boot' });
    expect(asked.slice(0, 3)).toEqual(['GET /42', 'PUT /42', 'GET /42']);
  } finally {
    delete process.env.CATALOGUE_URL;
    rmSync(folder, { recursive: true });
    await catalogue.stop(true);
  }
});
