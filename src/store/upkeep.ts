// What the store does by itself, in small steps between commits: removes expired records, old log entries and tombstones, and
// unreferenced blobs, and moves the WAL into the database file.

import { type Clock, limits } from '../base/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import type { StoreMeters } from './commit-queue.ts';
import type { Store } from './store.ts';

export interface UpkeepOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logRetentionMs: number;
  readonly checkpointBytes: number;
  /** Removes the bytes of blobs. */
  readonly removeBlobs: (ids: readonly string[]) => void;
  /** Called after records were removed, so that readers notice. */
  readonly changed: () => void;
  /** Copies most of the WAL from another thread, so that the final checkpoint here is short; absent: the final one does it all. */
  readonly copyWal?: () => Promise<void>;
  readonly failed: (error: unknown) => void;
  readonly meters?: StoreMeters;
}

/** Rows per step: a step is one short transaction. */
const stepRows = 500;
/** How often a table without a scan interval of its own is scanned for records that carry their own expiry. */
const defaultScanMs = 60_000;
const trimIntervalMs = 60_000;
/** How long after a checkpoint that could not finish the next is tried. */
const checkpointRetryMs = 2_000;
/** How long an unreferenced blob stays, for readers who just learned of it. */
export const blobGraceMs = 60_000;

export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #timer: Timer;
  readonly #nextScan = new Map<string, number>();
  #nextTrim = 0;
  #copying = false;
  #nextCheckpoint = 0;
  #trimming = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#nextTrim = options.clock.nowMs() + trimIntervalMs;
    this.#timer = setInterval(() => this.#tick(), 200);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Does what is due at the clock's time. Called by the timer; tests call it after moving the clock. */
  runDue(): void {
    const now = this.#options.clock.nowMs();
    for (const { entry } of this.#options.store.tables.values()) {
      const { name } = entry.definition;
      const due =
        this.#nextScan.get(name) ?? now + scanInterval(entry.definition) - (now % scanInterval(entry.definition));
      if (now >= due) this.#sweep(entry.definition, now);
      this.#nextScan.set(name, now >= due ? now + scanInterval(entry.definition) : due);
    }
    if (now >= this.#nextTrim) this.#trim(now);
    this.#checkpoint();
  }

  #tick(): void {
    try {
      this.runDue();
    } catch (error) {
      this.#options.failed(error);
    }
  }

  #sweep(definition: TableDefinition, now: number): void {
    const removed = this.#options.store.sweep(definition.name, now - (definition.evictionMs ?? 0), stepRows);
    if (removed > 0) this.#options.changed();
    if (removed === stepRows) this.#soon(() => this.#sweep(definition, now));
  }

  #trim(now: number): void {
    const { store, logRetentionMs, removeBlobs } = this.#options;
    this.#nextTrim = now + trimIntervalMs;
    const removed = store.trim((now - logRetentionMs) * 1000, stepRows);
    const blobs = store.collectBlobs(now - blobGraceMs, stepRows);
    if (blobs.length > 0) removeBlobs(blobs);
    if ((removed >= stepRows || blobs.length === stepRows) && !this.#trimming) {
      this.#trimming = true;
      this.#soon(() => {
        this.#trimming = false;
        this.#trim(this.#options.clock.nowMs());
      });
    }
  }

  #checkpoint(): void {
    const { store, checkpointBytes, copyWal, meters } = this.#options;
    const bytes = store.walBytes();
    meters?.walBytes.set(bytes);
    if (this.#copying || bytes < checkpointBytes || this.#options.clock.nowMs() < this.#nextCheckpoint) return;
    if (!copyWal) return this.#finishCheckpoint();
    this.#copying = true;
    // What is written during the first copy is left for the second, and what is written during that, little, for the last.
    copyWal()
      .then(() => copyWal())
      .then(() => this.#finishCheckpoint())
      .catch((error: unknown) => this.#options.failed(error))
      .finally(() => {
        this.#copying = false;
      });
  }

  #finishCheckpoint(): void {
    const started = performance.now();
    // A reader in the way stays for a while: trying again at once would only cost time.
    if (!this.#options.store.checkpoint()) this.#nextCheckpoint = this.#options.clock.nowMs() + checkpointRetryMs;
    this.#options.meters?.checkpointSeconds.observe((performance.now() - started) / 1000);
  }

  #soon(step: () => void): void {
    setImmediate(() => {
      try {
        step();
      } catch (error) {
        this.#options.failed(error);
      }
    });
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
