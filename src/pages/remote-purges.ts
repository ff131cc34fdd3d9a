// Purges of other nodes. What a node had when it was told is gone already, as the purge's own deletions came along. What it stored before it
// was told, from a fetch that began without that knowledge, is purged here when the purge arrives. By one thread of a node.

import type { Logger } from '../base/index.ts';
import type { PageStore } from './page-store.ts';
import { type PurgeOrder, purgeStored } from './purge.ts';
import { Retries, retryLimits, type Verdict } from './retries.ts';

/** How many are done at a time. */
const stepPurges = 100;
/** The one row of the table Seen. */
const seenId = 'purge';

export class RemotePurges {
  readonly #store: PageStore;
  readonly #log: Pick<Logger, 'error' | 'info'>;
  /** Row of the last purge that was done; undefined: not read yet. */
  #last: number | undefined;
  #timer: Timer | undefined;
  #stopped = false;
  readonly #retries = new Retries();
  /** Row of the one that is being done. */
  #doing: number | undefined;

  constructor(store: PageStore, log: Pick<Logger, 'error' | 'info'>) {
    this.#store = store;
    this.#log = log;
  }

  start(): void {
    const steps = async (): Promise<void> => {
      const { pauseMs } = await this.#try();
      if (!this.#stopped) this.#timer = setTimeout(steps, pauseMs).unref();
    };
    this.#timer = setTimeout(steps, retryLimits.firstMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #try(): Promise<Verdict> {
    try {
      await this.step();
      const verdict = this.#retries.succeeded();
      if (verdict.said) this.#log.info('Purges of other nodes are done here again');
      return verdict;
    } catch (error) {
      const verdict = this.#retries.failed(error);
      if (verdict.said === 'failed')
        this.#log.error('A purge of another node could not be done here; it is tried again', { error });
      if (verdict.said === 'given up') {
        this.#log.error('A purge of another node can not be done here, and is passed over', { error });
        this.#last = this.#doing ?? this.#last;
      }
      return verdict;
    }
  }

  /** Does those that came since the last time, or since the node last ran. */
  async step(): Promise<void> {
    const { databases, tables } = this.#store;
    this.#last ??= this.#readLast();
    const arrived = databases.arrivals(tables.purge, this.#last, stepPurges);
    // All that were done have expired: numbers begin anew.
    if (arrived.length === 0 && databases.arrivals(tables.purge, this.#last - 1, 1).length === 0) this.#last = 0;
    for (const { row, version, body } of arrived) {
      if (this.#stopped) return;
      this.#doing = row;
      await purgeStored(this.#store, JSON.parse(body) as PurgeOrder, version);
      this.#last = row;
      this.#doing = undefined;
    }
    if (arrived.length > 0) await this.#writeLast(this.#last);
  }

  #readLast(): number {
    const { databases, tables } = this.#store;
    const record = databases.peek(tables.seen, seenId);
    return record ? (JSON.parse(record.body) as { row: number }).row : 0;
  }

  async #writeLast(row: number): Promise<void> {
    const { databases, tables } = this.#store;
    const transaction = databases.transaction();
    transaction.put(tables.seen, seenId, { id: seenId, row });
    await transaction.commit();
  }
}
