// Takes a table out of a database file for good: its records, indexes and side tables, and its entry in the catalog.

import type { CatalogEntry } from './apply-schema.ts';
import type { Connection } from './connection.ts';
import { quoted } from './names.ts';

/** Within the caller's transaction. What the log says of the table stays: nobody finds a table of its number any more. */
export function dropTable(connection: Connection, { definition, names }: CatalogEntry): void {
  const own = connection
    .all("SELECT name FROM sqlite_master WHERE type = 'table'")
    .map(([name]) => String(name))
    .filter((name) => name.startsWith(`${names.table}$`));
  // Triggers and indexes go with their table; the tables of a full-text index go with that.
  for (const name of [names.fulltext, names.table, ...own])
    if (name !== null) connection.run(`DROP TABLE IF EXISTS ${quoted(name)}`);
  connection.run('DELETE FROM _catalog WHERE name = ?', [definition.name]);
}
