// A query object of app code → a Query: { conditions, operator, select, sort, limit, offset, ... }. Strict: a key or
// comparator that is not known is refused, never ignored.

import { type Json, limits, shown, ZerohopError } from '../base/index.ts';
import { encodeId } from '../records/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { checkQuery } from './check-query.ts';
import { comparedScalar, isTextComparator, valueFromCode } from './convert.ts';
import { resolvePath, type TableLookup } from './resolve-path.ts';
import type {
  AttributePath,
  Comparator,
  Condition,
  ConditionGroup,
  Query,
  SelectedAttribute,
  Selection,
  SortKey,
} from './types.ts';

type Fields = Readonly<Record<string, unknown>>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** `object` comes from code, so its shape is checked here. */
export function queryFromObject(object: unknown, definition: TableDefinition, lookup: TableLookup): Query {
  const fields = fieldsOf(object, 'The query');
  const query: Mutable<Query> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    switch (key) {
      case 'conditions':
        break;
      case 'operator':
        operatorOf(value);
        break;
      case 'select':
        query.select = selectionOf(value, 1);
        break;
      case 'sort':
        if (value !== null) query.sort = sortOf(value, definition);
        break;
      case 'limit':
      case 'offset':
        if (value !== null) query[key] = numberOf(value, key);
        break;
      case 'cursor':
        if (typeof value !== 'string') throw invalid('"cursor" must be text: \'\' for the first page.');
        query.cursor = value;
        break;
      case 'total':
      case 'explain':
      case 'allowFullScan':
        query[key] = booleanOf(value, key);
        break;
      case 'enforceExecutionOrder':
        // The order of conditions never changes the result, and SQLite chooses the fastest.
        booleanOf(value, key);
        break;
      default:
        throw invalid(`A query has no "${key}". It has: ${knownKeys.join(', ')}.`);
    }
  }
  const conditions = conditionsOf(fields.conditions, operatorOf(fields.operator), definition, lookup, 1);
  if (conditions) query.conditions = conditions;
  checkQuery(query, definition, lookup);
  return query;
}

const knownKeys = [
  'conditions',
  'operator',
  'select',
  'sort',
  'limit',
  'offset',
  'cursor',
  'total',
  'explain',
  'allowFullScan',
  'enforceExecutionOrder',
];

const comparatorNames: Readonly<Record<string, Comparator>> = {
  equals: 'equals',
  equal: 'equals',
  eq: 'equals',
  '=': 'equals',
  '==': 'equals',
  '===': 'equals',
  not_equal: 'not_equal',
  ne: 'not_equal',
  '!=': 'not_equal',
  '!==': 'not_equal',
  greater_than: 'greater_than',
  gt: 'greater_than',
  '>': 'greater_than',
  greater_than_equal: 'greater_than_equal',
  ge: 'greater_than_equal',
  gte: 'greater_than_equal',
  '>=': 'greater_than_equal',
  less_than: 'less_than',
  lt: 'less_than',
  '<': 'less_than',
  less_than_equal: 'less_than_equal',
  le: 'less_than_equal',
  lte: 'less_than_equal',
  '<=': 'less_than_equal',
  between: 'between',
  in: 'in',
  starts_with: 'starts_with',
  sw: 'starts_with',
  contains: 'contains',
  ct: 'contains',
  ends_with: 'ends_with',
  ew: 'ends_with',
  ft: 'ft',
};

function conditionsOf(
  value: unknown,
  operator: 'and' | 'or',
  definition: TableDefinition,
  lookup: TableLookup,
  depth: number,
): ConditionGroup | undefined {
  if (value === undefined || value === null) return undefined;
  if (depth > limits.queryDepth) {
    throw invalid(`Conditions are nested more than ${limits.queryDepth} deep.`);
  }
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0 && depth === 1) return undefined;
  return { operator, conditions: list.map((item) => nodeOf(item, definition, lookup, depth)) };
}

function nodeOf(
  value: unknown,
  definition: TableDefinition,
  lookup: TableLookup,
  depth: number,
): Condition | ConditionGroup {
  const fields = fieldsOf(value, 'A condition');
  if ('conditions' in fields) {
    refuseOthers(fields, ['conditions', 'operator'], 'A group of conditions');
    const group = conditionsOf(fields.conditions, operatorOf(fields.operator), definition, lookup, depth + 1);
    if (!group) throw invalid('A group of conditions is empty.');
    return group;
  }
  refuseOthers(fields, conditionKeys, 'A condition');
  // `search_*` are the names older applications use.
  const attribute = pathOf('attribute' in fields ? fields.attribute : fields.search_attribute, definition);
  const comparator = comparatorOf(fields.comparator ?? fields.search_type, attribute);
  const raw = 'value' in fields ? fields.value : fields.search_value;
  if (raw === undefined) throw invalid(`The condition on "${attribute.join('.')}" has no value.`);
  return { attribute, comparator, value: conditionValue(raw, attribute, comparator, definition, lookup) };
}

const conditionKeys = ['attribute', 'comparator', 'value', 'search_attribute', 'search_type', 'search_value'];

