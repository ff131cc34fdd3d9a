// A transaction of one request or task: reads from one snapshot per database plus its own staged writes; writes happen together at commit.

import { type Clock, type JsonObject, limits, ZerohopError } from '../base/index.ts';
import type { Query, WatchTest } from '../query/index.ts';
import { type Id, tagOf } from '../records/index.ts';
import { quoted } from '../storage/index.ts';
import type { Change, Confirmation, FetchedRecord, StoreClient, StoreTransaction, Written } from '../store/index.ts';
import { Overlay } from './overlay.ts';
import type { ReadSet } from './read-set.ts';
import type { DatabaseReader } from './reader.ts';
import type { CachedRecord } from './record-cache.ts';
import { explainTable, type SearchContext, searchTable } from './search.ts';
import type { Snapshot } from './snapshots.ts';
import { patchedBody, type StagedWrite, StagedWrites } from './staged-writes.ts';
import type { LiveTable } from './table.ts';
import type { StagedRecord } from './twins.ts';
import type {
  CommittedWrite,
  PatchOptions,
  SearchResult,
  StoredRecord,
  Table,
  Transaction,
  WriteOptions,
} from './types.ts';

export interface TransactionOptions {
  readonly clock: Clock;
  readonly client: StoreClient;
  /** Rows a query may visit without an index. */
  readonly scanRows: number;
  readonly tables: (database: string, name: string) => LiveTable | undefined;
  /** Is given what the transaction reads. */
  readonly reads?: ReadSet;
  /** Told when the transaction begins and ends, which it does again when it is used after a commit; to count those open. */
  readonly counted?: (difference: 1 | -1) => void;
}

interface Part {
  readonly database: string;
  readonly reader: DatabaseReader;
  snapshot: Snapshot | undefined;
  staged: StagedWrites;
  /** Tags the caller insists on. */
  insisted: [string, Id, number | null][];
  overlay: Overlay | undefined;
}

/** How often a patch of a record whose indexes hold what a function of the app computes is tried again when another write came between. */
const recomputeAttempts = 200;

export class LiveTransaction implements Transaction {
  readonly #options: TransactionOptions;
  readonly #parts = new Map<string, Part>();
  #state: Transaction['state'] = 'open';
  #isCounted = false;

  constructor(options: TransactionOptions) {
    this.#options = options;
    this.#count(true);
  }

  get state(): Transaction['state'] {
    return this.#state;
  }

