// A page that has come in whole answers from then on, though it is not in the store yet: nobody asks the origin for it again.

import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { startOrigin } from '../support/page-origin.ts';
import { startPagesNode } from '../support/pages-node.ts';

// Several nodes are started, on machines that may have much else to do.
setDefaultTimeout(30_000);

/** Pages asked for twice in each test: one of them is caught between its last byte and its commit. */
const pages = 40;

describe.each([1, 2])('with %d serve threads', (threads) => {
  test.each([
    ['a page', {}],
    ['a variant of a page', { vary: 'x-kind' }],
    ['a large page that is compressed first', { 'content-type': 'text/html' }],
  ] as const)('%s', async (_name, headers) => {
    const text =
      'content-type' in headers ? Buffer.from(crypto.getRandomValues(new Uint8Array(32_768))).toString('hex') : 'x';
    await using origin = startOrigin(
      () => new Response(text, { headers: { 'cache-control': 'max-age=3600', ...headers } }),
    );
    const rules = [{ match: '/**', headers: 'all' }];
    await using node = await startPagesNode({ origin: origin.url, rules }, { threads });
    await Promise.all(
      Array.from({ length: pages }, async (_, index) => {
        if ('vary' in headers) await (await node.get(`/${index}`, { 'x-kind': 'a' })).text();
        for (let time = 0; time < 3; time++)
          expect(await (await node.get(`/${index}`, { 'x-kind': 'b' })).text()).toBe(text);
      }),
    );
    expect(origin.seen.length).toBe('vary' in headers ? 2 * pages : pages);
  });

  test('a variant in the language that who comes next prefers, in other words', async () => {
    const headers = { 'cache-control': 'max-age=3600', vary: 'Accept-Language', 'content-language': 'de' };
    await using origin = startOrigin(() => new Response('Guten Tag', { headers }));
    const rules = [{ match: '/**', headers: 'all' }];
    await using node = await startPagesNode({ origin: origin.url, rules }, { threads: 1 });
    for (let index = 0; index < pages; index++) {
      for (const spoken of ['en, de', 'fr;q=0.5, de;q=1.0'])
        expect(await (await node.get(`/${index}`, { 'accept-language': spoken })).text()).toBe('Guten Tag');
    }
    expect(origin.seen.length).toBe(pages);
  });

  test('a purge comes between: the page is fetched anew', async () => {
    let version = 1;
    await using origin = startOrigin(
      () => new Response(`v${version}`, { headers: { 'cache-control': 'max-age=3600, stale-while-revalidate=60' } }),
    );
    await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] }, { threads });
    for (let index = 0; index < pages; index++) {
      const path = `/${index}`;
      expect(await (await node.get(path)).text()).toBe(`v${version}`);
      version++;
      await fetch(node.url + path, { method: 'PURGE' });
      expect(await (await node.get(path)).text()).toBe(`v${version}`);
    }
  });
});

test('the new page, where an old one may be served while it is fetched', async () => {
  let version = 1;
  await using origin = startOrigin(
    () => new Response(`v${version++}`, { headers: { 'cache-control': 'max-age=3600, stale-while-revalidate=3600' } }),
  );
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] }, { threads: 1 });
  for (let index = 0; index < pages; index++) {
    const path = `/${index}`;
    const first = await (await node.get(path)).text();
    await fetch(node.url + path, { method: 'PURGE', headers: { 'soft-purge': '1' } });
    let seen = first;
    // Stale until the new one has come, and never stale again.
    while (seen === first) seen = await (await node.get(path)).text();
    expect(await (await node.get(path)).text()).toBe(seen);
  }
});

test('a page that the origin lets those without credentials have', async () => {
  await using origin = startOrigin(() => new Response('x', { headers: { 'cache-control': 'public, max-age=3600' } }));
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] }, { threads: 1 });
  for (let index = 0; index < pages; index++)
    for (const headers of [{ authorization: 'Ann' }, { authorization: 'Bob' }, {}])
      expect(await (await node.get(`/${index}`, headers)).text()).toBe('x');
  expect(origin.seen.length).toBe(pages);
});

test('the answer to a POST that is the page itself', async () => {
  await using origin = startOrigin(
    (request, path) =>
      new Response(request.method, { headers: { 'cache-control': 'max-age=3600', 'content-location': path } }),
  );
  await using node = await startPagesNode(
    { origin: origin.url, rules: [{ match: '/**', headers: 'all' }] },
    { threads: 1 },
  );
  for (let index = 0; index < pages; index++) {
    await (await fetch(`${node.url}/${index}`, { method: 'POST', body: 'x' })).text();
    expect(await (await node.get(`/${index}`)).text()).toBe('POST');
  }
});
