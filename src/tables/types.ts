// The face of the data to everything above: a table as one object, a transaction as one object. Reads are synchronous;
// only a commit waits (for the disk).

import type { Json, JsonObject } from '../base/index.ts';
import type { Query } from '../query/index.ts';
import type { Id } from '../records/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import type { Confirmation, Fetched, FetchedRecord, Gathered, Precondition } from '../store/index.ts';
import type { DerivedValues } from './derived-values.ts';
import type { ReadSet } from './read-set.ts';

/** A record as stored. */
export interface StoredRecord {
  readonly id: Id;
  /** Microseconds since 1970. */
  readonly version: number;
  /** What the ETag is, and what conditions compare, where it is not the version: see `tagOf`. */
  readonly tag?: number;
  /** Ms since 1970, or null. */
  readonly expires: number | null;
  /** JSON text, ready to send. */
  readonly body: string;
  /** What a reader above made of it, to find it again while the record is kept. */
  memo?: unknown;
}

export interface WriteOptions {
  readonly if?: Precondition;
  /** Ms since 1970; overrides the table's expiration. */
  readonly expiresAt?: number;
  /** Of a whole record: when it was changed where it comes from, in ms since 1970; undefined: now. */
  readonly updatedMs?: number;
}

export interface PutTextOptions {
  readonly if?: Precondition;
  /** Ms since 1970, or null for never. */
  readonly expires: number | null;
}

export interface PatchOptions extends WriteOptions {
  /** Numbers to add to attributes: sums of concurrent additions are kept. */
  readonly add?: Readonly<Record<string, number>>;
  /** Lowest value an added-to attribute may reach; below → BELOW_MINIMUM at commit. */
  readonly minimum?: Readonly<Record<string, number>>;
}

export interface SearchResult {
  /** Records as stored when the query has no `select`; projected values otherwise. Lazy; ends early on `return()`. */
  readonly rows: Iterable<SearchRow>;
  /** With `query.total`. */
  readonly total?: number;
  /** With `query.cursor`, known after `rows` is drained: where the next page starts; null at the end. */
  readonly nextCursor: () => string | null;
  /** The newest version among the rows read so far, in microseconds. */
  readonly newestVersion: () => number;
}

/** `json` is the text to send: the stored body or the projection. */
export interface SearchRow {
  readonly id: Id;
  readonly version: number;
  /** See `tagOf`. */
  readonly tag?: number;
  /** Ms since 1970, or null. */
  readonly expires: number | null;
  readonly json: string;
  /** What a reader above made of it, to find it again while the row is kept. */
  memo?: unknown;
}

/**
 * All reads of a transaction see one snapshot of each database, taken at its first read, plus its own staged writes. Writes are staged
 * and happen at `commit` together, per database, or not at all.
 */
export interface Transaction {
  readonly state: 'open' | 'committed' | 'aborted';
  get(table: Table, id: Id): StoredRecord | undefined;
  search(table: Table, query: Query): SearchResult;
  explain(table: Table, query: Query): JsonObject;
  /** Creates or replaces. Validates and completes the record; returns its id, null when the store will assign it at commit. */
  put(table: Table, id: Id | undefined, record: Readonly<Record<string, unknown>>, options?: WriteOptions): Id | null;
  /** Sets the given attributes and leaves the rest. */
  patch(table: Table, id: Id, changes: Readonly<Record<string, unknown>>, options?: PatchOptions): void;
  delete(table: Table, id: Id, options?: WriteOptions): void;
  /** The commit is refused with PRECONDITION_FAILED unless the record has this tag then; null: unless there is none. */
  insist(table: Table, id: Id, tag: number | null): void;
  readonly hasWrites: boolean;
  /** Resolves when all staged writes are durable, with one entry per staged write in order. The transaction may be used again afterwards. */
  commit(confirm?: Confirmation): Promise<readonly CommittedWrite[]>;
  /** Discards staged writes and lets go of the snapshot. */
  abort(): void;
  /** Later reads see what is committed by then. */
  resetReadSnapshot(): void;
}

export interface CommittedWrite {
  readonly table: Table;
  readonly id: Id;
  readonly version: number;
  readonly existed: boolean;
}

export interface Table {
  readonly definition: TableDefinition;
  /** Exact number of records that are neither deleted nor expired-and-swept. */
  recordCount(): number;
  /** Text of a path segment → id of the primary key's type. Throws INVALID_ID. */
  parseId(text: string): Id;
  /** A record of JSON text as app code sees it: Dates, Bytes, BigInts as such; frozen. */
  decode(record: StoredRecord): Readonly<Record<string, unknown>>;
  /** Sets the function of a bare `@computed` attribute. */
  setComputed(attribute: string, compute: (record: Readonly<Record<string, unknown>>) => unknown): void;
  /** The value of a computed attribute. */
  compute(attribute: string, record: Readonly<Record<string, unknown>>): Json;
}

