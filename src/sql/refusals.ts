// Why a statement is refused, in words that tell nothing of what the caller may not see.

import { nearest, ZerohopError } from '../base/index.ts';
import type { SqlAnswer } from './sql-job.ts';

/** What is hidden and what does not exist are the same to the caller. */
export function refusalOf(
  { message, denial }: Extract<SqlAnswer, { kind: 'wrong' }>,
  known: readonly string[],
  secret: string,
): ZerohopError {
  const missing =
    /^no such table: (?:temp\.)?(.*)$/.exec(message)?.[1] ?? (denial?.kind === 'table' ? denial.name : undefined);
  if (missing !== undefined) {
    const shown = missing.replaceAll(secret, '');
    const close = nearest(shown, known);
    const hint = close === undefined || close === shown ? '' : ` Did you mean ${close}?`;
    return noTable(shown, hint);
  }
  if (denial?.kind === 'function') return wrong(`The function ${denial.name} is not available.`);
  if (denial?.kind === 'command') return wrong('The statement does more than read tables, which is not allowed here.');
  return wrong(`SQLite: ${message}.`);
}

export function noTable(name: string, hint = ''): ZerohopError {
  return wrong(`There is no table ${name} that you may read.${hint}`);
}

export function wrong(message: string): ZerohopError {
  return new ZerohopError('INVALID_QUERY', message);
}
