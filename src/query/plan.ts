// Query → plan: SQL text with parameters, and how to read its rows. Pure. The same shape of query gives the same text.
//
//   1 where   conditions → SQL, each with the index that serves it
//   2 order   sort keys, made total
//   3 refuse  a scan of a large table that was not asked for
//   4 pages   where the cursor left off
//   5 select  the columns the selection needs

import { type Json, type JsonObject, ZerohopError } from '../base/index.ts';
import type { SqlValue } from '../storage/index.ts';
import { checkQuery, scoredConditions } from './check-query.ts';
import { groupSql } from './conditions-sql.ts';
import { decodeCursor, orderName, segmentsAfter } from './cursor.ts';
import { fulltextSql } from './fulltext-sql.ts';
import type { LayoutLookup, PlanOptions, TableLayout } from './layout.ts';
import { type OrderTerm, orderTerms } from './order.ts';
import { type Projection, prepareProjection, projectionPlan, rowColumns, selectList } from './projection.ts';
import { prepareRelated } from './related.ts';
import { type Compiled, fromSql, liveSql, PlanBuilder, type Scope } from './scope.ts';
import type { Condition, ConditionGroup, Query } from './types.ts';
import { type WatchTest, watchTest } from './watch.ts';

export interface Plan {
  /** Name of the table whose records the rows are. */
  readonly table: string;
  /** Run one after the other until the limit is reached; each row of one comes before every row of the next. */
  readonly statements: readonly Statement[];
  /** Rows wanted in all; null for no limit. With a cursor one more is read, to know whether there is a next page. */
  readonly limit: number | null;
  readonly total: Statement | null;
  /** Null: rows are stored bodies as they are. */
  readonly projection: Projection | null;
  /** For the next cursor; null when the query has none. */
  readonly paging: { readonly order: string; readonly firstColumn: number; readonly terms: number } | null;
  readonly nowMs: number;
  /** Tells which records of the table fit; null where a result depends on more than its own records and what fits. */
  readonly watch: WatchTest | null;
  readonly explanation: JsonObject;
}

export interface Statement {
  readonly sql: string;
  /** The last is the row limit. */
  readonly parameters: readonly SqlValue[];
}

/**
 * Throws UNKNOWN_ATTRIBUTE, INVALID_QUERY, INVALID_CURSOR, or UNINDEXED_QUERY.
 * @param catalog every table of the database, for relationships
 */
export function plan(query: Query, layout: TableLayout, catalog: LayoutLookup, options: PlanOptions): Plan {
  const builder = new PlanBuilder(catalog, options, query.allowFullScan ?? false);
  checkQuery(query, layout.definition, builder.lookup);
  const scope = builder.scope(layout);
  const scored = usesScore(query) ? scoredConditions(query, layout.definition, builder.lookup) : [];
  const from = sourceSql(scope, scored);
  const where = whereSql(query.conditions, scope, scored);
  const score = scored.map((_, i) => `s${i}.score`).join(' + ');
  const order = orderTerms(query, where.compiled, scope, score);
  if (!builder.allowFullScan) refuseScan(query, where, order, layout, options);
  const live = query.evenExpired ? `${scope.alias}._body IS NOT NULL` : liveSql(scope);
  const filter = `${live}${where.sql === '' ? '' : ` AND ${where.sql}`}`;
  const isFollowable = builder.tableCount === 1 && score === '' && !query.total && !query.offset;
  const watch =
    isFollowable && query.cursor === undefined ? watchTest(scope, `(${filter})`, [...builder.parameters]) : null;
  const total = query.total
    ? {
        sql: `SELECT count(*) FROM ${from} WHERE ${filter} LIMIT ${builder.bind(noLimit)}`,
        parameters: [...builder.parameters],
      }
    : null;
  const segments = pageSegments(query, layout, order, builder);
  const orderColumns = query.cursor === undefined ? [] : order.map((term) => term.expression);
  const extra = score === '' ? orderColumns : [...orderColumns, score];
  const projection = query.select
    ? prepareProjection(query.select, scope, extra, prepareRelated, rowColumns.length + orderColumns.length)
    : null;
  const head = `SELECT ${selectList(scope.alias, projection?.columns ?? orderColumns)} FROM ${from} WHERE ${filter}`;
  const tail = tailSql(query, order, builder);
  const limit = query.limit ?? null;
  return {
    table: layout.definition.name,
    statements: segments.map((segment) => ({
      sql: `${head}${segment === '' ? '' : ` AND ${segment}`}${tail}`,
      parameters: builder.parameters,
    })),
    limit,
    total,
    projection,
    paging:
      query.cursor === undefined
        ? null
        : { order: orderName(layout.definition.name, order), firstColumn: rowColumns.length, terms: order.length },
    nowMs: options.nowMs,
    watch,
    explanation: explanationOf(query, where, order, projection, layout),
  };
}

