// Pages from the cache, one core, 2,000 of them at random: against nginx with the same pages, its files in memory.

import { alternate, type Pace, type Part, type Telling } from '../benchmark.ts';
import { type Row, row, type Target } from '../figures.ts';
import { cores, type Lab, type Server } from '../lab.ts';
import { cpuSeconds, sum } from '../shop/usage.ts';
import { errorNote, type LoadResult } from '../wrk.ts';
import { type Caches, fill, startCaches } from './contenders.ts';

const pages = 2_000;

interface Case {
  readonly name: string;
  readonly about: string;
  readonly bytes: number;
  readonly coding: 'plain' | 'gzip';
  /** What clients accept; '' for those that say nothing. */
  readonly accept: string;
  readonly directives: readonly string[];
  readonly least: number;
  readonly p99Most?: number;
}

const browsers = 'gzip, br, zstd';

const cases: readonly Case[] = [
  {
    name: '10 KB',
    about: 'what a page of 50 KB weighs compressed',
    bytes: 10 * 1024,
    coding: 'plain',
    accept: '',
    directives: [],
    least: 1.1,
    p99Most: 1,
  },
  {
    name: '50 KB',
    about: 'not compressed: nginx has the kernel send files',
    bytes: 50 * 1024,
    coding: 'plain',
    accept: '',
    directives: [],
    least: 0.85,
  },
  {
    name: '50 KB for browsers',
    about: 'the origin does not compress; nginx does for every request (gzip on, its fastest level)',
    bytes: 50 * 1024,
    coding: 'plain',
    accept: browsers,
    directives: ['gzip on;', 'gzip_comp_level 1;', 'gzip_vary on;'],
    least: 20,
  },
  {
    name: '50 KB for browsers, origin compresses',
    about: 'both have what the origin compressed',
    bytes: 50 * 1024,
    coding: 'gzip',
    accept: browsers,
    directives: [],
    least: 1,
  },
];

export const hits: Part = {
  name: 'hits',
  about: '2,000 pages from the cache on one core against a tuned nginx: 10 KB, 50 KB, as browsers ask',
  async run(lab, pace, { progress }) {
    const rows: Row[] = [];
    for (const one of cases) rows.push(...(await measure(lab, pace, progress, one)));
    return rows;
  },
};

async function measure(lab: Lab, pace: Pace, progress: Telling['progress'], one: Case): Promise<readonly Row[]> {
  const { name, about, bytes, accept } = one;
  progress(`${name}: ${pages} pages into both caches, every byte compared`);
  const caches = await startCaches(lab, one);
  const sent = await fill(caches.zerohop, pages, bytes, accept);
  const rivalSent = await fill(caches.nginx, pages, bytes, accept);
  const paths = lab.writeLines(
    'paths',
    Array.from({ length: pages }, (_, at) => `/p/${at}`),
  );
  const rows: Row[] = [];
  for (const connections of pace.isQuick ? [64] : [64, 2_000]) {
    progress(`${name}, ${connections} connections`);
    const results = await compare(lab, pace, caches, connections, [paths, 'Accept-Encoding', accept]);
    const failed = errorNote([...results.zerohop, ...results.nginx]);
    const sizes = `${Math.round(sent)} bytes sent, nginx ${Math.round(rivalSent)}`;
    const note = [about, sizes, failed].filter((text) => text !== undefined).join('; ');
    rows.push(...rowsOf(one, connections, results, note));
  }
  await caches.stop();
  return rows;
}

/** With what the server's processes used of the processor: other work on the machine hardly changes that. */
type Result = LoadResult & { readonly cpuMicros: number };
type Results = Readonly<Record<'zerohop' | 'nginx', readonly Result[]>>;

async function compare(
  lab: Lab,
  pace: Pace,
  { zerohop, nginx }: Caches,
  connections: number,
  args: readonly string[],
): Promise<Results> {
  const run = async (server: Server, seconds = pace.seconds): Promise<Result> => {
    const before = sum(cpuSeconds({ server: server.pid }));
    const load = { url: server.url, script: 'get-with.lua', args, connections, seconds, cores: cores.load };
    const result = await lab.load(load);
    const usedSeconds = sum(cpuSeconds({ server: server.pid })) - before;
    return { ...result, cpuMicros: (1e6 * usedSeconds) / result.requests };
  };
  for (const server of [nginx, zerohop]) await run(server, pace.warmUpSeconds);
  return alternate(pace.runs, { nginx: () => run(nginx), zerohop: () => run(zerohop) });
}

function rowsOf({ name, least, p99Most }: Case, connections: number, results: Results, note: string): readonly Row[] {
  const compared = (of: (result: Result) => number) => ({
    runs: results.zerohop.map(of),
    rival: { name: 'nginx', runs: results.nginx.map(of) },
  });
  const target = (bound: Target['bound'], limit: number): Target => ({ of: 'ratio', bound, limit });
  return [
    row({
      name: `${name}, ${connections} connections`,
      unit: 'requests/s',
      ...compared(({ perSecond }) => perSecond),
      targets: [target('atLeast', least)],
      note,
    }),
    row({
      name: `${name}, ${connections} connections, p99`,
      unit: 'ms',
      ...compared(({ p99Ms }) => p99Ms),
      ...(p99Most !== undefined && { targets: [target('atMost', p99Most)] }),
    }),
    row({
      name: `${name}, ${connections} connections, processor time of a request`,
      unit: 'µs',
      ...compared(({ cpuMicros }) => cpuMicros),
    }),
  ];
}
