// One run of a load on a stack, in a process of its own: wrk where nobody thinks, generator.ts where they do.

import { join } from 'node:path';
import type { Crowd } from './generator.ts';
import type { LoadFigures } from './load-figures.ts';
import type { Latencies } from './percentiles.ts';
import type { Mode } from './scenarios.ts';
import { thinkMs } from './scenarios.ts';

export interface Load {
  readonly mode: Mode;
  readonly url: string;
  readonly users: number;
  readonly paths: readonly string[];
  /** The same paths in a file, one per line. */
  readonly pathsFile: string;
  /** Of thinking users; those who do not think are warmed up by a run of their own. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** What is not answered by then is counted as unfinished. */
const drainSeconds = 20;

export function load(options: Load, signal: AbortSignal): Promise<LoadFigures> {
  return options.mode === 'thinking' ? think(options, thinkMs, signal) : saturate(options, signal);
}

/** @param thinkMs 0 saturates, too */
export async function think(options: Load, thinkMs: number, signal: AbortSignal): Promise<LoadFigures> {
  const { url, users, paths, warmUpSeconds, seconds } = options;
  const crowd: Crowd = {
    port: Number(new URL(url).port),
    users,
    thinkMs,
    warmUpMs: warmUpSeconds * 1000,
    measuredMs: seconds * 1000,
    drainMs: drainSeconds * 1000,
    paths,
  };
  const child = Bun.spawn([process.execPath, join(import.meta.dirname, 'generator.ts')], {
    stdin: Buffer.from(JSON.stringify(crowd)),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: (warmUpSeconds + seconds + drainSeconds + 20) * 1000,
    signal,
  });
  const [text, trouble] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`The load generator failed: ${trouble || 'it took too long'}`);
  // generator.ts prints what Recorder makes.
  return JSON.parse(text) as LoadFigures;
}

async function saturate({ url, users, pathsFile, seconds }: Load, signal: AbortSignal): Promise<LoadFigures> {
  const script = join(import.meta.dirname, 'saturate.lua');
  const child = Bun.spawn(
    [
      ...['wrk', '-t1', `-c${users}`, `-d${seconds}s`, `--timeout=${seconds + drainSeconds}s`],
      ...['-s', script, url, '--', pathsFile],
    ],
    { stdout: 'pipe', stderr: 'pipe', timeout: (seconds + 2 * drainSeconds) * 1000, signal },
  );
  const [text, trouble] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`wrk failed: ${trouble || text || 'it took too long'}`);
  const cpuSeconds = Number(child.resourceUsage()?.cpuTime.total ?? 0n) / 1e6;
  return parseSaturation(text, cpuSeconds);
}

/** What saturate.lua printed. When nothing was answered, everything took as long as the run at least. */
export function parseSaturation(text: string, cpuSeconds: number): LoadFigures {
  const line = /^FIGURES (\{.*\})$/m.exec(text)?.[1];
  if (line === undefined) throw new Error(`wrk printed something unexpected:\n${text}`);
  const { requests, seconds, connect, read, write, status, timeout, ...latencies } = JSON.parse(line) as Printed;
  return {
    requests,
    perSecond: (requests - status) / seconds,
    ...(requests > 0 ? latencies : waited(seconds * 1000)),
    errors: { connect, closed: read + write, status, protocol: 0, unfinished: timeout },
    generatorCores: cpuSeconds / seconds,
  };
}

function waited(ms: number): Latencies {
  return { p50Ms: ms, p90Ms: ms, p95Ms: ms, p99Ms: ms, maxMs: ms };
}

type Printed = Record<
  | ('requests' | 'seconds' | 'p50Ms' | 'p90Ms' | 'p95Ms' | 'p99Ms' | 'maxMs')
  | ('connect' | 'read' | 'write' | 'status' | 'timeout'),
  number
>;
