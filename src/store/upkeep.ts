// What the store does by itself, in small steps between commits: removes expired records, old log entries and tombstones, and
// unreferenced blobs, and moves the WAL into the database file.

import { type Clock, limits } from '../base/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import type { StoreMeters } from './commit-queue.ts';
import type { Vector } from './remote-types.ts';
import type { Store } from './store.ts';

export interface UpkeepOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logRetentionMs: number;
  readonly checkpointBytes: number;
  /** Removes the bytes of blobs, once what was committed is durable. */
  readonly removeBlobs: (ids: readonly string[]) => void;
  /** Removes some of the blobs that no record came to refer to; false when it has been through all. */
  readonly removeStrays: () => boolean;
  /** Called after records were removed, so that readers notice. */
  readonly changed: () => void;
  /** Copies most of the WAL from another thread, so that the final checkpoint here is short; absent: the final one does it all. */
  readonly copyWal?: () => Promise<void>;
  /** Told of trouble: once, and again each `reportMs` for as long as it lasts. */
  readonly failed: (error: unknown) => void;
  /** What each other member of the cluster has on disk; absent: a node alone. */
  readonly members?: () => readonly Vector[];
  readonly meters?: StoreMeters;
}

/** Rows per step: a step is one short transaction. */
const stepRows = 500;
/** How often a table without a scan interval of its own is scanned for records that carry their own expiry. */
const defaultScanMs = 60_000;
const trimIntervalMs = 60_000;
/** How often the blob folder is looked through for what refused writes left. */
const strayIntervalMs = 10 * 60_000;
/** How long after something failed, or a checkpoint could not finish, it is tried again. */
const retryMs = 2_000;
const reportMs = 60_000;
/** How long an unreferenced blob stays, for readers who just learned of it. */
export const blobGraceMs = 60_000;

type Work = 'sweep' | 'trim' | 'strays' | 'checkpoint';

export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #timer: Timer;
  readonly #nextScan = new Map<string, number>();
  readonly #reported = new Map<Work, number>();
  #nextTrim = 0;
  #nextStrays = 0;
  #nextCheckpoint = 0;
  #trimming = false;
  #copying = false;
  #stopped = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    const now = options.clock.nowMs();
    this.#nextTrim = now + trimIntervalMs;
    this.#nextStrays = now + strayIntervalMs;
    this.#timer = setInterval(() => this.runDue(), 200);
    this.#timer.unref();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** Does what is due at the clock's time. Called by the timer; tests call it after moving the clock. */
  runDue(): void {
    const now = this.#options.clock.nowMs();
    for (const { entry } of this.#options.store.tables.values()) {
      const { name } = entry.definition;
      const interval = scanInterval(entry.definition);
      const due = this.#nextScan.get(name) ?? now + interval - (now % interval);
      this.#nextScan.set(name, now >= due ? now + interval : due);
      if (now < due) continue;
      if (!this.#done('sweep', () => this.#sweep(entry.definition, now)))
        this.#nextScan.set(name, now + Math.min(interval, retryMs));
    }
    if (now >= this.#nextTrim) {
      this.#nextTrim = now + trimIntervalMs;
      if (!this.#done('trim', () => this.#trim(now))) this.#nextTrim = now + retryMs;
    }
    if (now >= this.#nextStrays) {
      this.#nextStrays = now + strayIntervalMs;
      this.#removeStrays();
    }
    this.#done('checkpoint', () => this.#checkpoint());
  }

  #sweep(definition: TableDefinition, now: number): void {
    const removed = this.#options.store.sweep(
      definition.name,
      now - (definition.evictionMs ?? 0),
      stepRows,
      this.#options.members?.(),
    );
    if (removed > 0) this.#options.changed();
    if (removed === stepRows) this.#soon('sweep', () => this.#sweep(definition, now));
  }

  #trim(now: number): void {
    const { store, logRetentionMs, removeBlobs } = this.#options;
    const removed = store.trim((now - logRetentionMs) * 1000, stepRows, this.#options.members?.());
    const blobs = store.collectBlobs(now - blobGraceMs, stepRows);
    if (blobs.length > 0) removeBlobs(blobs);
    if ((removed >= stepRows || blobs.length === stepRows) && !this.#trimming) {
      this.#trimming = true;
      this.#soon('trim', () => {
        this.#trimming = false;
        this.#trim(this.#options.clock.nowMs());
      });
    }
  }

  #removeStrays(): void {
    this.#done('strays', () => {
      if (this.#options.removeStrays()) this.#soon('strays', () => this.#removeStrays());
    });
  }

  #checkpoint(): void {
    const { store, clock, checkpointBytes, copyWal, meters } = this.#options;
    const bytes = store.walBytes();
    meters?.walBytes.set(bytes);
    if (this.#copying || bytes < checkpointBytes || clock.nowMs() < this.#nextCheckpoint) return;
    // A reader in the way, or a full disk, stays for a while: trying again at once would only cost time.
    this.#nextCheckpoint = clock.nowMs() + retryMs;
    if (!copyWal) return this.#finishCheckpoint();
    this.#copying = true;
    // What is written during the first copy is left for the second, and what is written during that, little, for the last.
    copyWal()
      .then(() => copyWal())
      .then(() => this.#done('checkpoint', () => this.#finishCheckpoint()))
      .catch((error: unknown) => this.#report('checkpoint', error))
      .finally(() => {
        this.#copying = false;
      });
  }

  #finishCheckpoint(): void {
    const started = performance.now();
    if (this.#options.store.checkpoint()) this.#nextCheckpoint = 0;
    this.#options.meters?.checkpointSeconds.observe((performance.now() - started) / 1000);
  }

  #soon(work: Work, step: () => void): void {
    setImmediate(() => this.#done(work, step));
  }

  /** Whether a step succeeded. One that fails does not keep the others from being done. */
  #done(work: Work, step: () => void): boolean {
    if (this.#stopped) return false;
    try {
      step();
      return true;
    } catch (error) {
      this.#report(work, error);
      return false;
    }
  }

  #report(work: Work, error: unknown): void {
    const now = this.#options.clock.nowMs();
    if (this.#stopped || now < (this.#reported.get(work) ?? 0)) return;
    this.#reported.set(work, now + reportMs);
    this.#options.failed(error);
  }
}

function scanInterval(definition: TableDefinition): number {
  return Math.max(definition.scanIntervalMs ?? defaultScanMs, 1000);
}

/** The default limits of upkeep. */
export const upkeepDefaults = {
  logRetentionMs: limits.logRetentionMs,
  checkpointBytes: limits.checkpointBytes,
} as const;
