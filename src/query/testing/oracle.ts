// The obvious way to answer a query: look at every record in JavaScript. Slow, and what the SQL is checked against.

import type { Json, JsonObject } from '../../base/index.ts';
import type { TableDefinition } from '../../schema/index.ts';
import type { Condition, ConditionGroup, Query, SortKey } from '../types.ts';
import { computedUpper, lookup, nowMs, type Rows } from './database.ts';

type Value = Json | bigint | undefined;

export class Oracle {
  readonly #records = new Map<string, readonly JsonObject[]>();

  constructor(rows: Rows) {
    for (const [name, all] of Object.entries(rows)) {
      const live = all.filter((row) => !row.deleted && (row.expires ?? nowMs + 1) > nowMs);
      this.#records.set(
        name,
        live.map((row) => (name === 'Product' ? { ...row.body, upper: computedUpper(row.body) } : row.body)),
      );
    }
  }

  /** All matches in order; a query without sort gives the order of ids. */
  search(table: TableDefinition, query: Query): JsonObject[] {
    const found = this.#of(table).filter((record) => !query.conditions || this.#group(table, record, query.conditions));
    const sort = query.sort ?? [];
    const lastDescending = sort[sort.length - 1]?.descending ?? false;
    const keys: SortKey[] = [...sort, { attribute: ['id'], descending: lastDescending }];
    return found.sort((a, b) => {
      for (const key of keys) {
        const order = orderOf(this.#sortValue(table, a, key.attribute), this.#sortValue(table, b, key.attribute));
        if (order !== 0) return key.descending ? -order : order;
      }
      return 0;
    });
  }

  /** What selecting the relationship `name` with its ids gives: one member, or none when it is absent. */
  selected(table: TableDefinition, record: JsonObject, name: string): [string, Json][] {
    const attribute = table.attributes.find((candidate) => candidate.name === name);
    if (attribute?.type.kind !== 'relation') throw new Error(`${name} is no relationship`);
    const target = lookup(attribute.type.table);
    if (!target) throw new Error(`no table ${attribute.type.table}`);
    const keys = attribute.relationship ?? {};
    const own = record[keys.from ?? 'id'];
    const ids = this.#related(record, keys, target).map((other) => ({ id: other.id ?? null }));
    if (!attribute.type.many) return ids[0] ? [[name, ids[0]]] : [];
    const isListKey = table.attributes.find((candidate) => candidate.name === keys.from)?.type.kind === 'list';
    if (isListKey) return Array.isArray(own) ? [[name, ids]] : [];
    return [[name, ids.sort((a, b) => orderOf(a.id, b.id))]];
  }

  #of(table: TableDefinition): readonly JsonObject[] {
    return this.#records.get(table.name) ?? [];
  }

  #group(table: TableDefinition, record: JsonObject, group: ConditionGroup): boolean {
    const test = (node: Condition | ConditionGroup) =>
      'comparator' in node ? this.#condition(table, record, node, node.attribute) : this.#group(table, record, node);
    return group.operator === 'and' ? group.conditions.every(test) : group.conditions.some(test);
  }

  #condition(table: TableDefinition, record: JsonObject, condition: Condition, path: readonly string[]): boolean {
    const [name = '', ...rest] = path;
    const attribute = table.attributes.find((candidate) => candidate.name === name);
    if (attribute?.type.kind === 'relation') {
      const target = lookup(attribute.type.table);
      if (!target) throw new Error(`no table ${attribute.type.table}`);
      return this.#related(record, attribute.relationship ?? {}, target).some((other) =>
        this.#condition(target, other, condition, rest),
      );
    }
    const isBig = attribute?.type.kind === 'scalar' && attribute.type.scalar === 'BigInt';
    const value = isBig && typeof record[name] === 'number' ? BigInt(record[name]) : record[name];
    return meets(value, rest, condition, attribute?.type.kind === 'list');
  }

  #related(record: JsonObject, keys: { from?: string; to?: string }, target: TableDefinition): JsonObject[] {
    const own = listOf(record[keys.from ?? 'id']);
    return own.flatMap((key) => this.#of(target).filter((other) => listOf(other[keys.to ?? 'id']).includes(key)));
  }

  #sortValue(table: TableDefinition, record: JsonObject, path: readonly string[]): Value {
    const [name = '', ...rest] = path;
    const attribute = table.attributes.find((candidate) => candidate.name === name);
    if (attribute?.type.kind === 'relation') {
      const target = lookup(attribute.type.table);
      const other = target && this.#related(record, attribute.relationship ?? {}, target)[0];
      return target && other ? this.#sortValue(target, other, rest) : null;
    }
    return rest.length === 0 ? record[name] : member(record[name], rest);
  }
}

