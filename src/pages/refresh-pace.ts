// How fast pages are fetched that nobody waits for. Many that grow stale at once, as when an origin is back, leave time for requests; one that
// will soon be too old to be served is not held back.

import type { PageTimes } from './types.ts';

/** Time for each, in ms; and how far ahead of it they may be. */
const eachMs = 2;
const aheadMs = 10;
/** Last part of the time a page may be served stale. */
const urgentPart = 0.25;

export class RefreshPace {
  /** When what was begun would be done at an even pace. */
  #dueMs = 0;

  /** Whether a fetch of this page would have to wait. */
  isSpent({ freshUntilMs, revalidateUntilMs }: PageTimes, nowMs: number): boolean {
    if (this.#dueMs - nowMs <= aheadMs) return false;
    return revalidateUntilMs - nowMs > (revalidateUntilMs - freshUntilMs) * urgentPart;
  }

  begun(nowMs: number): void {
    this.#dueMs = Math.max(this.#dueMs, nowMs) + eachMs;
  }
}
