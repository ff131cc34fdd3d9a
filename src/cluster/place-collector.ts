// Takes back entries of places whose records are gone: deleted, and the deletion no longer kept anywhere. The first home of a record does it, when every
// other member has said that it has nothing of it. Nobody can be on the way with one: it would be at its sender for longer than the question takes.

import type { Id } from '../records/index.ts';
import type { StoreEngine } from '../store/index.ts';
import { askingLimits, type Question, type Reply } from './asking.ts';
import type { Members } from './members.ts';
import type { Placement } from './placement.ts';
import { partsOf } from './places.ts';
import type { Residency } from './residency.ts';

export interface PlaceCollectorOptions {
  readonly engine: StoreEngine;
  readonly node: string;
  readonly members: Members;
  readonly residency: Residency;
  /** Rejects with `Unanswered`. */
  readonly ask: (member: string, question: Question, waitMs: number) => Promise<Reply>;
  readonly nowMs: () => number;
}

interface Gone {
  readonly id: Id;
  readonly key: string;
  readonly version: number;
}

export class PlaceCollector {
  readonly #options: PlaceCollectorOptions;
  readonly #after = new Map<string, number>();
  #nextMs: number;

  constructor(options: PlaceCollectorOptions) {
    this.#options = options;
    this.#nextMs = options.nowMs() + askingLimits.forgetMs;
  }

  /** Looks at some entries, if it is time. Rejects with `Unanswered` while a member is away: then it is tried again later. */
  async step(placement: Placement): Promise<void> {
    const { nowMs, residency } = this.#options;
    if (nowMs() < this.#nextMs) return;
    // Unless there are more.
    this.#nextMs = nowMs() + askingLimits.forgetMs;
    for (const database of new Set(placement.tablesByRecord.map((name) => partsOf(name)[0]))) {
      const entries = residency.places.after(database, this.#after.get(database) ?? 0, askingLimits.forgetEntries);
      for (const name of placement.tablesByRecord)
        if (partsOf(name)[0] === database) await this.#forget(placement, name, entries);
      const isLast = entries.length < askingLimits.forgetEntries;
      this.#after.set(database, isLast ? 0 : (entries.at(-1)?.row ?? 0));
      if (!isLast) this.#nextMs = nowMs();
    }
  }

  async #forget(
    placement: Placement,
    name: string,
    entries: readonly { readonly key: string; readonly version: number }[],
  ): Promise<void> {
    const { engine, node, members, residency, ask } = this.#options;
    const [database, table] = partsOf(name);
    const store = engine.store(database);
    let gone = entries.flatMap(({ key, version }): Gone[] => {
      const id = residency.places.idIn(table, key);
      if (id === undefined || placement.homes(name, id)[0] !== node) return [];
      return (store?.readThese(table, [id]).length ?? 0) > 0 ? [] : [{ id, key, version }];
    });
    if (gone.length === 0) return;
    // At once: what one has sent another meanwhile, it still has when it answers.
    const question: Question = { type: 'absent', database, table, ids: gone.map(({ id }) => id) };
    const others = members.othersWith(database);
    for (const reply of await Promise.all(others.map((member) => ask(member, question, askingLimits.readMs)))) {
      if (reply.type !== 'absent') return;
      const absent = new Set(reply.ids);
      gone = gone.filter(({ id }) => absent.has(id));
    }
    for (const { id, key, version } of gone) {
      if ((store?.readThese(table, [id]).length ?? 0) > 0) continue;
      const changes = [residency.places.removal(key, version)];
      // Where it was written anew meanwhile, it stays.
      await new Promise<void>((done) => engine.submitHere({ database, changes }, () => done()));
    }
  }
}
