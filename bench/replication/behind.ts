// A node that was away while another took writes: how fast it has them all, from the log while that reaches back, else as a copy of all rows.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { HybridClock, limits, systemClock } from '../../src/base/index.ts';
import { Store } from '../../src/store/index.ts';
import { alternate, type Part } from '../benchmark.ts';
import { row } from '../figures.ts';
import type { Lab } from '../lab.ts';
import { converged, cpuMs, type Member, startDirect } from './clusters.ts';

const fromLog = { full: 500_000, quick: 20_000 } as const;
const asCopy = { full: 1_000_000, quick: 50_000 } as const;
const limitMs = 600_000;
/** Transactions of one commit while writes are made. */
const group = 500;

interface Outcome {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly bytes: number;
}

export const catchUp: Part = {
  name: 'catch-up',
  about: 'a node that missed 500,000 writes has them all',
  run: (lab, pace, { progress }) => {
    const size = pace.runs === 1 ? 'quick' : 'full';
    progress(`${fromLog[size].toLocaleString('en')} writes`);
    return rowsOf('catch-up from the log', 'writes', () => measure(lab, fromLog[size], false));
  },
};

export const snapshot: Part = {
  name: 'snapshot',
  about: 'a node gets a copy of 1,000,000 rows of a log that is gone',
  run: (lab, pace, { progress }) => {
    const size = pace.runs === 1 ? 'quick' : 'full';
    progress(`${asCopy[size].toLocaleString('en')} rows`);
    return rowsOf('copy of all rows', 'rows', () => measure(lab, asCopy[size], true));
  },
};

/** Once: each takes as long as many runs of others. */
async function rowsOf(name: string, unit: string, run: () => Promise<Outcome>) {
  const { all } = await alternate(1, { all: run });
  return [
    row({ name, unit: `${unit}/s`, runs: all.map(({ perSecond }) => perSecond) }),
    row({ name: `${name}: CPU of both nodes`, unit: 'µs', runs: all.map(({ cpuMicros }) => cpuMicros) }),
    row({ name: `${name}: sent`, unit: 'bytes', runs: all.map(({ bytes }) => bytes) }),
  ];
}

/** From the moment the node answers again until both hold the same. */
async function measure(lab: Lab, records: number, isTrimmed: boolean): Promise<Outcome> {
  const cluster = await startDirect(lab, 2);
  await cluster.stop();
  const [first, second] = cluster.members;
  if (!first || !second) throw new Error('A cluster of two has two members.');
  write(first, records, isTrimmed);
  const source = await cluster.restart(first);
  const behind = await cluster.restart(second);
  const members = [source, behind];
  const pids = members.map(({ server }) => server.pid);
  const [started, cpuBefore] = [performance.now(), cpuMs(pids)];
  await converged(members, records, limitMs);
  const tookMs = performance.now() - started;
  const outcome: Outcome = {
    perSecond: (records / tookMs) * 1000,
    cpuMicros: ((cpuMs(pids) - cpuBefore) * 1000) / records,
    bytes: (await cluster.sentBytes()) / records,
  };
  await Promise.all(members.map(({ server }) => server.stop()));
  for (const { data } of members) rmSync(data, { recursive: true, force: true });
  return outcome;
}

/** Transactions of one record each, by the node's own store while nothing else has it; without its log, if that is to be gone. */
function write({ data }: Member, records: number, isTrimmed: boolean): void {
  const store = new Store({
    path: join(data, 'data.db'),
    nodeId: readFileSync(join(data, 'node-id'), 'utf8').trim(),
    clock: systemClock,
    versions: new HybridClock(systemClock, limits.clockDriftMs),
    clockDriftMs: limits.clockDriftMs,
    blobExists: () => false,
  });
  try {
    for (let at = 0; at < records; at += group) {
      const outcomes = store.commit(
        Array.from({ length: Math.min(group, records - at) }, () => ({
          database: 'data',
          changes: [{ op: 'put', table: 'Item', ...record(), expires: null, if: { exists: false } }],
        })),
      );
      if (!outcomes.every(({ ok }) => ok)) throw new Error('A write was refused.');
    }
    while (isTrimmed && store.trim(Number.MAX_SAFE_INTEGER, 100_000) > 0);
  } finally {
    store.close();
  }
}

/** Eight fields and 400 bytes, as scripts/post.lua makes them. */
function record(): { readonly id: string; readonly body: string } {
  const id = crypto.randomUUID();
  const item = { id, name: 'Item number 1234567', category: 'category-42', price: 42.25, stock: 142, active: true };
  const start = JSON.stringify({ ...item, madeAt: '2026-03-14T09:26:53.589Z', note: '' });
  return { id, body: `${start.slice(0, -2)}${'n'.repeat(400 - start.length)}"}` };
}
