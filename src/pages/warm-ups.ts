// Warming of all sites, by one thread of a node, and what it has to know after a restart: which pages are the busiest.

import { type Logger, ZerohopError } from '../base/index.ts';
import type { Pages } from './pages.ts';
import type { Preload } from './preload.ts';
import { readWarm } from './settings.ts';
import type { WarmProgress } from './warm-round.ts';
import { WarmUp } from './warm-up.ts';

export interface WarmUpsOptions {
  readonly pages: Pages;
  readonly preload: Preload;
  /** Of the app: where lists are. */
  readonly folder: string;
  readonly log: Logger;
}

export interface WarmOrder {
  /** Undefined: all that are configured to be warmed, or the only one. */
  readonly site?: string;
  /** In place of what is configured. */
  readonly sitemap?: string | readonly string[];
  readonly urls?: readonly string[];
  readonly concurrency?: number;
  readonly perSecond?: number;
  /** End the round that is under way. */
  readonly stop?: boolean;
}

/** Row of the busiest pages. No site has this id. */
const busiestId = ' busiest';
/** How often the busiest pages are written down, in ms. */
const busiestMs = 300_000;

export class WarmUps {
  readonly #pages: Pages;
  readonly #preload: Preload;
  readonly #log: Logger;
  readonly #bySite: ReadonlyMap<string, WarmUp>;
  #timer: Timer | undefined;

  constructor({ pages, preload, folder, log }: WarmUpsOptions) {
    this.#pages = pages;
    this.#preload = preload;
    this.#log = log;
    const { store, shield, workings } = pages;
    this.#bySite = new Map(
      pages.sites.map((site, number) => {
        const busiest = () => this.#busiestOf(site.id);
        return [
          site.id,
          new WarmUp({
            store,
            flights: workings.flights,
            shield,
            sites: pages.sites,
            site,
            number,
            busiest,
            warmed: (keys) => void this.#writeHot(keys),
            folder,
            log,
          }),
        ];
      }),
    );
  }

  start(): void {
    const { store, workings } = this.#pages;
    const record = store.databases.peek(store.tables.warm, busiestId);
    if (record) workings.readiness.restore((JSON.parse(record.body) as { busiest: [string, number][] }).busiest);
    this.#timer = setInterval(() => void this.#keepBusiest(), busiestMs).unref();
    for (const warmUp of this.#bySite.values()) warmUp.start();
  }

  close(): void {
    clearInterval(this.#timer);
    for (const warmUp of this.#bySite.values()) warmUp.close();
  }

  progress(): readonly WarmProgress[] {
    return [...this.#bySite.values()].map((warmUp) => warmUp.progress());
  }

  /** Begins rounds, or ends them; resolves when that is written down. */
  async warm({ site, stop, ...given }: WarmOrder): Promise<void> {
    const meant = [...this.#bySite].filter(([id]) => site === undefined || id === site);
    if (meant.length === 0) {
      const known = [...this.#bySite.keys()].join(', ');
      throw new ZerohopError('NOT_FOUND', `There is no site ${site}. There are: ${known}.`);
    }
    if (stop) return void (await Promise.all(meant.map(([, warmUp]) => warmUp.halt())));
    const isGiven = given.sitemap !== undefined || given.urls !== undefined;
    const settings = isGiven ? readWarm(defined(given), 'the order') : undefined;
    if (isGiven && meant.length > 1)
      throw new ZerohopError('INVALID_REQUEST', `Name the site: ${meant.map(([id]) => id).join(' or ')}.`);
    const configured = meant.filter(([id]) => this.#pages.sites.find((one) => one.id === id)?.warm);
    // None: the first says what is missing.
    const chosen = isGiven || configured.length === 0 ? meant.slice(0, 1) : configured;
    await Promise.all(chosen.map(([, warmUp]) => warmUp.warm(settings)));
  }

  /** A key begins with the address of its page. */
  #busiestOf(site: string): readonly string[] {
    const keys = this.#pages.workings.readiness.busiest().map(([key]) => key);
    const found = keys.flatMap((key) => addressOf(key, site) ?? []);
    return [...new Set(found)];
  }

  #writeHot(others: readonly string[]): Promise<void> {
    return this.#preload
      .write(others)
      .catch((error: unknown) => this.#log.error('The pages in memory could not be written down', { error }));
  }

  async #keepBusiest(): Promise<void> {
    void this.#writeHot([]);
    const { store, workings } = this.#pages;
    const busiest = workings.readiness.busiest().map(([key, requests]) => [key, requests]);
    const transaction = store.databases.transaction();
    transaction.put(store.tables.warm, busiestId, { id: busiestId, busiest });
    await transaction
      .commit()
      .catch((error: unknown) => this.#log.error('The busiest pages could not be written down', { error }));
  }
}

function addressOf(key: string, site: string): string | undefined {
  const end = key.indexOf(' ');
  if (key.includes(' sha256:')) return undefined;
  const url = end < 0 ? key : key.slice(0, end);
  const path = url.slice(site.length);
  // A site's path is part of its id.
  return url.startsWith(site) && path.startsWith('/') ? site.slice(`${site}/`.indexOf('/')) + path : undefined;
}

function defined(order: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(order).filter(([, value]) => value !== undefined));
}
