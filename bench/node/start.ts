// From process start to the first answer, with the shop's data loaded before; and what an idle node holds in memory.

import { join } from 'node:path';
import type { Pace, Part } from '../benchmark.ts';
import { row } from '../figures.ts';
import { apps, freePort, type Lab, zerohopEnvironment } from '../lab.ts';
import { processTree, residentMiB } from '../process-memory.ts';

const launcher = join(import.meta.dirname, '../../bin/zerohop.js');
const giveUpMs = 30_000;

export const start: Part = {
  name: 'start',
  about: 'from process start to the first answered request, and idle memory',
  async run(lab, pace, { progress }) {
    const data = lab.newPath('data');
    progress('starting, to load the data');
    await startOnce(lab, data, pace);
    progress(`starting ${pace.startRuns} times`);
    const starts: Started[] = [];
    for (let run = 0; run < pace.startRuns; run++) starts.push(await startOnce(lab, data, pace));
    return [
      row({
        name: 'start → first answer',
        unit: 'ms',
        runs: starts.map(({ answeredMs }) => answeredMs),
        targets: [{ of: 'value', bound: 'atMost', limit: 400 }],
        note: '1,200 products loaded before; from the start of `node bin/zerohop.js start apps/store` to 200 on GET /Product/p-0001',
      }),
      row({
        name: 'idle memory',
        unit: 'MiB',
        runs: starts.map(({ serverMiB }) => serverMiB),
        targets: [{ of: 'value', bound: 'atMost', limit: 200 }],
        note: `resident set of the server process, ${pace.idleSeconds} s after its first answer`,
      }),
      row({
        name: 'idle memory with launcher',
        unit: 'MiB',
        runs: starts.map(({ allMiB }) => allMiB),
        note: 'the same with the Node process that started it',
      }),
    ];
  },
};

interface Started {
  readonly answeredMs: number;
  readonly serverMiB: number;
  readonly allMiB: number;
}

async function startOnce(lab: Lab, data: string, pace: Pace): Promise<Started> {
  const port = freePort();
  const environment = zerohopEnvironment(port, freePort(), data);
  const started = performance.now();
  const child = Bun.spawn(['node', launcher, 'start', apps.store], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', Bun.file(lab.newPath('output')), 'inherit'],
    signal: lab.signal,
  });
  try {
    await firstAnswer(`http://127.0.0.1:${port}/Product/p-0001`, started + giveUpMs);
    const answeredMs = performance.now() - started;
    await Bun.sleep(pace.idleSeconds * 1000);
    const sizes = processTree(child.pid).map((pid) => residentMiB(pid).total);
    return { answeredMs, serverMiB: Math.max(...sizes), allMiB: sizes.reduce((sum, size) => sum + size, 0) };
  } finally {
    child.kill('SIGTERM');
    await child.exited;
  }
}

async function firstAnswer(url: string, deadline: number): Promise<void> {
  while (performance.now() < deadline) {
    try {
      const response = await fetch(url);
      await response.arrayBuffer();
      if (response.status === 200) return;
    } catch {
      // Not listening yet.
    }
    await Bun.sleep(1);
  }
  throw new Error(`There was no 200 from ${url} within ${giveUpMs / 1000} s.`);
}
