// A query as app code writes it: a plain object. What it is made into, and what may be in it, is `query`'s to say.

import type { Condition, ConditionGroup, Query, Selection, SortKey } from '../query/index.ts';

/** A condition as app code writes it: `{ attribute, comparator, value }` or `{ operator, conditions }`. */
export interface QueryCondition {
  attribute?: string | readonly string[];
  comparator?: string;
  value?: unknown;
  operator?: 'and' | 'or';
  conditions?: QueryCondition[];
}

export interface QuerySort {
  attribute: string | readonly string[];
  descending?: boolean;
  next?: QuerySort;
}

export type QuerySelect = string | (QuerySelectItem[] & { asArray?: boolean });
export type QuerySelectItem = string | { name: string; select?: QuerySelect };

/** What app code may set on a target, or pass as a query object. */
export interface QueryObject {
  conditions?: QueryCondition[];
  operator?: 'and' | 'or';
  limit?: number;
  offset?: number;
  sort?: QuerySort | QuerySort[];
  select?: QuerySelect;
  cursor?: string;
  total?: boolean;
  explain?: boolean;
  allowFullScan?: boolean;
  enforceExecutionOrder?: boolean;
}

/** The query, as app code would have written it. */
export function objectFromQuery(query: Query): QueryObject {
  return {
    ...(query.conditions && {
      conditions: query.conditions.conditions.map(conditionOf),
      operator: query.conditions.operator,
    }),
    ...(query.limit !== undefined && { limit: query.limit }),
    ...(query.offset !== undefined && { offset: query.offset }),
    ...(query.sort && { sort: query.sort.map(sortOf) }),
    ...(query.select && { select: selectOf(query.select) }),
    ...(query.allowFullScan !== undefined && { allowFullScan: query.allowFullScan }),
  };
}

function conditionOf(node: Condition | ConditionGroup): QueryCondition {
  if ('conditions' in node) return { operator: node.operator, conditions: node.conditions.map(conditionOf) };
  return { attribute: nameOf(node.attribute), comparator: node.comparator, value: node.value };
}

function sortOf({ attribute, descending }: SortKey): QuerySort {
  return { attribute: nameOf(attribute), descending };
}

function selectOf({ shape, attributes }: Selection): QuerySelect {
  const items = attributes.map(({ name, selection }) => (selection ? { name, select: selectOf(selection) } : name));
  const [only] = items;
  if (shape === 'values' && typeof only === 'string') return only;
  return shape === 'arrays' ? Object.assign(items, { asArray: true }) : items;
}

function nameOf(path: readonly string[]): string | readonly string[] {
  const [only] = path;
  return path.length === 1 && only !== undefined ? only : path;
}
