// Purging over HTTP: what is named is gone or stale at once, and a fetch under way does not bring it back.

import { expect, test } from 'bun:test';
import { type PageOrigin, startOrigin } from '../support/page-origin.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { until } from '../support/until.ts';

const tagged = (text: string, path: string) =>
  new Response(text, {
    headers: {
      'cache-control': 'max-age=3600, stale-if-error=3600',
      'surrogate-key': `every ${path.slice(1)}`,
      'cache-tag': 'comma one, comma two',
      'cache-groups': '"group \\"q\\""',
    },
  });

function versioned(): { readonly origin: PageOrigin; change(): void } {
  let version = 1;
  const origin = startOrigin((_request, path) => tagged(`v${version}`, path));
  return { origin, change: () => void version++ };
}

const purge = (node: PagesNode, path: string, headers: Record<string, string> = {}) =>
  fetch(node.url + path, { method: 'PURGE', headers }).then((response) => response.json());

/** Fetches pages until they are stored. */
async function warm(node: PagesNode, paths: readonly string[]): Promise<void> {
  for (const path of paths) await (await node.get(path)).text();
  await until('all are stored', async () => (await node.stored()) === paths.length);
}

const textsOf = (node: PagesNode, paths: readonly string[]) =>
  Promise.all(paths.map(async (path) => (await node.get(path)).text()));

test.each([
  ['the address', '/a?ref=mail', {}, ['v2', 'v1', 'v1'], 1],
  ['a Surrogate-Key', '/', { 'surrogate-key': 'b' }, ['v1', 'v2', 'v1'], 1],
  ['a Cache-Tag', '/', { 'cache-tag': 'comma two' }, ['v2', 'v2', 'v2'], 3],
  ['a group (RFC 9875)', '/', { 'cache-groups': '"none", "group \\"q\\""' }, ['v2', 'v2', 'v2'], 3],
  ['a group by the name of a tag', '/', { 'cache-tag': 'group "q"' }, ['v2', 'v2', 'v2'], 3],
  ['everything', '/*', {}, ['v2', 'v2', 'v2'], 3],
  ['what is not there', '/nothing', {}, ['v1', 'v1', 'v1'], 0],
] as const)('by %s', async (_name, path, headers, expected, count) => {
  const { origin, change } = versioned();
  await using _ = origin;
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  const paths = ['/a', '/b', '/c'];
  await warm(node, paths);
  change();
  expect(await purge(node, path, { ...headers, 'dry-run': '1' })).toEqual({ purged: count, hard: true, dryRun: true });
  expect(await textsOf(node, paths)).toEqual(['v1', 'v1', 'v1']);
  expect(await purge(node, path, headers)).toEqual({ purged: count, hard: true, dryRun: false });
  expect(await textsOf(node, paths)).toEqual([...expected]);
});

test('a soft purge makes stale: the origin is asked, and when it fails the page is still there', async () => {
  const { origin, change } = versioned();
  await using _ = origin;
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  await warm(node, ['/a']);
  change();
  expect(await purge(node, '/a', { 'soft-purge': '1' })).toEqual({ purged: 1, hard: false, dryRun: false });
  await origin.stop();
  expect(await textsOf(node, ['/a'])).toEqual(['v1']);
  origin.start();
  await until('the new page is served', async () => (await textsOf(node, ['/a']))[0] === 'v2');
});

test.each([0, 1, 2])(
  'a fetch that began before a purge is not stored after it, with %d serve threads',
  async (threads) => {
    const release = Promise.withResolvers<void>();
    await using origin = startOrigin((_request, path) => tagged('new', path));
    await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] }, { threads });
    origin.answer = async (_request, path) => {
      const made = tagged('old', path);
      await release.promise;
      return made;
    };
    const early = node.get('/a').then((response) => response.text());
    await until('the origin is asked', () => origin.seen.length === 1);
    await purge(node, '/', { 'surrogate-key': 'a' });
    origin.answer = (_request, path) => tagged('new', path);
    release.resolve();
    expect(await early).toBe('old');
    await until('the new page is served', async () => (await textsOf(node, ['/a']))[0] === 'new');
    expect(await textsOf(node, ['/a', '/a', '/a'])).toEqual(['new', 'new', 'new']);
  },
);

test('a pattern is no page, and is not taken for one', async () => {
  await using origin = startOrigin((_request, path) => tagged('x', path));
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  expect(await purge(node, '/product/*')).toMatchObject({
    status: 400,
    detail: expect.stringContaining('Everything is the path /*; pages that belong together have a tag.'),
  });
  const order = { operation: 'pages_purge', url: '/product/*' };
  const refused = await fetch(node.operationsUrl, { method: 'POST', body: JSON.stringify(order) });
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('--all')]);
});

test('only administrators may', async () => {
  await using origin = startOrigin((_request, path) => tagged('x', path));
  await using node = await startPagesNode(
    { origin: origin.url, rules: [{ match: '/**' }] },
    { settings: { AUTHORIZE_LOCAL: 'false' } },
  );
  expect((await fetch(`${node.url}/a`, { method: 'PURGE' })).status).toBe(401);
});

test('a change makes what is stored of its address, and of what it names, invalid (RFC 9111 §4.4)', async () => {
  let version = 1;
  await using origin = startOrigin((request, path) => {
    if (request.method === 'GET') return tagged(`v${version}`, path);
    version++;
    return new Response(null, { status: 201, headers: { location: '/b', 'cache-group-invalidation': '"none", "c"' } });
  });
  await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }] });
  const paths = ['/a', '/b', '/c', '/d'];
  await warm(node, paths);
  await fetch(`${node.url}/a`, { method: 'POST', body: 'x' });
  expect(await textsOf(node, paths)).toEqual(['v2', 'v2', 'v2', 'v1']);
});
