// How far nodes are behind each other, in commits and in seconds: remembers when this node first had what.

import type { Vector } from '../store/index.ts';

interface Sample {
  readonly atMs: number;
  readonly vector: Vector;
}

/** Samples kept; when there are more, every second of the older half goes, so that long times are known roughly. */
const mostSamples = 600;

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
    const half = mostSamples / 2;
    this.#samples = this.#samples.filter((_, index) => index >= half || index % 2 === 0);
  }

  /** What who has `theirs` lacks of an origin of which this node has `ours`. */
  behind(origin: string, theirs: number, ours: number, nowMs: number): Lag {
    if (theirs >= ours) return { commits: 0, seconds: 0 };
    const first = this.#samples.find(({ vector }) => (vector.get(origin) ?? 0) > theirs);
    return { commits: ours - theirs, seconds: first ? Math.max(0, nowMs - first.atMs) / 1000 : 0 };
  }
}
