// The page cache of several nodes: what one has, all have; what is purged on one is gone on all, whatever was under way elsewhere.

import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseStatus } from '../../src/cluster/index.ts';
import { type ClusterMember, TestCluster } from '../cluster/cluster.ts';
import { type PageOrigin, startOrigin } from '../support/page-origin.ts';
import { until } from '../support/until.ts';

setDefaultTimeout(60_000);

const page = (text: string) =>
  new Response(text, {
    headers: { 'content-type': 'text/html', 'cache-control': 'max-age=3600', 'surrogate-key': 'shoes' },
  });
const get = async ({ node }: ClusterMember, path: string): Promise<string> =>
  (await fetch(node.url + path, { headers: { 'accept-encoding': 'identity' } })).text();

const isBehind = ({ database, behind }: DatabaseStatus): boolean => database === 'pages' && behind > 0;

let app: string;
let origin: PageOrigin;
let cluster: TestCluster;
let a: ClusterMember;
let b: ClusterMember;

beforeAll(async () => {
  app = mkdtempSync(join(tmpdir(), 'zerohop-pages-'));
  origin = startOrigin(() => page(''));
  const rules = [{ match: '/**', staleIfError: '1d' }];
  // JSON is YAML.
  writeFileSync(join(app, 'config.yaml'), JSON.stringify({ pages: { origin: origin.url, rules } }));
  cluster = await TestCluster.start({ app, threads: 1, roundTripMs: () => 0 }, ['a', 'b']);
  [a, b] = [cluster.member('a'), cluster.member('b')];
}, 60_000);
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await origin?.[Symbol.asyncDispose]();
  rmSync(app, { recursive: true, force: true });
});
beforeEach(() => origin.start());

test('a page that one node has fetched is served by the other when the origin is gone', async () => {
  origin.answer = (_, path) => page(`${path} once`);
  expect(await get(a, '/shared')).toBe('/shared once');
  await origin.stop();
  await until('the other has it', async () => (await get(b, '/shared')) === '/shared once');
});

test.each([true, false])('a purge on one node (hard: %p) is one on the other', async (hard) => {
  origin.answer = () => page('before');
  for (const path of ['/by-tag', '/by-url']) await get(b, path);
  await cluster.settled();
  origin.answer = () => page('after');
  await a.operation('pages_purge', { tag: 'shoes', soft: !hard });
  await cluster.settled();
  for (const path of ['/by-tag', '/by-url'])
    await until(`${path} is fetched anew`, async () => (await get(b, path)) === 'after');
  await cluster.settled();
  expect(await get(a, '/by-tag')).toBe('after');
});

test('a fetch on one node that was under way when the other purged does not bring the old page back', async () => {
  cluster.partition('a');
  origin.answer = () => page('old');
  expect(await get(b, '/under-way')).toBe('old');
  await a.operation('pages_purge', { all: true });
  origin.answer = () => page('new');
  await until('the old one is stored', async () =>
    (await b.status()).peers.some(({ databases }) => databases.some(isBehind)),
  );
  expect(await get(b, '/under-way')).toBe('old');
  cluster.partition();
  for (const node of [b, a])
    await until(`${node.name} has the new page`, async () => (await get(node, '/under-way')) === 'new');
});

test('a page that is stored again after a purge has its bytes on every node', async () => {
  origin.answer = () => page('the same');
  expect(await get(a, '/again')).toBe('the same');
  await cluster.settled();
  await b.operation('pages_purge', { all: true });
  await cluster.settled();
  expect(await get(a, '/again')).toBe('the same');
  await origin.stop();
  await until('the other has it', async () => (await get(b, '/again')) === 'the same');
});
