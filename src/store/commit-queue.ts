// Transactions waiting to be committed. All that arrive in one turn of the event loop become one group: one SQLite transaction, then one sync of
// the WAL; each is answered after that sync. While the disk syncs, the next group commits.

import { type Counter, errorToData, type Gauge, type Histogram, limits } from '../base/index.ts';
import { WalSync } from '../storage/index.ts';
import { queueFull, transactionBytes } from './queue-limit.ts';
import type { Store } from './store.ts';
import type { CommitOutcome, StoreTransaction } from './types.ts';

/** What is measured, by telemetry's names. Durations in seconds. */
export interface StoreMeters {
  readonly commits: Counter;
  readonly changes: Counter;
  readonly commitGroup: Histogram;
  readonly commitSeconds: Histogram;
  readonly syncSeconds: Histogram;
  readonly checkpointSeconds: Histogram;
  readonly walBytes: Gauge;
  readonly queued: Gauge;
  refused(code: string): void;
}

export interface CommitQueueOptions {
  readonly store: Store;
  /** Largest number of transactions waiting; one more is refused with OVERLOADED. */
  readonly limit: number;
  /** Largest size of the transactions that are not answered yet, in bytes, about; absent: `limits.writeQueueBytes`. */
  readonly limitBytes?: number;
  /** Called after each group has become visible to readers, before it is durable. */
  readonly committed: () => void;
  /** Called when the disk refused a sync: the process has to end. */
  readonly failed: (error: Error) => void;
  readonly meters?: StoreMeters;
}

interface Waiting {
  readonly transaction: StoreTransaction;
  readonly bytes: number;
  readonly done: (outcome: CommitOutcome) => void;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #sync: WalSync;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #scheduled = false;
  /** Groups committed and not yet durable. */
  #unsynced = 0;
  #idle: (() => void)[] = [];

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#sync = new WalSync(options.store.options.path, options.failed, (ms) =>
      options.meters?.syncSeconds.observe(ms / 1000),
    );
  }

  /** Calls `done` once the transaction is durable or refused. */
  submit(transaction: StoreTransaction, done: (outcome: CommitOutcome) => void): void {
    const bytes = transactionBytes(transaction);
    const { limit, limitBytes = limits.writeQueueBytes } = this.#options;
    if (this.#waiting.length >= limit || (this.#bytes > 0 && this.#bytes + bytes > limitBytes))
      return done({ ok: false, error: errorToData(queueFull()) });
    this.#bytes += bytes;
    this.#waiting.push({ transaction, bytes, done });
    this.#options.meters?.queued.add(1);
    this.#schedule();
  }

  /** Resolves when everything submitted so far has been answered. */
  whenIdle(): Promise<void> {
    if (this.#waiting.length === 0 && this.#unsynced === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Calls `done` when everything committed so far is on disk. */
  whenDurable(done: () => void): void {
    this.#sync.whenDurable(done);
  }

  close(): void {
    this.#sync.close();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#commitGroup();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #commitGroup(): void {
    const group =
      this.#waiting.length > limits.commitGroup ? this.#waiting.splice(0, limits.commitGroup) : this.#waiting;
    if (group === this.#waiting) this.#waiting = [];
    if (group.length === 0) return;
    const started = performance.now();
    const outcomes = this.#options.store.commit(group.map(({ transaction }) => transaction));
    this.#measure(group, outcomes, (performance.now() - started) / 1000);
    const answer = () => {
      this.#unsynced--;
      for (const { bytes } of group) this.#bytes -= bytes;
      for (const [index, { done }] of group.entries()) done(outcomes[index] as CommitOutcome);
      if (this.#waiting.length === 0 && this.#unsynced === 0) for (const resolve of this.#idle.splice(0)) resolve();
    };
    this.#unsynced++;
    if (!outcomes.some((outcome) => outcome.ok)) return answer();
    this.#options.committed();
    this.#sync.whenDurable(answer);
  }

  #measure(group: readonly Waiting[], outcomes: readonly CommitOutcome[], seconds: number): void {
    const { meters } = this.#options;
    if (!meters) return;
    meters.queued.add(-group.length);
    meters.commitGroup.observe(group.length);
    meters.commitSeconds.observe(seconds);
    for (const outcome of outcomes) {
      if (outcome.ok) {
        meters.commits.add(1);
        meters.changes.add(outcome.written.length);
      } else meters.refused(outcome.error.code);
    }
  }
}
