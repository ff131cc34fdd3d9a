// How a transaction's own staged writes show in its queries: each table it wrote has a twin on the connection of its snapshot. The planner reads
// the twin's views by name and knows nothing of it.

import type { CatalogEntry } from '../storage/index.ts';
import type { OverlayTable, StagedRecord, Twin, Twins } from './twins.ts';

export class Overlay {
  readonly #twins: Twins;
  readonly #taken = new Map<number, Twin>();

  constructor(twins: Twins) {
    this.#twins = twins;
  }

  /** The table with staged records in place of the stored ones. @param changed those that are other ones than at the last call */
  show(entry: CatalogEntry, changed: readonly StagedRecord[]): OverlayTable {
    const twin = this.#taken.get(entry.number) ?? this.#twins.take(entry);
    this.#taken.set(entry.number, twin);
    if (changed.length > 0) twin.stage(changed);
    return twin.overlay;
  }

  /** Gives the twins to whoever needs one next on this connection. */
  letGo(): void {
    for (const twin of this.#taken.values()) this.#twins.giveBack(twin);
    this.#taken.clear();
  }
}
