// The program of a process that runs SQL statements, one after the other, and is ended by its parent when one takes too long: a step of
// SQLite may take for ever, and nothing within a process can stop it. Each statement has a connection of its own.

import { Worker } from 'node:worker_threads';
import { limits } from '../base/index.ts';
import { SealedConnection, type SealedValue } from '../storage/index.ts';
import type { SqlAnswer, SqlJob, SqlMessage } from './sql-job.ts';

const guard = new Worker(new URL('./process-guard.ts', import.meta.url), {
  argv: [String(process.ppid), String(limits.sqlMemoryBytes)],
});
guard.unref();

process.on('disconnect', () => process.exit(0));
process.on('message', (job: SqlJob) => {
  guard.postMessage(true);
  run(job).then((answer) => {
    guard.postMessage(false);
    tell(answer);
  });
});
tell({ kind: 'ready' });

function tell(message: SqlMessage): void {
  process.send?.(message);
}

async function run(job: SqlJob): Promise<SqlAnswer> {
  let connection: SealedConnection | undefined;
  try {
    connection = await SealedConnection.open(job.plan);
    return answerOf(connection, job);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const denial = connection?.denial;
    return { kind: 'wrong', message: message.replaceAll(job.plan.secret, ''), ...(denial && { denial }) };
  } finally {
    connection?.close();
  }
}

function answerOf(
  connection: SealedConnection,
  { sql, parameters, rows, limit, answerBytes, shape }: SqlJob,
): SqlAnswer {
  const found = connection.query(sql, parameters.map(exact));
  const keys = shape === 'objects' ? unlike(found.columns).map((name) => `${JSON.stringify(name)}:`) : undefined;
  const parts: string[] = [];
  let bytes = 0;
  for (const row of found.rows) {
    if (limit !== null && parts.length >= limit) break;
    if (parts.length >= rows) return { kind: 'tooMany', what: 'rows' };
    const values = row.map((value, at) => `${keys?.[at] ?? ''}${json(value)}`).join(',');
    const text = keys === undefined ? `[${values}]` : `{${values}}`;
    bytes += text.length;
    if (bytes > answerBytes) return { kind: 'tooMany', what: 'bytes' };
    parts.push(text);
  }
  return { kind: 'rows', json: `[${parts.join(',')}]`, count: parts.length };
}

/** A whole number is an integer to SQLite, not a float. */
function exact(value: string | number | null): string | number | bigint | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

/** Columns of the same name get numbers. */
function unlike(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.map((name) => {
    let own = name;
    for (let number = 2; seen.has(own); number++) own = `${name}_${number}`;
    seen.add(own);
    return own;
  });
}

/** Integers are written with all their digits, bytes in base 64. */
function json(value: SealedValue): string {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  return JSON.stringify(value);
}
