// Leaves a failing source alone for a while: all threads of a node together. Pure but for the clock that is handed in, and the shared memory.
//
//   closed ──failures in a row──▶ open ──retryMs──▶ half-open (one call) ──success──▶ closed
//                                  ▲                    │
//                                  └──────failure───────┘

import { assert, type Clock, limits, sharedFlightsBytes } from '../base/index.ts';

/** Sources that have a breaker of their own; others share one. */
const places = 512;
/** In ms since 1970: until when the source is left alone; until when one call has the sole right to try it. */
const timesOfPlace = 2;
const timesBytes = places * timesOfPlace * 8;

assert(
  sharedFlightsBytes + timesBytes + 2 * places * 4 <= limits.sharedSourcesBytes,
  'what threads share of sources fits',
);

/** What breakers of the same source in all threads know together. */
export class BreakerMemory {
  readonly #times: BigInt64Array;
  readonly #failures: Int32Array;
  /** Whose each place is, by the hash of the name; 0: nobody's. */
  readonly #owners: Int32Array;

  /** @param buffer of all that threads share of sources: breakers come after flights */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(limits.sharedSourcesBytes)) {
    this.#times = new BigInt64Array(buffer, sharedFlightsBytes, places * timesOfPlace);
    this.#failures = new Int32Array(buffer, sharedFlightsBytes + timesBytes, places);
    this.#owners = new Int32Array(buffer, sharedFlightsBytes + timesBytes + places * 4, places);
  }

  placeOf(name: string): BreakerPlace {
    const hash = Bun.hash.xxHash32(name) | 1;
    const first = Math.abs(hash) % places;
    let place = first;
    for (let tries = 0; tries < places; tries++) {
      place = (first + tries) % places;
      const owner = Atomics.compareExchange(this.#owners, place, 0, hash);
      if (owner === 0 || owner === hash) break;
    }
    const from = place * timesOfPlace;
    return {
      times: this.#times.subarray(from, from + timesOfPlace),
      failures: this.#failures.subarray(place, place + 1),
    };
  }
}

export interface BreakerPlace {
  readonly times: BigInt64Array;
  /** In a row. */
  readonly failures: Int32Array;
}

export interface BreakerOptions {
  readonly failures: number;
  readonly retryMs: number;
  /** How long a call that tries the source has the sole right to: its thread may end before it does. */
  readonly trialMs: number;
}

const openUntil = 0;
const tryingUntil = 1;

export class Breaker {
  readonly #clock: Clock;
  readonly #options: BreakerOptions;
  readonly #place: BreakerPlace;

  constructor(clock: Clock, options: BreakerOptions, place: BreakerPlace) {
    this.#clock = clock;
    this.#options = options;
    this.#place = place;
  }

  /** Whether the source may be called now. A yes must be followed by `succeeded`, `failed` or `withdrawn`. */
  admit(): boolean {
    const { times, failures } = this.#place;
    if (Atomics.load(failures, 0) < this.#options.failures) return true;
    const nowMs = this.#clock.nowMs();
    if (nowMs < Number(Atomics.load(times, openUntil))) return false;
    const trying = Atomics.load(times, tryingUntil);
    if (nowMs < Number(trying)) return false;
    const until = BigInt(Math.ceil(nowMs + this.#options.trialMs));
    return Atomics.compareExchange(times, tryingUntil, trying, until) === trying;
  }

  succeeded(): void {
    Atomics.store(this.#place.failures, 0, 0);
    this.withdrawn();
  }

  failed(): void {
    const { times, failures } = this.#place;
    const inRow = Atomics.add(failures, 0, 1) + 1;
    // Before another may try it.
    if (inRow >= this.#options.failures)
      Atomics.store(times, openUntil, BigInt(Math.ceil(this.#clock.nowMs() + this.#options.retryMs)));
    this.withdrawn();
  }

  /** It was not called after all. */
  withdrawn(): void {
    Atomics.store(this.#place.times, tryingUntil, 0n);
  }

  /** When it may be tried again, in ms from now. */
  get retryInMs(): number {
    return Math.max(0, Number(Atomics.load(this.#place.times, openUntil)) - this.#clock.nowMs());
  }
}
