// What a client gets of a stored page: codings, parts, heads, unchanged ones, variants; and what is passed on.

import { describe, expect, test } from 'bun:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { startOrigin } from '../support/page-origin.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { until } from '../support/until.ts';

const text = 'all work and no play makes a long page '.repeat(200);
const html = { 'content-type': 'text/html', 'cache-control': 'max-age=3600', etag: '"1"' };

async function stored(node: PagesNode, path: string): Promise<void> {
  await until('it is stored', async () => {
    const response = await node.get(path);
    await response.text();
    return response.headers.get('cache-status')?.startsWith('zerohop;hit') ?? false;
  });
}

const decoders: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gunzipSync(bytes),
  br: (bytes) => brotliDecompressSync(bytes),
  zstd: (bytes) => Bun.zstdDecompressSync(bytes),
};

const origins: Record<string, () => Response> = {
  'plain bytes': () => new Response(text, { headers: html }),
  gzip: () => new Response(Bun.gzipSync(Buffer.from(text)), { headers: { ...html, 'content-encoding': 'gzip' } }),
};

describe.each(Object.keys(origins))('a page whose origin sends %s', (kind) => {
  test('in every coding, each with a tag of its own', async () => {
    await using origin = startOrigin(() => origins[kind]?.() ?? Response.error());
    await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
    await stored(node, '/a');
    for (const [accept, coding] of [
      ['gzip', 'gzip'],
      ['br', 'br'],
      ['zstd', 'zstd'],
      ['identity', 'identity'],
      ['', 'identity'],
      ['gzip;q=0, br;q=0.1', 'br'],
    ] as const) {
      const response = await fetch(`${node.url}/a`, { headers: { 'accept-encoding': accept }, decompress: false });
      const bytes = new Uint8Array(await response.arrayBuffer());
      const encoding = response.headers.get('content-encoding') ?? 'identity';
      expect([accept, encoding]).toEqual([accept, coding]);
      expect(Buffer.from(decoders[encoding]?.(bytes) ?? []).toString()).toBe(text);
      const isAsSent = encoding === (kind === 'gzip' ? 'gzip' : 'identity');
      expect(response.headers.get('etag')).toBe(isAsSent ? '"1"' : 'W/"1"');
      expect(response.headers.get('vary')).toBe('Accept-Encoding');
    }
    expect(origin.seen.length).toBeLessThan(3);
  });
});

test('what may not be transformed is fetched anew for a client that takes another coding', async () => {
  const headers = { ...html, 'cache-control': 'max-age=3600, no-transform' };
  await using origin = startOrigin((request) =>
    (request.headers.get('accept-encoding') ?? '').includes('gzip')
      ? new Response(Bun.gzipSync(Buffer.from(text)), { headers: { ...headers, 'content-encoding': 'gzip' } })
      : new Response(text, { headers }),
  );
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  await stored(node, '/a');
  const response = await fetch(`${node.url}/a`, { headers: { 'accept-encoding': 'identity' }, decompress: false });
  expect([response.headers.get('content-encoding'), await response.text()]).toEqual([null, text]);
});

test('bytes that are not in the coding their origin names harm nobody', async () => {
  const lying = { headers: { ...html, 'content-encoding': 'gzip' } };
  await using origin = startOrigin(({ headers }) =>
    (headers.get('accept-encoding') ?? '').includes('gzip')
      ? new Response('no gzip', lying)
      : new Response('plain', { headers: html }),
  );
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  const ask = (accept: string) =>
    fetch(`${node.url}/a`, { headers: { 'accept-encoding': accept }, decompress: false }).then((response) =>
      response.text(),
    );
  expect(await ask('gzip')).toBe('no gzip');
  expect(await ask('identity')).toBe('plain');
});

test('HEAD, ranges and conditions are answered from the stored page', async () => {
  await using origin = startOrigin(() => new Response(text, { headers: html }));
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  await stored(node, '/a');
  const asked = origin.seen.length;
  const head = await fetch(`${node.url}/a`, { method: 'HEAD', headers: { 'accept-encoding': 'identity' } });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, String(text.length), '']);
  const cases: readonly (readonly [Record<string, string>, number, string])[] = [
    [{ range: 'bytes=4-7' }, 206, 'work'],
    [{ range: 'bytes=-5' }, 206, 'page '],
    [{ range: 'bytes=4-7', 'if-range': '"1"' }, 206, 'work'],
    [{ range: 'bytes=4-7', 'if-range': '"2"' }, 200, text],
    [{ range: 'bytes=4-7', 'if-range': 'W/"1"' }, 200, text],
    [{ range: 'bytes=999999-' }, 416, ''],
    [{ range: 'pages=1-2' }, 200, text],
    [{ 'if-none-match': '"0", W/"1"' }, 304, ''],
    [{ 'if-none-match': '*' }, 304, ''],
    [{ 'if-none-match': 'nonsense' }, 200, text],
  ];
  for (const [headers, status, body] of cases) {
    const response = await node.get('/a', headers);
    expect([headers, response.status, await response.text()]).toEqual([headers, status, body]);
  }
  expect(origin.seen.length).toBe(asked);
});

