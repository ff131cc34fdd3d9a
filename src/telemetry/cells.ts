// The numbers themselves. Adding to one is a few nanoseconds; everything else happens when a snapshot is taken.

import type { Counter, Gauge, Histogram } from '../base/index.ts';
import type { HistogramSeries, Labels } from './snapshot.ts';

export class NumberCell implements Counter, Gauge {
  #value = 0;

  add(amount: number): void {
    this.#value += amount;
  }

  set(value: number): void {
    this.#value = value;
  }

  get value(): number {
    return this.#value;
  }
}

export class HistogramCell implements Histogram {
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds ascending */
  constructor(bounds: Float64Array) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  get total(): number {
    return this.#counts.reduce((total, count) => total + count, 0);
  }

  series(labels: Labels): HistogramSeries {
    return { labels, counts: [...this.#counts], sum: this.#sum };
  }
}
