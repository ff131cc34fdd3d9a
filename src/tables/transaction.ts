// A transaction of one request or task: reads from one snapshot per database plus its own staged writes; writes happen together at commit.

import {
  type Clock,
  type Json,
  type JsonObject,
  limits,
  parseExact,
  stringifyExact,
  ZerohopError,
} from '../base/index.ts';
import type { Query } from '../query/index.ts';
import type { Id } from '../records/index.ts';
import type { Change, PatchChange, StoreClient, StoreTransaction, Written } from '../store/index.ts';
import { Overlay, type StagedRecord } from './overlay.ts';
import type { ReadSet } from './read-set.ts';
import type { DatabaseReader } from './reader.ts';
import type { CachedRecord } from './record-cache.ts';
import { explainTable, type SearchContext, searchTable } from './search.ts';
import { type Snapshot, usable } from './snapshots.ts';
import type { LiveTable } from './table.ts';
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
  /** Told when the transaction starts and ends, to count those open. */
  readonly ended?: () => void;
}

/** A write as staged, with what it makes of the record for this transaction's own reads. */
interface StagedWrite {
  readonly table: LiveTable;
  readonly change: Change;
}

interface Part {
  readonly database: string;
  readonly reader: DatabaseReader;
  snapshot: Snapshot | undefined;
  writes: StagedWrite[];
  /** Versions the caller insists on. */
  insisted: [string, Id, number | null][];
  /** Table → id → the record as this transaction sees it. */
  staged: Map<LiveTable, Map<Id, StagedRecord>>;
  overlay: Overlay | undefined;
}

/** How often a patch of a record whose indexes hold what a function of the app computes is tried again when another write came between. */
const recomputeAttempts = 200;

export class LiveTransaction implements Transaction {
  readonly #options: TransactionOptions;
  readonly #parts = new Map<string, Part>();
  #state: Transaction['state'] = 'open';

  constructor(options: TransactionOptions) {
    this.#options = options;
  }

  get state(): Transaction['state'] {
    return this.#state;
  }

