// The corners of a page cache that its operators meet: over real sockets, with a real origin.

import { describe, expect, test } from 'bun:test';
import { HttpConnection } from '../support/http-connection.ts';
import { startOrigin } from '../support/page-origin.ts';
import { startPagesNode } from '../support/pages-node.ts';
import { until } from '../support/until.ts';

const html = { 'content-type': 'text/html', 'cache-control': 'max-age=3600' };

describe('what lasts as long as a rule says: pages, not what keeps them from being seen', () => {
  test('refusals and errors are passed on and forgotten', async () => {
    let isWell = false;
    await using origin = startOrigin((_request, path) =>
      isWell ? new Response('the page') : new Response('not now', { status: Number(path.slice(1)) }),
    );
    await using node = await startPagesNode({
      origin: origin.url,
      limit: { backoff: '1ms', failures: 100 },
      rules: [{ match: '/**', ttl: '1h', staleWhileRevalidate: '1h' }],
    });
    for (const status of [400, 401, 403, 429, 500, 503]) {
      isWell = false;
      const refused = await node.get(`/${status}`);
      expect([refused.status, await refused.text()]).toEqual([status, 'not now']);
      isWell = true;
      await until('the page is there', async () => (await (await node.get(`/${status}`)).text()) === 'the page');
    }
  });

  test('errors, and "too many requests", do not take the place of a page', async () => {
    await using origin = startOrigin(() => new Response('the page'));
    await using node = await startPagesNode({
      origin: origin.url,
      limit: { backoff: '1ms', failures: 100 },
      rules: [{ match: '/**', ttl: '1ms', staleIfError: '1h' }],
    });
    for (const status of [429, 500, 503]) await (await node.get(`/${status}`)).text();
    origin.answer = (_request, path) => new Response('not now', { status: Number(path.slice(1)) });
    for (const status of [429, 500, 503]) {
      const served = await node.get(`/${status}`);
      expect([served.status, await served.text()]).toEqual([200, 'the page']);
      expect(served.headers.get('proxy-status')).toBe(`zerohop;received-status=${status}`);
      expect(served.headers.get('cache-status')).toMatch(/^zerohop;hit;ttl=-\d+;detail=stale-if-error$/);
    }
  });

  test('past its time for errors a page is not served any more', async () => {
    await using origin = startOrigin(() => new Response('the page'));
    const limit = { failures: 1, open: '1h' };
    const rules = [{ match: '/**', ttl: '1ms', staleIfError: '100ms' }];
    await using node = await startPagesNode({ origin: origin.url, limit, rules });
    await (await node.get('/a')).text();
    await origin.stop();
    const statuses: number[] = [];
    await until(
      'it is too old',
      async () => statuses.push((await node.get('/a')).status) > 0 && statuses.at(-1) !== 200,
    );
    expect([502, 503]).toContain(Number(statuses.at(-1)));
    expect(statuses.slice(0, -1)).toEqual(statuses.slice(0, -1).map(() => 200));
  });
});

test('a part, if it is still that, and none of a HEAD', async () => {
  const headers = {
    ...html,
    'content-type': 'image/png',
    etag: '"t"',
    'last-modified': 'Mon, 05 Jan 2026 00:00:00 GMT',
  };
  await using origin = startOrigin(() => new Response('0123456789', { headers }));
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  await (await node.get('/a')).text();
  const range = 'bytes=2-4';
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ range }, '206 bytes 2-4/10 234'],
    [{ range, 'if-range': '"t"' }, '206 bytes 2-4/10 234'],
    [{ range, 'if-range': 'Mon, 05 Jan 2026 00:00:00 GMT' }, '206 bytes 2-4/10 234'],
    [{ range, 'if-range': '"other"' }, '200 null 0123456789'],
    [{ range, 'if-range': 'W/"t"' }, '200 null 0123456789'],
    [{ range, 'if-range': 'Tue, 06 Jan 2026 00:00:00 GMT' }, '200 null 0123456789'],
    [{ range, 'if-none-match': '"t"' }, '304 null '],
    [{ range: 'bytes=-3' }, '206 bytes 7-9/10 789'],
    [{ range: 'bytes=8-99' }, '206 bytes 8-9/10 89'],
    [{ range: 'bytes=10-' }, '416 bytes */10 '],
    [{ range: 'bytes=0-1,4-5' }, '200 null 0123456789'],
    [{ range: 'lines=1-2' }, '200 null 0123456789'],
  ];
  for (const [asked, expected] of cases) {
    const response = await node.get('/a', asked);
    const found = `${response.status} ${response.headers.get('content-range')} ${await response.text()}`;
    expect([asked, found]).toEqual([asked, expected]);
  }
  const head = await fetch(`${node.url}/a`, { method: 'HEAD', headers: { range, 'if-range': '"t"' } });
  expect([head.status, head.headers.get('content-length'), head.headers.get('content-range')]).toEqual([
    200,
    '10',
    null,
  ]);
  expect(origin.seen.length).toBe(1);
});

