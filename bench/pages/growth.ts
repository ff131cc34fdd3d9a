// How the time for a page from the cache grows with the pages there are: the same visitors, 2,000 requests/s, pages as popular as Zipf has it.

import { join } from 'node:path';
import type { Part } from '../benchmark.ts';
import { type Row, row } from '../figures.ts';
import { cores, freePort, type Lab } from '../lab.ts';
import type { Plan } from '../outage/plan.ts';
import { nextStartMs, visit } from '../outage/visit.ts';
import { startPages } from './contenders.ts';

const bytes = 1_500;

export const growth: Part = {
  name: 'growth',
  about: 'p99 of pages from the cache with 10,000, 100,000 and 1,000,000 of them',
  async run(lab, pace, { progress }) {
    const sizes = pace.isQuick ? [1_000, 5_000] : [10_000, 100_000, 1_000_000];
    // Nobody listens there: what is not stored would fail.
    const pages = { origin: `http://127.0.0.1:${freePort()}`, rules: [{ match: '/**' }] };
    const data = lab.newPath('data');
    await (await startPages(lab, pages, data)).stop();
    const rows: Row[] = [];
    let stored = 0;
    let first: { readonly name: string; readonly runs: readonly number[] } | undefined;
    for (const size of sizes) {
      progress(`${size} pages`);
      const startedMs = performance.now();
      await fillStore(lab, data, stored, size);
      const perSecond = (size - stored) / ((performance.now() - startedMs) / 1000);
      stored = size;
      const server = await startPages(lab, pages, data);
      const plan = planOf(size, pace.isQuick ? 3 : 10);
      const { phases, cpuMicros } = await visit(lab, plan, server, nextStartMs());
      await server.stop();
      const measured = phases.slice(1);
      const errors = measured.reduce((sum, phase) => sum + phase.errors, 0);
      const runs = measured.map(({ p99Ms }) => p99Ms);
      const p50 = measured.map(({ p50Ms }) => p50Ms.toFixed(2)).join(', ');
      const note = `p50 ${p50} ms; ${cpuMicros.toFixed(0)} µs of processor time; ${errors} errors; stored at ${perSecond.toFixed(0)} pages/s through the page cache's store`;
      rows.push(
        row({
          name: `${size.toLocaleString('en')} pages, p99`,
          unit: 'ms',
          runs,
          note,
          ...(first && { rival: first, targets: [{ of: 'ratio', bound: 'atMost', limit: 1.5 }] }),
        }),
      );
      first ??= { name: `with ${size.toLocaleString('en')}`, runs };
    }
    return rows;
  },
};

/** A while in which the popular pages come into memory, then three measured ones. */
function planOf(pages: number, seconds: number): Plan {
  const other = { fresh: 0, staleWhileRevalidate: 0, staleIfError: 0 };
  const phase = (name: string) => ({ name, mode: 'up' as const, seconds });
  return {
    pages,
    live: 0,
    bytes,
    perSecond: 2_000,
    phases: ['warm-up', 'first', 'second', 'third'].map(phase),
    liveSeconds: other,
    settleSeconds: 0,
    openSeconds: 1,
  };
}

async function fillStore(lab: Lab, data: string, from: number, to: number): Promise<void> {
  const words = [join(import.meta.dirname, 'fill-store.ts'), data, from, to, bytes].map(String);
  const child = Bun.spawn(['taskset', '-c', cores.both, process.execPath, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal: lab.signal,
  });
  const trouble = await child.stderr.text();
  if ((await child.exited) !== 0) throw new Error(`The pages could not be stored: ${trouble}`);
}
