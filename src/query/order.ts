// The order rows come in: what the query asks for, made total by the primary key, so that pages never overlap.
//
// Without a sort: the order of the range that finds the rows, if there is one, else of the primary key. A query without a sort, limit,
// offset and cursor that has conditions promises no order.

import { resolvePath } from './resolve-path.ts';
import { type Compiled, columnOf, fromSql, keySql, liveSql, type Scope, valueSql } from './scope.ts';
import type { AttributePath, Query, SortKey } from './types.ts';

export interface OrderTerm {
  readonly name: string;
  readonly expression: string;
  readonly descending: boolean;
  readonly isNullable: boolean;
  readonly isIndexed: boolean;
}

/** @param score the SQL of `$score` */
export function orderTerms(query: Query, where: Compiled | null, scope: Scope, score: string): OrderTerm[] {
  const keys = query.sort?.length ? query.sort : defaultSort(query, where);
  const terms: OrderTerm[] = [];
  for (const key of keys) {
    const term = orderTerm(key, scope, score);
    terms.push(term);
    if (term.expression === `${scope.alias}._id`) return terms;
  }
  if (terms.length === 0) return terms;
  const descending = terms[terms.length - 1]?.descending ?? false;
  return [...terms, { ...idTerm(scope), descending }];
}

/** `cursor` and `limit` without a sort still need every page to go on where the last one ended. */
function defaultSort(query: Query, where: Compiled | null): SortKey[] {
  const isPaged = query.limit !== undefined || query.offset !== undefined || query.cursor !== undefined;
  if (where !== null && !isPaged) return [];
  return [{ attribute: where?.rangePath ?? [], descending: false }];
}

function idTerm(scope: Scope): OrderTerm {
  return { name: '$id', expression: `${scope.alias}._id`, descending: false, isNullable: false, isIndexed: true };
}

function orderTerm({ attribute, descending }: SortKey, scope: Scope, score: string): OrderTerm {
  const name = attribute.join('.');
  if (attribute.length === 0) return { ...idTerm(scope), descending };
  if (name === '$score') return { name, expression: score, descending, isNullable: false, isIndexed: false };
  const { joins, leaf } = resolvePath(attribute, scope.layout.definition, scope.builder.lookup);
  const expression = sortExpression(attribute, scope);
  if (expression === `${scope.alias}._id`) return { ...idTerm(scope), descending };
  const isColumn = joins.length === 0 && columnOf(scope, leaf) !== null;
  return {
    name,
    expression,
    descending,
    // Even when it is required: records written before the schema said so need not have it.
    isNullable: true,
    isIndexed: isColumn && (leaf.attribute?.indexed || leaf.attribute?.unique) === true,
  };
}

/** Of a related record: the value in the one record the key leads to, null when there is none. */
function sortExpression(path: AttributePath, scope: Scope): string {
  const { joins, leaf } = resolvePath(path, scope.layout.definition, scope.builder.lookup);
  const [join] = joins;
  if (!join) return valueSql(scope, leaf);
  const target = scope.builder.scope(scope.builder.layoutOf(join.target.name));
  const inner = sortExpression(path.slice(1), target);
  return (
    `(SELECT ${inner} FROM ${fromSql(target)} WHERE ${keySql(target, join.to)} = ${keySql(scope, join.from)} ` +
    `AND ${liveSql(target)} ORDER BY ${target.alias}._id LIMIT 1)`
  );
}
