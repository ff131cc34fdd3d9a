// The writes a transaction has staged in one database, and what they make of the records for its own reads. That is worked out when something is
// read: most transactions write without reading what they wrote.

import { type Json, type JsonObject, parseExact, stringifyExact } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { Change, PatchChange } from '../store/index.ts';
import type { LiveTable } from './table.ts';
import type { StagedRecord } from './twins.ts';
import type { StoredRecord } from './types.ts';

export interface StagedWrite {
  readonly table: LiveTable;
  readonly change: Change;
}

/** A record as the transaction's snapshot has it. */
type Stored = (table: LiveTable, id: Id) => StoredRecord | undefined;

export class StagedWrites {
  readonly writes: StagedWrite[] = [];
  /** How many of them `#records` shows. */
  #applied = 0;
  readonly #records = new Map<LiveTable, Map<Id, StagedRecord>>();
  /** Records that are other ones than `takeChanged` gave. */
  readonly #changed = new Map<LiveTable, Set<Id>>();

  /** What the writes make of a record; undefined when they don't touch it. */
  get(table: LiveTable, id: Id, stored: Stored): StagedRecord | undefined {
    this.#apply(stored);
    return this.#records.get(table)?.get(id);
  }

  /** The records of a table that changed since the last call; undefined when no write touches the table. */
  takeChanged(table: LiveTable, stored: Stored): StagedRecord[] | undefined {
    this.#apply(stored);
    const records = this.#records.get(table);
    if (!records) return undefined;
    const changed = [...(this.#changed.get(table) ?? [])];
    this.#changed.delete(table);
    return changed.flatMap((id) => records.get(id) ?? []);
  }

  /** To be worked out anew, from another snapshot. */
  rebase(): void {
    this.#applied = 0;
    this.#records.clear();
    this.#changed.clear();
  }

  #apply(stored: Stored): void {
    for (; this.#applied < this.writes.length; this.#applied++) {
      const write = this.writes[this.#applied];
      if (!write || write.change.id === null) continue;
      const { table, change } = write;
      const { id } = write.change;
      const records = this.#records.get(table) ?? new Map<Id, StagedRecord>();
      const staged = after(table, id, change, () => records.get(id) ?? stored(table, id));
      if (!staged) continue;
      this.#records.set(table, records.set(id, staged));
      this.#changed.set(table, (this.#changed.get(table) ?? new Set()).add(id));
    }
  }
}

/** A record after a change, as far as can be told before the commit; undefined when the change does nothing to it. */
function after(
  table: LiveTable,
  id: Id,
  change: Change,
  before: () => StagedRecord | StoredRecord | undefined,
): StagedRecord | undefined {
  switch (change.op) {
    case 'index':
      return undefined;
    case 'delete':
      return { id, body: null, expires: null, computed: null, version: 0 };
    case 'put': {
      const created = table.definition.attributes.find(({ role }) => role === 'createdTime');
      const old = created && before();
      const body = created && old?.body ? withCreatedTime(change.body, old.body, created.name) : change.body;
      const computed = change.computed ? stringifyExact(change.computed) : null;
      return { id, body, expires: change.expires, computed, version: 0 };
    }
    case 'patch': {
      const old = before();
      if (!old || old.body === null) return undefined;
      const body = patchedBody(old.body, change);
      const expires = change.expires === undefined ? old.expires : change.expires;
      return { id, body, expires, computed: computedOf(table, body), version: old.version, ...tagged(old) };
    }
  }
}

function tagged({ tag }: StagedRecord | StoredRecord): { readonly tag?: number } | undefined {
  return tag === undefined ? undefined : { tag };
}

/** A replaced record keeps the time it was created. */
function withCreatedTime(body: string, old: string, attribute: string): string {
  const before = parseExact(old) as JsonObject;
  if (!Object.hasOwn(before, attribute)) return body;
  return stringifyExact({ ...(parseExact(body) as JsonObject), [attribute]: before[attribute] });
}

/** What can't be computed is null: the commit will say so. */
function computedOf(table: LiveTable, body: string): string | null {
  const values = table.indexedValues(body, true);
  return values ? stringifyExact(values) : null;
}

/** A record's JSON text after a patch, as this transaction sees it before the store merges it for good. */
export function patchedBody(body: string, { patch }: PatchChange): string {
  const record: Record<string, Json> = { ...(parseExact(body) as JsonObject), ...patch.set };
  for (const [attribute, amount] of Object.entries(patch.add))
    record[attribute] = Number(record[attribute] ?? 0) + amount;
  return stringifyExact(record);
}
