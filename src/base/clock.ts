// Time, handed in so that tests move it.
//
// A version is a hybrid logical clock in whole microseconds since 1970: at least the local time, and always more than
// every version seen before (Kulkarni et al., "Logical Physical Clocks", 2014). It fits a double until 2255.

import { ZerohopError } from './errors.ts';

export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

export class HybridClock {
  readonly #clock: Clock;
  readonly #maxDriftMs: number;
  #last = 0;

  /** @param maxDriftMs how far ahead of local time a stamp from elsewhere may be */
  constructor(clock: Clock, maxDriftMs: number) {
    this.#clock = clock;
    this.#maxDriftMs = maxDriftMs;
  }

  /** A version greater than every one made or observed so far, in microseconds. */
  next(): number {
    this.#last = Math.max(this.#last + 1, this.#clock.nowMs() * 1000);
    return this.#last;
  }

  /** Takes note of a version made elsewhere or read from disk. Throws `INVALID_REQUEST` when it is too far ahead. */
  observe(version: number): void {
    const aheadMs = version / 1000 - this.#clock.nowMs();
    if (aheadMs > this.#maxDriftMs) {
      throw new ZerohopError(
        'INVALID_REQUEST',
        `A version is ${Math.round(aheadMs)} ms ahead of this node's clock. Check the clocks of both nodes.`,
      );
    }
    if (version > this.#last) this.#last = version;
  }

  /** Continues after a version this node stored itself, however far ahead it is: never backwards. */
  resume(version: number): void {
    if (version > this.#last) this.#last = version;
  }
}
