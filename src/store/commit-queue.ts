// Transactions waiting to be committed, and what came from other nodes waiting to be merged. All that arrive in one turn of the event loop
// become one group: one SQLite transaction, then one sync of the WAL; each is answered after that sync. While the disk syncs, the next group
// commits.

import {
  type Counter,
  errorToData,
  type Gauge,
  type Histogram,
  limits,
  preciseMs,
  ZerohopError,
} from '../base/index.ts';
import { WalSync } from '../storage/index.ts';
import { queueFull, transactionBytes } from './queue-limit.ts';
import type { RemoteOutcome, RemoteWork } from './remote-types.ts';
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
  /** Called once, when the file was found to be deleted: from then on all is refused. */
  readonly lost: (error: ZerohopError) => void;
  readonly meters?: StoreMeters;
}

interface WaitingWork {
  readonly work: RemoteWork;
  readonly done: (outcome: RemoteOutcome) => void;
}

interface Waiting {
  readonly transaction: StoreTransaction;
  readonly bytes: number;
  /** Of those that are timed. */
  readonly submittedMs: number;
  readonly done: (outcome: CommitOutcome) => void;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #sync: WalSync;
  #waiting: Waiting[] = [];
  #works: WaitingWork[] = [];
  /** In them. */
  #rows = 0;
  #bytes = 0;
  #scheduled = false;
  #isClosed = false;
  /** Groups committed and not yet durable. */
  #unsynced = 0;
  #idle: (() => void)[] = [];
  #lostSaid = false;

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
    this.#waiting.push({ transaction, bytes, submittedMs: transaction.timed ? preciseMs() : 0, done });
    this.#options.meters?.queued.add(1);
    this.#schedule();
  }

  /**
   * Calls `done` when it is merged or refused: visible to readers, not durable yet. What waits here is bounded by the room that is given to the
   * nodes it comes from. After the end nothing is called.
   */
  merge(work: RemoteWork, done: (outcome: RemoteOutcome) => void): void {
    if (this.#isClosed) return;
    this.#works.push({ work, done });
    this.#rows += rowsOf(work);
    // It could not be durable before the sync that comes next: until then little waits for more, or for transactions of this node.
    if (this.#rows >= limits.mergeGroup / 8) this.#schedule();
    else if (this.#works.length === 1) this.#sync.whenFree(() => this.#schedule());
  }

  /** Resolves when everything submitted so far has been answered. */
  whenIdle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Calls `done` when everything committed so far is on disk. */
  whenDurable(done: () => void): void {
    this.#sync.whenDurable(done);
  }

  close(): void {
    this.#isClosed = true;
    this.#works = [];
    this.#sync.close();
  }

  get #isIdle(): boolean {
    return this.#waiting.length === 0 && this.#works.length === 0 && this.#unsynced === 0;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#commitGroup();
      if (this.#waiting.length > 0 || this.#works.length > 0) this.#schedule();
    });
  }

  #commitGroup(): void {
    const group =
      this.#waiting.length > limits.commitGroup ? this.#waiting.splice(0, limits.commitGroup) : this.#waiting;
    if (group === this.#waiting) this.#waiting = [];
    const works = this.#takeWorks();
    if (group.length === 0 && works.length === 0) return;
    if (this.#sync.isGone) {
      this.#options.meters?.queued.add(-group.length);
      return this.#refuse(group, works);
    }
    const started = performance.now();
    const { outcomes, merged } = this.#options.store.commitTogether(
      group.map(({ transaction }) => transaction),
      works.map(({ work }) => work),
    );
    const ended = performance.now();
    if (group.length > 0) this.#measure(group, outcomes, (ended - started) / 1000);
    const answer = () => {
      this.#unsynced--;
      for (const { bytes } of group) this.#bytes -= bytes;
      for (const [index, one] of group.entries())
        one.done(withTimings(one, outcomes[index] as CommitOutcome, started, ended));
      if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
    };
    this.#unsynced++;
    const isWritten = outcomes.some(({ ok }) => ok);
    if (isWritten || merged.some(({ ok }) => ok)) this.#options.committed();
    for (const [index, { done }] of works.entries()) done(merged[index] as RemoteOutcome);
    const lost = () => {
      this.#unsynced--;
      this.#refuse(group, []);
    };
    if (isWritten) this.#sync.whenDurable(answer, lost);
    else answer();
  }

  /** The file is deleted: what is written to it ends with the process. */
  #refuse(group: readonly Waiting[], works: readonly WaitingWork[]): void {
    const { path } = this.#options.store.options;
    const error = new ZerohopError(
      'READ_ONLY',
      `${path} was removed while the node runs, so nothing can be stored. Stop the node, put its data folder back from a backup or let it begin with an empty one, and start it.`,
    );
    if (!this.#lostSaid) this.#options.lost(error);
    this.#lostSaid = true;
    const { code, message } = error;
    for (const { bytes } of group) this.#bytes -= bytes;
    for (const { done } of group) done({ ok: false, error: errorToData(error) });
    for (const { done } of works) done({ ok: false, refusal: { kind: 'failed', code, message } });
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** What came first, as much as one group may hold. */
  #takeWorks(): WaitingWork[] {
    let rows = 0;
    let taken = 0;
    for (const { work } of this.#works) {
      if (rows >= limits.mergeGroup) break;
      rows += rowsOf(work);
      taken++;
    }
    this.#rows -= rows;
    return this.#works.splice(0, taken);
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

/** @param started of the group, as `performance.now()` says */
function withTimings(
  { transaction, submittedMs }: Waiting,
  outcome: CommitOutcome,
  started: number,
  ended: number,
): CommitOutcome {
  if (!transaction.timed || !outcome.ok) return outcome;
  const { timeOrigin } = performance;
  const [startedMs, committedMs] = [timeOrigin + started, timeOrigin + ended];
  return { ...outcome, timings: { submittedMs, startedMs, committedMs, durableMs: preciseMs() } };
}

function rowsOf(work: RemoteWork): number {
  return (work.kind === 'batch' ? work.batch : work.copy).rows.length;
}
