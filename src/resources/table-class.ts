// The class of a table as TypeScript sees it: typed by the schema's declarations (`zerohop types`), or with unknown values
// without them.

import type { JsonObject } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { User } from '../security/index.ts';
import type { ExtendedIterable } from './extended-iterable.ts';
import type { CountOptions } from './record-edit.ts';
import type { QueryObject, RequestTarget } from './request-target.ts';
import type { Context } from './types.ts';

/** A record of a table that has no generated declaration. */
export type UntypedRecord = Readonly<Record<string, unknown>>;

/** What reading gives: the attributes, frozen, and what the store knows. */
export type RecordOf<Read> = Read & {
  /** When it was last written, in ms since 1970. */
  getUpdatedTime(): number;
  /** When it expires, in ms since 1970; undefined when it does not. */
  getExpiresAt(): number | undefined;
};

/** Results of a search, read as they are iterated. */
export interface Results<Row> extends ExtendedIterable<Row> {
  /** How many match in all. Asked for with `total: true`. */
  readonly total: number | undefined;
  /** After the iteration: where the next page starts, or null at the end. Asked for with `cursor: ''`. */
  nextCursor(): string | null;
}

/** One record being changed: set its attributes, then `save()`, or let the commit of the transaction do it. */
export type Updatable<Read> = { -readonly [Attribute in keyof Read]: Read[Attribute] } & InstanceMethods;

export interface InstanceMethods {
  save(): Promise<void>;
  /** Adds to a number; additions made at the same time elsewhere all count. `min`: the commit fails rather than go below it. */
  addTo(attribute: string, amount: number, options?: CountOptions): void;
  subtractFrom(attribute: string, amount: number, options?: CountOptions): void;
  set(attribute: string, value: unknown): void;
  getProperty(attribute: string): unknown;
  /** Removes an attribute; without one, deletes the record. */
  delete(target?: unknown): Promise<unknown>;
  /** Has this record saved when the request commits; with `loadAsInstance = false`, `update(target, changes)` gives one that will be. */
  update(first?: unknown, second?: unknown): InstanceMethods & Record<string, unknown>;
  get(target?: unknown): unknown;
  search(query?: unknown): Results<unknown>;
  put(first: unknown, second?: unknown): Promise<unknown>;
  patch(first: unknown, second?: unknown): Promise<unknown>;
  post(first: unknown, second?: unknown): Promise<unknown>;
  /** Throws when the record may not be written. Override it. `isPartial`: of a patch. */
  validate(record: UntypedRecord, isPartial?: boolean): void;
  getId(): Id | undefined;
  getUpdatedTime(): number | undefined;
  getExpiresAt(): number | undefined;
  getContext(): Partial<Context>;
  getCurrentUser(): User | null;
  invalidate(): Promise<void>;
  /** Fetches the record from its source, where it is not here or not fresh. */
  ensureLoaded(): Promise<unknown>;
  wasLoadedFromSource(): boolean;
}

/** How a table uses its source. All in ms but `failures` and `concurrency`. */
export interface SourcedFromOptions {
  /** Longest time a call of the source may take: 10,000. */
  readonly timeoutMs?: number;
  /** How long it is remembered that the source has no such record: 1,000. */
  readonly missMs?: number;
  /** How long it is remembered that the source failed for a record: 1,000. */
  readonly errorMs?: number;
  /** Failures in a row after which the source is left alone: 5. */
  readonly failures?: number;
  /** For so long: 5,000. Then one call tries it. */
  readonly retryMs?: number;
  /** Calls at the same time, per thread: 100. */
  readonly concurrency?: number;
  /** Serve a stale copy also when the source answers 5xx, not only when it can't be reached: false. */
  readonly staleIfError?: boolean;
}

type Target = Id | RequestTarget | (QueryObject & { readonly id?: Id });
type Body<Insert> = Insert | Promise<Insert>;

export interface TableClass<Read = UntypedRecord, Insert = UntypedRecord> {
  new (id?: Id, context?: Context): Updatable<Read>;
  readonly prototype: Updatable<Read>;
  readonly name: string;
  readonly databaseName: string;
  readonly tableName: string;
  readonly primaryKey: string;
  readonly attributes: readonly { readonly name: string; readonly type: string; readonly isPrimaryKey: boolean }[];
  loadAsInstance: boolean | undefined;
  path: string | undefined;
  directURLMapping: boolean | undefined;
  hidden: boolean | undefined;
  description: string | undefined;
  /** The record; undefined when there is none. An override that answers with something else says `Promise<any>`. */
  get(target: Target, context?: Context): Promise<RecordOf<Read> | undefined>;
  /** How a query would be answered: the conditions in the order they are met, the indexes, the SQL. */
  search(query: QueryObject & { readonly explain: true }, context?: Context): JsonObject;
  /** `Row`: what `select` makes of the records. */
  search<Row = RecordOf<Read>>(query?: RequestTarget | QueryObject, context?: Context): Results<Row>;
  /** Creates or replaces: `put(id, record)`, or `put(record)` with its key in it. */
  put(target: Id | RequestTarget | Insert, record?: Body<Insert> | Context, context?: Context): Promise<unknown>;
  /** Sets the given attributes of a record that is there. */
  patch(
    target: Id | RequestTarget | Partial<Insert>,
    changes?: Body<Partial<Insert>> | Context,
    context?: Context,
  ): Promise<unknown>;
  /** Creates a record; gives its id. */
  post(target: RequestTarget | Insert, record?: Body<Insert>, context?: Context): Promise<unknown>;
  create(record: Insert, context?: Context): Promise<Updatable<Read>>;
  update(target: Id | RequestTarget, updates?: Body<Partial<Insert>>, context?: Context): Promise<Updatable<Read>>;
  /** Whether there was something to delete. */
  delete(target: Id | RequestTarget | QueryObject, context?: Context): Promise<unknown>;
  /**
   * From now on the records come from `source`: a class with static methods, or an object with methods: `get(id)`; `put`, `patch` and `delete` to
   * be told of writes; `subscribe()` to tell of changes.
   */
  sourcedFrom(source: object, options?: SourcedFromOptions): void;
  /** The next read of the record asks its source again. */
  invalidate(target: Id | RequestTarget, context?: Context): Promise<void>;
  /**
   * Which nodes of a cluster hold a record of a table with `replicateTo`: the number of a shard, or names of nodes; undefined: whichever. The
   * function is run from its text alone, and must give the same each time. Without one: whichever, again.
   */
  setResidencyById(place?: (id: string) => number | readonly string[] | null | undefined): void;
  /** The same by what is in the record, which moves when a write changes its place. In place of `setResidencyById`. */
  setResidency(place?: (record: Read) => number | readonly string[] | null | undefined): void;
  getRecordCount(options?: { readonly exactCount?: boolean }): Promise<{ recordCount: number }>;
  /** Sets the function of an attribute marked `@computed` without an expression. */
  setComputedAttribute(attribute: string, compute: (record: Read) => unknown): void;
  getContext(): Partial<Context>;
  getCurrentUser(): User | null;
}
