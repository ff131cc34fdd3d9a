// The load generator: wrk, pinned to its core, and what it printed.

import { join } from 'node:path';

export interface Load {
  readonly url: string;
  /** File name in scripts/. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** As taskset takes them: '1' or '0,1'. */
  readonly cores: string;
}

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests answered otherwise than 2xx or 3xx, plus broken and late connections. */
  readonly errors: number;
}

/** One run of wrk. Throws when it can't run or says what parseWrk does not understand. */
export async function load(
  { url, script, args = [], connections, seconds, cores }: Load,
  signal: AbortSignal,
): Promise<LoadResult> {
  const child = Bun.spawn(
    [
      ...['taskset', '-c', cores, 'wrk', '--latency', '-t1', `-c${connections}`, `-d${seconds}s`],
      ...['-s', join(import.meta.dirname, 'scripts', script), url, '--', ...args],
    ],
    { stdout: 'pipe', stderr: 'pipe', timeout: (seconds + 20) * 1000, signal },
  );
  const [text, trouble] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`wrk failed: ${trouble || text || 'it took too long'}`);
  return parseWrk(text);
}

/** What `wrk --latency` printed. */
export function parseWrk(text: string): LoadResult {
  const matched = (pattern: RegExp) => pattern.exec(text)?.slice(1);
  const required = (pattern: RegExp) => {
    const found = matched(pattern);
    if (!found) throw new Error(`wrk printed something unexpected:\n${text}`);
    return found;
  };
  const [requests] = required(/(\d+) requests in /);
  const [perSecond] = required(/Requests\/sec:\s+([\d.]+)/);
  const [p50, p50Unit] = required(/\s50%\s+([\d.]+)(us|ms|s|m)\b/);
  const [p99, p99Unit] = required(/\s99%\s+([\d.]+)(us|ms|s|m)\b/);
  const sockets = matched(/Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/) ?? [];
  const refused = matched(/Non-2xx or 3xx responses: (\d+)/) ?? [];
  return {
    requests: Number(requests),
    perSecond: Number(perSecond),
    p50Ms: Number(p50) * (unitMs[p50Unit ?? ''] ?? Number.NaN),
    p99Ms: Number(p99) * (unitMs[p99Unit ?? ''] ?? Number.NaN),
    errors: [...sockets, ...refused].reduce((sum, count) => sum + Number(count), 0),
  };
}

const unitMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

/** A note for a row when a run had errors; undefined when none had. */
export function errorNote(results: readonly LoadResult[]): string | undefined {
  const errors = results.reduce((sum, result) => sum + result.errors, 0);
  const requests = results.reduce((sum, result) => sum + result.requests, 0);
  return errors === 0 ? undefined : `${errors} of ${requests} requests FAILED: the figure is not to be trusted`;
}
