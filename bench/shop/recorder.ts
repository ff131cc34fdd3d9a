// Requests of one run → figures. Requests are counted that begin in the measured time, however late they are answered; so a server that answers
// late cannot hide it.

import type { ErrorKind, LoadFigures } from './load-figures.ts';
import { summarise } from './percentiles.ts';

export class Recorder {
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #latenciesMs: number[] = [];
  readonly #errors: Record<ErrorKind, number> = { connect: 0, closed: 0, status: 0, protocol: 0, unfinished: 0 };
  #answeredInTime = 0;

  /** Measures from `fromMs` to before `toMs`, on the clock of `sentMs`. */
  constructor(fromMs: number, toMs: number) {
    this.#fromMs = fromMs;
    this.#toMs = toMs;
  }

  answered(sentMs: number, nowMs: number, status: number): void {
    if (nowMs >= this.#fromMs && nowMs < this.#toMs && status < 400) this.#answeredInTime++;
    if (!this.#counts(sentMs)) return;
    this.#latenciesMs.push(nowMs - sentMs);
    if (status >= 400) this.#errors.status++;
  }

  /** A request that is never answered; its latency is the time it was waited for. */
  failed(kind: ErrorKind, sentMs: number, nowMs: number): void {
    if (!this.#counts(sentMs)) return;
    this.#errors[kind]++;
    if (kind === 'unfinished') this.#latenciesMs.push(nowMs - sentMs);
  }

  figures(generatorCores: number): LoadFigures {
    return {
      requests: this.#latenciesMs.length - this.#errors.unfinished,
      perSecond: this.#answeredInTime / ((this.#toMs - this.#fromMs) / 1000),
      ...summarise(this.#latenciesMs),
      errors: { ...this.#errors },
      generatorCores,
    };
  }

  #counts(sentMs: number): boolean {
    return sentMs >= this.#fromMs && sentMs < this.#toMs;
  }
}