test('a part of what is too large to be stored is made by the origin', async () => {
  const video = 'x'.repeat(200_000);
  await using origin = startOrigin(({ headers }) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.get('range') ?? '') ?? [];
    if (from === undefined || headers.get('if-range') === '"old"') return new Response(video, { headers: html });
    const range = { 'content-range': `bytes ${from}-${to}/200000` };
    return new Response(video.slice(Number(from), Number(to) + 1), { status: 206, headers: { ...html, ...range } });
  });
  await using node = await startPagesNode({ origin: origin.url, maxBody: '100KB', rules: [{ match: '/**' }] });
  const ask = async (headers: Record<string, string>) => {
    const response = await node.get('/a', headers);
    const length = (await response.text()).length;
    return [response.status, response.headers.get('content-range'), length];
  };
  expect(await ask({ range: 'bytes=10-19' })).toEqual([206, 'bytes 10-19/200000', 10]);
  expect(await ask({ range: 'bytes=10-19', 'if-range': '"old"' })).toEqual([200, null, 200_000]);
  expect(await ask({})).toEqual([200, null, 200_000]);
});

test('the first answer tells of other codings, as those after it do', async () => {
  const text = 'word '.repeat(1000);
  await using origin = startOrigin(() => new Response(text, { headers: { ...html, vary: 'Origin' } }));
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  const first = await node.get('/a');
  await first.text();
  const second = await node.get('/a');
  expect([first, second].map(({ headers }) => headers.get('vary'))).toEqual([
    'Origin, Accept-Encoding',
    'Origin, Accept-Encoding',
  ]);
});

describe('what the origin sees is what the key has', () => {
  test('the answer to a POST is nobody else’s page, whatever it says', async () => {
    await using origin = startOrigin(({ method, headers }, path) => {
      const by = headers.get('x-forwarded-host') ?? headers.get('cookie');
      return new Response(method === 'POST' ? `for ${by}` : 'for all', {
        headers: { ...html, 'content-location': path },
      });
    });
    await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
    const headers = { cookie: 'session=1', 'x-forwarded-host': 'evil.example' };
    await (await fetch(`${node.url}/a`, { method: 'POST', body: 'x', headers })).text();
    expect(await (await node.get('/a')).text()).toBe('for all');
  });

  test('a port of the host, where the origin is told of the host', async () => {
    await using origin = startOrigin(
      ({ headers }) => new Response(`http://${headers.get('host')}/`, { headers: html }),
    );
    await using node = await startPagesNode({
      origin: origin.url,
      hostHeader: 'client',
      rules: [{ match: '/**' }],
    });
    const asked = ['shop.example:4443', 'shop.example', 'SHOP.example:80', 'shop.example:4443'];
    const links: string[] = [];
    for (const host of asked) links.push(await (await node.get('/a', { host })).text());
    expect(links).toEqual([
      'http://shop.example:4443/',
      'http://shop.example/',
      'http://shop.example/',
      'http://shop.example:4443/',
    ]);
  });

  test('a fragment, which no request should have', async () => {
    await using origin = startOrigin((_request, path) => new Response(path, { headers: html }));
    await using node = await startPagesNode({
      origin: origin.url,
      rules: [{ match: '/account', store: false }, { match: '/**' }],
    });
    const connection = await HttpConnection.open(node.port);
    const statusOf = async (path: string) => {
      const { headers, body } = await connection.request('GET', path);
      return [body.toString(), headers.get('cache-status')?.split(';')[1]];
    };
    expect(await statusOf('/account#a')).toEqual(['/account', 'fwd=bypass']);
    expect(await statusOf('/a#b')).toEqual(['/a', 'fwd=uri-miss']);
    await until('it is the same page', async () => (await statusOf('/a'))[1] === 'hit');
    connection.close();
  });
});

test('a host that no site is for is told which there are', async () => {
  await using origin = startOrigin(() => new Response('page', { headers: html }));
  await using node = await startPagesNode([
    { host: 'shop.example', origin: origin.url },
    { host: 'www.example', path: '/blog', origin: origin.url },
  ]);
  const detailOf = async (path: string, host: string) => {
    const response = await node.get(path, { host });
    const { detail } = (await response.json()) as { detail: string };
    return `${response.status} ${detail}`;
  };
  const sites = 'it has shop.example, www.example/blog. Ask by that name, or add a site to "pages" in config.yaml.';
  expect(await detailOf('/a', 'shop.exmaple')).toBe(
    `404 Nothing is served at /a. Paths are case-sensitive. The page cache has no site for it under the host shop.exmaple: ${sites}`,
  );
  expect(await detailOf('/', 'www.example')).toContain(`under the host www.example: ${sites}`);
  expect(origin.seen).toEqual([]);
});

test('an origin that leads back to the cache is told so, at once', async () => {
  await using origin = startOrigin(() => new Response());
  await using node = await startPagesNode({
    origin: origin.url,
    rules: [{ match: '/pages/**' }, { match: '/all/**', headers: 'all' }],
  });
  // What visitors ask leads to the node.
  origin.answer = ({ method, headers }, path) => fetch(node.url + path, { method, headers });
  for (const path of ['/pages/a', '/all/a', '/passed']) {
    const answered = await node.get(path);
    const { detail } = (await answered.json()) as { detail: string };
    expect([path, answered.status, detail]).toEqual([path, 508, expect.stringContaining('leads back to this cache')]);
    expect(answered.headers.get('proxy-status')).toBe('zerohop;error=proxy_loop_detected');
  }
  expect(origin.seen.length).toBe(3);
  // A cache behind this one is none of its loops.
  origin.answer = ({ headers }) => new Response(headers.get('cdn-loop'), { headers: html });
  const inner = await node.get('/all/b', { 'cdn-loop': 'other.example, zerohop;site=other' });
  expect(await inner.text()).toMatch(/^zerohop;site=\w+$/);
  const passed = await node.get('/passed', { 'cdn-loop': 'other.example' });
  expect(await passed.text()).toMatch(/^other\.example, zerohop;site=\w+$/);
});