  get hasWrites(): boolean {
    for (const part of this.#parts.values()) if (part.writes.length > 0) return true;
    return false;
  }

  get(table: Table, id: Id): StoredRecord | undefined {
    const live = table as LiveTable;
    const part = this.#part(live);
    const staged = part.staged.get(live)?.get(id);
    if (staged) return this.#asStored(staged);
    const snapshot = this.#snapshot(part);
    const record = part.reader.get(snapshot, live.entry, id);
    if (this.#options.reads) noteRead(this.#options.reads, part.reader, snapshot, live, record);
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

  insist(table: Table, id: Id, version: number | null): void {
    const live = table as LiveTable;
    this.#part(live).insisted.push([live.definition.name, id, version]);
  }

  async commit(): Promise<readonly CommittedWrite[]> {
    this.#mustBeUsable();
    const parts = [...this.#parts.values()].filter((part) => part.writes.length > 0);
    const written = parts.map((part) => ({ part, writes: part.writes, insisted: part.insisted }));
    this.#letGo();
    this.#state = 'committed';
    this.#options.ended?.();
    const results = await Promise.all(
      written.map(({ part, writes, insisted }) => this.#commitPart(part, writes, insisted)),
    );
    return results.flat();
  }

  abort(): void {
    if (this.#state === 'aborted') return;
    this.#letGo();
    if (this.#state === 'open') this.#options.ended?.();
    this.#state = 'aborted';
  }

  resetReadSnapshot(): void {
    for (const part of this.#parts.values()) this.#releaseSnapshot(part);
  }

  async #commitPart(part: Part, writes: readonly StagedWrite[], insisted: Part['insisted']): Promise<CommittedWrite[]> {
    for (let attempt = 1; ; attempt++) {
      const transaction = this.#storeTransaction(part, writes, insisted);
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
    const latest = new Map<LiveTable, Map<Id, string>>();
    const changes = writes.map(({ table, change }): Change => {
      if (change.op !== 'patch' || !table.indexNeedsApp) return change;
      const known = latest.get(table) ?? new Map<Id, string>();
      latest.set(table, known);
      const stored = known.has(change.id) ? undefined : part.reader.getLatest(table.entry, change.id);
      const before = known.get(change.id) ?? stored?.body;
      if (stored) reads.push([table.definition.name, change.id, stored.version]);
      if (before === undefined) return change;
      const after = patchedBody(before, change);
      known.set(change.id, after);
      const computed = table.indexedValues(after);
      return { ...change, ...(computed && { computed }) };
    });
    return { database: part.database, changes, ...(reads.length > 0 && { reads }) };
  }

  #stage(table: LiveTable, change: Change): void {
    const part = this.#part(table);
    if (part.writes.length >= limits.transactionChanges) {
      throw new ZerohopError(
        'INVALID_REQUEST',
        `A transaction may hold ${limits.transactionChanges} writes at most. Commit in between.`,
      );
    }
    if (this.#state === 'committed') this.#state = 'open';
    this.#options.reads?.giveUp();
    part.writes.push({ table, change });
    if (change.id === null) return;
    const records = part.staged.get(table) ?? new Map<Id, StagedRecord>();
    part.staged.set(table, records);
    const staged = this.#stagedRecord(part, table, change.id, change, records.get(change.id));
    if (staged) records.set(change.id, staged);
  }

  #stagedRecord(
    part: Part,
    table: LiveTable,
    id: Id,
    change: Change,
    before: StagedRecord | undefined,
  ): StagedRecord | undefined {
    if (change.op === 'index') return before;
    if (change.op === 'delete') return { id, body: null, expires: null, computed: null, version: 0 };
    if (change.op === 'put') {
      const computed = change.computed ? stringifyExact(change.computed) : null;
      return { id, body: change.body, expires: change.expires, computed, version: before?.version ?? 0 };
    }
    const stored = before ?? part.reader.get(this.#snapshot(part), table.entry, id);
    if (!stored || stored.body === null) return undefined;
    const body = patchedBody(stored.body, change);
    const computed = table.indexedValues(body);
    const expires = change.expires === undefined ? stored.expires : change.expires;
    return { id, body, expires, computed: computed ? stringifyExact(computed) : null, version: stored.version };
  }

  #asStored({ id, body, expires, version }: StagedRecord): StoredRecord | undefined {
    return body === null || (expires !== null && expires <= this.#options.clock.nowMs())
      ? undefined
      : { id, version, expires, body };
  }

  #searchContext(part: Part): SearchContext {
    const snapshot = this.#snapshot(part);
    return {
      snapshot,
      reader: part.reader,
      nowMs: this.#options.clock.nowMs(),
      scanRows: this.#options.scanRows,
      hasOwnWrites: part.writes.length > 0,
      reads: this.#options.reads,
      table: (name) => this.#options.tables(part.database, name),
      overlayOf: (table) => {
        const staged = part.staged.get(table);
        if (!staged || staged.size === 0) return undefined;
        part.overlay ??= new Overlay(usable(snapshot));
        return part.overlay.put(table.entry, staged.values());
      },
    };
  }

  #part(table: LiveTable): Part {
    this.#mustBeUsable();
    const { database } = table.definition;
    let part = this.#parts.get(database);
    if (!part) {
      part = {
        database,
        reader: table.reader,
        snapshot: undefined,
        writes: [],
        insisted: [],
        staged: new Map(),
        overlay: undefined,
      };
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
    for (const part of this.#parts.values()) {
      this.#releaseSnapshot(part);
      part.writes = [];
      part.insisted = [];
      part.staged = new Map();
    }
  }

  #releaseSnapshot(part: Part): void {
    if (!part.snapshot) return;
    if (part.snapshot.state === 'current' || part.snapshot.state === 'held') part.overlay?.drop();
    part.overlay = undefined;
    part.reader.snapshots.release(part.snapshot);
    part.snapshot = undefined;
  }
}

/** A missing record comes with some change of its table; which row it will have is not known. */
function noteRead(
  reads: ReadSet,
  reader: DatabaseReader,
  snapshot: Snapshot,
  table: LiveTable,
  record: CachedRecord | undefined,
): void {
  const { number } = table.entry;
  if (record) reads.noteRow(reader, snapshot.lsn, number, record.row, record.expires);
  else reads.noteTables(reader, snapshot.lsn, [number]);
}

/** A record's JSON text after a patch, as this transaction sees it before the store merges it for good. */
function patchedBody(body: string, { patch }: PatchChange): string {
  const record: Record<string, Json> = { ...(parseExact(body) as JsonObject), ...patch.set };
  for (const [attribute, amount] of Object.entries(patch.add))
    record[attribute] = Number(record[attribute] ?? 0) + amount;
  return stringifyExact(record);
}
