// Warms the pages of one site, round after round, and can go on with a round where it was: how far it is stands in the database. Whoever has
// written its name there last warms; who finds another's there stops, so that one thread of a node does it, whatever is started or dies.
//
//   waiting ─due, or asked for→ running ─all gone through→ waiting
//                                 └─told to stop→ waiting

import { join } from 'node:path';
import { type Logger, ZerohopError } from '../base/index.ts';
import { tagOf } from '../records/index.ts';
import type { Flights } from './flights.ts';
import type { PageStore } from './page-store.ts';
import { preloadMost } from './preload.ts';
import type { Shield } from './shield.ts';
import { readSitemap, type SitemapFile } from './sitemap.ts';
import type { Site, WarmSettings } from './types.ts';
import { fetchSource, SourceTrouble } from './warm-fetch.ts';
import { WarmPace } from './warm-pace.ts';
import { type WarmPageParts, type WarmTrouble, warmPage } from './warm-page.ts';
import { newRound, progressOf, type Round, sourcesOf, type WarmProgress } from './warm-round.ts';
import { type Position, warmEntries } from './warm-sources.ts';

export interface WarmUpOptions {
  readonly store: PageStore;
  readonly flights: Flights;
  readonly shield: Shield;
  readonly sites: readonly Site[];
  readonly site: Site;
  /** Of the site among all. */
  readonly number: number;
  /** Addresses of the busiest pages, the busiest first. */
  readonly busiest: () => readonly string[];
  /** Told when a round is done: keys of the pages it began with. */
  readonly warmed: (keys: readonly string[]) => void;
  /** Of the app: where lists are. */
  readonly folder: string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** How often the position is written down, in ms. */
const saveMs = 1_000;
/** How long it is until the first look whether a round is due, in ms: visitors come first. */
const startMs = 250;
/** Tries of an address whose page, or whose origin for a moment, errs. */
const triesMost: Readonly<Record<WarmTrouble['extent'], number>> = {
  page: 3,
  busy: 20,
  gone: Number.POSITIVE_INFINITY,
};
/** Longest time between two tries of one address, in ms. */
const backOffMostMs = 10_000;
/** Addresses gone through before others of this thread have a turn. */
const turnAddresses = 10;
/** Timers wait no longer, in ms. */
const timerMostMs = 2 ** 31 - 1;

export class WarmUp {
  readonly #options: WarmUpOptions;
  readonly #by: string = Bun.randomUUIDv7();
  #round: Round | undefined;
  #pace: WarmPace | undefined;
  #running: Promise<void> = Promise.resolve();
  readonly #sleepers = new Set<() => void>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: WarmUpOptions) {
    this.#options = options;
  }

  /** Goes on with a round that was interrupted, or begins one when it is due. */
  start(): void {
    this.#round = this.#saved();
    this.#timer = setTimeout(() => this.#begin(), startMs).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#pace?.end();
  }

  #begin(): void {
    const { site } = this.#options;
    const round = this.#round;
    const own = site.warm;
    if (round?.state === 'running') return this.#launch(round);
    if (own === undefined) return;
    if (round === undefined || (this.#nextMs() ?? Number.POSITIVE_INFINITY) <= Date.now())
      return this.#launch(newRound(own));
    this.#wait();
  }

  #nextMs(): number | undefined {
    const { warm } = this.#options.site;
    const round = this.#round;
    if (!warm) return undefined;
    if (!round) return Date.now();
    if (warm.everyMs !== undefined) return round.startedMs + warm.everyMs;
    // Once, but for what is configured by now.
    return sourcesOf(round.settings) === sourcesOf(warm) || round.state === 'stopped' ? undefined : Date.now();
  }

  #wait(): void {
    const nextMs = this.#closed ? undefined : this.#nextMs();
    clearTimeout(this.#timer);
    if (nextMs === undefined) return;
    this.#timer = setTimeout(() => this.#begin(), Math.min(timerMostMs, Math.max(0, nextMs - Date.now()))).unref();
  }

