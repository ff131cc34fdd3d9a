// App code asks with the same query objects again and again: what came of checking one is kept, by a text that tells any two apart.

import type { TableDefinition } from '../schema/index.ts';
import { queryFromObject as checkedQuery } from './query-from-object.ts';
import type { TableLookup } from './resolve-path.ts';
import type { Query } from './types.ts';

/** Queries kept per table definition; when they are full, all are forgotten. */
const knownQueries = 2_000;

const known = new WeakMap<TableDefinition, Map<string, Query>>();

/** The same Query object for an equal query object, while the table's definition stays. */
export function queryFromObject(object: unknown, definition: TableDefinition, lookup: TableLookup): Query {
  const key = keyOf(object);
  if (key === undefined) return checkedQuery(object, definition, lookup);
  let queries = known.get(definition);
  if (queries === undefined || queries.size >= knownQueries) {
    queries = new Map();
    known.set(definition, queries);
  }
  let query = queries.get(key);
  if (query === undefined) {
    query = checkedQuery(object, definition, lookup);
    queries.set(key, query);
  }
  return query;
}

/** Equal texts only for equal values; undefined for anything that is not plain data. */
function keyOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return `s${value.length}:${value}`;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? `n${value};` : undefined;
    case 'boolean':
      return value ? 't' : 'f';
    case 'object':
      return value === null ? 'z' : Array.isArray(value) ? keyOfArray(value) : keyOfObject(value);
    default:
      return undefined;
  }
}

function keyOfArray(items: readonly unknown[]): string | undefined {
  // The one property an array may have that means something.
  if ('asArray' in items) return undefined;
  let key = `[${items.length}`;
  for (const item of items) {
    const part = keyOf(item);
    if (part === undefined) return undefined;
    key += part;
  }
  return key;
}

function keyOfObject(object: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  let key = '{';
  for (const name in object) {
    const part = keyOf((object as Readonly<Record<string, unknown>>)[name]);
    if (part === undefined) return undefined;
    key += `s${name.length}:${name}${part}`;
  }
  return `${key}}`;
}
