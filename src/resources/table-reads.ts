// Reading a table: one record, a search, or what the table is.

import { type Json, type JsonObject, shown, ZerohopError } from '../base/index.ts';
import { type ConditionGroup, type Query, queryFromObject } from '../query/index.ts';
import type { Id } from '../records/index.ts';
import type { AttributeType, TableDefinition } from '../schema/index.ts';
import type { SearchResult, SearchRow, StoredRecord, Table } from '../tables/index.ts';
import { ExtendedIterable } from './extended-iterable.ts';
import { definitionFor, demandRead, guardedBy, limited, readingNames, visibleRecord } from './guard.ts';
import { TableRecord } from './record.ts';
import { type QueryObject, RequestTarget, type TableLookup } from './request-target.ts';
import { aQuery, demandWhole } from './spread-tables.ts';
import { blobNamesOf, type Place, readingIn } from './table-place.ts';
import { tracedGet, tracedSearch } from './trace.ts';

/** What a call names: one record, the records a query matches, or the table itself. */
export type Named =
  | {
      readonly kind: 'record';
      readonly id: Id;
      readonly query: Query | undefined;
      readonly property: string | undefined;
    }
  | { readonly kind: 'collection'; readonly query: Query }
  | { readonly kind: 'table' };

/**
 * @param target a RequestTarget, an id, or a query object (`{ id, select }` names one record)
 * @param ofRecord what counts of the URL of a RequestTarget that names one record
 */
export function nameTarget(target: unknown, unguarded: Place, ofRecord: 'query' | 'selection' = 'query'): Named {
  const place = guardedBy(unguarded, target);
  return readingNames(place, (definition, lookup) => nameSeen(target, place.table, definition, lookup, ofRecord));
}

function nameSeen(
  target: unknown,
  table: Table,
  definition: TableDefinition,
  lookup: TableLookup,
  ofRecord: 'query' | 'selection',
): Named {
  if (typeof target === 'string' || typeof target === 'number') return named(target);
  if (target instanceof RequestTarget) {
    if (target.isCollection) {
      return {
        kind: 'collection',
        query: withPrefix(target.queryFor(definition, lookup), target.idPrefix, definition.primaryKey),
      };
    }
    const id = target.idIn(table);
    if (id === undefined)
      return target.hasQuery ? { kind: 'collection', query: target.queryFor(definition, lookup) } : { kind: 'table' };
    if (!target.hasQuery) return named(id, undefined, target.property);
    const query = ofRecord === 'query' ? target.queryFor(definition, lookup) : target.selectionFor(definition, lookup);
    return named(id, query, target.property);
  }
  if (target === undefined || target === null) return { kind: 'collection', query: {} };
  if (Array.isArray(target)) return named(target.map(keyPart).join('/'));
  if (typeof target !== 'object')
    throw new ZerohopError('INVALID_ID', `${String(target)} is neither an id nor a query.`);
  const { id, ...query } = target as QueryObject & { readonly id?: unknown };
  if (typeof id === 'string' || typeof id === 'number') {
    return named(id, Object.keys(query).length === 0 ? undefined : queryFromObject(query, definition, lookup));
  }
  return { kind: 'collection', query: queryFromObject(target, definition, lookup) };
}

/** Of a key of several parts. */
function keyPart(part: unknown): string {
  if (typeof part === 'object' || typeof part === 'function')
    throw new ZerohopError('INVALID_ID', `${shown(part)} can't be part of a key: parts are texts and numbers.`);
  return String(part).replaceAll('/', '%2F');
}

function named(id: Id, query?: Query, property?: string): Named {
  return { kind: 'record', id, query, property };
}

/** `/Table/a/`: the records whose id begins with `a/`. */
function withPrefix(query: Query, prefix: string | undefined, primaryKey: string): Query {
  return prefix === undefined
    ? query
    : and(query, {
        operator: 'and',
        conditions: [{ attribute: [primaryKey], comparator: 'starts_with', value: `${prefix}/` }],
      });
}

