// The priorities of a running node's threads.

import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { startNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

/** Name and priority of each thread there is. */
function threadsOf(pid: number): readonly (readonly [name: string, priority: number])[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return [[readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim(), getPriority(Number(thread))] as const];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

test.skipIf(process.platform !== 'linux')('threads that compile stand back behind those that answer', async () => {
  await using node = await startNode({ app: 'faults', threads: 1 });
  const own = getPriority(node.pid);
  const behind = new Map([
    ['JITWorker', Math.max(own, 5)],
    ['mi-scavenger', 19],
  ]);
  const of = (isMeant: (name: string) => boolean) => threadsOf(node.pid).filter(([name]) => isMeant(name));
  const isEngines = (name: string) => behind.has(name);
  await until('threads of the engine stand back', async () => {
    for (let times = 0; times < 50; times++) await (await fetch(`${node.url}/`)).arrayBuffer();
    const engines = of(isEngines);
    return engines.length > 0 && engines.every(([name, priority]) => priority === behind.get(name));
  });
  const others = of((name) => !isEngines(name));
  expect(others.length).toBeGreaterThan(2);
  expect(new Set(others.map(([, priority]) => priority))).toEqual(new Set([own]));
});
