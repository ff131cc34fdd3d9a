// Leaves a failing source alone for a while. Pure but for the clock that is handed in.
//
//   closed ──failures in a row──▶ open ──retryMs──▶ half-open (one call) ──success──▶ closed
//                                  ▲                    │
//                                  └──────failure───────┘

import type { Clock } from '../base/index.ts';

export class Breaker {
  readonly #clock: Clock;
  readonly #failures: number;
  readonly #retryMs: number;
  #failed = 0;
  #openUntilMs = 0;
  #isTrying = false;

  constructor(clock: Clock, failures: number, retryMs: number) {
    this.#clock = clock;
    this.#failures = failures;
    this.#retryMs = retryMs;
  }

  /** Whether the source may be called now. A yes must be followed by `succeeded`, `failed` or `withdrawn`. */
  admit(): boolean {
    if (this.#failed < this.#failures) return true;
    if (this.#isTrying || this.#clock.nowMs() < this.#openUntilMs) return false;
    this.#isTrying = true;
    return true;
  }

  succeeded(): void {
    this.#failed = 0;
    this.#isTrying = false;
  }

  failed(): void {
    this.#failed++;
    this.#isTrying = false;
    if (this.#failed >= this.#failures) this.#openUntilMs = this.#clock.nowMs() + this.#retryMs;
  }

  /** It was not called after all. */
  withdrawn(): void {
    this.#isTrying = false;
  }

  /** When it may be tried again, in ms from now. */
  get retryInMs(): number {
    return Math.max(0, this.#openUntilMs - this.#clock.nowMs());
  }
}
