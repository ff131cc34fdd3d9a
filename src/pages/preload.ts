// Pages are brought into memory ahead of who asks for them: those that visitors had asked for before the node was started, and those that a round of
// warming began with. Their first visitors wait neither for the disk nor for code that runs for the first time. The list of them stands in the
// database: one thread of a node writes it, and all go by it.

import type { Logger } from '../base/index.ts';
import { answer } from './answer.ts';
import type { HotPage } from './hot-pages.ts';
import type { PageStore } from './page-store.ts';

export interface PreloadOptions {
  readonly store: PageStore;
  readonly log: Pick<Logger, 'debug' | 'error'>;
}

/** Pages of the list. */
export const preloadMost = 10_000;
/** Row of the list. No site has this id. */
const listId = ' hot';
/** How long it is until it is looked at first, and from then on, in ms: visitors come first. */
const startMs = 250;
const lookMs = 1_000;
/** Pages that are brought in before others have a turn, and how long that lasts, in ms. */
const stepPages = 8;
const turnMs = 2;

/** As browsers ask for a page. */
const asked = { method: 'GET', headers: new Headers({ 'accept-encoding': 'gzip, deflate, br, zstd' }) } as const;

export class Preload {
  readonly #store: PageStore;
  readonly #log: PreloadOptions['log'];
  #timer: Timer | undefined;
  #isStopped = false;
  /** Of the list that was gone through last. */
  #version: number | undefined;

  constructor({ store, log }: PreloadOptions) {
    this.#store = store;
    this.#log = log;
  }

  start(): void {
    const look = async (): Promise<void> => {
      try {
        await this.#look();
      } catch (error) {
        this.#log.error('Pages could not be brought into memory ahead of their visitors', { error });
      }
      if (!this.#isStopped) this.#timer = setTimeout(look, lookMs).unref();
    };
    this.#timer = setTimeout(look, startMs).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Writes the list anew: pages that visitors ask for, then others. */
  async write(others: readonly string[]): Promise<void> {
    const { databases, tables } = this.#store;
    const keys = [...new Set([...this.#store.usedKeys(preloadMost), ...others])].slice(0, preloadMost);
    if (keys.length === 0) return;
    const transaction = databases.transaction();
    transaction.put(tables.warm, listId, { id: listId, hot: keys });
    await transaction.commit();
  }

  async #look(): Promise<void> {
    const { databases, tables } = this.#store;
    const version = databases.getLatest(tables.warm, listId)?.version;
    if (version === undefined || version === this.#version) return;
    const list = databases.peek(tables.warm, listId);
    if (!list) return;
    const { hot } = JSON.parse(list.body) as { hot: readonly string[] };
    let count = 0;
    for (const key of hot) {
      if (this.#isStopped || this.#store.isFull) break;
      const pages = this.#store.bringIn(key);
      for (const page of pages) this.#rehearse(page);
      const before = count;
      count += pages.length;
      if (Math.floor(count / stepPages) > Math.floor(before / stepPages)) await Bun.sleep(turnMs);
    }
    this.#version = version;
    if (count > 0) this.#log.debug(`${count} pages were brought into memory`);
  }

  /** What its first visitor would have to wait for. */
  #rehearse(page: HotPage): void {
    const nowMs = Date.now();
    const ttl = (page.times.freshUntilMs - nowMs) / 1000;
    const answered = answer(this.#store, page, asked, { status: { outcome: 'hit', ttl } }, nowMs);
    // In another coding than the one that is stored: that can wait for who wants it.
    if (answered instanceof Promise) answered.catch(() => {});
  }
}
