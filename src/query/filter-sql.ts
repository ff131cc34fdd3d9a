// Conditions as SQL with their values written out, for a view, which can't have parameters.

import type { SqlValue } from '../storage/index.ts';
import { groupSql } from './conditions-sql.ts';
import type { LayoutLookup, TableLayout } from './layout.ts';
import { fromSql, liveSql, PlanBuilder } from './scope.ts';
import type { ConditionGroup } from './types.ts';

/** `from`: what follows FROM; its table is called `alias`. `where`: records that are there, and meet the conditions. */
export interface FilterSql {
  readonly alias: string;
  readonly from: string;
  readonly where: string;
}

/** @param catalog names every table that conditions lead to; full text is beyond views and must not be among them */
export function filterSql(
  conditions: ConditionGroup | undefined,
  layout: TableLayout,
  catalog: LayoutLookup,
  nowMs: number,
): FilterSql {
  const builder = new LiteralBuilder(catalog, { nowMs, scanRows: Number.POSITIVE_INFINITY }, true);
  const scope = builder.scope(layout);
  const meets = conditions === undefined ? '' : ` AND (${groupSql(conditions, scope).sql})`;
  return { alias: scope.alias, from: fromSql(scope), where: `${liveSql(scope)}${meets}` };
}

class LiteralBuilder extends PlanBuilder {
  override bind(value: SqlValue): string {
    return literal(value);
  }
}

/** Text goes by its bytes, so that nothing in it is syntax. */
function literal(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : value > 0 ? '9e999' : '-9e999';
  const hex = Buffer.from(value).toString('hex');
  return typeof value === 'string' ? `CAST(x'${hex}' AS TEXT)` : `x'${hex}'`;
}
