// Warming: from sitemaps and lists, gently, on through a restart and an origin that errs; by the command and by the operation.

import { afterAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PageOrigin, startOrigin } from '../support/page-origin.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { launcher, startNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

// Several nodes are started, on machines that may have much else to do.
setDefaultTimeout(30_000);

interface Progress {
  readonly site: string;
  readonly state: string;
  readonly endedMs: number | null;
  readonly pausedBecause: string | null;
  readonly lastError: string | null;
  readonly counts: Readonly<Record<string, number>>;
}

async function operate<T>(node: PagesNode, body: object): Promise<T> {
  const response = await fetch(node.operationsUrl, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

async function progressOf(node: PagesNode): Promise<Progress> {
  const { warm } = await operate<{ warm: Progress[] }>(node, { operation: 'pages_warm', progress: true });
  if (!warm[0]) throw new Error('There is no progress.');
  return warm[0];
}

const isDone = (node: PagesNode) => until('the pages are warm', async () => (await progressOf(node)).endedMs !== null);

const set = (addresses: readonly string[]) =>
  `<urlset>${addresses.map((address) => `<url><loc>${address}</loc></url>`).join('')}</urlset>`;
const pagesOf = (name: string, count: number) => Array.from({ length: count }, (_, index) => `/${name}/${index}`);
const page = (text: string, headers: Record<string, string> = {}) =>
  new Response(text, { headers: { 'cache-control': 'max-age=3600', ...headers } });

/** With an index of two sitemaps, the second gzipped and of another kind of address. */
function startShop(host = 'shop.example.com'): PageOrigin {
  return startOrigin((_request, path) => {
    switch (path) {
      case '/sitemap.xml':
        return new Response(
          `<sitemapindex><sitemap><loc>http://${host}/1.xml</loc></sitemap><sitemap><loc>/2.xml.gz</loc></sitemap></sitemapindex>`,
        );
      case '/1.xml':
        return new Response(set(pagesOf('a', 30).map((one) => `http://${host}${one}`)));
      case '/2.xml.gz':
        return new Response(Bun.gzipSync(set([...pagesOf('b', 30), 'https://elsewhere.example.com/x'])));
      default:
        return path.startsWith('/none') ? new Response('no', { status: 404 }) : page(`page ${path}`);
    }
  });
}

const shop = { host: 'shop.example.com', rules: [{ match: '/**' }] };
const pathsOf = (origin: PageOrigin, prefix: string) =>
  origin.seen.map(({ path }) => path).filter((path) => path.startsWith(prefix));
const outcomeOf = async (node: PagesNode, path: string) =>
  (await node.get(path, { host: 'shop.example.com' })).headers.get('cache-status')?.split(';')[1];

test.each([0, 1, 2])('what a sitemap names is there before anybody asks, with %d threads', async (threads) => {
  await using origin = startShop();
  const warm = { sitemap: '/sitemap.xml', urls: ['/first', '/none'], concurrency: 4, perSecond: 10_000 };
  await using node = await startPagesNode({ ...shop, origin: origin.url, warm }, { threads });
  await isDone(node);
  const { counts } = await progressOf(node);
  expect(counts).toEqual({ fresh: 0, fetched: 61, renewed: 0, notStored: 1, foreign: 1, failed: 0 });
  expect(
    origin.seen
      .map(({ path }) => path)
      .slice(0, 2)
      .toSorted(),
  ).toEqual(['/first', '/none']);
  for (const path of ['/first', '/a/0', '/b/29']) expect(await outcomeOf(node, path)).toBe('hit');
  expect(origin.seen.length).toBe(62 + 3);
});

test('a kill comes between: it goes on where it was, without what is fresh', async () => {
  await using origin = startShop();
  const data = mkdtempSync(join(tmpdir(), 'zerohop-warm-'));
  const settings = {
    ...shop,
    origin: origin.url,
    warm: { sitemap: '/sitemap.xml', concurrency: 2, perSecond: 10_000 },
  };
  const answer = origin.answer;
  const middle = Promise.withResolvers<void>();
  const release = Promise.withResolvers<Response>();
  try {
    await using first = await startPagesNode(settings, { data, threads: 1 });
    origin.answer = (request, path) => {
      if (path !== '/b/15') return answer(request, path);
      middle.resolve();
      return release.promise;
    };
    await middle.promise;
    await until('its position is written down', async () => pathsOf(origin, '/b').length >= 29);
    await first.kill9();
    origin.answer = answer;
    const before = origin.seen.length;
    await using second = await startPagesNode(settings, { data, threads: 1 });
    await isDone(second);
    const after = origin.seen.slice(before).map(({ path }) => path);
    expect(after).toContain('/b/15');
    expect(after.filter((path) => path.startsWith('/a/'))).toEqual([]);
    for (const path of [...pagesOf('a', 30), ...pagesOf('b', 30)]) expect(await outcomeOf(second, path)).toBe('hit');
  } finally {
    release.resolve(page('late'));
    rmSync(data, { recursive: true, force: true });
  }
});

test('an origin that errs is given time, and no page is lost', async () => {
  await using origin = startShop();
  const answer = origin.answer;
  let errors = 0;
  origin.answer = (request, path) => {
    if (path !== '/sitemap.xml' && !path.endsWith('.gz') && errors < 6) {
      errors++;
      return new Response('busy', { status: 503 });
    }
    return answer(request, path);
  };
  const warm = { sitemap: '/sitemap.xml', concurrency: 4, perSecond: 10_000 };
  const limit = { failures: 1_000, backoff: '1ms' };
  await using node = await startPagesNode({ ...shop, origin: origin.url, limit, warm }, { threads: 1 });
  await until('it pauses', async () => (await progressOf(node)).pausedBecause === 'it answers 503');
  const asked = origin.seen.length;
  // However long it takes to look: while it is paused at most one request looks whether the origin is back.
  expect((await progressOf(node)).state).toBe('paused');
  expect(origin.seen.length - asked).toBeLessThanOrEqual(1);
  errors = 6;
  await isDone(node);
  expect((await progressOf(node)).counts).toMatchObject({ fetched: 60, failed: 0 });
});

test('a list in the folder of the app, again and again', async () => {
  let version = 1;
  await using origin = startOrigin(() => page(`v${version}`, { 'cache-control': 'max-age=0', etag: `"${version}"` }));
  const app = mkdtempSync(join(tmpdir(), 'zerohop-app-'));
  const pages = { ...shop, origin: origin.url, warm: { urls: 'top.txt', every: '1s' } };
  writeFileSync(join(app, 'config.yaml'), JSON.stringify({ pages }));
  writeFileSync(join(app, 'top.txt'), '/one\n/two\n');
  try {
    await using node = await startNode({ app, threads: 1 });
    await until('two rounds', () => origin.seen.length >= 4);
    expect(new Set(origin.seen.map(({ path }) => path))).toEqual(new Set(['/one', '/two']));
    version = 2;
    const drill = { operation: 'pages_outage', mode: 'on' };
    const get = () => fetch(`${node.url}/one`, { headers: { host: 'shop.example.com' } });
    const before = origin.seen.length;
    await until('a round with the new version', () => origin.seen.length >= before + 4);
    await fetch(node.operationsUrl, { method: 'POST', body: JSON.stringify(drill) });
    expect(await (await get()).text()).toBe('v2');
  } finally {
    rmSync(app, { recursive: true, force: true });
  }
});

test('a sitemap that is none is left out, and said', async () => {
  await using origin = startShop();
  const answer = origin.answer;
  origin.answer = (request, path) => (path === '/1.xml' ? new Response('<html>sorry</html>') : answer(request, path));
  const limit = { backoff: '1ms' };
  const warm = { sitemap: '/sitemap.xml', perSecond: 10_000 };
  await using node = await startPagesNode({ ...shop, origin: origin.url, limit, warm }, { threads: 1 });
  await isDone(node);
  expect(await progressOf(node)).toMatchObject({
    sitemapsKnown: 3,
    sitemapsRead: 3,
    sitemapsFailed: 1,
    counts: { fetched: 30 },
    lastError: expect.stringContaining('is no sitemap'),
  });
  expect(node.output.text).toContain('/1.xml can');
});

test('an order is ended, and another takes its place', async () => {
  await using origin = startShop();
  await using node = await startPagesNode({ ...shop, origin: origin.url }, { threads: 2 });
  await operate(node, { operation: 'pages_warm', sitemap: '/sitemap.xml', perSecond: 1 });
  expect((await progressOf(node)).state).toBe('running');
  await operate(node, { operation: 'pages_warm', stop: true });
  expect(await progressOf(node)).toMatchObject({ state: 'waiting', endedMs: null });
  await operate(node, { operation: 'pages_warm', sitemap: '/2.xml.gz', perSecond: 1 });
  await operate(node, { operation: 'pages_warm', urls: ['/only'] });
  await isDone(node);
  expect((await progressOf(node)).counts).toMatchObject({ fetched: 1 });
});

test('the busiest pages come first', async () => {
  await using origin = startShop();
  await using node = await startPagesNode({ ...shop, origin: origin.url }, { threads: 1 });
  for (const path of ['/busy', '/busy', '/busy', '/b/7', '/b/7', '/a/3']) await outcomeOf(node, path);
  await operate(node, { operation: 'pages_purge', all: true });
  const before = origin.seen.length;
  const order = { sitemap: '/sitemap.xml', concurrency: 1, perSecond: 10_000 };
  await operate(node, { operation: 'pages_warm', ...order });
  await isDone(node);
  expect(origin.seen.slice(before, before + 4).map(({ path }) => path)).toEqual([
    '/busy',
    '/b/7',
    '/a/3',
    '/sitemap.xml',
  ]);
});

test('every segment of a page, renewed where the origin says that it still holds', async () => {
  await using origin = startOrigin(({ headers }) =>
    headers.get('if-none-match') === '"1"'
      ? new Response(null, { status: 304, headers: { etag: '"1"', 'cache-control': 'max-age=3600' } })
      : page('x', { etag: '"1"' }),
  );
  const rules = [{ match: '/**', device: true, languages: ['en', 'de'] }];
  await using node = await startPagesNode(
    { ...shop, origin: origin.url, rules, warm: { urls: ['/a', '/b'] } },
    { threads: 1 },
  );
  await isDone(node);
  expect(origin.seen.length).toBe(2 * 3 * 2);
  await operate(node, { operation: 'pages_purge', all: true, soft: true });
  await operate(node, { operation: 'pages_warm' });
  await isDone(node);
  expect((await progressOf(node)).counts).toMatchObject({ fetched: 0, renewed: 2 });
  expect(origin.seen.length).toBe(2 * 3 * 2 * 2);
});

test('the command waits for the end, and takes a list', async () => {
  await using origin = startShop();
  await using node = await startPagesNode({ ...shop, origin: origin.url }, { threads: 2 });
  const list = join(node.folder, 'top.txt');
  writeFileSync(list, '# the best\n/one\nhttp://shop.example.com/two\n\n/none\n');
  const warm = await zerohop(node, ['pages', 'warm', '--urls', list, '--json']);
  expect(warm.code).toBe(0);
  expect(JSON.parse(warm.text)).toMatchObject({
    warm: [{ counts: { fetched: 2, notStored: 1, failed: 0 }, state: 'waiting' }],
  });
  const shown = await zerohop(node, ['pages', 'status']);
  expect(shown.text).toContain('2 fetched');
});

test.each([
  [['pages', 'status'], /shop\.example\.com {2}http:\/\/127\.0\.0\.1:\d+ {2}is asked[\s\S]*stored +0 pages/],
  [['pages', 'readiness'], /last hour {2}no requests yet/],
  [['pages', 'purge', '--all', '--dry-run'], /^0 pages would be purged/],
  [['pages', 'purge', '/a'], /^0 pages purged/],
  [['pages', 'outage', 'forbid'], /not asked any more/],
  [['pages', 'outage', 'off', 'shop.example.com'], /asked as usual/],
  [['pages', 'warm', '--stop'], /warming {4}shop\.example\.com/],
] as const)('zerohop %p', async (words, expected) => {
  const { node } = await shared();
  const { code, text } = await zerohop(node, words);
  expect(text).toMatch(expected);
  expect(code).toBe(0);
});

test.each([
  [['pages', 'purge'], 2, /Name one of/],
  [['pages', 'purge', '/a', '--all'], 2, /Name one of/],
  [['pages', 'outage', 'perhaps'], 2, /on, off, force or forbid/],
  [['pages', 'outage', 'on', 'nowhere'], 1, /There is no site nowhere/],
  [['pages', 'warm'], 1, /has no "warm" in config\.yaml/],
  [['pages', 'warm', 'nowhere'], 1, /There is no site nowhere/],
  [['pages', 'warm', '--sitemap', 'ftp:x'], 1, /by path or address/],
  [['pages', 'warm', '--per-second', '0'], 2, /whole number from 1/],
] as const)('zerohop %p is refused', async (words, expectedCode, expected) => {
  const { node } = await shared();
  const { code, text } = await zerohop(node, words);
  expect(text).toMatch(expected);
  expect(code).toBe(expectedCode);
});

let common: Promise<{ readonly node: PagesNode }> | undefined;

/** One node for the tests that change nothing another looks at. */
function shared(): Promise<{ readonly node: PagesNode }> {
  common ??= (async () => {
    const origin = startShop();
    const node = await startPagesNode({ ...shop, origin: origin.url }, { threads: 1 });
    closing.push(
      () => node[Symbol.asyncDispose](),
      () => origin[Symbol.asyncDispose](),
    );
    return { node };
  })();
  return common;
}

const closing: (() => PromiseLike<void>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
});

async function zerohop(node: PagesNode, words: readonly string[]) {
  const child = Bun.spawn(['node', launcher, ...words, '--data', node.folder], {
    env: { PATH: process.env.PATH ?? '', HOME: tmpdir() },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, text: out + err };
}
