// One fetch per page however many want it, in one thread and in several; and what the origin never gets to see.

import { describe, expect, test } from 'bun:test';
import { HttpConnection } from '../support/http-connection.ts';
import { startOrigin } from '../support/page-origin.ts';
import { startPagesNode } from '../support/pages-node.ts';
import { until } from '../support/until.ts';

const page = (text: string, headers: Record<string, string> = {}) =>
  new Response(text, { headers: { 'content-type': 'text/html', 'cache-control': 'max-age=3600', ...headers } });

describe.each([1, 2])('with %d serve threads', (threads) => {
  test('1,000 concurrent cold reads are one request to the origin', async () => {
    const release = Promise.withResolvers<void>();
    await using origin = startOrigin(() => release.promise.then(() => page('one')));
    await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] }, { threads });
    const reads = Array.from({ length: 1000 }, async () => (await node.get('/a')).text());
    await until('the origin is asked', () => origin.seen.length > 0);
    release.resolve();
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['one']));
    expect(origin.seen.length).toBe(1);
  });

  test('and of a failing origin too', async () => {
    const release = Promise.withResolvers<void>();
    await using origin = startOrigin(() => release.promise.then(() => new Response('down', { status: 503 })));
    await using node = await startPagesNode(
      { origin: origin.url, limit: { backoff: '1h' }, rules: [{ match: '/**' }] },
      { threads },
    );
    const reads = Array.from({ length: 1000 }, async () => (await node.get('/a')).status);
    await until('the origin is asked', () => origin.seen.length > 0);
    release.resolve();
    expect(new Set(await Promise.all(reads))).toEqual(new Set([503]));
    expect(origin.seen.length).toBe(1);
  });

  test('what may not be stored is fetched by each', async () => {
    let count = 0;
    await using origin = startOrigin(() => page(`for ${++count}`, { 'cache-control': 'private' }));
    await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] }, { threads });
    const texts = await Promise.all(Array.from({ length: 20 }, async () => (await node.get('/a')).text()));
    expect(new Set(texts).size).toBe(20);
  });
});

test('no more requests at once than the limit', async () => {
  let now = 0;
  let most = 0;
  const full = Promise.withResolvers<void>();
  await using origin = startOrigin(async () => {
    most = Math.max(most, ++now);
    if (now === 3) full.resolve();
    await full.promise;
    now--;
    return page('x');
  });
  await using node = await startPagesNode({ origin: origin.url, limit: { concurrent: 3 }, rules: [{ match: '/**' }] });
  const statuses = await Promise.all(
    Array.from({ length: 60 }, async (_, index) => (await node.get(`/${index}`)).status),
  );
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(most).toBe(3);
});

