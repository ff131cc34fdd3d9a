import { expect, test } from 'bun:test';
import type { SitemapFile } from './sitemap.ts';
import { type Position, type SourceReader, warmEntries } from './warm-sources.ts';

const file = (kind: SitemapFile['kind'], addresses: readonly string[]): SitemapFile => ({
  kind,
  entries: addresses.map((address) => ({ address, priority: 0.5 })),
  ignored: 0,
});

const files: Readonly<Record<string, SitemapFile>> = {
  '/index': file('index', ['/one', '/gone', '/deep']),
  '/one': file('pages', ['/a', '/b']),
  '/deep': file('index', ['/two']),
  '/two': file('pages', ['/c', '/d']),
  '/round': file('index', ['/round', '/one']),
};
const reader: SourceReader = {
  busiest: () => ['/busy'],
  list: async () => file('pages', ['/l1', '/l2']),
  sitemap: async (address) => files[address],
};
const settings = { sitemaps: ['/index', '/one'], urls: ['/u1', '/u2'], list: 'top.txt' };
const all = ['/busy', '/u1', '/u2', '/l1', '/l2', '/a', '/b', '/c', '/d', '/a', '/b'];

async function read(start: Position, of = settings) {
  return await Array.fromAsync(warmEntries(of, reader, start));
}

test('the busiest, the listed, then sitemaps depth first', async () => {
  expect((await read([])).map(({ address }) => address)).toEqual(all);
});

test('from any position on, the same follows; but the busiest are begun anew', async () => {
  const entries = await read([]);
  for (const [index, { position }] of entries.entries())
    expect((await read(position)).map(({ address }) => address)).toEqual(all.slice(index));
});

test('an index that names itself ends', async () => {
  const entries = await read([3], { ...settings, sitemaps: ['/round'] });
  expect(entries.map(({ address }) => address)).toEqual(['/a', '/b', '/a', '/b']);
});
