// How pages stand in the database `pages`: what is in a row, and back.

import { type Json, type JsonObject, ZerohopError } from '../base/index.ts';
import { parseSdl } from '../schema/index.ts';
import type { StoredRecord } from '../tables/index.ts';
import type { Page } from './types.ts';

export const database = 'pages';

/**
 * Page: a response, or, where responses vary, the list of its variants. Body: bytes by their hash. Site: counts purges, so that a page fetched
 * before one is not stored after it. Purge: what was purged, for a week. Of this node alone: Seen, which purges were done here; Warm,
 * how far warming of a site is, the busiest pages, and those in memory.
 */
export const tableDefinitions = parseSdl(
  `
  type Page @table(database: "pages") {
    key: ID @primaryKey
    url: String @indexed
    site: String
    tags: [String] @indexed
    bodyId: String @indexed
    usedMs: Long @indexed
    mark: Long
    page: Any
    vary: [String]
    variants: Any
  }
  type Body @table(database: "pages") {
    id: ID @primaryKey
    size: Long
    bytes: String
  }
  type Site @table(database: "pages") {
    id: ID @primaryKey
    purges: Long
    outage: String
  }
  type Purge @table(database: "pages", expiration: 604800) {
    id: ID @primaryKey
    site: String
    kind: String
    value: String
    hard: Boolean
    count: Long
    atMs: Long
  }
  type Seen @table(database: "pages", replicate: false) {
    id: ID @primaryKey
    row: Long
  }
  type Warm @table(database: "pages", replicate: false) {
    id: ID @primaryKey
    by: String
    round: Any
    busiest: Any
    hot: Any
  }
`,
  'pages',
).tables;

/** Where responses vary: by which headers, and the keys there are. */
export interface VariantList {
  readonly vary: readonly string[];
  readonly variants: readonly Variant[];
}

export interface Variant {
  readonly key: string;
  /** Its Content-Language, lower case, where it varies by Accept-Language. */
  readonly language?: string;
  /** What it varies by besides Accept-Language, as `variantOf` gives it. */
  readonly rest: string;
}

export type PageRow =
  /** `usedMs`: when it was written down last that it is used. */
  | { readonly kind: 'page'; readonly page: Page; readonly usedMs: number }
  | { readonly kind: 'variants'; readonly list: VariantList };

/** How exactly it is known when a page was used, in ms: to write it down costs a commit, and a place in an index. */
export const usedStepMs = 6 * 3_600_000;

/**
 * @param mark version of the site's row when the fetch began: what this node knew of purges
 * @param before the row it replaces
 */
export function rowOfPage(
  { key, url, site, tags, body, status, headers, times }: Page,
  mark: number | null,
  before: PageRow | undefined,
): Record<string, Json> {
  const page: JsonObject = {
    status,
    headers: headers.map(([name, value]) => [name, value]),
    times: { ...times },
    body: body && { ...body },
  };
  const knownMs = before?.kind === 'page' ? before.usedMs : Number.NEGATIVE_INFINITY;
  const usedMs = knownMs > times.storedMs - usedStepMs ? knownMs : times.storedMs;
  return { key, url, site, tags: [...tags], bodyId: body?.id ?? null, usedMs, mark, page };
}

export function rowOfVariants(
  key: string,
  url: string,
  site: string,
  { vary, variants }: VariantList,
  mark: number | null,
): Record<string, Json> {
  return { key, url, site, mark, vary: [...vary], variants: variants.map((variant) => ({ ...variant })) };
}

/** As given to `rowOfPage`; 0 where nothing is known. */
export function markOf(json: string): number {
  return (JSON.parse(json) as { mark?: number | null }).mark ?? 0;
}

/** What `rowOfPage` and `rowOfVariants` wrote. */
export function parseRow({ body: json }: Pick<StoredRecord, 'body'>): PageRow {
  const row = JSON.parse(json) as {
    key: string;
    url: string;
    site: string;
    tags?: string[];
    usedMs?: number;
    page?: Omit<Page, 'key'>;
  } & Partial<VariantList>;
  if (row.vary) return { kind: 'variants', list: { vary: row.vary, variants: row.variants ?? [] } };
  if (!row.page) throw new ZerohopError('CORRUPT_DATA', `The page ${row.key} is damaged. Purge it.`);
  const { status, times, body } = row.page;
  const headers = row.page.headers.map(
    ([name, value]) => [shared(name), isOwn.has(name) ? value : shared(value)] as const,
  );
  return {
    kind: 'page',
    usedMs: row.usedMs ?? Number.POSITIVE_INFINITY,
    page: { key: row.key, url: row.url, site: row.site, tags: row.tags ?? [], status, headers, times, body },
  };
}

/** Headers whose values differ from page to page. */
const isOwn: ReadonlySet<string> = new Set([
  'etag',
  'last-modified',
  'date',
  'expires',
  'location',
  'content-location',
  'link',
]);
const known = new Map<string, string>();
/** Strings that are known at the same time, and the longest. */
const knownMost = 2_000;
const knownLongest = 200;

/** The same string object for equal strings: pages of a site have most of their headers in common, and what is shared stays in the processor's cache. */
export function shared(text: string): string {
  const first = known.get(text);
  if (first !== undefined) return first;
  if (text.length > knownLongest) return text;
  if (known.size >= knownMost) known.clear();
  known.set(text, text);
  return text;
}
