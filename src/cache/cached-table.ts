// One table with a source, as one thread reads it.
//
//   fresh ──────────────────────────────▶ serve
//   stale ─── the app allows it ────────▶ serve, and fetch meanwhile
//     │                    ┌─ failed ───▶ serve stale where that is allowed, else the failure
//   absent ─▶ fetch, once ─┼─ missing ──▶ delete the copy; remember it for a short time
//             for all      └─ record ───▶ store, unless something newer came meanwhile; serve

import { type Clock, type Logger, type SharedFlights, ZerohopError } from '../base/index.ts';
import { type Id, tagOf } from '../records/index.ts';
import {
  type AppNode,
  type Place,
  RequestTarget,
  type SourcedClass,
  type SourceWrite,
  TableRecord,
  type TableSource,
} from '../resources/index.ts';
import type { Precondition } from '../store/index.ts';
import type { Databases, StoredRecord, StoredRow, Table } from '../tables/index.ts';
import type { BreakerPlace } from './breaker.ts';
import {
  type CachedCopy,
  type Directives,
  freshnessOf,
  mayServeOnError,
  noDirectives,
  parseDirectives,
} from './freshness.ts';
import type { SourceOptions } from './limits.ts';
import { changedMsOf, isOvertaken, RecordFetches, storedOf, type Wanted } from './record-fetches.ts';
import { Source, SourceError } from './source.ts';

export interface CachedTableOptions {
  readonly node: () => AppNode;
  readonly databases: Databases;
  readonly table: Table;
  readonly tableClass: SourcedClass;
  readonly source: unknown;
  readonly options: SourceOptions;
  /** The table the source is the class of, if it is one: its records are newer when their version is. */
  readonly origin: Table | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** What threads share of who asks for what. */
  readonly flights: SharedFlights;
  readonly breaker: BreakerPlace;
}

export class CachedTable implements TableSource {
  readonly #options: CachedTableOptions;
  readonly #source: Source;
  readonly #fetches: RecordFetches;

  constructor(options: CachedTableOptions) {
    this.#options = options;
    const { source, table, options: wanted, clock, breaker } = options;
    this.#source = new Source(source, table.definition.name, wanted, clock, breaker);
    this.#fetches = new RecordFetches({ ...options, source: this.#source });
  }

  get isNearby(): boolean {
    return this.#options.origin !== undefined;
  }

  get source(): Source {
    return this.#source;
  }

