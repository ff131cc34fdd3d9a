// Storing a page: its row, its bytes once for all who have the same, and the list of variants, in one transaction that holds only while nobody has
// purged the page since its fetch began.

import { ZerohopError } from '../base/index.ts';
import { tagOf } from '../records/index.ts';
import type { Databases, Table, Transaction } from '../tables/index.ts';
import { type PageRow, rowOfPage, rowOfVariants, type Variant } from './page-rows.ts';
import type { Page } from './types.ts';
import { restOf, variantKey } from './variants.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** The tables of the database `pages`. */
export type PageTables = Readonly<Record<'page' | 'body' | 'site' | 'purge' | 'seen' | 'warm', Table>>;

/** A row as it is now. */
export interface LookedUp {
  readonly row: PageRow;
  readonly version: number;
  readonly tag: number;
}

/** Where it is stored. */
export interface PutPlace {
  readonly databases: Databases;
  readonly tables: PageTables;
  look(key: string): LookedUp | undefined;
}

export interface PutHow {
  /** Headers the response varies by. */
  readonly vary: readonly string[];
  /** What the origin saw. */
  readonly forward: Headers;
  readonly maxVariants: number;
  /** Version of the site's row when the fetch began. */
  readonly mark: number | null;
}

/** How often a write is tried again when another came between. */
const attempts = 20;

/**
 * Stores a page with its bytes (undefined: those it has already). False: it was purged while it was fetched and is not stored; or its bytes
 * are gone.
 */
export async function putPage(place: PutPlace, page: Page, bytes: Bytes | undefined, how: PutHow): Promise<boolean> {
  const { databases, tables } = place;
  let { mark } = how;
  if (bytes === undefined && page.body && !databases.peek(tables.body, page.body.id)) return false;
  for (let attempt = 1; ; attempt++) {
    const site = databases.getLatest(tables.site, page.site);
    const now = site?.version ?? null;
    if (now !== mark && wasPurged(place, page, mark)) return false;
    mark = now;
    const transaction = databases.transaction();
    transaction.insist(tables.site, page.site, site ? tagOf(site) : null);
    stageBody(place, transaction, page, bytes);
    stagePage(place, transaction, page, { ...how, mark });
    try {
      await transaction.commit();
      return true;
    } catch (error) {
      if (!isOvertaken(error) || attempt === attempts) throw error;
    }
  }
}

function stageBody(
  { databases, tables, look }: PutPlace,
  transaction: Transaction,
  { key, body }: Page,
  bytes: Bytes | undefined,
): void {
  if (body === null) return;
  const stored = databases.peek(tables.body, body.id);
  // Bodies that are there must not be collected meanwhile. On other nodes those that no page has may be gone already: they get them again.
  const before = stored && look(key)?.row;
  const isUsed = before?.kind === 'page' && before.page.body?.id === body.id;
  if (stored && (isUsed || !bytes)) transaction.insist(tables.body, body.id, tagOf(stored));
  else if (bytes)
    transaction.put(tables.body, body.id, {
      id: body.id,
      size: bytes.length,
      bytes: Buffer.from(bytes).toString('base64'),
    });
}

function stagePage(
  { tables, look }: PutPlace,
  transaction: Transaction,
  page: Page,
  { vary, forward, maxVariants, mark }: PutHow,
): void {
  const table = tables.page;
  const known = look(page.key);
  const put = (made: Page, before: PageRow | undefined) =>
    transaction.put(table, made.key, rowOfPage(made, mark, before), { expiresAt: Math.ceil(made.times.keepUntilMs) });
  const list = known?.row.kind === 'variants' ? known.row.list : undefined;
  if (vary.length === 0) {
    for (const variant of list?.variants ?? []) transaction.delete(table, variant.key);
    return void put(page, known?.row);
  }
  const key = variantKey(page.key, vary, forward);
  put({ ...page, key }, look(key)?.row);
  const isSame = list !== undefined && String(list.vary) === String(vary);
  const language = page.headers.find(([name]) => name === 'content-language')?.[1]?.toLowerCase();
  const variant: Variant = { key, ...(language !== undefined && { language }), rest: restOf(vary, forward) };
  if (isSame && list.variants.some((known) => known.key === key && known.language === language)) return;
  // Another writer may add a variant at the same time: neither may be forgotten.
  transaction.insist(table, page.key, known?.tag ?? null);
  const variants = isSame ? [...list.variants.filter((known) => known.key !== key), variant] : [variant];
  const tooMany = isSame ? variants.splice(0, variants.length - maxVariants) : (list?.variants ?? []);
  for (const gone of tooMany) if (gone.key !== key) transaction.delete(table, gone.key);
  transaction.put(table, page.key, rowOfVariants(page.key, page.url, page.site, { vary, variants }, mark));
}

/** Purges that are looked through for one page. */
const maxPurges = 1_000;

/** Whether a purge since `mark` meant this page. */
function wasPurged({ databases, tables }: PutPlace, page: Page, mark: number | null): boolean {
  const transaction = databases.transaction();
  try {
    const found = transaction.search(tables.purge, {
      sort: [{ attribute: ['id'], descending: true }],
      limit: maxPurges,
    });
    let seen = 0;
    for (const { version, json } of found.rows) {
      if (mark !== null && version <= mark) return false;
      const purge = JSON.parse(json) as { site: string; kind: string; value: string };
      if (purge.site === page.site && means(purge, page)) return true;
      seen++;
    }
    // More purges than can be looked at: one of them may have meant it.
    return seen === maxPurges;
  } finally {
    transaction.abort();
  }
}

function means({ kind, value }: { readonly kind: string; readonly value: string }, page: Page): boolean {
  if (kind === 'all') return true;
  return kind === 'tag' ? page.tags.includes(value) : page.url === value;
}

function isOvertaken(error: unknown): boolean {
  return error instanceof ZerohopError && error.code === 'PRECONDITION_FAILED';
}