function and(query: Query, group: ConditionGroup): Query {
  const conditions: ConditionGroup =
    query.conditions === undefined ? group : { operator: 'and', conditions: [...group.conditions, query.conditions] };
  return { ...query, conditions };
}

/** The record as stored, or what of it the caller may see. */
export function readStored(place: Place, id: Id): StoredRecord | undefined {
  const { node, table, guard, instead } = place;
  if (instead === null) return undefined;
  if (guard && !guard.grants.on(table.definition).read.isWhole)
    return visibleRecord(place, id, (query) => openSearch(place, query).rows);
  if (instead) return instead;
  const joined = readingIn(place);
  if (node.tracer !== undefined) return tracedGet(node.tracer, table, () => readLatest(node, table, joined, id));
  return readLatest(node, table, joined, id);
}

function readLatest(
  { databases }: Place['node'],
  table: Table,
  joined: ReturnType<typeof readingIn>,
  id: Id,
): StoredRecord | undefined {
  return joined === undefined ? databases.getLatest(table, id) : joined.get(table, id);
}

export function recordOf({ node, table }: Place, stored: StoredRecord): TableRecord {
  const known = stored.memo;
  if (known instanceof TableRecord) return known;
  const record = new TableRecord(table, stored, blobNamesOf(table), () =>
    node.databases.blobs(table.definition.database),
  );
  stored.memo = record;
  return record;
}

/** The record, or what the query selects of it; undefined when there is none that fits. */
export function readOne(place: Place, id: Id, query: Query | undefined): unknown {
  if (query === undefined) {
    const stored = readStored(place, id);
    return stored && recordOf(place, stored);
  }
  if (place.instead === null) return undefined;
  const one = limited(place, oneRecord(query, id, place.table));
  if (one.explain) return explain(place, one);
  const [found] = new TableRows(place, one);
  return found;
}