test('a cold range and a cold HEAD fill the cache with the whole page', async () => {
  await using origin = startOrigin(() => new Response(text, { headers: html }));
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  const part = await node.get('/a', { range: 'bytes=0-2' });
  expect([part.status, await part.text()]).toEqual([206, 'all']);
  expect(origin.seen[0]?.headers.has('range')).toBe(false);
  const head = await fetch(`${node.url}/b`, { method: 'HEAD' });
  expect([head.status, origin.seen[1]?.method]).toEqual([200, 'GET']);
  await stored(node, '/b');
});

test('a stale page that the origin says still holds is renewed, with the headers of the 304', async () => {
  await using origin = startOrigin(({ headers }) =>
    headers.get('if-none-match') === '"1"'
      ? new Response(null, { status: 304, headers: { 'x-news': 'yes', 'cache-control': 'max-age=3600' } })
      : new Response(text, { headers: { ...html, 'cache-control': 'max-age=0' } }),
  );
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  await (await node.get('/a')).text();
  await until('it is renewed', async () => (await node.get('/a')).headers.get('x-news') === 'yes');
  await stored(node, '/a');
  expect(await (await node.get('/a')).text()).toBe(text);
});

test('no more variants than the limit', async () => {
  await using origin = startOrigin(
    ({ headers }) => new Response(headers.get('x-kind'), { headers: { ...html, vary: 'X-Kind' } }),
  );
  await using node = await startPagesNode({
    origin: origin.url,
    maxVariants: 2,
    rules: [{ match: '/**', headers: 'all' }],
  });
  const ask = async (kind: string) => {
    const response = await node.get('/a', { 'x-kind': kind });
    return [await response.text(), response.headers.get('cache-status')?.startsWith('zerohop;hit') ?? false];
  };
  for (const kind of ['1', '2', '3'])
    await until(`${kind} is stored`, async () => (await ask(kind))[1] === true && (await ask(kind))[0] === kind);
  expect(await ask('2')).toEqual(['2', true]);
  expect(await ask('1')).toEqual(['1', false]);
});

test('what no rule is for is passed on as it came', async () => {
  await using origin = startOrigin(async (request) =>
    Response.json({
      method: request.method,
      body: await request.text(),
      cookie: request.headers.get('cookie'),
      agent: request.headers.get('user-agent'),
    }),
  );
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/shop/**' }] });
  const response = await fetch(`${node.url}/basket?x=1`, {
    method: 'POST',
    body: 'two',
    headers: { cookie: 'session=1', 'user-agent': 'test' },
  });
  expect(await response.json()).toEqual({ method: 'POST', body: 'two', cookie: 'session=1', agent: 'test' });
  expect(response.headers.get('cache-status')).toBe('zerohop;fwd=method;fwd-status=200');
  expect(origin.seen[0]?.path).toBe('/basket?x=1');
  expect((await node.get('/other')).headers.get('cache-status')).toBe('zerohop;fwd=bypass;fwd-status=200');
});

test('every request to the origin has the headers the site says', async () => {
  await using origin = startOrigin(({ headers, method }) => {
    const proto = headers.get('x-forwarded-proto');
    return new Response(`${method} ${proto} ${headers.get('x-origin-key')}`, { headers: html });
  });
  await using node = await startPagesNode({
    origin: origin.url,
    send: { 'X-Forwarded-Proto': 'https', 'x-origin-key': 42 },
    rules: [{ match: '/all', headers: 'all' }, { match: '/pages/**' }],
  });
  const theirs = { 'x-forwarded-proto': 'http', 'x-origin-key': 'guess' };
  for (const path of ['/pages/a', '/all', '/passed'])
    expect(await (await node.get(path, theirs)).text()).toBe('GET https 42');
});

test("sites by host and path; others are the app's", async () => {
  await using one = startOrigin(() => new Response('one', { headers: html }));
  await using two = startOrigin(() => new Response('two', { headers: html }));
  await using node = await startPagesNode([
    { host: 'one.example', origin: one.url, rules: [{ match: '/**' }] },
    { host: 'one.example', path: '/blog', origin: two.url, rules: [{ match: '/**' }] },
  ]);
  const ask = async (host: string, path: string) => (await node.get(path, { host })).text();
  expect(await ask('one.example', '/')).toBe('one');
  expect(await ask('ONE.example:80', '/blog/a')).toBe('two');
  expect(await ask('one.example.', '/')).toBe('one');
  expect(await ask('one.example.:8080', '/blog/a')).toBe('two');
  expect(await ask('one.example', '/blogs')).toBe('one');
  expect((await node.get('/', { host: 'other.example' })).status).toBe(404);
  expect(one.seen[0]?.headers.get('x-forwarded-host')).toBe('one.example');
});
