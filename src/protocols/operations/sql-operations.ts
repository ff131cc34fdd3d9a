// The operation `sql`: one SQL statement over the tables as the caller may see and change them.

import { parseExact, stringifyExact, ZerohopError } from '../../base/index.ts';
import type { AppNode } from '../../resources/index.ts';
import { administrator, type User } from '../../security/index.ts';
import { runSql, type SqlCall, type SqlProcesses } from '../../sql/index.ts';
import { searchNames, searchTexts } from './data-operations.ts';
import type { Search } from './export-jobs.ts';
import { type Body, isObject, optionalCount, text } from './fields.ts';
import { databaseNamed } from './table-named.ts';
import type { Operation } from './types.ts';

export interface SqlOptions {
  readonly node: AppNode;
  /** The data folder. */
  readonly folder: string;
  readonly processes: SqlProcesses;
  /** Rows that one statement may answer or change. */
  readonly rows: number;
}

export function sqlOperations(options: SqlOptions): Operation[] {
  return [
    {
      name: 'sql',
      access: 'user',
      async run({ body, user, signal }) {
        const result = await runSql(callOf(options, body, user, signal));
        if (result.kind === 'written') return result.answer;
        return new Response(result.json, { headers: { 'content-type': 'application/json' } });
      },
    },
  ];
}

/** Each record that an export's search finds, as JSON text: one of the search operations, or a statement that reads. */
export function searchForExports(options: SqlOptions): Search {
  return async (body) => {
    const name = searchNames.find((one) => one === body.operation);
    if (name !== undefined) return searchTexts(options.node, name, body, administrator);
    const result = await runSql(callOf(options, body, administrator, new AbortController().signal));
    if (result.kind !== 'rows') throw new ZerohopError('INVALID_REQUEST', 'What is exported is a SELECT.');
    const rows: unknown = parseExact(result.json);
    return Array.isArray(rows) ? rows.map(stringifyExact) : [];
  };
}

function callOf(
  { node, folder, processes, rows }: SqlOptions,
  body: Body,
  user: User | null,
  signal: AbortSignal,
): SqlCall {
  return {
    node,
    folder,
    processes,
    user,
    sql: text(body, 'sql'),
    parameters: parametersOf(body),
    database: databaseNamed(body),
    limit: optionalCount(body, 'limit') ?? null,
    rows,
    signal,
  };
}

function parametersOf({ parameters = [] }: Body): readonly unknown[] | Readonly<Record<string, unknown>> {
  if (Array.isArray(parameters) || isObject(parameters)) return parameters;
  throw new ZerohopError('INVALID_REQUEST', '"parameters" is a list, for ?, or an object, for :name.');
}
