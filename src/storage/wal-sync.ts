// Makes commits durable without blocking the thread: one asynchronous fdatasync of the WAL at a time, for every commit that
// waits. SQLite with synchronous=NORMAL appends a commit to the WAL without syncing; this supplies the sync.
//
// A file that somebody has deleted takes writes and syncs as before, and all of it is gone when the process ends: once that is so, nothing
// is durable any more.

import { closeSync, fdatasync, fstatSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

interface Waiting {
  readonly done: () => void;
  readonly lost: () => void;
}

export class WalSync {
  readonly #path: string;
  #descriptor: number | undefined;
  #waiting: Waiting[] = [];
  #isGone = false;
  #afterwards: (() => void)[] = [];
  #syncing = false;
  #closed = false;
  readonly #failed: (error: Error) => void;
  readonly #measured: (ms: number) => void;

  /**
   * @param failed called when the disk refuses a sync: what was committed may or may not be on disk, so the process has to end
   * @param measured told the duration of each sync in ms
   */
  constructor(databasePath: string, failed: (error: Error) => void, measured: (ms: number) => void = () => {}) {
    this.#path = `${databasePath}-wal`;
    this.#failed = failed;
    this.#measured = measured;
  }

  /** Whether the file was found to be deleted. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Calls `done` when everything committed so far is on disk; `lost`, when the file is no longer in a folder: never will it be. */
  whenDurable(done: () => void, lost: () => void = () => {}): void {
    if (this.#isGone) return void setImmediate(lost);
    this.#waiting.push({ done, lost });
    if (!this.#syncing) this.#start();
  }

  /** Calls `done` when the sync that is under way has ended, or at once. */
  whenFree(done: () => void): void {
    if (this.#syncing) this.#afterwards.push(done);
    else done();
  }

  /** Lets go of the file, once the sync that is under way has ended. */
  close(): void {
    this.#closed = true;
    if (this.#syncing) return;
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #start(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#syncing = true;
    const started = performance.now();
    let descriptor: number;
    try {
      descriptor = this.#open();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return this.#failed(error as Error);
      this.#syncing = false;
      return this.#lose(batch);
    }
    fdatasync(descriptor, (error) => {
      this.#measured(performance.now() - started);
      this.#syncing = false;
      if (error) return this.#failed(error);
      if (fstatSync(descriptor).nlink === 0) this.#lose(batch);
      else for (const { done } of batch) done();
      for (const done of this.#afterwards.splice(0)) done();
      if (this.#waiting.length > 0) this.#start();
      else if (this.#closed) this.close();
    });
  }

  #lose(batch: readonly Waiting[]): void {
    this.#isGone = true;
    for (const { lost } of [...batch, ...this.#waiting.splice(0)]) setImmediate(lost);
  }

  #open(): number {
    if (this.#descriptor !== undefined) return this.#descriptor;
    const descriptor = openSync(this.#path, 'r+');
    // The name of a new file is durable only when its folder is.
    const folder = openSync(dirname(this.#path), 'r');
    fsyncSync(folder);
    closeSync(folder);
    this.#descriptor = descriptor;
    return descriptor;
  }
}
