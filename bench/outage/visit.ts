// Visitors, in a process of their own on the load generator's core.

import { join } from 'node:path';
import { cores, type Lab, type Server } from '../lab.ts';
import { cpuSeconds, sum } from '../shop/usage.ts';
import type { Visit, Visited } from './generator.ts';
import { type Plan, secondsOf } from './plan.ts';

export interface Visiting extends Visited {
  /** What the cache used of the processor for a request, in µs: other work on the machine hardly changes that. */
  readonly cpuMicros: number;
}

/** When visitors begin who are sent off now, in ms since 1970: on a whole second, with time for their process to start. */
export function nextStartMs(): number {
  return Math.ceil(Date.now() / 1000 + 2) * 1000;
}

export async function visit(lab: Lab, plan: Plan, server: Server, startMs: number): Promise<Visiting> {
  const visit: Visit = { port: Number(new URL(server.url).port), plan, startMs };
  const used = () => sum(cpuSeconds({ server: server.pid }));
  const usedBefore = used();
  const child = Bun.spawn(['taskset', '-c', cores.load, process.execPath, join(import.meta.dirname, 'generator.ts')], {
    stdin: Buffer.from(JSON.stringify(visit)),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: (secondsOf(plan) + 60) * 1000,
    signal: lab.signal,
  });
  const [text, trouble] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`The visitors failed: ${trouble || 'they took too long'}`);
  // generator.ts prints what it says it does.
  const visited = JSON.parse(text) as Visited;
  return { ...visited, cpuMicros: (1e6 * (used() - usedBefore)) / visited.all.requests };
}