function listOf(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value as Json];
}

function member(value: Json | undefined, path: readonly string[]): Value {
  let at: Json | undefined = value;
  for (const name of path) at = isObject(at) ? at[name] : undefined;
  return at;
}

function isObject(value: Value): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param isList whether the attribute is a list; then any element counts, and "not" means none */
function meets(value: Value, path: readonly string[], condition: Condition, isList: boolean): boolean {
  if (!isList) return compare(path.length === 0 ? value : member(value as Json, path), condition);
  const { comparator } = condition;
  if (comparator === 'not_equal') return !meets(value, path, { ...condition, comparator: 'equals' }, true);
  if (path.length === 0) {
    if (comparator === 'equals' && condition.value === null) return value === undefined || value === null;
    if (comparator === 'in' && Array.isArray(condition.value) && condition.value.includes(null)) {
      if (value === undefined || value === null) return true;
    }
  }
  return listOf(value as Json).some((element) => {
    if (element === null && comparator === 'in') return path.length > 0 && compare(null, condition);
    return compare(path.length === 0 ? element : member(element, path), condition);
  });
}

function compare(raw: Value, { comparator, value: wanted }: Condition): boolean {
  const value = raw ?? null;
  const same = (other: Value) => kind(value) === kind(other ?? null) && orderOf(value, other ?? null) === 0;
  const order = (other: Value) =>
    value !== null && kind(value) === kind(other ?? null) ? orderOf(value, other ?? null) : Number.NaN;
  const text = typeof value === 'string' ? value : undefined;
  switch (comparator) {
    case 'equals':
      return same(wanted);
    case 'not_equal':
      return !same(wanted);
    case 'greater_than':
      return order(wanted) > 0;
    case 'greater_than_equal':
      return order(wanted) >= 0;
    case 'less_than':
      return order(wanted) < 0;
    case 'less_than_equal':
      return order(wanted) <= 0;
    case 'between':
      return Array.isArray(wanted) && order(wanted[0]) >= 0 && order(wanted[1]) <= 0;
    case 'in':
      return Array.isArray(wanted) && wanted.some((item) => same(item));
    case 'starts_with':
      return text?.startsWith(String(wanted)) ?? false;
    case 'contains':
      return text?.includes(String(wanted)) ?? false;
    case 'ends_with':
      return text?.endsWith(String(wanted)) ?? false;
    case 'ft':
      return String(wanted)
        .split(' ')
        .every((word) =>
          words(text ?? '').some((own) => (word.endsWith('*') ? own.startsWith(word.slice(0, -1)) : own === word)),
        );
  }
}

function words(text: string): string[] {
  return text.split(' ');
}

function kind(value: Value): number {
  if (value === null || value === undefined) return 0;
  if (typeof value === 'number' || typeof value === 'bigint') return 1;
  return typeof value === 'string' ? 2 : 3;
}

/** Null, then numbers, then text by code points, then false and true. */
function orderOf(a: Value, b: Value): number {
  if (kind(a) !== kind(b)) return kind(a) - kind(b);
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  const [x, y] = [a ?? 0, b ?? 0];
  return x < y ? -1 : x > y ? 1 : 0;
}