/** The value of one attribute of a record. */
export function readProperty(place: Place, id: Id, property: string): unknown {
  if (place.instead === null) return undefined;
  const query = oneRecord({ select: { shape: 'objects', attributes: [{ name: property }] } }, id, place.table);
  const [found] = new TableRows(place, limited(place, query));
  if (found === undefined || !blobNamesOf(place.table).includes(property)) {
    return isObject(found) ? found[property] : undefined;
  }
  const record = readOne(place, id, undefined);
  return isObject(record) ? record[property] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

export function oneRecord(query: Query, id: Id, table: Table): Query {
  const { primaryKey } = table.definition;
  return {
    ...and(query, { operator: 'and', conditions: [{ attribute: [primaryKey], comparator: 'equals', value: id }] }),
    limit: 1,
  };
}

/** The results of a search, read as they are iterated. */
export class TableRows extends ExtendedIterable<unknown> {
  readonly query: Query;
  readonly place: Place;
  readonly #start: () => SearchResult;

  constructor(place: Place, query: Query) {
    const opened: { result?: SearchResult } = {};
    const start = () => {
      opened.result = openSearch(place, query);
      return opened.result;
    };
    super({ [Symbol.iterator]: () => rowValues(place, query, start())[Symbol.iterator]() });
    this.place = place;
    this.query = query;
    this.#start = () => opened.result ?? start();
  }

  /** How many records match in all, whatever the limit. Asked for with `total: true` in the query. */
  get total(): number | undefined {
    return this.#start().total;
  }

  /** After the iteration: where the next page starts, or null at the end. Asked for with `cursor: ''` in the query. */
  nextCursor(): string | null {
    return this.#start().nextCursor();
  }
}

/** Records a search has brought up to date by their source, at most. */
const searchedRecords = 1_000;

/** Ids of the records that fit a query and may have expired. */
export function staleOf(place: Place, query: Query): Id[] {
  const { select: _select, total: _total, cursor: _cursor, ...rest } = query;
  const { node, table } = place;
  const transaction = node.databases.transaction();
  try {
    const found = transaction.search(table, {
      ...rest,
      evenExpired: true,
      limit: Math.min(query.limit ?? searchedRecords, searchedRecords),
    });
    return Array.from(found.rows).flatMap(({ id, expires }) => (expires === null ? [] : [id]));
  } finally {
    transaction.abort();
  }
}

/** The results, or with `explain` how they would be found. */
export function searchRows(place: Place, query: Query): TableRows | JsonObject {
  return query.explain ? explain(place, query) : new TableRows(place, query);
}

/** Begins the search. One that stands alone lets go of its snapshot when its rows are drained. */
export function openSearch(place: Place, asked: Query): SearchResult {
  const { tracer } = place.node;
  return tracer === undefined ? search(place, asked) : tracedSearch(tracer, place.table, () => search(place, asked));
}

function search(place: Place, asked: Query): SearchResult {
  const { node, table, instead, gathered } = place;
  if (table.definition.copies !== undefined && place.context?.replicateFrom !== false && !place.isReady)
    demandWhole(node, table, aQuery);
  const counted = place.total === undefined ? asked : { ...asked, total: false };
  const query = instead ? { ...counted, evenExpired: true } : counted;
  // What came from the source may be newer than what the transaction reads from.
  const joined = instead || gathered ? undefined : readingIn(place);
  if (joined !== undefined) return joined.search(table, query);
  const transaction = node.databases.transaction();
  for (const { id, ...record } of gathered ?? [])
    if (record.version > (node.databases.row(table, id)?.version ?? 0)) transaction.suppose(table, id, record);
  const result = transaction.search(table, query);
  return {
    ...result,
    ...(place.total !== undefined && { total: place.total }),
    rows: {
      *[Symbol.iterator]() {
        try {
          yield* result.rows;
        } finally {
          transaction.abort();
        }
      },
    },
  };
}

function* rowValues(place: Place, query: Query, result: SearchResult): Generator<unknown> {
  for (const row of result.rows) {
    place.context?.noteRead(row);
    row.memo ??= query.select === undefined ? recordOf(place, storedOf(row)) : selectedOf(row);
    yield row.memo;
  }
}

function storedOf({ id, version, tag, expires, json }: SearchRow): StoredRecord {
  return { id, version, expires, body: json, ...(tag !== undefined && { tag }) };
}

/** Frozen, as it is kept and given to others too. */
function selectedOf(row: SearchRow): unknown {
  const value = frozen(JSON.parse(row.json));
  if (isObject(value)) selectedTexts.set(value, row.json);
  return value;
}

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) if (typeof part === 'object') frozen(part);
  return Object.freeze(value);
}

const selectedTexts = new WeakMap<object, string>();

/** The JSON text of a record or a selected row as it was read; undefined for anything else. */
export function knownJson(value: object): string | undefined {
  return value instanceof TableRecord ? TableRecord.origin(value).stored.body : selectedTexts.get(value);
}

/** How a query would be answered. */
export function explain(place: Place, query: Query): JsonObject {
  const { node, table } = place;
  const joined = readingIn(place);
  if (joined !== undefined) return joined.explain(table, query);
  const transaction = node.databases.transaction();
  try {
    return transaction.explain(table, query);
  } finally {
    transaction.abort();
  }
}

/** What `GET /Table` tells about a table. */
export function describeTable(place: Place): JsonObject {
  demandRead(place);
  const definition = definitionFor(place);
  return {
    records: './',
    name: definition.name,
    database: definition.database,
    attributes: definition.attributes
      .filter(({ hidden }) => !hidden)
      .map(
        (attribute): Json => ({
          name: attribute.name,
          attribute: attribute.name,
          type: typeName(attribute.type),
          ...(attribute.name === definition.primaryKey && { isPrimaryKey: true }),
          ...(attribute.indexed && { indexed: true }),
        }),
      ),
  };
}

export function typeName(type: AttributeType): string {
  switch (type.kind) {
    case 'scalar':
      return type.scalar;
    case 'list':
      return `[${typeName(type.of)}]`;
    case 'object':
      return type.name;
    case 'relation':
      return type.many ? `[${type.table}]` : type.table;
  }
}
