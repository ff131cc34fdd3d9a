// Counts that all threads of a node share, in a table of fixed size: failed attempts to sign in, which make the next one wait, and requests
// of this minute. A place in the table is found by a hash with a seed of the process; who share a place share a count, which can only
// make a limit stricter.

import { assert, type Clock, limits, ZerohopError } from '../base/index.ts';

const places = 8_192;
/** Two numbers per place: a count, and when it began or was last raised, in s. */
const bytes = 2 * places * 4 + 8;
assert(bytes <= limits.sharedAttemptsBytes, 'what threads share of attempts fits');

/** Failures are forgotten when there was none for as long, in s. */
const forgottenS = 900;

/** Something that attempts are counted by. `free`: failures without a wait; each one after that doubles it. */
export interface Counted {
  readonly key: string;
  readonly free: number;
  /** The longest wait, in s. */
  readonly longestS: number;
}

export class Attempts {
  readonly #cells: Int32Array;
  readonly #clock: Clock;
  readonly #seed: number;

  /** @param memory shared by the threads of a node: `limits.sharedAttemptsBytes` */
  constructor(memory: SharedArrayBuffer | undefined, clock: Clock) {
    this.#cells = new Int32Array(memory ?? new SharedArrayBuffer(limits.sharedAttemptsBytes));
    this.#clock = clock;
    const at = 2 * places;
    // The first to come chooses the seed.
    Atomics.compareExchange(this.#cells, at, 0, (crypto.getRandomValues(new Int32Array(1))[0] ?? 1) | 1);
    this.#seed = Atomics.load(this.#cells, at);
  }

  /** Throws TOO_MANY_REQUESTS when one of `keys` has failed too often lately. */
  demandFew(keys: readonly Counted[]): void {
    const waitS = Math.max(...keys.map((key) => this.waitS(key)));
    if (waitS <= 0) return;
    throw new ZerohopError('TOO_MANY_REQUESTS', `Too many attempts to sign in have failed. Try again in ${waitS} s.`, {
      retryAfterSeconds: waitS,
    });
  }

  /** How long whoever is behind `key` must wait before the next attempt, in s. */
  waitS({ key, free, longestS }: Counted): number {
    const at = this.#placeOf(`failed ${key}`);
    const failures = Atomics.load(this.#cells, at);
    if (failures < free) return 0;
    return Atomics.load(this.#cells, at + 1) + Math.min(longestS, 2 ** Math.min(failures - free, 20)) - this.#nowS();
  }

  failed(keys: readonly Counted[]): void {
    const now = this.#nowS();
    for (const { key } of keys) {
      const at = this.#placeOf(`failed ${key}`);
      if (now - Atomics.load(this.#cells, at + 1) > forgottenS) Atomics.store(this.#cells, at, 0);
      Atomics.add(this.#cells, at, 1);
      Atomics.store(this.#cells, at + 1, now);
    }
  }

  succeeded({ key }: Counted): void {
    Atomics.store(this.#cells, this.#placeOf(`failed ${key}`), 0);
  }

  /** One more request of `key` in this minute: how many there were, and when the next minute begins, in s. */
  count(key: string): { readonly requests: number; readonly resetS: number } {
    const at = this.#placeOf(`requests ${key}`);
    const now = this.#nowS();
    const minute = Math.floor(now / 60);
    if (Atomics.exchange(this.#cells, at + 1, minute) !== minute) Atomics.store(this.#cells, at, 0);
    return { requests: Atomics.add(this.#cells, at, 1) + 1, resetS: 60 - (now % 60) };
  }

  #nowS(): number {
    return Math.floor(this.#clock.nowMs() / 1000);
  }

  #placeOf(key: string): number {
    return 2 * Number(Bun.hash.xxHash32(key, this.#seed >>> 0) % places);
  }
}
