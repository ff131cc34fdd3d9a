// What operators and app code do with the page cache: purge, switch an origin off and on, and ask how it stands.

import { ZerohopError } from '../base/index.ts';
import { keyOf } from './key.ts';
import type { Pages } from './pages.ts';
import { type PurgeOrder, purge } from './purge.ts';
import { refusePattern } from './purge-request.ts';
import type { ReadinessReport } from './readiness.ts';
import { routeOf } from './route.ts';
import type { OutageMode } from './shield.ts';
import type { WarmProgress } from './warm-round.ts';
import type { WarmOrder, WarmUps } from './warm-ups.ts';

/** One of `url` ('https://shop.example.com/a?b=1', or a path when there is one site), `tag` and `all`. */
export interface PurgeRequest {
  readonly url?: string;
  readonly tag?: string;
  readonly all?: boolean;
  /** Make stale, in place of removing. */
  readonly soft?: boolean;
  readonly dryRun?: boolean;
}

export interface SiteStatus {
  readonly site: string;
  readonly origin: string;
  readonly outage: OutageMode;
  /** Whether the origin would be asked now; false while it is left alone after failures, or switched off. */
  readonly asked: boolean;
  readonly underWay: number;
}

export interface PagesStatus {
  readonly sites: readonly SiteStatus[];
  /** Rows: pages, and one more for each address that varies. */
  readonly pages: number;
  readonly bodies: number;
  /** Of the thread that answers. */
  readonly memory: { readonly pages: number; readonly bytes: number };
  readonly readiness: ReadinessReport;
}

/** What other threads want of it, as plain data. */
export type PagesOrder =
  | { readonly do: 'purge'; readonly request: PurgeRequest }
  | { readonly do: 'outage'; readonly mode: OutageMode; readonly site?: string }
  | { readonly do: 'status' }
  | { readonly do: 'warm'; readonly order: WarmOrder }
  | { readonly do: 'progress' };

/** What came of an order, as plain data. */
export type PagesAnswer =
  | { readonly did: 'purge'; readonly purged: number }
  | { readonly did: 'outage' }
  | { readonly did: 'status'; readonly status: PagesStatus }
  | { readonly did: 'progress'; readonly progress: readonly WarmProgress[] };

export class PagesControl {
  readonly #pages: Pages;
  readonly #warmUps: WarmUps | undefined;

  /** @param warmUps of the one thread that has them */
  constructor(pages: Pages, warmUps?: WarmUps) {
    this.#pages = pages;
    this.#warmUps = warmUps;
  }

  async run(order: PagesOrder): Promise<PagesAnswer> {
    switch (order.do) {
      case 'purge':
        return { did: 'purge', purged: await this.purge(order.request) };
      case 'outage':
        await this.outage(order.mode, order.site);
        return { did: 'outage' };
      case 'status':
        return { did: 'status', status: this.status(Date.now()) };
      case 'warm':
        await this.#warmUps?.warm(order.order);
        return { did: 'progress', progress: this.#warmUps?.progress() ?? [] };
      case 'progress':
        return { did: 'progress', progress: this.#warmUps?.progress() ?? [] };
    }
  }

  /** How many pages were meant. Resolves when all threads see it. */
  async purge(request: PurgeRequest): Promise<number> {
    let count = 0;
    for (const order of this.#orders(request)) {
      count += await purge(this.#pages.store, {
        ...order,
        hard: request.soft !== true,
        dryRun: request.dryRun === true,
      });
    }
    return count;
  }

  #orders({ url, tag, all }: PurgeRequest): readonly Pick<PurgeOrder, 'site' | 'kind' | 'value'>[] {
    if ([url, tag, all || undefined].filter((one) => one !== undefined).length !== 1)
      throw new ZerohopError('INVALID_REQUEST', 'A purge names one of url, tag and all.');
    const { sites } = this.#pages;
    if (tag !== undefined) return sites.map(({ id }) => ({ site: id, kind: 'tag', value: tag }));
    if (all) return sites.map(({ id }) => ({ site: id, kind: 'all', value: '' }));
    const target = URL.parse(url ?? '', `http://${sites[0]?.host ?? 'any.invalid'}`);
    const route = target && routeOf(sites, target.hostname, target.pathname);
    if (!target || !route?.rule) throw new ZerohopError('INVALID_REQUEST', `No page of a site has the address ${url}.`);
    refusePattern(target.pathname, '"all", or --all on the command line');
    const { site, rule } = route;
    const keyed = keyOf(site, { ...rule, otherCookies: 'drop' }, target.pathname, target.search, new Headers());
    return keyed ? [{ site: site.id, kind: 'url', value: keyed.url }] : [];
  }

  /** `on`: its origin is not asked. `force`: it is asked even while it fails. `auto`: as usual. Every thread and node obeys, also after a restart. */
  async outage(mode: OutageMode, site?: string): Promise<void> {
    const { store, sites } = this.#pages;
    if (!['auto', 'on', 'force'].includes(mode))
      throw new ZerohopError('INVALID_REQUEST', `An outage is "auto", "on" or "force", not ${JSON.stringify(mode)}.`);
    const meant = sites.filter(({ id }) => site === undefined || id === site);
    if (meant.length === 0) {
      const known = sites.map(({ id }) => id).join(', ');
      throw new ZerohopError('NOT_FOUND', `There is no site ${site}. There are: ${known}.`);
    }
    const transaction = store.databases.transaction();
    for (const { id } of meant) transaction.patch(store.tables.site, id, { outage: mode });
    await transaction.commit();
  }

  status(nowMs: number): PagesStatus {
    const { store, shield, sites } = this.#pages;
    return {
      sites: sites.map(({ id, origin }, number) => {
        const outage = store.mode(id);
        return { site: id, origin, outage, asked: shield.isOpen(number, outage), underWay: shield.underWay(number) };
      }),
      pages: store.tables.page.recordCount(),
      bodies: store.tables.body.recordCount(),
      memory: { pages: store.hotPages, bytes: store.hotBytes },
      readiness: this.#pages.readiness(nowMs),
    };
  }
}