describe('cache poisoning: what is not part of the key does not reach the origin', () => {
  const attacks: readonly (readonly [string, string])[] = [
    ['X-Forwarded-Host', 'evil.example'],
    ['X-Forwarded-Scheme', 'nothttps'],
    ['X-Forwarded-Proto', 'nothttp'],
    ['X-Forwarded-Prefix', '/evil'],
    ['X-Forwarded-Port', '4443'],
    ['X-Forwarded-For', '203.0.113.66'],
    ['X-Forwarded-Server', 'evil.example'],
    ['X-Real-IP', '203.0.113.66'],
    ['True-Client-IP', '203.0.113.66'],
    ['CF-IPCountry', 'evil'],
    ['Forwarded', 'host=evil.example'],
    ['X-Original-URL', '/admin'],
    ['X-Rewrite-URL', '/admin'],
    ['X-HTTP-Method-Override', 'POST'],
    ['X-HTTP-Method', 'DELETE'],
    ['X-Host', 'evil.example'],
    ['Origin', 'https://evil.example'],
    ['Referer', 'https://evil.example/'],
    ['User-Agent', 'evil'],
    ['Accept', 'application/evil'],
    ['Accept-Language', 'evil'],
    ['Accept-Encoding', 'evil'],
    ['Accept-Charset', 'evil'],
    ['Content-Type', 'application/evil'],
    ['Cookie', 'session=evil'],
    ['Connection', 'close, x-evil'],
    ['X-Evil', 'evil'],
    ['TE', 'evil'],
    ['Upgrade', 'evil'],
    ['Via', '1.1 evil'],
    ['Proxy-Authorization', 'Basic evil'],
    ['Range', 'bytes=0-0'],
    ['If-Range', '"evil"'],
    ['If-None-Match', '"evil"'],
    ['If-Modified-Since', 'Mon, 05 Jan 2026 00:00:00 GMT'],
    ['If-Match', '"evil"'],
    ['If-Unmodified-Since', 'Mon, 05 Jan 2026 00:00:00 GMT'],
    ['Cache-Control', 'no-evil'],
    ['Pragma', 'evil'],
    ['Traceparent', '00-evil'],
    ['Transfer-Encoding-Extra', 'evil'],
    ['Max-Forwards', '7700770077'],
    ['Rsc', 'evil'],
    ['Next-Router-State-Tree', 'evil'],
    ['X-Middleware-Prefetch', 'evil'],
    ['X-Nextjs-Data', 'evil'],
    ['Surrogate-Capability', 'evil'],
  ];

  test('no header, parameter or body', async () => {
    await using origin = startOrigin(async (request) => page(`clean${await request.text()}`));
    await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
    for (const [number, [name, value]] of attacks.entries()) {
      const connection = await HttpConnection.open(node.port);
      const path = `/${number}?utm_source=mail&q=evil`;
      const { body } = await connection.request('GET', path, { headers: { [name]: value }, body: 'evil' });
      connection.close();
      expect([name, 'clean'.startsWith(body.toString())]).toEqual([name, true]);
      const seen = origin.seen.at(-1);
      expect([name, seen?.path]).toEqual([name, `/${number}`]);
      const told = [...(seen?.headers ?? [])].filter(([, sent]) => sent.includes(value));
      expect([name, told]).toEqual([name, []]);
      // Whoever comes next gets the whole, clean page.
      expect([name, await (await node.get(`/${number}`)).text()]).toEqual([name, 'clean']);
    }
    expect(origin.seen.length).toBe(attacks.length);
  });
});

test('marketing clicks hit; listed parameters count, in any order', async () => {
  await using origin = startOrigin((request) => page(request.url.replace(/^.*?\/p/, '/p')));
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**', query: ['b', 'a'] }] });
  const texts: string[] = [];
  for (const query of ['?a=1&b=2', '?b=2&gclid=x&a=1', '?_kx=1&a=1&b=2&anything=3', '?a=1'])
    texts.push(await (await node.get(`/p${query}`)).text());
  expect(texts).toEqual(['/p?a=1&b=2', '/p?a=1&b=2', '/p?a=1&b=2', '/p?a=1']);
  expect(origin.seen.length).toBe(2);
});

test('segments and cookies have pages of their own', async () => {
  await using origin = startOrigin(({ headers }) =>
    page(['x-device', 'accept-language', 'cookie'].map((name) => headers.get(name)).join(' | ')),
  );
  const rules = [{ match: '/**', device: true, languages: ['en', 'de'], cookies: ['currency'] }];
  await using node = await startPagesNode({ origin: origin.url, rules });
  const phone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148';
  const ask = async (headers: Record<string, string>) => (await node.get('/a', headers)).text();
  expect(await ask({ 'user-agent': phone, 'accept-language': 'de-CH, en;q=0.5' })).toBe('mobile | de | ');
  expect(await ask({ 'user-agent': `${phone} again`, 'accept-language': 'de' })).toBe('mobile | de | ');
  expect(await ask({ 'user-agent': 'curl', 'accept-language': 'fr' })).toBe('desktop | en | ');
  expect(await ask({ 'user-agent': 'curl', cookie: '_ga=1; currency=EUR; session=2' })).toBe(
    'desktop | en | currency=EUR',
  );
  expect(origin.seen.length).toBe(3);
});

test("what sets a cookie, and what was asked for with credentials, is nobody else's", async () => {
  await using origin = startOrigin(({ headers }) =>
    headers.has('authorization')
      ? page(`for ${headers.get('authorization')}`)
      : page('cookie', { 'set-cookie': 'a=1' }),
  );
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  expect(await (await node.get('/a', { authorization: 'Ann' })).text()).toBe('for Ann');
  expect(await (await node.get('/a', { authorization: 'Bob' })).text()).toBe('for Bob');
  const first = await node.get('/b');
  expect(first.headers.get('set-cookie')).toBe('a=1');
  await node.get('/b');
  expect(origin.seen.length).toBe(4);
});
