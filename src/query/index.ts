// Queries: from a URL or an object to a `Query`, from that to a plan and SQL (pure), and from SQL to rows; what results depend on.

export { checkQuery } from './check-query.ts';
export { filterSql } from './filter-sql.ts';
export { queryFromObject } from './known-queries.ts';
export type { FulltextSource, LayoutLookup, PlanOptions, SqlReader, TableLayout } from './layout.ts';
export { parseQueryString } from './parse-query-string.ts';
export { type Plan, plan, type Statement } from './plan.ts';
export type { ComputeAttribute, QueryRecord } from './projection.ts';
export type { TableLookup } from './resolve-path.ts';
export { explainPlan, type QueryResult, type QueryRow, type RunOptions, runPlan } from './run-plan.ts';
export * from './types.ts';
export type { Watch, WatchTest } from './watch.ts';
