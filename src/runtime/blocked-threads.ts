// Watches for serve threads that something blocks, and says in the log what it was.

import type { Logger } from '../base/index.ts';
import { shared } from './messages.ts';
import type { ServeWorker } from './serve-worker.ts';

/** How often they are looked for, and for how long one must not have moved. */
const watchMs = 500;
const blockedMs = 2_000;

interface Seen {
  readonly beat: number;
  readonly atMs: number;
  readonly reported: boolean;
}

export class BlockedThreads {
  readonly #threads: () => readonly ServeWorker[];
  readonly #beats: Int32Array;
  readonly #log: Logger;
  readonly #seen = new WeakMap<ServeWorker, Seen>();
  readonly #timer: Timer;

  constructor(threads: () => readonly ServeWorker[], beats: Int32Array, log: Logger) {
    this.#threads = threads;
    this.#beats = beats;
    this.#log = log;
    this.#timer = setInterval(() => this.#look(), watchMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = Date.now();
    for (const thread of this.#threads()) {
      const at = shared.threads + 2 * thread.number;
      const beat = Atomics.load(this.#beats, at);
      const seen = this.#seen.get(thread);
      if (seen === undefined || beat !== seen.beat || thread.state !== 'ready') {
        if (seen?.reported) this.#log.warn(`Serve thread ${thread.number} runs again after ${nowMs - seen.atMs} ms.`);
        this.#seen.set(thread, { beat, atMs: nowMs, reported: false });
      } else if (!seen.reported && nowMs - seen.atMs >= blockedMs) {
        this.#seen.set(thread, { ...seen, reported: true });
        const endpoint = thread.endpoints.get(Atomics.load(this.#beats, at + 1)) ?? 'the app';
        this.#log.warn(
          `${endpoint} has blocked serve thread ${thread.number} for ${nowMs - seen.atMs} ms: nothing else is answered there. Make its work asynchronous or shorter.`,
          { endpoint, thread: thread.number },
        );
      }
    }
  }
}
