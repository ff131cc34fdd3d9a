// The node's log, as it is kept in the data folder.

import { ZerohopError } from '../../base/index.ts';
import { type LogLine, logFileIn, readLogFile } from '../../telemetry/index.ts';
import { type Body, firstOf, optionalCount, optionalText } from './fields.ts';
import type { Operation } from './types.ts';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
/** Lines that one answer may have. */
const mostLines = 10_000;
const defaultLines = 1000;

/** @param folder the data folder */
export function logOperations(folder: string): Operation[] {
  return [
    {
      name: 'read_log',
      access: 'super_user',
      async run({ body }) {
        const fits = filterOf(body);
        const isOldestFirst = orderOf(body) === 'asc';
        const start = optionalCount(body, 'start') ?? 0;
        const limit = Math.min(optionalCount(body, 'limit') ?? defaultLines, mostLines);
        const lines = (await readLogFile(logFileIn(folder))).filter(fits);
        const ordered = isOldestFirst ? lines : lines.reverse();
        return ordered.slice(start, start + limit).map(shown);
      },
    },
  ];
}

function shown({ level, msg, time, thread = 'main', ...fields }: LogLine): unknown {
  return { level, message: msg, timestamp: time, thread, tags: [], ...fields };
}

/** Newest first, as what happened last is what one looks for. */
function orderOf(body: Body): 'asc' | 'desc' {
  const order = optionalText(body, 'order') ?? 'desc';
  if (order === 'asc' || order === 'desc') return order;
  throw new ZerohopError('INVALID_REQUEST', '"order" is asc or desc.');
}

function filterOf(body: Body): (line: LogLine) => boolean {
  const level = optionalText(body, 'level');
  if (level !== undefined && !levels.some((one) => one === level))
    throw new ZerohopError('INVALID_REQUEST', `"level" is one of ${levels.join(', ')}.`);
  const from = timeOf(body, 'from');
  const until = timeOf(body, 'until', 'to');
  const filter = optionalText(body, 'filter')?.toLowerCase();
  return (line) => {
    if (level !== undefined && line.level !== level) return false;
    const at = Date.parse(line.time);
    if ((from !== undefined && at < from) || (until !== undefined && at > until)) return false;
    return filter === undefined || JSON.stringify(line).toLowerCase().includes(filter);
  };
}

/** In ms since 1970, or as a text. Undefined: it is not given. */
export function timeOf(body: Body, ...names: readonly [string, ...string[]]): number | undefined {
  const value = firstOf(body, names);
  if (value === undefined || value === null) return undefined;
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isFinite(ms)) return ms;
  throw new ZerohopError('INVALID_REQUEST', `"${names[0]}" is a time: 2026-05-01T12:00:00Z, or ms since 1970.`);
}
