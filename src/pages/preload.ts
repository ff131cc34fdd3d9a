// Pages are brought into memory ahead of who asks for them: those that visitors had asked for before the node was started, and those that a round of
// warming began with. Their first visitors wait neither for the disk nor for code that runs for the first time. The list of them stands in the
// database: one thread of a node writes it, and all go by it.

import type { Logger } from '../base/index.ts';
import { answer } from './answer.ts';
import type { PageStore } from './page-store.ts';

export interface PreloadOptions {
  readonly store: PageStore;
  readonly log: Pick<Logger, 'debug' | 'error'>;
}

/** Pages of the list. */
export const preloadMost = 10_000;
/** Rows of the list, and of when it was written. No site has such an id. */
const listId = ' hot';
const writtenId = ' hot since';
/** How long it is until it is looked at first, and from then on, in ms: visitors come first. */
const startMs = 250;
const lookMs = 1_000;
/** How long pages are brought in before others have a turn, and how long that lasts, in ms. */
const stepMs = 0.7;
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
        // The database is closed, or gone.
        this.#log.error('No more pages are brought into memory ahead of their visitors', { error });
        return;
      }
      if (!this.#isStopped) this.#timer = setTimeout(look, lookMs).unref();
    };
    this.#timer = setTimeout(look, startMs).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Writes the list anew: pages that visitors ask for, then others, then who was on it. */
  async write(others: readonly string[]): Promise<void> {
    const { databases, tables } = this.#store;
    const before = this.#list();
    const wanted = new Set([...this.#store.usedKeys(preloadMost), ...others, ...before]);
    const keys = [...wanted].slice(0, preloadMost);
    if (keys.every((key, at) => key === before[at]) && keys.length === before.length) return;
    const transaction = databases.transaction();
    transaction.put(tables.warm, listId, { id: listId, hot: keys });
    transaction.put(tables.warm, writtenId, { id: writtenId });
    await transaction.commit();
  }

  #list(): readonly string[] {
    const { databases, tables } = this.#store;
    const row = databases.peek(tables.warm, listId);
    return row ? (JSON.parse(row.body) as { hot: readonly string[] }).hot : [];
  }

  async #look(): Promise<void> {
    const { databases, tables } = this.#store;
    const version = databases.getLatest(tables.warm, writtenId)?.version;
    if (version === this.#version) return;
    this.#version = version;
    let count = 0;
    const failed: unknown[] = [];
    let untilMs = performance.now() + stepMs;
    for (const key of this.#list()) {
      if (this.#isStopped || this.#store.isFull) break;
      count += await this.#bringIn(key).catch((error: unknown) => {
        failed.push(error);
        return 0;
      });
      if (performance.now() < untilMs) continue;
      await Bun.sleep(turnMs);
      untilMs = performance.now() + stepMs;
    }
    if (count > 0) this.#log.debug(`${count} pages were brought into memory`);
    if (failed.length > 0)
      this.#log.error(`${failed.length} pages could not be brought into memory`, { error: failed[0] });
  }

  /** With all that their first visitors would have to wait for. Returns how many came in. */
  async #bringIn(key: string): Promise<number> {
    const pages = this.#store.bringIn(key);
    for (const page of pages) {
      const nowMs = Date.now();
      const ttl = (page.times.freshUntilMs - nowMs) / 1000;
      await answer(this.#store, page, asked, { status: { outcome: 'hit', ttl } }, nowMs);
    }
    return pages.length;
  }
}
