// The operation `sql`: one SQL statement over the tables as the caller may see and change them.

import { ZerohopError } from '../../base/index.ts';
import type { AppNode } from '../../resources/index.ts';
import { runSql, type SqlProcesses } from '../../sql/index.ts';
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

export function sqlOperations({ node, folder, processes, rows }: SqlOptions): Operation[] {
  return [
    {
      name: 'sql',
      access: 'user',
      async run({ body, user, signal }) {
        const result = await runSql({
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
        });
        if (result.kind === 'written') return result.answer;
        return new Response(result.json, { headers: { 'content-type': 'application/json' } });
      },
    },
  ];
}

function parametersOf({ parameters = [] }: Body): readonly unknown[] | Readonly<Record<string, unknown>> {
  if (Array.isArray(parameters) || isObject(parameters)) return parameters;
  throw new ZerohopError('INVALID_REQUEST', '"parameters" is a list, for ?, or an object, for :name.');
}
