// How far nodes are behind each other, in commits and in seconds: remembers when this node first had what.

import type { Vector } from '../store/index.ts';

interface Sample {
  readonly atMs: number;
  readonly vector: Vector;
}

/** Samples kept; when there are more, those go that are close to each other for their age: long times are known roughly. */
const mostSamples = 600;
/** Of a sample's age, how far from it the next may be. */
const coarseness = 0.05;

export interface Lag {
  readonly commits: number;
  /** Since when the oldest of them has been missing. */
  readonly seconds: number;
}

export class LagClock {
  #samples: Sample[] = [];

  /** What this node has now. To be called about once a second. */
  sample(vector: Vector, atMs: number): void {
    const last = this.#samples.at(-1);
    if (last && [...vector].every(([origin, seq]) => last.vector.get(origin) === seq)) return;
    this.#samples.push({ atMs, vector });
    if (this.#samples.length <= mostSamples) return;
    const kept = this.#samples.slice(0, 1);
    for (const [index, sample] of this.#samples.entries()) {
      const next = this.#samples[index + 1];
      const gapMs = (next?.atMs ?? Number.POSITIVE_INFINITY) - (kept.at(-1)?.atMs ?? 0);
      if (index > 0 && gapMs > coarseness * (atMs - (next?.atMs ?? atMs))) kept.push(sample);
    }
    this.#samples = kept;
  }

  /** What who has `theirs` lacks of an origin of which this node has `ours`. */
  behind(origin: string, theirs: number, ours: number, nowMs: number): Lag {
    if (theirs >= ours) return { commits: 0, seconds: 0 };
    const first = this.#samples.find(({ vector }) => (vector.get(origin) ?? 0) > theirs);
    return { commits: ours - theirs, seconds: first ? Math.max(0, nowMs - first.atMs) / 1000 : 0 };
  }
}
