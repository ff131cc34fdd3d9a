// What a round of warming goes through: the busiest pages, those that are listed, then sitemaps and what indexes of sitemaps name, depth first.
// Each has a position, so that a round can go on where it was.

import type { SitemapFile } from './sitemap.ts';
import type { WarmSettings } from './types.ts';

/** Which source, which entry of it, and further down in an index. */
export type Position = readonly number[];

export interface WarmEntry {
  readonly address: string;
  readonly position: Position;
}

export interface SourceReader {
  /** Addresses of pages that were asked for most, so far. */
  busiest(): readonly string[];
  list(file: string): Promise<SitemapFile>;
  /** Undefined: it can't be read, which has been told. @param from the sitemap that names it */
  sitemap(address: string, from: string | undefined): Promise<SitemapFile | undefined>;
}

/** Indexes within indexes; the protocol has none. */
const deepest = 3;

export async function* warmEntries(
  settings: Pick<WarmSettings, 'sitemaps' | 'urls' | 'list'>,
  reader: SourceReader,
  start: Position,
): AsyncGenerator<WarmEntry> {
  const [first = 0, ...inside] = start;
  /** What is left of source `number`; undefined: it is done. */
  const left = (number: number): Position | undefined => (number < first ? undefined : number === first ? inside : []);
  // Who is busiest has changed since: it is begun anew, and what is fresh by now costs nothing.
  if (left(0)) yield* numbered(reader.busiest(), [0], []);
  const urls = left(1);
  if (urls) yield* numbered(settings.urls, [1], urls);
  const listed = left(2);
  if (listed && settings.list !== undefined) {
    const { entries } = await reader.list(settings.list);
    yield* numbered(
      entries.map(({ address }) => address),
      [2],
      listed,
    );
  }
  for (const [index, address] of settings.sitemaps.entries()) {
    const inFile = left(3 + index);
    if (inFile) yield* ofSitemap(address, undefined, reader, [3 + index], inFile);
  }
}

function* numbered(addresses: readonly string[], at: Position, [from = 0]: Position): Generator<WarmEntry> {
  for (let index = from; index < addresses.length; index++) {
    const address = addresses[index];
    if (address !== undefined) yield { address, position: [...at, index] };
  }
}

async function* ofSitemap(
  address: string,
  parent: string | undefined,
  reader: SourceReader,
  at: Position,
  start: Position,
): AsyncGenerator<WarmEntry> {
  if (at.length > deepest) return;
  const file = await reader.sitemap(address, parent);
  if (!file) return;
  const addresses = file.entries.map((entry) => entry.address);
  if (file.kind === 'pages') return yield* numbered(addresses, at, start);
  const [from = 0, ...inside] = start;
  for (let index = from; index < addresses.length; index++) {
    const child = addresses[index];
    if (child !== undefined) yield* ofSitemap(child, address, reader, [...at, index], index === from ? inside : []);
  }
}
