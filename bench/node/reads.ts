// GET of one record and of a page of joined data, against a bare server with the same bytes in memory.

import type { Pace, Part, Telling } from '../benchmark.ts';
import { alternate } from '../benchmark.ts';
import { type Row, row } from '../figures.ts';
import { apps, cores, type Lab, type Server } from '../lab.ts';
import { errorNote, type Load, type LoadResult } from '../wrk.ts';

export const reads: Part = {
  name: 'reads',
  about: 'GET /Product/<id> and GET /Pdp/<id> against a bare Bun.serve with the same bytes in memory',
  async run(lab, pace, { progress }) {
    const zerohop = await lab.startZerohop({
      app: apps.store,
      data: lab.newPath('data'),
      cores: cores.server,
      threads: 1,
    });
    const product = await compare(lab, pace, progress, zerohop, '/Product', 0.7);
    const page = await compare(lab, pace, progress, zerohop, '/Pdp', 0.4);
    await zerohop.stop();
    return [...product, ...page];
  },
};

/** The ids of the shop's own products below `path`. */
export function productPaths(path: string): string[] {
  return Array.from({ length: 1200 }, (_, at) => `${path}/p-${String(at + 1).padStart(4, '0')}`);
}

async function compare(
  lab: Lab,
  pace: Pace,
  progress: Telling['progress'],
  zerohop: Server,
  path: string,
  least: number,
): Promise<readonly Row[]> {
  const paths = productPaths(path);
  const bodies = await bodiesOf(zerohop, paths);
  const file = lab.newPath('bodies.json');
  await Bun.write(file, JSON.stringify(Object.fromEntries(bodies)));
  const bare = await lab.startRival('bare-reader.ts', [file], cores.server);
  const args = [lab.writeLines('paths', paths)];
  const run = (server: Server, seconds = pace.seconds): Promise<LoadResult> => {
    const { connections } = pace;
    const options: Load = { url: server.url, script: 'get.lua', args, connections, seconds, cores: cores.load };
    return lab.load(options);
  };
  progress(`GET ${path}/<id>`);
  for (const server of [bare, zerohop]) await run(server, pace.warmUpSeconds);
  const results = await alternate(pace.runs, { bare: () => run(bare), zerohop: () => run(zerohop) });
  await bare.stop();

  const bytes = Math.round([...bodies.values()].reduce((sum, body) => sum + body.length, 0) / bodies.size);
  const note = [`${bytes} bytes on average`, errorNote([...results.zerohop, ...results.bare])]
    .filter((text) => text !== undefined)
    .join('; ');
  const compared = (of: (result: LoadResult) => number) => ({
    runs: results.zerohop.map(of),
    rival: { name: 'bare Bun.serve', runs: results.bare.map(of) },
  });
  return [
    row({
      name: `GET ${path}/<id>`,
      unit: 'requests/s',
      ...compared(({ perSecond }) => perSecond),
      targets: [{ of: 'ratio', bound: 'atLeast', limit: least }],
      note,
    }),
    row({
      name: `GET ${path}/<id>, p99`,
      unit: 'ms',
      ...compared(({ p99Ms }) => p99Ms),
      targets: [{ of: 'ratio', bound: 'atMost', limit: 3 }],
    }),
  ];
}

export async function bodiesOf(server: Server, paths: readonly string[]): Promise<Map<string, string>> {
  const bodies = new Map<string, string>();
  for (const path of paths) {
    const response = await fetch(server.url + path);
    const body = await response.text();
    if (response.status !== 200) throw new Error(`GET ${path} was answered ${response.status}: ${body.slice(0, 500)}`);
    bodies.set(path, body);
  }
  return bodies;
}
