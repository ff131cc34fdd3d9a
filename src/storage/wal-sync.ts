// Makes commits durable without blocking the thread: one asynchronous fdatasync of the WAL at a time, for every commit that
// waits. SQLite with synchronous=NORMAL appends a commit to the WAL without syncing; this supplies the sync.

import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

export class WalSync {
  readonly #path: string;
  #descriptor: number | undefined;
  #waiting: (() => void)[] = [];
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

  /** Calls `done` when everything committed so far is on disk. */
  whenDurable(done: () => void): void {
    this.#waiting.push(done);
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
      return this.#failed(error as Error);
    }
    fdatasync(descriptor, (error) => {
      this.#measured(performance.now() - started);
      this.#syncing = false;
      if (error) return this.#failed(error);
      for (const done of batch) done();
      for (const done of this.#afterwards.splice(0)) done();
      if (this.#waiting.length > 0) this.#start();
      else if (this.#closed) this.close();
    });
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
