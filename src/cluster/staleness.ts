// How long this node has lacked what another has on disk: remembers when it first heard of what.

import type { Vector } from '../store/index.ts';
import { union } from '../store/index.ts';
import { LagClock } from './lag.ts';

export class Staleness {
  readonly #databases = new Map<string, { readonly heardOf: LagClock; ours: Vector; theirs: Vector }>();

  /** What this node has of a database, and what each of the others has. To be called about once a second. */
  sample(database: string, ours: Vector, others: readonly Vector[], nowMs: number): void {
    const theirs = others.reduce((all, one) => union(all, one), new Map<string, number>());
    const known = this.#databases.get(database) ?? { heardOf: new LagClock(), ours, theirs };
    known.heardOf.sample(theirs, nowMs);
    this.#databases.set(database, { heardOf: known.heardOf, ours, theirs });
  }

  /** Of the oldest of all that is missing, as of the last sample; 0: nothing is. */
  seconds(nowMs: number): number {
    let most = 0;
    for (const { heardOf, ours, theirs } of this.#databases.values())
      for (const [origin, seq] of theirs)
        most = Math.max(most, heardOf.behind(origin, ours.get(origin) ?? 0, seq, nowMs).seconds);
    return most;
  }
}