  /** Begins a round now, in place of one under way that goes through other things. @param settings in place of the configured ones */
  async warm(settings: WarmSettings | undefined): Promise<void> {
    const { site } = this.#options;
    const wanted = settings ?? site.warm;
    if (!wanted)
      throw new ZerohopError(
        'INVALID_REQUEST',
        `The site ${site.id} has no "warm" in config.yaml. Name a sitemap or urls.`,
      );
    const isUnderWay = this.#pace !== undefined && this.#round?.state === 'running';
    if (isUnderWay && this.#round && sourcesOf(this.#round.settings) === sourcesOf(wanted)) return;
    await this.halt();
    this.#launch(newRound(wanted));
    await this.#save();
  }

  /** Ends the round that is under way. The next begins when it is due. */
  async halt(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#round?.state === 'running') this.#round.state = 'stopped';
    this.#pace?.end();
    await this.#running;
    if (this.#round?.state === 'stopped') await this.#save();
    this.#wait();
  }

  progress(): WarmProgress {
    return progressOf(this.#options.site.id, this.#round, this.#pace?.paused, this.#nextMs());
  }

  #launch(round: Round): void {
    const { log, site } = this.#options;
    this.#round = round;
    const pace = new WarmPace({
      perSecond: round.settings.perSecond,
      now: Date.now,
      wait: (ms) => this.#sleep(ms),
      wake: () => this.#wakeAll(),
    });
    this.#pace = pace;
    this.#running = this.#run(round, pace)
      .catch((error: unknown) => {
        round.state = 'stopped';
        round.lastError = error instanceof Error ? error.message : String(error);
        log.error(`The pages of ${site.id} could not be warmed`, { error });
      })
      .then(() => {
        if (this.#pace === pace) this.#pace = undefined;
        if (round.state !== 'running' && !this.#closed) this.#wait();
      });
  }

  async #run(round: Round, pace: WarmPace): Promise<void> {
    const { log, site } = this.#options;
    // Whoever had it before finds this name in the row, and stops.
    await this.#save(true);
    const saving = setInterval(() => void this.#save().catch(() => {}), saveMs);
    let first: readonly string[];
    try {
      first = await this.#goThrough(round, pace);
    } finally {
      clearInterval(saving);
    }
    if (pace.isOver) return;
    round.state = 'done';
    round.endedMs = Date.now();
    await this.#save();
    this.#options.warmed(first);
    log.info(`The pages of ${site.id} are warm`, {
      ...round.counts,
      seconds: (round.endedMs - round.startedMs) / 1000,
    });
  }

  /** Returns keys of the pages that it began with; none if it began before. */
  async #goThrough(round: Round, pace: WarmPace): Promise<readonly string[]> {
    const first: string[] = [];
    const most = round.position.length === 0 ? preloadMost : 0;
    const warmed = (key: string) => {
      if (first.length < most) first.push(key);
    };
    const underWay = new Map<Position, Promise<void>>();
    // Files that a position lies in were counted when they were read first.
    let counts = round.position.length === 0;
    const count = (change: Partial<Record<'known' | 'sitemapsKnown' | 'sitemapsRead', number>>) => {
      if (!counts) return;
      round.known += change.known ?? 0;
      round.sitemapsKnown += change.sitemapsKnown ?? 0;
      round.sitemapsRead += change.sitemapsRead ?? 0;
    };
    count({ known: round.settings.urls.length, sitemapsKnown: round.settings.sitemaps.length });
    const reader = {
      busiest: () => {
        const addresses = this.#options.busiest();
        count({ known: addresses.length });
        return addresses;
      },
      list: async (name: string) => {
        const file = await readSitemap(Bun.file(join(this.#options.folder, name)).stream(), name);
        count({ known: file.entries.length });
        return file;
      },
      sitemap: async (address: string, from: string | undefined) => {
        const file = await this.#readSitemap(address, from, round, pace);
        if (file?.kind === 'index') count({ sitemapsRead: 1, sitemapsKnown: file.entries.length });
        else count({ sitemapsRead: 1, known: file?.entries.length ?? 0 });
        return file;
      },
    };
    let turn = 0;
    let room = Promise.withResolvers<void>();
    for await (const { address, position } of warmEntries(round.settings, reader, round.position)) {
      counts = true;
      if (pace.isOver) break;
      const warming = this.#warmOne(address, round, pace, warmed).then((isDone) => {
        // What is under way when it is stopped is gone through again.
        if (isDone) underWay.delete(position);
        room.resolve();
      });
      underWay.set(position, warming);
      if (underWay.size >= round.settings.concurrency) {
        room = Promise.withResolvers();
        await room.promise;
      }
      if (++turn % turnAddresses === 0) await new Promise((resolve) => setImmediate(resolve));
      const [oldest] = underWay.keys();
      round.position = oldest ?? position;
    }
    await Promise.all(underWay.values());
    return first;
  }

  /** False: it was told to stop before that. */
  async #warmOne(address: string, round: Round, pace: WarmPace, warmed: WarmPageParts['warmed']): Promise<boolean> {
    const { store, flights, sites, site, number } = this.#options;
    let wasAsked = false;
    const clearance = async () => {
      const isClear = await this.#clearance(round, pace);
      wasAsked ||= isClear;
      return isClear;
    };
    const parts = { store, flights, sites, site, number, clearance, warmed };
    for (let tries = 1; ; tries++) {
      const result = await warmPage(parts, address).catch(troubleOfOurs);
      if (result === undefined) return false;
      if (typeof result === 'string') {
        if (wasAsked) pace.succeeded();
        round.counts[countOf[result]]++;
        return true;
      }
      round.lastError = `${address}: ${result.why}`;
      pace.failed(result);
      if (tries >= triesMost[result.extent]) {
        round.counts.failed++;
        return true;
      }
      await this.#backOff(tries, pace);
    }
  }

  #clearance(round: Round, pace: WarmPace): Promise<boolean> {
    const { shield, number, site } = this.#options;
    // Others have the larger part of what the origin can do.
    const most = Math.max(1, Math.floor(site.limit.concurrent / 2));
    return pace.clearance(() => {
      if (!this.#isOurs()) this.#lose(round, pace);
      return shield.underWay(number) < most;
    });
  }

  async #readSitemap(
    address: string,
    from: string | undefined,
    round: Round,
    pace: WarmPace,
  ): Promise<SitemapFile | undefined> {
    const { log } = this.#options;
    for (let tries = 1; await this.#clearance(round, pace); tries++) {
      try {
        const file = await this.#fetchSitemap(address, from);
        pace.succeeded();
        if (file.ignored > 0) log.warn(`${file.ignored} lines of ${address} are not warmed: too many, or no addresses`);
        return file;
      } catch (error) {
        const trouble = error instanceof SourceTrouble ? error.trouble : troubleOfOurs(error);
        round.lastError = `${address}: ${trouble.why}`;
        pace.failed(trouble);
        if (tries >= triesMost[trouble.extent]) {
          round.sitemapsFailed++;
          log.warn(`The sitemap ${address} can't be read, and is left out: ${trouble.why}`);
          return undefined;
        }
        await this.#backOff(tries, pace);
      }
    }
    return undefined;
  }

  async #fetchSitemap(address: string, from: string | undefined): Promise<SitemapFile> {
    const { site, shield, number, store } = this.#options;
    const isWhole = from === undefined || address.startsWith('/') || /^https?:/i.test(address);
    const whole = isWhole ? address : new URL(address, URL.parse(from)?.href ?? site.origin + from).href;
    const bytes = await fetchSource({ site, number, shield, mode: store.mode(site.id) }, whole, from);
    return await readSitemap(bytes, whole);
  }

  /** Between two tries. */
  async #backOff(tries: number, pace: WarmPace): Promise<void> {
    const untilMs =
      Date.now() + Math.min(backOffMostMs, this.#options.site.limit.backoffMs * 2 ** Math.min(tries - 1, 5));
    for (let leftMs = 1; leftMs > 0 && !pace.isOver; leftMs = untilMs - Date.now()) await this.#sleep(leftMs);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#sleepers.add(wake);
    });
  }

  #wakeAll(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  /** Another thread has taken over. */
  #lose(round: Round, pace: WarmPace): void {
    this.#closed = true;
    round.state = 'stopped';
    pace.end();
  }

  #isOurs(): boolean {
    const { store, site } = this.#options;
    const record = store.databases.getLatest(store.tables.warm, site.id);
    return record === undefined || (JSON.parse(record.body) as { by: string }).by === this.#by;
  }

  #saved(): Round | undefined {
    const { store, site } = this.#options;
    const record = store.databases.peek(store.tables.warm, site.id);
    return record && (JSON.parse(record.body) as { round: Round }).round;
  }

  /** @param take also what another has */
  async #save(take = false): Promise<void> {
    const { store, site } = this.#options;
    const round = this.#round;
    if (!round) return;
    const record = store.databases.peek(store.tables.warm, site.id);
    const transaction = store.databases.transaction();
    if (!take && !this.#isOurs()) return transaction.abort();
    transaction.insist(store.tables.warm, site.id, record ? tagOf(record) : null);
    transaction.put(store.tables.warm, site.id, {
      id: site.id,
      by: this.#by,
      round: JSON.parse(JSON.stringify(round)),
    });
    try {
      await transaction.commit();
    } catch (error) {
      // Taken by another meanwhile, who goes on.
      if (!(error instanceof ZerohopError) || error.code !== 'PRECONDITION_FAILED') throw error;
      if (take) return this.#save(take);
    }
  }
}

const countOf = {
  fresh: 'fresh',
  fetched: 'fetched',
  renewed: 'renewed',
  'not stored': 'notStored',
  foreign: 'foreign',
} as const;

/** Of this node, such as a full disk: the page is tried again. */
function troubleOfOurs(error: unknown): WarmTrouble {
  return { extent: 'page', why: error instanceof Error ? error.message : String(error), retryAfterMs: undefined };
}
