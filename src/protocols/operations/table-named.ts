// The table that an operation names.

import { nearest, ZerohopError } from '../../base/index.ts';
import { systemDatabase } from '../../security/index.ts';
import type { Databases, Table } from '../../tables/index.ts';
import { type Body, optionalText, text } from './fields.ts';

export const defaultDatabase = 'data';

/** Throws FORBIDDEN for the database that the node keeps for itself. */
export function databaseNamed(body: Body): string {
  const name = optionalText(body, 'database', 'schema') ?? defaultDatabase;
  if (name !== systemDatabase) return name;
  throw new ZerohopError(
    'FORBIDDEN',
    "The database system is the node's own: users, roles and jobs have operations of their own.",
  );
}

/** Throws NOT_FOUND. */
export function tableNamed(databases: Databases, body: Body): Table {
  const database = databaseNamed(body);
  const name = text(body, 'table');
  const table = databases.table(database, name);
  if (table !== undefined) return table;
  const close = nearest(name, [...(databases.all.get(database)?.keys() ?? [])]);
  throw new ZerohopError(
    'NOT_FOUND',
    `There is no table ${database}.${name}.${close === undefined ? '' : ` Did you mean ${close}?`}`,
  );
}
