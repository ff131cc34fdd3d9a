// What the client saw → figures of every second of the drill, by the time requests were due, and of longer spans.

import { percentile } from '../shop/percentiles.ts';
import type { Source } from './answer.ts';

export interface Figures {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Answered 400 or above, wrongly, or not at all. */
  readonly errors: number;
  readonly sources: Readonly<Record<Source, number>>;
  /** Pages older than their rule allows. */
  readonly tooOld: number;
  /** The oldest page that came, in seconds. */
  readonly oldestSeconds: number;
}

export class Seconds {
  readonly #latenciesMs: number[][];
  readonly #sources: Record<Source, number>[];
  readonly #errors: number[];
  readonly #tooOld: number[];
  readonly #oldestMs: number[];

  constructor(count: number) {
    const zeros = () => Array.from({ length: count }, () => 0);
    this.#latenciesMs = Array.from({ length: count }, () => []);
    this.#sources = Array.from({ length: count }, () => ({ fresh: 0, stale: 0, origin: 0 }));
    [this.#errors, this.#tooOld, this.#oldestMs] = [zeros(), zeros(), zeros()];
  }

  /** @param latencyMs from when it was due */
  answered(second: number, latencyMs: number, source: Source, ageMs: number, mostMs: number): void {
    this.#latenciesMs[second]?.push(latencyMs);
    const sources = this.#sources[second];
    if (sources) sources[source]++;
    if (ageMs > mostMs) this.#tooOld[second] = (this.#tooOld[second] ?? 0) + 1;
    this.#oldestMs[second] = Math.max(this.#oldestMs[second] ?? 0, ageMs);
  }

  /** Its latency counts too: that is how long the client waited for nothing. */
  failed(second: number, latencyMs: number): void {
    this.#latenciesMs[second]?.push(latencyMs);
    this.#errors[second] = (this.#errors[second] ?? 0) + 1;
  }

  /** Of the seconds from `from` to before `to`. */
  figures(from: number, to: number): Figures {
    const latencies = Float64Array.from(this.#latenciesMs.slice(from, to).flat()).sort();
    const total = (of: readonly number[]) => of.slice(from, to).reduce((sum, value) => sum + value, 0);
    const sources = this.#sources.slice(from, to);
    const came = (source: Source) => sources.reduce((sum, one) => sum + one[source], 0);
    return {
      requests: latencies.length,
      p50Ms: percentile(latencies, 50),
      p95Ms: percentile(latencies, 95),
      p99Ms: percentile(latencies, 99),
      maxMs: percentile(latencies, 100),
      errors: total(this.#errors),
      sources: { fresh: came('fresh'), stale: came('stale'), origin: came('origin') },
      tooOld: total(this.#tooOld),
      oldestSeconds: Math.max(0, ...this.#oldestMs.slice(from, to)) / 1000,
    };
  }
}
