// One cache through the drill: visitors ask while the origin answers, dies, hangs, fails and comes back.

import { join } from 'node:path';
import { cores, type Lab, type Server } from '../lab.ts';
import { cpuSeconds, sum } from '../shop/usage.ts';
import type { Visit, Visited } from './generator.ts';
import type { OriginSecond } from './origin.ts';
import type { OriginProcess } from './origin-process.ts';
import { type Plan, secondsOf } from './plan.ts';

export interface Drilled extends Visited {
  readonly origin: readonly OriginSecond[];
  /** What the cache used of the processor for a request, in µs: other work on the machine hardly changes that. */
  readonly cpuMicros: number;
}

export async function drill(lab: Lab, plan: Plan, server: Server, origin: OriginProcess): Promise<Drilled> {
  // On a whole second, as the origin counts; with time for the generator to start.
  const startMs = Math.ceil(Date.now() / 1000 + 2) * 1000;
  const visit: Visit = { port: Number(new URL(server.url).port), plan, startMs };
  const seconds = secondsOf(plan);
  const child = Bun.spawn(['taskset', '-c', cores.load, process.execPath, join(import.meta.dirname, 'generator.ts')], {
    stdin: Buffer.from(JSON.stringify(visit)),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: (seconds + 60) * 1000,
    signal: lab.signal,
  });
  const output = Promise.all([child.stdout.text(), child.stderr.text()]);
  const used = () => sum(cpuSeconds({ server: server.pid }));
  const usedBefore = used();
  let fromMs = startMs;
  for (const phase of plan.phases) {
    await Bun.sleep(Math.max(0, fromMs - Date.now()));
    await origin.be(phase.mode);
    fromMs += phase.seconds * 1000;
  }
  const [text, trouble] = await output;
  if ((await child.exited) !== 0) throw new Error(`The visitors failed: ${trouble || 'they took too long'}`);
  // generator.ts prints what it says it does.
  const visited = JSON.parse(text) as Visited;
  const cpuMicros = (1e6 * (used() - usedBefore)) / visited.all.requests;
  return { ...visited, origin: origin.seconds(startMs / 1000, seconds), cpuMicros };
}
