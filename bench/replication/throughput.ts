// The reference measurement: every node takes writes, every write goes to every node. Counted is what all nodes hold, over the time from the
// first request until the digests of all nodes are equal.

import { rmSync } from 'node:fs';
import { alternate, type Pace, type Part } from '../benchmark.ts';
import { median, type Row, row } from '../figures.ts';
import { cores, type Lab } from '../lab.ts';
import { plotLines } from '../plot.ts';
import { errorNote, type LoadResult } from '../wrk.ts';
import { type BenchCluster, converged, cpuMs, startBrokered, startDirect } from './clusters.ts';

const connections = 500;
const sizes = [4, 5, 6, 8] as const;
const keyKinds = ['random', 'sequential'] as const;
type Keys = (typeof keyKinds)[number];
const convergedMs = 120_000;
/** Where the broker is measured in every mode. */
const allModesSize = 4;
/** Of the usual warm-up: many processes compile at the same time. */
const warmUpFactor = 2;
/** What the direct way is to be at least, of the broker's. */
const leastRatio = 1.51;

interface Outcome {
  readonly perSecond: number;
  /** Of all processes together, for one write on one node. */
  readonly cpuMicros: number;
  readonly bytes: number;
  readonly lagsMs: readonly number[];
  readonly loads: readonly LoadResult[];
}

export const throughput: Part = {
  name: 'throughput',
  about: 'writes on all of 4, 5, 6, 8 nodes until all hold the same; directly and through a broker (needs nats-server)',
  async run(lab, pace, { progress, draw }) {
    if (!Bun.which('nats-server'))
      throw new Error('This needs nats-server. On Debian or Ubuntu: apt-get install nats-server');
    const rows: Row[] = [];
    const ratios: number[] = [];
    const lines = new Map<string, [number, number][]>();
    for (const keys of keyKinds)
      for (const size of pace.runs === 1 ? [4] : sizes) {
        progress(`${size} nodes, ${keys} keys`);
        const ways = {
          broker: () => measure(lab, () => startBrokered(lab, size), keys, pace),
          direct: () => measure(lab, () => startDirect(lab, size), keys, pace),
        };
        const others = {
          grouped: () => measure(lab, () => startBrokered(lab, size, 'grouped'), keys, pace),
          transactions: () => measure(lab, () => startBrokered(lab, size, 'transactions'), keys, pace),
        };
        const results =
          size === allModesSize
            ? await alternate(pace.runs, { ...ways, ...others })
            : { ...(await alternate(pace.runs, ways)), grouped: [], transactions: [] };
        const name = `${size} nodes, ${keys} keys`;
        const compared = (of: (outcome: Outcome) => number) => ({
          runs: results.direct.map(of),
          rival: { name: 'broker', runs: results.broker.map(of) },
        });
        const note = errorNote([...results.direct, ...results.broker].flatMap(({ loads }) => loads));
        const speed = compared(({ perSecond }) => perSecond);
        ratios.push(median(speed.runs) / median(speed.rival.runs));
        for (const [way, runs] of [
          ['direct', speed.runs],
          ['broker', speed.rival.runs],
        ] as const) {
          const line = lines.get(`${way}, ${keys}`) ?? [];
          lines.set(`${way}, ${keys}`, [...line, [size, median(runs)]]);
        }
        rows.push(
          row({ name: `${name}: on all nodes`, unit: 'writes/s', ...speed, note }),
          row({ name: `${name}: CPU per write and node`, unit: 'µs', ...compared(({ cpuMicros }) => cpuMicros) }),
          row({ name: `${name}: sent per write`, unit: 'bytes', ...compared(({ bytes }) => bytes) }),
          row({ name: `${name}: lag p50`, unit: 'ms', ...compared(({ lagsMs }) => quantile(lagsMs, 0.5)) }),
          row({ name: `${name}: lag p99`, unit: 'ms', ...compared(({ lagsMs }) => quantile(lagsMs, 0.99)) }),
        );
        for (const mode of ['grouped', 'transactions'] as const) {
          const rival = { name: `broker, ${mode}`, runs: results[mode].map(({ perSecond }) => perSecond) };
          if (size === allModesSize)
            rows.push(row({ name: `${name}: broker, ${mode}`, unit: 'writes/s', runs: speed.runs, rival }));
        }
      }
    rows.push(
      row({
        name: 'direct against the broker, mean of all',
        unit: '×',
        runs: [ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length],
        targets: [{ of: 'value', bound: 'atLeast', limit: leastRatio }],
      }),
    );
    const series = [...lines].map(([name, points], index) => ({ name, colour: colours[index] ?? '#000', points }));
    await draw('replication', plotLines('Writes that are on all nodes', 'nodes', 'writes/s', series));
    return rows;
  },
};

