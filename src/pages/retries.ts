// When something that failed is tried again, and what is said of it: the pause grows to a limit, and each state of things is told once.

import { ZerohopError } from '../base/index.ts';

export const retryLimits = {
  firstMs: 250,
  longestMs: 60_000,
  /** Of one thing, while other things wait behind it. */
  attempts: 12,
} as const;

export interface Verdict {
  readonly pauseMs: number;
  /** Undefined: it is as it was. */
  readonly said?: 'failed' | 'recovered' | 'given up';
}

export class Retries {
  #failed = 0;
  #told = '';

  succeeded(): Verdict {
    const { firstMs: pauseMs } = retryLimits;
    const hadFailed = this.#failed > 0;
    this.#failed = 0;
    this.#told = '';
    return hadFailed ? { pauseMs, said: 'recovered' } : { pauseMs };
  }

  /** 'given up' is for what would fail for ever: not for a disk that is full, or a store that is busy. */
  failed(error: unknown): Verdict {
    const { firstMs, longestMs, attempts } = retryLimits;
    const isPassing = error instanceof ZerohopError && error.status >= 500;
    const pauseMs = Math.min(firstMs * 2 ** Math.min(++this.#failed, 30), longestMs);
    if (!isPassing && this.#failed >= attempts) {
      this.#failed = 0;
      this.#told = '';
      return { pauseMs: firstMs, said: 'given up' };
    }
    const message = String(error);
    if (message === this.#told) return { pauseMs };
    this.#told = message;
    return { pauseMs, said: 'failed' };
  }
}
