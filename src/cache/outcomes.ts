// What the source said of records it gave nothing for: kept for a short time, in memory, bounded.

import type { Clock } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import { rememberedOutcomes } from './limits.ts';
import type { SourceError } from './source.ts';

export type Outcome = { readonly kind: 'missing' } | { readonly kind: 'failed'; readonly error: SourceError };

interface Remembered {
  readonly outcome: Outcome;
  readonly untilMs: number;
  /** The row it was asked with: another one since then makes it void. */
  readonly row: number | null;
}

export class Outcomes {
  readonly #clock: Clock;
  readonly #byId = new Map<Id, Remembered>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param row version of the record's row; null: it has none */
  get(id: Id, row: number | null): Outcome | undefined {
    const remembered = this.#byId.get(id);
    if (remembered === undefined) return undefined;
    if (remembered.untilMs > this.#clock.nowMs() && remembered.row === row) return remembered.outcome;
    this.#byId.delete(id);
    return undefined;
  }

  set(id: Id, row: number | null, outcome: Outcome, forMs: number): void {
    if (forMs <= 0) return;
    this.#byId.delete(id);
    this.#byId.set(id, { outcome, untilMs: this.#clock.nowMs() + forMs, row });
    for (const oldest of this.#byId.keys()) {
      if (this.#byId.size <= rememberedOutcomes) break;
      this.#byId.delete(oldest);
    }
  }

  forget(id: Id): void {
    this.#byId.delete(id);
  }
}