  async ready(place: Place, id: Id, target: unknown): Promise<Place> {
    // What is kept of the answer could not be told when the source has something newer.
    place.context?.reads?.giveUp();
    if (this.#isStaged(place, id)) return place;
    const { databases, table, clock, options } = this.#options;
    const asked = directivesOf(place, target);
    const row = databases.row(table, id);
    const copy = row && this.#copyOf(id, row);
    const freshness = freshnessOf(copy, asked, clock.nowMs());
    if (row && freshness === 'fresh') {
      const record = databases.getLatest(table, id) ?? storedOf(id, row);
      return serve(place, target, record, 'hit', false);
    }
    if (row && freshness === 'acceptable') return serve(place, target, storedOf(id, row), 'hit; detail=stale', false);
    if (asked.onlyIfCached)
      throw new ZerohopError('NOT_CACHED', `No copy of ${table.definition.name} ${id} is here that may be served.`);
    if (!this.#source.method('get'))
      return row && freshness !== 'absent' ? serve(place, target, storedOf(id, row), 'hit', false) : place;
    const wanted: Wanted = { ...asked, requestContext: place.context };
    if (row && freshness === 'stale' && isStaleByTime(asked) && this.#allowsStale(place, id, row)) {
      this.#fetches.once(id, row, wanted).catch((error: unknown) => this.#reportUnlessKnown(id, error));
      return serve(place, target, storedOf(id, row), 'hit; detail=stale-while-revalidate', false);
    }
    try {
      const fetched = await this.#fetches.once(id, row, wanted);
      const why = freshness === 'stale' ? 'stale' : 'uri-miss';
      if (fetched !== undefined) return serve(place, target, fetched, `fwd=${why}`, true);
      return { ...place, instead: null };
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      const now = databases.row(table, id);
      const last = now && this.#copyOf(id, now);
      if (!now || !mayServeOnError(last, asked, error.failure, options.staleIfError, clock.nowMs())) throw error.cause;
      return serve(place, target, storedOf(id, now), 'hit; detail=stale-if-error', false);
    }
  }

  async readyAll(place: Place, ids: readonly Id[]): Promise<void> {
    await Promise.all(ids.map((id) => this.ready(place, id, undefined)));
  }

  async write(verb: SourceWrite, id: Id, data: unknown, condition?: Precondition): Promise<() => Promise<void>> {
    const { databases, table, node } = this.#options;
    this.#fetches.forget(id);
    const asked = verb === 'post' && !this.#source.method('post') ? 'put' : verb;
    if (!this.#source.method(asked)) return async () => {};
    // Seen by the commit again; the source should not be told of what is refused anyway.
    const current = databases.getLatest(table, id);
    const now = current && tagOf(current);
    const isMet = now === undefined ? !condition?.versions : condition?.versions?.includes(now) !== false;
    if (!isMet || (now !== undefined && condition?.notVersions?.includes(now)))
      throw new ZerohopError('PRECONDITION_FAILED', `${table.definition.name} ${id} has changed since it was read.`);
    if (now !== undefined && condition?.exists === false)
      throw new ZerohopError('CONFLICT', `${table.definition.name} has a record ${id} already.`);
    try {
      const { value, context } = await this.#source.call(node(), asked, id, data, {});
      context.release();
      if (value instanceof Response && !value.ok) throw await this.#refusal(asked, value);
    } catch (error) {
      throw error instanceof SourceError ? error.cause : error;
    }
    // There is nothing here that its deletion would change: what is being fetched may come from before it.
    if (verb === 'delete' && this.lacks(id)) await this.invalidate(id);
    // The source has it and the table does not: what is here is no longer what the source would give.
    return () => this.invalidate(id);
  }

  /** With the status the source has answered with. */
  async #refusal(verb: SourceWrite, response: Response): Promise<Error> {
    const why = (await response.text()).slice(0, 200);
    const message = `The source of ${this.#options.table.definition.name} refused the ${verb}: ${response.status} ${why}`;
    return Object.assign(new Error(message), { statusCode: response.status });
  }

  /** Whether there is nothing of the record here, and it can be asked for. */
  lacks(id: Id): boolean {
    if (!this.#source.method('get')) return false;
    const row = this.#options.databases.row(this.#options.table, id);
    return row === undefined || row.body === null || row.expires === 0;
  }

  expiresAt(place: Place): number | undefined {
    const header = place.context?.headers?.get('cache-control');
    const maxAgeMs = header ? parseDirectives(header).maxAgeMs : undefined;
    return maxAgeMs === undefined ? undefined : this.#options.clock.nowMs() + Math.max(1, maxAgeMs);
  }

  async invalidate(id: Id): Promise<void> {
    const { databases, table } = this.#options;
    this.#fetches.leave(id);
    for (;;) {
      const row = databases.row(table, id);
      try {
        // A version of its own, with nothing to serve: a fetch that began before it can't be stored any more.
        const options = { expires: 0, if: { row: row ? tagOf(row) : null } };
        await databases.putText(table, id, whatStays(table, id, row), options);
        return;
      } catch (error) {
        if (!isOvertaken(error)) throw error;
      }
    }
  }

  /** What the transaction of the call has written itself is what it reads. */
  #isStaged({ context, table }: Place, id: Id): boolean {
    const transaction = context?.begunTransaction;
    return transaction?.hasWrites === true && transaction.hasStaged(table, id);
  }

  #copyOf(id: Id, row: StoredRow): CachedCopy | undefined {
    if (row.body === null) return undefined;
    const { databases, origin } = this.#options;
    const newer = origin && (databases.row(origin, id)?.version ?? 0) > row.version;
    return { storedMs: Math.floor(row.version / 1000), staleMs: newer ? 0 : row.expires };
  }

  #allowsStale(place: Place, id: Id, row: StoredRow): boolean {
    const { tableClass, table } = this.#options;
    const entry = {
      version: Math.floor(row.version / 1000),
      localTime: Math.floor(row.version / 1000),
      expiresAt: row.expires ?? undefined,
      value: new TableRecord(table, storedOf(id, row), [], () =>
        this.#options.databases.blobs(table.definition.database),
      ),
    };
    const owners = [
      place.tableClass?.prototype,
      tableClass.prototype,
      this.#source.object,
      prototypeOf(this.#source.object),
    ];
    for (const owner of owners) {
      const method: unknown = owner && Reflect.get(owner, 'allowStaleWhileRevalidate');
      if (typeof method === 'function') return Reflect.apply(method, owner, [entry, id]) === true;
    }
    return false;
  }

  /** What the source failed with is told where it was called. */
  #reportUnlessKnown(id: Id, error: unknown): void {
    if (error instanceof SourceError) return;
    const { log, table } = this.#options;
    log.error(`${table.definition.name} ${id} could not be brought up to date`, { error });
  }
}

function serve(place: Place, target: unknown, record: StoredRecord, how: string, loaded: boolean): Place {
  const { context } = place;
  if (target instanceof RequestTarget) {
    target.loadedFromSource = loaded;
    context?.response.headers.set('Cache-Status', `zerohop; ${how}`);
    const changedMs = changedMsOf(place.table, record);
    if (changedMs !== undefined) context?.response.headers.set('Last-Modified', new Date(changedMs).toUTCString());
  }
  if (context) context.loadedFromSource = loaded;
  return { ...place, instead: record };
}

function directivesOf({ context }: Place, target: unknown): Directives {
  return target instanceof RequestTarget ? parseDirectives(context?.headers?.get('cache-control')) : noDirectives;
}

/** Whether a copy counts as stale because of its age, not because the request wants a newer one. */
function isStaleByTime({ noCache, maxAgeMs, minFreshMs, mustRevalidate }: Directives): boolean {
  return !noCache && maxAgeMs === undefined && minFreshMs === undefined && !mustRevalidate;
}

/** Of an invalidated record: its key, and what it is found by. */
function whatStays({ definition }: Table, id: Id, row: StoredRow | undefined): string {
  const { primaryKey, attributes } = definition;
  const known: Readonly<Record<string, unknown>> = row?.body ? JSON.parse(row.body) : {};
  const indexed = attributes.filter(({ name, indexed, unique }) => (indexed || unique) && Object.hasOwn(known, name));
  return JSON.stringify({ [primaryKey]: id, ...Object.fromEntries(indexed.map(({ name }) => [name, known[name]])) });
}

function prototypeOf(object: object): object | undefined {
  const prototype: unknown = typeof object === 'function' ? Reflect.get(object, 'prototype') : undefined;
  return typeof prototype === 'object' && prototype !== null ? prototype : undefined;
}
