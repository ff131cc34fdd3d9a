// Purging: what is named is gone (hard) or stale (soft) when the promise resolves, in every thread, and a fetch that was under way does not
// bring it back: the purge is counted first, and a page is stored only if the count is what it was when its fetch began.

import { ZerohopError } from '../base/index.ts';
import type { ConditionGroup } from '../query/index.ts';
import { tagOf } from '../records/index.ts';
import type { SearchRow } from '../tables/index.ts';
import { markOf, parseRow, rowOfPage } from './page-rows.ts';
import type { PageStore } from './page-store.ts';
import type { Page } from './types.ts';

export interface PurgeOrder {
  readonly site: string;
  /** `url`: site, path and query as in a page's `url`, with all its variants and segments. */
  readonly kind: 'url' | 'tag' | 'all';
  /** Empty for `all`. */
  readonly value: string;
  /** False: stale at once, and served stale as its times allow. */
  readonly hard: boolean;
  /** Only counts. */
  readonly dryRun?: boolean;
}

/** Pages that are read together: a thread that serves does nothing else meanwhile. */
const stepPages = 50;

/** How many pages it meant. */
export async function purge(store: PageStore, order: PurgeOrder): Promise<number> {
  if (!order.dryRun) await countPurge(store, order);
  return purgeStored(store, order);
}

/**
 * @param version of the purge, where it was another node's: pages whose fetch began when it was known here stay
 * @returns how many pages it meant
 */
export async function purgeStored(
  store: PageStore,
  order: PurgeOrder,
  version: number = Number.POSITIVE_INFINITY,
): Promise<number> {
  let count = 0;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const reading = store.databases.transaction();
    let rows: SearchRow[];
    try {
      const found = reading.search(store.tables.page, { conditions: conditionsOf(order), cursor, limit: stepPages });
      rows = [...found.rows];
      cursor = found.nextCursor();
    } finally {
      reading.abort();
    }
    const pages = rows.filter(
      ({ json }) => (JSON.parse(json) as { site: string }).site === order.site && markOf(json) < version,
    );
    count += pages.filter(({ json }) => 'page' in (JSON.parse(json) as object)).length;
    if (!order.dryRun) await Promise.all(pages.map((row) => purgeRow(store, row, order.hard)));
    // Others have their turn, also where there is nothing to write.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return count;
}

async function countPurge(store: PageStore, { site, kind, value, hard }: PurgeOrder): Promise<void> {
  const transaction = store.databases.transaction();
  const id = Bun.randomUUIDv7();
  transaction.put(store.tables.purge, id, { id, site, kind, value, hard, atMs: Date.now() });
  // A sum: purges that come together do not get in each other's way.
  transaction.patch(store.tables.site, site, {}, { add: { purges: 1 } });
  await transaction.commit();
}

function conditionsOf({ site, kind, value }: PurgeOrder): ConditionGroup {
  const attribute = [kind === 'tag' ? 'tags' : 'url'];
  const condition =
    kind === 'all'
      ? { attribute, comparator: 'starts_with' as const, value: site }
      : { attribute, comparator: 'equals' as const, value };
  return { operator: 'and', conditions: [condition] };
}

async function purgeRow(store: PageStore, found: SearchRow, hard: boolean): Promise<void> {
  const transaction = store.databases.transaction();
  const { id, json } = found;
  const row = parseRow({ body: json });
  if (hard) transaction.delete(store.tables.page, id, { if: { versions: [tagOf(found)] } });
  else if (row.kind === 'page') {
    const nowMs = Date.now();
    if (row.page.times.freshUntilMs <= nowMs) return transaction.abort();
    const page = stale(row.page, nowMs);
    transaction.put(store.tables.page, id, rowOfPage(page, markOf(json), row), {
      expiresAt: Math.ceil(page.times.keepUntilMs),
      if: { versions: [tagOf(found)] },
    });
  } else return transaction.abort();
  try {
    await transaction.commit();
  } catch (error) {
    // Replaced meanwhile: what is there now was fetched after the purge, or it would not be there.
    if (!(error instanceof ZerohopError) || error.code !== 'PRECONDITION_FAILED') throw error;
  }
}

/** As if its freshness had ended now; the windows after that keep their lengths. */
function stale(page: Page, nowMs: number): Page {
  const { times } = page;
  const early = Math.max(0, times.freshUntilMs - nowMs);
  return {
    ...page,
    times: {
      ...times,
      freshUntilMs: times.freshUntilMs - early,
      revalidateUntilMs: times.revalidateUntilMs - early,
      errorUntilMs: times.errorUntilMs - early,
    },
  };
}