  get hasWrites(): boolean {
    for (const part of this.#parts.values()) if (part.staged.writes.length > 0) return true;
    return false;
  }

  get(table: Table, id: Id): StoredRecord | undefined {
    const live = table as LiveTable;
    const part = this.#part(live);
    const staged = part.staged.get(live, id, this.#stored(part));
    if (staged) return this.#asStored(staged);
    const snapshot = this.#snapshot(part);
    const record = part.reader.get(snapshot, live.entry, id);
    if (this.#options.reads) noteRead(this.#options.reads, part.reader, snapshot, live, id, record);
    return record;
  }

  search(table: Table, query: Query): SearchResult {
    const live = table as LiveTable;
    const part = this.#part(live);
    return searchTable(this.#searchContext(part), live, query);
  }

  explain(table: Table, query: Query): JsonObject {
    const live = table as LiveTable;
    return explainTable(this.#searchContext(this.#part(live)), live, query);
  }

  put(
    table: Table,
    id: Id | undefined,
    record: Readonly<Record<string, unknown>>,
    options: WriteOptions = {},
  ): Id | null {
    const live = table as LiveTable;
    const encoded = live.encoder.encode(record, {
      nowMs: this.#options.clock.nowMs(),
      id,
      expires: options.expiresAt,
      updatedMs: options.updatedMs,
    });
    const computed = live.indexedValues(encoded.body);
    this.#stage(live, {
      op: 'put',
      table: live.definition.name,
      id: encoded.id,
      body: encoded.body,
      expires: encoded.expires,
      ...(computed && { computed }),
      ...(options.if && { if: options.if }),
    });
    return encoded.id;
  }

  patch(table: Table, id: Id, changes: Readonly<Record<string, unknown>>, options: PatchOptions = {}): void {
    const live = table as LiveTable;
    const encoded = live.encoder.patch(changes, {
      id,
      nowMs: this.#options.clock.nowMs(),
      add: options.add,
      expires: options.expiresAt,
    });
    this.#stage(live, {
      op: 'patch',
      table: live.definition.name,
      id,
      patch: encoded.patch,
      ...(options.minimum && { minimum: options.minimum }),
      ...(encoded.expires !== undefined && { expires: encoded.expires }),
      ...(options.if && { if: options.if }),
    });
  }

  delete(table: Table, id: Id, options: WriteOptions = {}): void {
    const live = table as LiveTable;
    this.#stage(live, { op: 'delete', table: live.definition.name, id, ...(options.if && { if: options.if }) });
  }

  suppose(table: Table, id: Id, { body, expires }: FetchedRecord): void {
    const live = table as LiveTable;
    const computed = live.indexedValues(body);
    this.#stage(live, { op: 'put', table: live.definition.name, id, body, expires, ...(computed && { computed }) });
  }

  insist(table: Table, id: Id, tag: number | null): void {
    const live = table as LiveTable;
    this.#part(live).insisted.push([live.definition.name, id, tag]);
  }

  async commit(confirm?: Confirmation): Promise<readonly CommittedWrite[]> {
    this.#mustBeUsable();
    const parts = [...this.#parts.values()].filter((part) => part.staged.writes.length + part.insisted.length > 0);
    const written = parts.map((part) => ({ part, writes: part.staged.writes, insisted: part.insisted }));
    this.#letGo();
    this.#state = 'committed';
    const results = await Promise.all(
      written.map(({ part, writes, insisted }) => this.#commitPart(part, writes, insisted, confirm)),
    );
    return results.flat();
  }

  abort(): void {
    if (this.#state === 'aborted') return;
    this.#letGo();
    this.#state = 'aborted';
  }

  resetReadSnapshot(): void {
    for (const part of this.#parts.values()) this.#releaseSnapshot(part);
  }

  async #commitPart(
    part: Part,
    writes: readonly StagedWrite[],
    insisted: Part['insisted'],
    confirm: Confirmation | undefined,
  ): Promise<CommittedWrite[]> {
    for (let attempt = 1; ; attempt++) {
      const transaction = { ...this.#storeTransaction(part, writes, insisted), ...(confirm && { confirm }) };
      try {
        const written = await this.#options.client.commit(transaction);
        return written.map((one: Written, index) => ({ ...one, table: (writes[index] as StagedWrite).table }));
      } catch (error) {
        // Only the reads this file added can have been overtaken: the caller's own preconditions are refused with other fields.
        const overtaken = error instanceof ZerohopError && error.fields.reads === true && attempt < recomputeAttempts;
        if (!overtaken || insisted.length > 0) throw error;
      }
    }
  }

  /** Patches of records whose indexes hold what a function of the app computes carry the new values and insist on the version they were computed from. */
  #storeTransaction(part: Part, writes: readonly StagedWrite[], insisted: Part['insisted']): StoreTransaction {
    const reads = [...insisted];
    const latest = new Map<LiveTable, Map<Id, string | null>>();
    const changes = writes.map(({ table, change }): Change => {
      if (!table.indexNeedsApp || change.id === null) return change;
      const known = latest.get(table) ?? new Map<Id, string | null>();
      latest.set(table, known);
      if (change.op === 'put') known.set(change.id, change.body);
      if (change.op === 'delete') known.set(change.id, null);
      if (change.op !== 'patch') return change;
      let before = known.get(change.id);
      if (before === undefined) {
        const stored = part.reader.getLatest(table.entry, change.id);
        reads.push([table.definition.name, change.id, stored ? tagOf(stored) : null]);
        before = stored?.body ?? null;
      }
      // The store will say that there is nothing to change.
      if (before === null) return change;
      const after = patchedBody(before, change);
      known.set(change.id, after);
      const computed = table.indexedValues(after);
      return { ...change, ...(computed && { computed }) };
    });
    return { database: part.database, changes, ...(reads.length > 0 && { reads }) };
  }

  #stage(table: LiveTable, change: Change): void {
    const { writes } = this.#part(table).staged;
    if (writes.length >= limits.transactionChanges) {
      throw new ZerohopError(
        'INVALID_REQUEST',
        `A transaction may hold ${limits.transactionChanges} writes at most. Commit in between.`,
      );
    }
    if (this.#state === 'committed') this.#state = 'open';
    this.#options.reads?.giveUp();
    writes.push({ table, change });
  }

  #asStored({ id, body, expires, version, tag }: StagedRecord): StoredRecord | undefined {
    return body === null || (expires !== null && expires <= this.#options.clock.nowMs())
      ? undefined
      : { id, version, expires, body, ...(tag !== undefined && { tag }) };
  }

  #searchContext(part: Part): SearchContext {
    const snapshot = this.#snapshot(part);
    return {
      snapshot,
      reader: part.reader,
      nowMs: this.#options.clock.nowMs(),
      scanRows: this.#options.scanRows,
      hasOwnWrites: part.staged.writes.length > 0,
      reads: this.#options.reads,
      isHeld: () => part.snapshot === snapshot,
      table: (name) => this.#options.tables(part.database, name),
      overlayOf: (table) => {
        const changed = part.staged.takeChanged(table, this.#stored(part));
        if (!changed) return undefined;
        part.overlay ??= new Overlay(snapshot.twins);
        return part.overlay.show(table.entry, changed);
      },
    };
  }

  /** Records as the part's snapshot has them. */
  #stored(part: Part): (table: LiveTable, id: Id) => StoredRecord | undefined {
    return (table, id) => part.reader.get(this.#snapshot(part), table.entry, id);
  }

  #part(table: LiveTable): Part {
    this.#mustBeUsable();
    this.#count(true);
    const { database } = table.definition;
    let part = this.#parts.get(database);
    if (!part) {
      const staged = new StagedWrites();
      part = { database, reader: table.reader, snapshot: undefined, staged, insisted: [], overlay: undefined };
      this.#parts.set(database, part);
    }
    return part;
  }

  #snapshot(part: Part): Snapshot {
    part.snapshot ??= part.reader.snapshots.hold();
    return part.snapshot;
  }

  #mustBeUsable(): void {
    if (this.#state === 'aborted')
      throw new ZerohopError(
        'INVALID_REQUEST',
        'The transaction was aborted: nothing more can be read or written in it. Start a new one.',
      );
  }

  #letGo(): void {
    this.#count(false);
    for (const part of this.#parts.values()) {
      this.#releaseSnapshot(part);
      part.staged = new StagedWrites();
      part.insisted = [];
    }
  }

  #releaseSnapshot(part: Part): void {
    const { snapshot, overlay } = part;
    if (!snapshot) return;
    part.snapshot = undefined;
    part.overlay = undefined;
    part.staged.rebase();
    if (snapshot.state === 'current' || snapshot.state === 'held') overlay?.letGo();
    part.reader.snapshots.release(snapshot);
  }

  #count(isOpen: boolean): void {
    if (this.#isCounted === isOpen) return;
    this.#isCounted = isOpen;
    this.#options.counted?.(isOpen ? 1 : -1);
  }
}

function noteRead(
  reads: ReadSet,
  reader: DatabaseReader,
  snapshot: Snapshot,
  table: LiveTable,
  id: Id,
  record: CachedRecord | undefined,
): void {
  const { number, names } = table.entry;
  if (record) reads.noteRow(reader, snapshot.lsn, number, record.row, record.expires);
  else
    reads.noteResults(reader, snapshot.lsn, [
      { table: number, members: new Set([id]), test: missingTest(names.table) },
    ]);
}

/** The row a missing record will have is not known: its id tells. */
function missingTest(table: string): WatchTest {
  const sql = `SELECT _id, 0 FROM json_each(?1) AS w CROSS JOIN ${quoted(table)} ON _row = w.value`;
  return { sql, parameters: [] };
}
