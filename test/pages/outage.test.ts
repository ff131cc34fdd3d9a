// The page cache when its origin dies, hangs, fails and comes back: over real sockets, against a real origin.

import { expect, test } from 'bun:test';
import { startOrigin } from '../support/page-origin.ts';
import { startPagesNode } from '../support/pages-node.ts';
import { until } from '../support/until.ts';

const page = (text: string, cacheControl = 'max-age=3600', headers: Record<string, string> = {}) =>
  new Response(text, { headers: { 'content-type': 'text/html', 'cache-control': cacheControl, ...headers } });

const stale = [{ match: '/**', ttl: '1ms', staleIfError: '1h' }];
const limit = { failures: 1, open: '100ms', backoff: '1ms' };

test('a warm page is served when the origin is gone, and a new one once it is back', async () => {
  await using origin = startOrigin(() => page('first'));
  await using node = await startPagesNode({ origin: origin.url, limit, rules: stale });
  expect(await (await node.get('/a')).text()).toBe('first');
  await origin.stop();
  const served = await node.get('/a');
  expect([served.status, await served.text()]).toEqual([200, 'first']);
  expect(served.headers.get('cache-status')).toMatch(/^zerohop;hit;ttl=-\d+;detail=stale-if-error$/);
  expect(served.headers.get('proxy-status')).toMatch(/^zerohop;error=/);
  const cold = await node.get('/never-seen');
  expect([502, 503]).toContain(cold.status);
  expect(await cold.json()).toMatchObject({ code: 'ORIGIN_FAILED' });
  origin.answer = () => page('second');
  origin.start();
  await until('the new page is served', async () => (await (await node.get('/a')).text()) === 'second');
});

test('an origin that hangs is given up after its time, then not waited for', async () => {
  await using origin = startOrigin(() => page('first'));
  await using node = await startPagesNode({
    origin: origin.url,
    limit: { ...limit, open: '1h' },
    timeout: { firstByte: '50ms' },
    rules: stale,
  });
  await node.get('/a');
  origin.answer = () => new Promise<Response>(() => {});
  const first = await node.get('/a');
  expect([await first.text(), first.headers.get('proxy-status')]).toEqual([
    'first',
    'zerohop;error=http_response_timeout',
  ]);
  const asked = origin.seen.length;
  const second = await node.get('/a');
  expect([await second.text(), second.headers.get('proxy-status')]).toEqual([
    'first',
    'zerohop;error=destination_unavailable',
  ]);
  expect(origin.seen.length).toBe(asked);
  expect((await node.get('/cold')).status).toBe(503);
});

test('an origin that hangs keeps nobody waiting for whom there is a page, and is heard when it answers', async () => {
  const answers = Promise.withResolvers<void>();
  await using origin = startOrigin(() => page('first'));
  await using node = await startPagesNode({
    origin: origin.url,
    timeout: { connect: '50ms', firstByte: '1h', total: '1h' },
    rules: stale,
  });
  const all = ['/a', '/b', '/c'];
  for (const path of all) await node.get(path);
  origin.answer = () => answers.promise.then(() => page('second'));
  for (const path of [...all, ...all]) {
    const served = await node.get(path);
    expect([await served.text(), served.headers.get('proxy-status')]).toEqual([
      'first',
      'zerohop;error=http_response_timeout',
    ]);
  }
  await until('each page is asked for', () => origin.seen.length >= 6);
  answers.resolve();
  await until('the new pages are there', async () => {
    const texts = await Promise.all(all.map(async (path) => (await node.get(path)).text()));
    return texts.every((text) => text === 'second');
  });
});

test('errors do not replace a good page; without one they are passed on', async () => {
  await using origin = startOrigin(() => page('first'));
  await using node = await startPagesNode({ origin: origin.url, rules: stale });
  await node.get('/a');
  origin.answer = () => new Response('broken', { status: 500, headers: { 'cache-control': 'max-age=60' } });
  const served = await node.get('/a');
  expect([served.status, await served.text()]).toEqual([200, 'first']);
  const cold = await node.get('/cold');
  expect([cold.status, await cold.text()]).toEqual([500, 'broken']);
});

test('what must be validated is not served stale', async () => {
  await using origin = startOrigin(() => page('first', 'max-age=0, must-revalidate', { etag: '"1"' }));
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  await node.get('/a');
  await origin.stop();
  expect((await node.get('/a')).status).toBe(502);
});

test('a page within its stale window is answered at once and fetched once, in the background', async () => {
  await using origin = startOrigin(() => page('first'));
  await using node = await startPagesNode({
    origin: origin.url,
    rules: [{ match: '/**', ttl: '1ms', staleWhileRevalidate: '1h' }],
  });
  await node.get('/a');
  const release = Promise.withResolvers<void>();
  origin.answer = async () => {
    await release.promise;
    return page('second');
  };
  const served = await Promise.all(Array.from({ length: 50 }, async () => (await node.get('/a')).text()));
  expect(new Set(served)).toEqual(new Set(['first']));
  await until('the refresh reached the origin', async () => (await node.get('/a')).ok && origin.seen.length > 1);
  expect(origin.seen.length).toBe(2);
  release.resolve();
  await until('the new page is served', async () => (await (await node.get('/a')).text()) === 'second');
});

test('a body that breaks off breaks off for the client too, and is not stored', async () => {
  let body = 'half';
  const head = 'HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nContent-Length: 100\r\n\r\n';
  const origin = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(socket) {
        socket.write(head + body);
        socket.end();
      },
    },
  });
  await using node = await startPagesNode({ origin: `http://127.0.0.1:${origin.port}`, rules: [{ match: '/**' }] });
  await expect(node.get('/a').then((response) => response.text())).rejects.toThrow();
  body = 'whole'.repeat(20);
  expect(await (await node.get('/a')).text()).toBe(body);
  origin.stop(true);
});

test('pages survive a restart, and a kill', async () => {
  await using origin = startOrigin(() => page('x'.repeat(50_000)));
  const { mkdtempSync, rmSync } = await import('node:fs');
  const data = mkdtempSync('/tmp/zerohop-pages-data-');
  const pages = { origin: origin.url, rules: [{ match: '/**' }] };
  try {
    {
      await using node = await startPagesNode(pages, { data });
      await (await node.get('/a')).text();
      await until('it is stored', async () => (await node.stored()) === 1);
      await node.kill9();
    }
    await origin.stop();
    await using node = await startPagesNode(pages, { data });
    const served = await node.get('/a');
    expect([served.status, (await served.text()).length]).toEqual([200, 50_000]);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});
