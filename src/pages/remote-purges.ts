// Purges of other nodes. What a node had when it was told is gone already, as the purge's own deletions came along. What it stored before it
// was told, from a fetch that began without that knowledge, is purged here when the purge arrives. By one thread of a node.

import type { Logger } from '../base/index.ts';
import type { PageStore } from './page-store.ts';
import { type PurgeOrder, purgeStored } from './purge.ts';

/** How often it is looked for new ones, in ms, and how many at a time. */
const stepMs = 250;
const stepPurges = 100;
/** The one row of the table Seen. */
const seenId = 'purge';

export class RemotePurges {
  readonly #store: PageStore;
  readonly #log: Pick<Logger, 'error'>;
  /** Row of the last purge that was done; undefined: not read yet. */
  #last: number | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(store: PageStore, log: Pick<Logger, 'error'>) {
    this.#store = store;
    this.#log = log;
  }

  start(): void {
    const steps = async (): Promise<void> => {
      try {
        await this.step();
      } catch (error) {
        this.#log.error('A purge of another node could not be done here', { error });
      }
      if (!this.#stopped) this.#timer = setTimeout(steps, stepMs).unref();
    };
    this.#timer = setTimeout(steps, stepMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
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
      await purgeStored(this.#store, JSON.parse(body) as PurgeOrder, version);
      this.#last = row;
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
