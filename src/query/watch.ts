// What a result of a query depends on in one table, to tell of changed records whether they matter to it.
//
// A result that was read whole (all that fits, or the first so many in its order) stays as it is when a changed record was not in it and does not
// fit now: one that did fit was beyond its end.

import type { SqlValue } from '../storage/index.ts';
import { fromSql, type Scope } from './scope.ts';

export interface Watch {
  /** Name of the table. */
  readonly table: string;
  /** `_id` of the records in the result. */
  readonly members: ReadonlySet<SqlValue>;
  readonly test: WatchTest;
}

export interface WatchTest {
  /** Of the rows whose numbers are the JSON list bound last: `_id`, and 1 where the record fits. */
  readonly sql: string;
  /** All but the last. */
  readonly parameters: readonly SqlValue[];
}

/** @param filter SQL condition on the scope's table alone @param parameters those bound so far */
export function watchTest(scope: Scope, filter: string, parameters: readonly SqlValue[]): WatchTest {
  return {
    sql: `SELECT ${scope.alias}._id, ${filter} FROM json_each(?${parameters.length + 1}) AS w CROSS JOIN ${fromSql(scope)} ON ${scope.alias}._row = w.value`,
    parameters,
  };
}