/** A row as it is: its record may have expired, or been deleted (then `body` is null). */
export interface StoredRow {
  /** Microseconds since 1970. */
  readonly version: number;
  /** See `tagOf`. */
  readonly tag?: number;
  /** Ms since 1970, or null. */
  readonly expires: number | null;
  readonly body: string | null;
}

/** The databases of a node, as one thread sees them. */
export interface Databases {
  /** database → table → Table; changes when a schema is applied. */
  readonly all: ReadonlyMap<string, ReadonlyMap<string, Table>>;
  table(database: string, name: string): Table | undefined;
  /** @param reads is given what the transaction reads, to keep what is made of it */
  transaction(reads?: ReadSet): OwnTransaction;
  /** Creates or extends tables, online, and waits until every one is usable. Never drops data. */
  applySchema(tables: readonly TableDefinition[]): Promise<void>;
  /** A new record, in a transaction of its own; gives its id. CONFLICT when there is one with its id. */
  create(table: Table, record: Readonly<Record<string, unknown>>): Promise<Id>;
  /** A place to keep what is made of reads, for as long as these hold. */
  derivedValues<Value>(maxBytes: number): DerivedValues<Value>;
  /** The record as of now: for a read that stands alone, the fastest one. */
  getLatest(table: Table, id: Id): StoredRecord | undefined;
  /** Changes whenever anything was committed: what was read before is as it was while this is. */
  readonly commits: number;
  /** As `getLatest`, for large records that are rarely read twice: they are not kept in memory. */
  peek(table: Table, id: Id): RowRecord | undefined;
  /** Tells from now on which rows of a table change, by their numbers: for who keeps in memory what `peek` gave. */
  follow(table: Table, listener: RowListener): Followed;
  /** The row of an id, as of now; undefined: it has none. */
  row(table: Table, id: Id): StoredRow | undefined;
  /**
   * Records in the order in which this node came to have them, whoever wrote them, after the row `after` (0: from the first). Where rows were
   * removed, numbers may begin anew below `after`.
   */
  arrivals(table: Table, after: number, limit: number): readonly Arrival[];
  /**
   * Goes through up to `limit` records in the order of `arrivals`, and finds those that no record of another table names.
   * @param by the other table, and an indexed attribute of it with ids of this one
   */
  unnamed(
    table: Table,
    by: { readonly table: Table; readonly attribute: string },
    after: number,
    limit: number,
  ): Unnamed;
  /** A record that may be on another node: see `StoreClient.fetch`. */
  fetch(table: Table, id: Id): Promise<Fetched>;
  /** What a query finds on other nodes, of a table of which each has a part: see `StoreClient.gather`. */
  gather(table: Table, query: Query): Promise<Gathered>;
  /** How many records of such a table fit a query, on all nodes: `total` of the answer. */
  count(table: Table, query: Query): Promise<Gathered>;
  /** Writes a record as text, as it is: for records whose source has them in this form. Resolves with its version. */
  putText(table: Table, id: Id, body: string, options: PutTextOptions): Promise<number>;
  /** Computes what indexes of computed attributes lack, once the app has set its functions. For the one thread that loads data. */
  fillComputed(): Promise<void>;
  blobs(database: string): BlobStore;
  close(): void;
}

export interface OwnTransaction extends Transaction {
  /** As if the record stood in the table, for the searches of this transaction, which must not be committed. */
  suppose(table: Table, id: Id, record: FetchedRecord): void;
}

export interface RowRecord extends StoredRecord {
  /** Number of its row. */
  readonly row: number;
}

export interface RowListener {
  row(row: number): void;
  /** Any row may have changed. */
  everything(): void;
}

export interface Followed {
  /** Tells of all that was committed so far. */
  catchUp(): void;
  /** Tells of nothing any more. */
  end(): void;
}

/** A record by the number of its row, which grows as records come in. */
export interface Arrival {
  readonly row: number;
  readonly id: Id;
  readonly version: number;
  readonly body: string;
}

/** One step through the records of a table. */
export interface Unnamed {
  readonly ids: readonly Id[];
  /** Of all records gone through: bytes of their JSON as they are stored. */
  readonly bytes: number;
  /** After which row the next step goes on; undefined: this was the last. */
  readonly next: number | undefined;
}

/** Where the bytes of Blob attributes live. A record's body holds `BlobReference`s. */
export interface BlobStore {
  /** Streams bytes in; durable when it resolves. Unless a committed record refers to it, it is collected later. */
  write(data: ReadableStream<Uint8Array> | Uint8Array | string, type: string): Promise<BlobReference>;
  /** The bytes, lazily; `slice` for ranges. Undefined when the blob does not exist. */
  open(reference: BlobReference): Blob | undefined;
}

/** How a Blob attribute looks in a record's body. `$blob` is its id, `size` in bytes, `type` its media type. */
export interface BlobReference {
  readonly $blob: string;
  readonly size: number;
  readonly type: string;
}
