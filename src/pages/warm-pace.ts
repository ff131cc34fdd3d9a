// How fast the origin is asked while pages are warmed: so many requests in a second, none while it errs, then one to see whether it is back.
//
//   steady ─trouble→ paused ─time is over→ probing ─success→ steady
//                      ↑                      │
//                      └─trouble, twice as long┘

import type { WarmTrouble } from './warm-page.ts';

export interface PaceOptions {
  readonly perSecond: number;
  readonly now: () => number;
  /** Resolves after that time, or earlier when `wake` is called. */
  readonly wait: (ms: number) => Promise<void>;
  readonly wake: () => void;
}

interface Pause {
  readonly why: string;
  readonly untilMs: number;
  /** Pauses in a row. */
  readonly times: number;
  probing: boolean;
}

/** Errors of single pages in a row that count as one of the origin. */
const inARowMost = 3;
/** How long the first pause is, and how long one is at most, in ms. */
const pauseMs = { first: 1_000, most: 60_000 };
/** How long an origin may ask for, in ms. */
const retryAfterMostMs = 3_600_000;
/** Timers are late: this much is made up for, in ms. */
const catchUpMs = 50;
const longestWaitMs = 1_000;

export class WarmPace {
  readonly #options: PaceOptions;
  #pause: Pause | undefined;
  #inARow = 0;
  #nextMs = 0;
  #over = false;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Why nothing is asked for now. */
  get paused(): { readonly why: string; readonly untilMs: number } | undefined {
    return this.#pause;
  }

  get isOver(): boolean {
    return this.#over;
  }

  end(): void {
    this.#over = true;
    this.#options.wake();
  }

  /** Waits for this request's turn. False: it is over. @param hasRoom whether the origin has little enough to do */
  async clearance(hasRoom: () => boolean): Promise<boolean> {
    const { now, wait, perSecond } = this.#options;
    while (!this.#over) {
      const pause = this.#pause;
      const nowMs = now();
      if (pause && (pause.untilMs > nowMs || pause.probing)) {
        await wait(Math.min(longestWaitMs, pause.probing ? longestWaitMs : pause.untilMs - nowMs));
      } else if (!hasRoom()) {
        await wait(catchUpMs);
      } else if (this.#nextMs > nowMs) {
        await wait(this.#nextMs - nowMs);
      } else {
        this.#nextMs = Math.max(nowMs - catchUpMs, this.#nextMs) + 1_000 / perSecond;
        if (pause) pause.probing = true;
        return true;
      }
    }
    return false;
  }

  /** The origin has answered. */
  succeeded(): void {
    this.#inARow = 0;
    if (!this.#pause) return;
    this.#pause = undefined;
    this.#options.wake();
  }

  failed({ extent, why, retryAfterMs }: WarmTrouble): void {
    const before = this.#pause;
    if (extent === 'page' && !before && ++this.#inARow < inARowMost) return;
    const nowMs = this.#options.now();
    // Those under way when it began to err end one after the other: they count once.
    if (before && !before.probing) return;
    const times = (before?.times ?? 0) + 1;
    const backOffMs = Math.min(pauseMs.most, pauseMs.first * 2 ** (times - 1));
    const waitMs = Math.max(backOffMs, Math.min(retryAfterMostMs, retryAfterMs ?? 0));
    this.#pause = { why, untilMs: nowMs + waitMs, times, probing: false };
    this.#options.wake();
  }
}
