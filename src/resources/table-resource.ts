// The class of a table: what app code has as `tables.Product`, and extends. Its statics read and write the table; an instance is
// one record being changed. Calls join the transaction of the request they are made in; outside of one, each is its own.

import { type JsonObject, ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { StoredRecord } from '../tables/index.ts';
import type { AppNode } from './app-node.ts';
import { guardedBy, limited } from './guard.ts';
import { type CountOptions, RecordEdit } from './record-edit.ts';
import { type QueryObject, RequestTarget } from './request-target.ts';
import { callOn, hasInstanceMethod, markBuiltIn, methodOf, Resource } from './resource.ts';
import { currentContext, currentNode } from './scope.ts';
import type { ScopedTransaction } from './scoped-transaction.ts';
import { sourceOf, sourcesOf, type TableSource } from './sources.ts';
import { inTransaction, lookupOf, type Place, placeOf, tableOf } from './table-place.ts';
import { nameTarget, readStored, searchRows, type TableRows, typeName } from './table-reads.ts';
import { type Check, deleteFrom, getFrom, isRecordAlone, patchIn, postTo, putInto } from './table-verbs.ts';
import { type Fields, fieldsOf, idInRecord } from './table-writes.ts';
import type { Verb } from './types.ts';

/** A query that asks how it would be answered. */
type ExplainQuery = QueryObject & { readonly explain: true };

export class TableResource extends Resource {
  [attribute: string]: unknown;

  static databaseName = '';
  static tableName = '';
  static boundNode: AppNode | undefined;

  static get primaryKey(): string {
    return tableOf(this).definition.primaryKey;
  }

  static get attributes(): readonly { readonly name: string; readonly type: string; readonly isPrimaryKey: boolean }[] {
    const { attributes, primaryKey } = tableOf(this).definition;
    return attributes.map(({ name, type }) => ({ name, type: typeName(type), isPrimaryKey: name === primaryKey }));
  }

  /** A record by id, frozen; with a collection target or a query, its results. */
  static override async get(target?: unknown, context?: unknown): Promise<unknown> {
    return (
      TableResource.#byInstance(this, 'get', target, undefined, context) ?? getFrom(placeOf(this, context), target)
    );
  }

  /** Its results; with `explain: true` how they would be found. */
  static override search(query: ExplainQuery, context?: unknown): JsonObject;
  static override search(query?: unknown, context?: unknown): TableRows;
  static override search(query?: unknown, context?: unknown): TableRows | JsonObject {
    const place = placeOf(this, context);
    const method = hasInstanceMethod(this, 'search') ? methodOf(this.prototype, 'search') : undefined;
    return method === undefined ? searchIn(place, query) : TableResource.#searchedBy(this, method, place, query);
  }

  /** By the app's own `search`, which may give anything that is a result. */
  static #searchedBy(
    tableClass: typeof TableResource,
    method: (...args: readonly unknown[]) => unknown,
    unguarded: Place,
    query: unknown,
  ): TableRows {
    const about = asTarget(query);
    const place = guardedBy(unguarded, about);
    const instance =
      tableClass.loadAsInstance === false
        ? new tableClass(undefined, place.context)
        : TableResource.#instance(tableClass, place, undefined, undefined);
    return method.call(instance, about) as TableRows;
  }

  /** Nothing, unless a method of the app's class says what to answer. */
  static override async put(target: unknown, data?: unknown, context?: unknown): Promise<unknown> {
    const done = TableResource.#byInstance(this, 'put', target, data, context);
    if (done !== undefined) return done;
    await putInto(placeOf(this, isRecordAlone(target, data) ? data : context), checkOf(this), target, await data);
    return undefined;
  }

  static override async patch(target: unknown, data?: unknown, context?: unknown): Promise<unknown> {
    const done = TableResource.#byInstance(this, 'patch', target, data, context);
    if (done !== undefined) return done;
    await patchIn(placeOf(this, isRecordAlone(target, data) ? data : context), checkOf(this), target, await data);
    return undefined;
  }

  /** Creates a record in the collection; gives its id (null where the store assigns it at commit). */
  static override async post(target: unknown, data?: unknown, context?: unknown): Promise<unknown> {
    const done = TableResource.#byInstance(this, 'post', target, data, context);
    if (done !== undefined) return done;
    const place = placeOf(this, context);
    const created = await postTo(place, checkOf(this), target, await data);
    return created.id;
  }

  /** Creates a record, with a new id unless it carries one; gives its instance. */
  static async create(record: unknown, context?: unknown): Promise<TableResource> {
    const place = placeOf(this, context);
    return inTransaction(place, async (transaction) => {
      const instance = TableResource.#instance(this, place, idInRecord(place, fieldsOf(record, place)), undefined);
      Object.assign(instance, record);
      await instance.#stageIn(transaction);
      return instance;
    });
  }

  /** Whether there was something to delete. A target with a query deletes what matches. */
  static override async delete(target?: unknown, context?: unknown): Promise<unknown> {
    return (
      TableResource.#byInstance(this, 'delete', target, undefined, context) ??
      deleteFrom(placeOf(this, context), target)
    );
  }

  /**
   * An instance to change. In a request or transaction its changes are saved with the commit; elsewhere by `save()`. With `updates`
   * these are saved right away.
   */
  static async update(target: unknown, updates?: unknown, context?: unknown): Promise<TableResource> {
    const place = guardedBy(placeOf(this, context), target);
    const named = nameTarget(target, place);
    if (named.kind !== 'record') throw needsId(this);
    const source = sourceOf(place);
    const ready = source?.isSpread ? await source.ready(place, named.id, target) : place;
    const instance = TableResource.#instance(this, ready, named.id, readStored(ready, named.id));
    instance.#saveAtCommit();
    if (updates === undefined) return instance;
    Object.assign(instance, await updates);
    await instance.save();
    return instance;
  }

  static async getRecordCount(_options?: { readonly exactCount?: boolean }): Promise<{ recordCount: number }> {
    const table = tableOf(this);
    const { databases } = this.boundNode ?? currentNode();
    const isSpread = table.definition.copies !== undefined && currentContext()?.replicateFrom !== false;
    const counted = isSpread ? await databases.count(table, {}) : undefined;
    return { recordCount: (counted?.here === false ? counted.total : undefined) ?? table.recordCount() };
  }

  /** Sets the function of an attribute marked `@computed` without an expression. */
  static setComputedAttribute(name: string, compute: (record: Fields) => unknown): void {
    tableOf(this).setComputed(name, compute);
  }

  static override publish(): never {
    throw notSupported(this, 'publish');
  }
  static override subscribe(): never {
    throw notSupported(this, 'subscribe');
  }
  static override connect(): never {
    throw notSupported(this, 'connect');
  }
  /**
   * From now on the records come from `source`: a class with static methods, or an object with methods: `get(id)`; `put`, `patch` and `delete` to
   * be told of writes; `subscribe()` to tell of changes.
   */
  static sourcedFrom(source: unknown, options?: unknown): void {
    const node = this.boundNode ?? currentNode();
    const sources = sourcesOf(node);
    if (sources === undefined) throw notSupported(this, 'sourcedFrom');
    sources.add(this, tableOf(this), source, options);
  }

  /** The next read of the record asks its source again. */
  static async invalidate(target: unknown, context?: unknown): Promise<void> {
    const place = guardedBy(placeOf(this, context), target);
    const named = nameTarget(target, place);
    if (named.kind !== 'record') throw needsId(this);
    await mustHaveSource(this, place).invalidate(named.id);
  }

  /**
   * Which nodes hold a record, as `setResidencyById`: `place(record)` is given what is in it. Where a write changes its place, the record moves
   * soon after.
   */
  static setResidency(place?: unknown): void {
    const sources = sourcesOf(this.boundNode ?? currentNode());
    if (!sources?.reside) throw notSupported(this, 'setResidency');
    sources.reside(tableOf(this), place, 'record');
  }
  /**
   * Which nodes hold a record: `place(id)` gives the number of a shard, or names of nodes; undefined: whichever. It is run in other threads, from
   * its text alone, and must give the same each time. Without `place`: whichever, again.
   */
  static setResidencyById(place?: unknown): void {
    const sources = sourcesOf(this.boundNode ?? currentNode());
    if (!sources?.reside) throw notSupported(this, 'setResidencyById');
    sources.reside(tableOf(this), place, 'id');
  }
  static operation(): never {
    throw notSupported(this, 'operation');
  }

  /** The call answered by an instance method of the app's class; undefined when it has none. */
  static #byInstance(
    tableClass: typeof TableResource,
    verb: Verb,
    target: unknown,
    data: unknown,
    given: unknown,
  ): Promise<unknown> | undefined {
    if (!hasInstanceMethod(tableClass, verb)) return undefined;
    const method = methodOf(tableClass.prototype, verb);
    if (method === undefined) return undefined;
    const about = asTarget(target);
    const place = guardedBy(placeOf(tableClass, given), about);
    const known = tableClass.loadAsInstance === false ? undefined : sourceOf(place);
    const source = verb === 'get' || known?.isSpread ? known : undefined;
    const id = source === undefined || about.isCollection ? undefined : about.idIn(place.table);
    if (source !== undefined && id !== undefined)
      return TableResource.#bySourced(tableClass, verb, method, place, about, id, source, data);
    const instance =
      tableClass.loadAsInstance === false
        ? new tableClass(undefined, place.context)
        : TableResource.#loaded(tableClass, place, verb, about);
    return Promise.resolve(callOn(instance, method, tableClass.loadAsInstance, verb, about, data));
  }

  /** As `#byInstance`, for the instance of a record that has to be fetched first. */
  static async #bySourced(
    tableClass: typeof TableResource,
    verb: Verb,
    method: (...args: readonly unknown[]) => unknown,
    place: Place,
    about: RequestTarget,
    id: Id,
    source: TableSource,
    data: unknown,
  ): Promise<unknown> {
    const ready = await source.ready(place, id, about);
    const instance = TableResource.#instance(tableClass, ready, id, readStored(ready, id));
    if (verb !== 'get' && verb !== 'search') instance.#saveAtCommit();
    return callOn(instance, method, tableClass.loadAsInstance, verb, about, data);
  }

  /** What an instance method changes is saved, but for what a read adds to its answer: that takes `update()`. */
  static #loaded(tableClass: typeof TableResource, place: Place, verb: Verb, target: RequestTarget): TableResource {
    const id = target.isCollection ? undefined : target.idIn(place.table);
    const instance = TableResource.#instance(
      tableClass,
      place,
      id,
      id === undefined ? undefined : readStored(place, id),
    );
    if (verb !== 'get' && verb !== 'search') instance.#saveAtCommit();
    return instance;
  }

  static #instance(
    tableClass: typeof TableResource,
    place: Place,
    id: Id | undefined,
    stored: StoredRecord | undefined,
  ): TableResource {
    const instance = new tableClass(id, place.context);
    instance.#edit = new RecordEdit(place, id, stored);
    Object.assign(instance, instance.#edit.copies());
    return instance;
  }

  #edit: RecordEdit | undefined;

  /** Of an instance that stands for a record. */
  get #changes(): RecordEdit {
    if (this.#edit !== undefined) return this.#edit;
    throw new ZerohopError(
      'APPLICATION_ERROR',
      `This ${this.constructor.name} stands for no record: get one with update(id).`,
    );
  }

  get #class(): typeof TableResource {
    return this.constructor as typeof TableResource;
  }

  get #place(): Place {
    return this.#edit?.place ?? placeOf(this.#class, this.getContext());
  }

  /** Writes the changes: into the transaction of the request, or, outside of one, to the disk. */
  async save(): Promise<void> {
    await inTransaction(this.#place, (transaction) => this.#stageIn(transaction));
  }

  async #stageIn(transaction: ScopedTransaction): Promise<void> {
    const edit = this.#changes;
    if (edit.isChangedBy({ ...this })) validateBy(this, { ...this }, false);
    await edit.stage(transaction, { ...this });
    const { primaryKey } = edit.place.table.definition;
    if (edit.id === undefined) this.#promiseId(edit, primaryKey);
    else if (this[primaryKey] === undefined) this[primaryKey] = edit.id;
  }

  /** The store counts the ids of this table: it is known once it has committed. Asking for it before that must not give nothing. */
  #promiseId(edit: RecordEdit, primaryKey: string): void {
    const { name } = this.#class;
    Object.defineProperty(this, primaryKey, {
      configurable: true,
      enumerable: false,
      get(): Id {
        if (edit.id !== undefined) return edit.id;
        throw new ZerohopError(
          'APPLICATION_ERROR',
          `The new record of ${name} gets its ${primaryKey} when it is committed. To know it before the end of the request: await getContext().transaction.commit()`,
        );
      },
    });
  }

  /** The record's attributes. */
  toJSON(): Record<string, unknown> {
    const id = this.#edit?.id;
    return { ...(id !== undefined && { [this.#changes.place.table.definition.primaryKey]: id }), ...this };
  }

  #saveAtCommit(): void {
    const place = this.#place;
    place.context?.transaction.track({ stage: () => this.#stageChanges(placeTransaction(place)) });
  }

  /** An instance that was only looked at, of a record that does not exist, is not written. */
  async #stageChanges(transaction: ScopedTransaction): Promise<void> {
    if (this.#changes.exists || Object.keys(this).length > 0) await this.#stageIn(transaction);
  }

  override getId(): Id | undefined {
    return this.#edit?.id ?? super.getId();
  }

  /** When the record was last written, in ms since 1970; undefined for a new one. */
  getUpdatedTime(): number | undefined {
    const version = this.#edit?.stored?.version;
    return version === undefined ? undefined : Math.floor(version / 1000);
  }

  getExpiresAt(): number | undefined {
    return this.#edit?.stored?.expires ?? undefined;
  }

  #selects(target: RequestTarget): boolean {
    const place = this.#place;
    return target.hasQuery && target.selectionFor(place.table.definition, lookupOf(place)) !== undefined;
  }

  /** Adds to a number; additions made at the same time elsewhere all count. */
  addTo(name: string, amount: number, options: CountOptions = {}): void {
    this[name] = this.#changes.add(name, amount, this[name], options);
  }

  subtractFrom(name: string, amount: number, options: CountOptions = {}): void {
    this.addTo(name, -amount, options);
  }

  set(name: string, value: unknown): void {
    this[name] = value;
  }

  getProperty(name: string): unknown {
    return this[name];
  }

  /** Throws when the record may not be written. Classes override it; the schema is checked in any case. */
  validate(_record: Fields, _isPartial?: boolean): void {}

  /** `get('name')`: an attribute. Otherwise the record, as the class's `loadAsInstance` has it. */
  get(target?: unknown): unknown {
    if (typeof target === 'string' && this.#edit !== undefined) return this[target];
    if (this.#class.loadAsInstance === false) return getFrom(this.#place, target);
    if (target instanceof RequestTarget && target.isCollection) return getFrom(this.#place, target);
    if (this.#edit?.exists === false) return undefined;
    return target instanceof RequestTarget && this.#selects(target) ? getFrom(this.#place, target) : this;
  }

  search(query?: unknown): unknown {
    return searchIn(this.#place, query);
  }

  /** `put(record)` of an instance; `put(target, record)` with `loadAsInstance = false`. */
  put(first: unknown, second?: unknown): Promise<void> {
    return this.#write(putInto, first, second);
  }

  patch(first: unknown, second?: unknown): Promise<void> {
    return this.#write(patchIn, first, second);
  }

  async #write(write: typeof putInto, first: unknown, second: unknown): Promise<void> {
    const isNewForm = this.#class.loadAsInstance === false && this.#edit === undefined;
    const [target, data] = isNewForm ? [first, second] : [this.getId() ?? second, first];
    await write(this.#place, checkOf(this.#class), target, await data);
  }

  async post(first: unknown, second?: unknown): Promise<unknown> {
    const [target, data] = this.#class.loadAsInstance === false ? [first, second] : [second, first];
    return (await postTo(this.#place, checkOf(this.#class), target, await data)).id;
  }

  /**
   * An instance whose changes are saved when the request commits: this one, with `changes` made to it (`isWhole`: in place of all it had); with
   * `loadAsInstance = false` that of `update(target, changes)`.
   */
  update(first?: unknown, second?: unknown): TableResource {
    if (this.#class.loadAsInstance === false && this.#edit === undefined) {
      const place = guardedBy(this.#place, first);
      const named = nameTarget(first, place);
      if (named.kind !== 'record') throw needsId(this.#class);
      const instance = TableResource.#instance(this.#class, place, named.id, readStored(place, named.id));
      instance.#saveAtCommit();
      return Object.assign(instance, second);
    }
    if (second === true) for (const name of Object.keys(this)) delete this[name];
    this.#saveAtCommit();
    return Object.assign(this, first);
  }

  async create(record: unknown): Promise<TableResource> {
    return this.#class.create(record, this.getContext());
  }

  /** With the name of an attribute removes that; otherwise deletes the record. */
  delete(target?: unknown): Promise<unknown> {
    if (typeof target === 'string' && this.#edit !== undefined) {
      delete this[target];
      return Promise.resolve(true);
    }
    return deleteFrom(this.#place, this.getId() ?? target);
  }

  publish(): never {
    throw notSupported(this.#class, 'publish');
  }
  subscribe(): never {
    throw notSupported(this.#class, 'subscribe');
  }
  connect(): never {
    throw notSupported(this.#class, 'connect');
  }
  /** The next read of this record asks its source again. */
  async invalidate(): Promise<void> {
    const id = this.getId();
    if (id === undefined) throw needsId(this.#class);
    await mustHaveSource(this.#class, this.#place).invalidate(id);
  }

  /** Fetches the record from its source, where it is not here or not fresh, so that its attributes are those of the source. */
  async ensureLoaded(): Promise<this> {
    const place = this.#place;
    const id = this.getId();
    const source = sourceOf(place);
    if (source === undefined || id === undefined) return this;
    const ready = await source.ready(place, id, undefined);
    this.#edit = new RecordEdit(place, id, readStored(ready, id));
    return Object.assign(this, this.#edit.copies());
  }

  /** Whether the last read of the request had to ask a source. */
  wasLoadedFromSource(): boolean {
    return this.getContext().loadedFromSource === true;
  }
}
markBuiltIn(TableResource);

/** The class of one table. `node`: for that node alone; otherwise for the node of the code that calls. */
export function tableResource(database: string, name: string, node?: AppNode): typeof TableResource {
  const tableClass = class extends TableResource {
    static override databaseName = database;
    static override tableName = name;
    static override boundNode = node;
  };
  Object.defineProperty(tableClass, 'name', { value: name });
  return tableClass;
}

function searchIn(unguarded: Place, query: unknown): TableRows | JsonObject {
  const place = guardedBy(unguarded, query);
  const named = nameTarget(query, place);
  return searchRows(place, limited(place, named.kind === 'collection' ? named.query : {}));
}

function asTarget(target: unknown): RequestTarget {
  if (target instanceof RequestTarget) return target;
  const made = new RequestTarget();
  if (typeof target === 'string' || typeof target === 'number') {
    made.id = target;
    made.isCollection = false;
  } else if (typeof target === 'object' && target !== null) Object.assign(made, target);
  return made;
}

function placeTransaction(place: Place): ScopedTransaction {
  if (place.context === undefined) throw new Error('Bug: an instance outside of a transaction was tracked');
  return place.context.transaction;
}

/** The class's own check of records, where it has one. */
export function checkOf(tableClass: typeof TableResource): Check {
  if (tableClass.prototype.validate === TableResource.prototype.validate) return () => {};
  return (id, record, isPartial) => validateBy(new tableClass(id, currentContext()), record, isPartial);
}

/** Asks the app's `validate`. An error without a status of its own is the client's: the record is not acceptable. */
function validateBy(instance: TableResource, record: Fields, isPartial: boolean): void {
  try {
    instance.validate(record, isPartial);
  } catch (error) {
    if (!(error instanceof Error) || 'statusCode' in error || 'status' in error) throw error;
    throw new ZerohopError('VALIDATION_FAILED', error.message);
  }
}

function mustHaveSource(tableClass: { readonly name: string }, place: Place): TableSource {
  const source = sourceOf(place);
  if (source !== undefined) return source;
  throw new ZerohopError(
    'APPLICATION_ERROR',
    `${tableClass.name} has no source to ask again: call ${place.table.definition.name}.sourcedFrom() first.`,
  );
}

/** Whether a value is the class of a table. */
export function isTableClass(value: unknown): value is typeof TableResource {
  return typeof value === 'function' && Object.prototype.isPrototypeOf.call(TableResource, value);
}

function needsId(tableClass: { readonly name: string }): ZerohopError {
  return new ZerohopError('INVALID_ID', `${tableClass.name}.update() needs the id of a record.`);
}

function notSupported(tableClass: { readonly name: string }, method: string): ZerohopError {
  return new ZerohopError(
    'NOT_IMPLEMENTED',
    `${tableClass.name}.${method}() is not supported by this version of the runtime.`,
  );
}
