// Fills the indexes of computed attributes that are new or changed, where their functions are expressions of the schema.

import { stringifyExact } from '../base/index.ts';
import { compileIndexedValues } from '../records/index.ts';
import { type CatalogEntry, type Connection, quoted } from '../storage/index.ts';

const stepRows = 1000;

/** Within the transaction of the schema change, so that no record is ever left without. */
export function computeMissing(connection: Connection, { definition, names }: CatalogEntry): void {
  const indexedValues = compileIndexedValues(definition);
  if (!indexedValues) return;
  const table = quoted(names.table);
  for (let after = 0; ; ) {
    const rows = connection.all(
      `SELECT _row, _body FROM ${table} WHERE _row > ? AND _computed IS NULL AND _body IS NOT NULL ORDER BY _row LIMIT ${stepRows}`,
      [after],
    );
    if (rows.length === 0) return;
    for (const [row, body] of rows) {
      // A record that is there already can't be refused for it.
      const values = stringifyExact(indexedValues(String(body), true));
      connection.run(`UPDATE ${table} SET _computed = ? WHERE _row = ?`, [values, Number(row)]);
      after = Number(row);
    }
  }
}