function conditionValue(
  raw: unknown,
  attribute: AttributePath,
  comparator: Comparator,
  definition: TableDefinition,
  lookup: TableLookup,
): Json | bigint {
  const { leaf } = resolvePath(attribute, definition, lookup);
  const name = attribute.join('.');
  if (isTextComparator(comparator)) {
    if (typeof raw !== 'string') throw invalid(`"${comparator}" on "${name}" needs text to look for.`);
    return raw;
  }
  const scalar = comparedScalar(leaf.type) ?? 'Any';
  const isKey = attribute.length === 1 && name === definition.primaryKey;
  const convert = (value: unknown): Json | bigint => {
    if (!isKey || !Array.isArray(value)) return valueFromCode(value, scalar, name);
    if (comparator === 'equals' || comparator === 'not_equal' || comparator === 'in')
      return encodeId(definition, value);
    throw invalid(
      `"${comparator}" can't put the key ${shown(value)} in order: keys of several parts are text, with "/" between the parts. Find them by how they begin: { attribute: "${name}", comparator: "starts_with", value: "${shown(value[0])}/" }.`,
    );
  };
  if (comparator !== 'between' && comparator !== 'in') return convert(raw);
  if (!Array.isArray(raw)) throw invalid(`"${comparator}" on "${name}" needs a list of values.`);
  return raw.map((item: unknown) => {
    const value = convert(item);
    return typeof value === 'bigint' ? String(value) : value;
  });
}

function comparatorOf(value: unknown, attribute: AttributePath): Comparator {
  if (value === undefined || value === null) return 'equals';
  const comparator =
    typeof value === 'string' && Object.hasOwn(comparatorNames, value) ? comparatorNames[value] : undefined;
  if (comparator) return comparator;
  throw invalid(
    `"${shown(value)}" on "${attribute.join('.')}" is no comparator. There are ${[...new Set(Object.values(comparatorNames))].join(', ')}.`,
  );
}

/** A name, or names from the table outwards. Null stands for the primary key. */
function pathOf(value: unknown, definition: TableDefinition): AttributePath {
  if (value === null) return [definition.primaryKey];
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string')) return value;
  throw invalid("An attribute must be a name, or a list of names such as ['brand', 'name'].");
}

function sortOf(value: unknown, definition: TableDefinition): SortKey[] {
  const keys: SortKey[] = [];
  for (let next: unknown = value; next !== undefined && next !== null; ) {
    const fields = fieldsOf(next, 'A sort');
    refuseOthers(fields, ['attribute', 'descending', 'next'], 'A sort');
    if (keys.length >= limits.queryDepth) throw invalid(`A query sorts by at most ${limits.queryDepth} attributes.`);
    keys.push({
      attribute: pathOf(fields.attribute, definition),
      descending: fields.descending === undefined ? false : booleanOf(fields.descending, 'descending'),
    });
    next = fields.next;
  }
  return keys;
}

/** A name → bare values; a list → objects, or arrays when it has `asArray`. */
function selectionOf(value: unknown, depth: number): Selection {
  if (depth > limits.queryDepth) throw invalid(`The selection is nested more than ${limits.queryDepth} deep.`);
  if (!Array.isArray(value)) return { shape: 'values', attributes: [selectedOf(value, depth)] };
  const isArrays = 'asArray' in value && value.asArray === true;
  return { shape: isArrays ? 'arrays' : 'objects', attributes: value.map((item) => selectedOf(item, depth)) };
}

function selectedOf(value: unknown, depth: number): SelectedAttribute {
  if (typeof value === 'string') return { name: value };
  const fields = fieldsOf(value, 'A selected attribute');
  refuseOthers(fields, ['name', 'select'], 'A selected attribute');
  const { name, select } = fields;
  if (typeof name !== 'string') throw invalid('A selected attribute needs a "name".');
  return select === undefined || select === null ? { name } : { name, selection: selectionOf(select, depth + 1) };
}

function operatorOf(value: unknown): 'and' | 'or' {
  if (value === undefined || value === null) return 'and';
  const operator = typeof value === 'string' ? value.toLowerCase() : value;
  if (operator !== 'and' && operator !== 'or') throw invalid(`"operator" must be 'and' or 'or', not ${shown(value)}.`);
  return operator;
}

function numberOf(value: unknown, key: string): number {
  if (typeof value !== 'number') throw invalid(`"${key}" must be a whole number from 0.`);
  return value;
}

function booleanOf(value: unknown, key: string): boolean {
  if (typeof value !== 'boolean') throw invalid(`"${key}" must be true or false.`);
  return value;
}

function fieldsOf(value: unknown, what: string): Fields {
  if (!isFields(value)) throw invalid(`${what} must be an object.`);
  return value;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseOthers(fields: Fields, known: readonly string[], what: string): void {
  const other = Object.keys(fields).find((key) => !known.includes(key));
  if (other !== undefined) throw invalid(`${what} has no "${other}". It has: ${known.join(', ')}.`);
}

function invalid(message: string): ZerohopError {
  return new ZerohopError('INVALID_QUERY', message);
}