const colours = ['#1565c0', '#c62828', '#64b5f6', '#ef9a9a'];

export async function measure(
  lab: Lab,
  start: () => Promise<BenchCluster>,
  keys: Keys,
  { warmUpSeconds, seconds }: Pick<Pace, 'warmUpSeconds' | 'seconds'>,
): Promise<Outcome> {
  const cluster = await start();
  const { members, pids } = cluster;
  await Promise.all(members.map(({ server }, index) => post(`${server.url}/Item/`, `first-${index}`)));
  await converged(members, members.length, convergedMs);
  const loads = (name: string, seconds: number) => loadAll(lab, members, keys, name, seconds);
  // Every node compiles its code in the first seconds.
  const before = await converged(members, requestsOf(await loads('warm', warmUpFactor * warmUpSeconds)), convergedMs);
  const [cpuBefore, bytesBefore, started] = [cpuMs(pids), await cluster.sentBytes(), performance.now()];
  const prober = probe(cluster, seconds);
  const measured = await loads('n', seconds);
  const lagsMs = await prober;
  const count = (await converged(members, before + requestsOf(measured), convergedMs)) - before;
  const tookMs = performance.now() - started;
  const outcome: Outcome = {
    perSecond: (count / tookMs) * 1000,
    cpuMicros: ((cpuMs(pids) - cpuBefore) * 1000) / (count * members.length),
    bytes: ((await cluster.sentBytes()) - bytesBefore) / count,
    lagsMs,
    loads: measured,
  };
  await cluster.stop();
  for (const { data } of members) rmSync(data, { recursive: true, force: true });
  return outcome;
}

/** Load on every node at the same time, each with its share of the connections. */
function loadAll(
  lab: Lab,
  members: BenchCluster['members'],
  keys: Keys,
  name: string,
  seconds: number,
): Promise<LoadResult[]> {
  return Promise.all(
    members.map(({ server }, index) =>
      lab.load({
        url: server.url,
        script: keys === 'random' ? 'post.lua' : 'post-counted.lua',
        args: ['/Item/', keys === 'random' ? String(Math.floor(Math.random() * 1e9)) : `${name}${index}`],
        connections: Math.floor(connections / members.length),
        seconds,
        cores: cores.both,
      }),
    ),
  );
}

function requestsOf(loads: readonly LoadResult[]): number {
  return loads.reduce((sum, { requests }) => sum + requests, 0);
}

/** How long it takes from the answer of a write on one node until it can be read on another, again and again while there is load. */
async function probe({ members }: BenchCluster, seconds: number): Promise<number[]> {
  const lags: number[] = [];
  const until = performance.now() + seconds * 1000;
  for (let at = 0; performance.now() < until; at++) {
    const [from, to] = [members[at % members.length], members[(at + 1) % members.length]];
    if (!from || !to) break;
    const id = `probe-${at}`;
    await post(`${from.server.url}/Item/`, id);
    const answered = performance.now();
    const isThere = async () => {
      const response = await fetch(`${to.server.url}/Item/${id}`);
      await response.arrayBuffer();
      return response.ok;
    };
    while (!(await isThere()) && performance.now() - answered < convergedMs) await Bun.sleep(1);
    lags.push(performance.now() - answered);
  }
  return lags;
}

async function post(url: string, id: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ id, name: id }) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`POST ${url} was answered ${response.status}`);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