function usesScore(query: Query): boolean {
  const isScore = (name: string | undefined) => name === '$score';
  return (
    (query.sort?.some((key) => isScore(key.attribute[0])) ?? false) ||
    (query.select?.attributes.some((selected) => isScore(selected.name)) ?? false)
  );
}

/** The table, after the full-text matches when their score is wanted. */
function sourceSql(scope: Scope, scored: readonly Condition[]): string {
  if (scored.length === 0) return fromSql(scope);
  const matches = scored.map((condition, i) => {
    const sql = fulltextSql(scope, condition.attribute[0] ?? '', String(condition.value), true);
    return `(${sql}) AS s${i}`;
  });
  const on = scored.map((_, i) => `s${i}.row = ${scope.alias}._row`).join(' AND ');
  return `${matches.join(' CROSS JOIN ')} CROSS JOIN ${fromSql(scope)} ON ${on}`;
}

interface Where {
  readonly sql: string;
  readonly compiled: Compiled | null;
  /** Whether conditions find the rows with an index. */
  readonly isServed: boolean;
}

/** Conditions that give the score are in the FROM clause already. */
function whereSql(group: ConditionGroup | undefined, scope: Scope, scored: readonly Condition[]): Where {
  if (!group) return { sql: '', compiled: null, isServed: false };
  const compiled = groupSql(group, scope);
  if (scored.length === 0) return { sql: compiled.sql, compiled, isServed: compiled.access !== 'scan' };
  const rest = group.conditions.filter((node) => !('comparator' in node && scored.includes(node)));
  const sql = rest.length === 0 ? '' : groupSql({ operator: 'and', conditions: rest }, scope).sql;
  return { sql, compiled, isServed: true };
}

/** A query must not look at many rows for few answers unless it says so. Listing a whole table in an order it has is no such query. */
function refuseScan(
  query: Query,
  where: Where,
  order: readonly OrderTerm[],
  layout: TableLayout,
  { scanRows }: PlanOptions,
): void {
  if (layout.rowCount <= scanRows || where.isServed) return;
  const isOrdered = order[0] === undefined || order[0].isIndexed;
  const isLimited = query.limit !== undefined && (query.sort?.length ?? 0) > 0;
  if (isOrdered && (where.compiled === null || isLimited)) return;
  const { name } = layout.definition;
  const attribute = where.compiled?.attribute ?? `${name}.${order[0]?.name}`;
  const remedy = where.compiled?.remedy ?? `Mark ${attribute} @indexed.`;
  throw new ZerohopError(
    'UNINDEXED_QUERY',
    `The query would look at all ${layout.rowCount} records of ${name}: no index serves ${where.compiled ? 'its conditions' : 'its sort'}. ` +
      `${remedy} Or add a condition on an indexed attribute, or set allowFullScan in a query object.`,
    { attribute },
  );
}

/** One condition per statement; '' for all rows. */
function pageSegments(query: Query, layout: TableLayout, order: readonly OrderTerm[], builder: PlanBuilder): string[] {
  if (query.cursor === undefined || query.cursor === '') return [''];
  const values = decodeCursor(query.cursor, orderName(layout.definition.name, order), order.length);
  return segmentsAfter(order, values, builder);
}

/** ORDER BY, OFFSET and LIMIT. The limit is bound last and always, so that each statement uses its last parameter, as SQLite wants. */
function tailSql(query: Query, order: readonly OrderTerm[], builder: PlanBuilder): string {
  const keys = order.map((term) => `${term.expression}${term.descending ? ' DESC' : ''}`).join(', ');
  const offset = query.offset ? ` OFFSET ${builder.bind(query.offset)}` : '';
  return `${keys === '' ? '' : ` ORDER BY ${keys}`} LIMIT ${builder.bind(query.limit ?? noLimit)}${offset}`;
}

/** SQLite's LIMIT that is none. */
const noLimit = -1;

function explanationOf(
  query: Query,
  where: Where,
  order: readonly OrderTerm[],
  projection: Projection | null,
  layout: TableLayout,
): JsonObject {
  const sort: Json = order.map((term) => ({ attribute: term.name, descending: term.descending }));
  return {
    table: layout.definition.name,
    records: layout.rowCount,
    conditions: where.compiled?.plan ?? null,
    access: where.compiled === null ? 'all' : where.compiled.access,
    sort,
    sortIndex: order[0]?.isIndexed && !where.isServed ? `${layout.definition.name}.${order[0].name}` : null,
    limit: query.limit ?? null,
    related: projection ? projectionPlan(projection) : {},
  };
}
