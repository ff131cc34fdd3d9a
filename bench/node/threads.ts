// Reads with two serve threads against one, on two cores.

import { alternate, type Part } from '../benchmark.ts';
import { row } from '../figures.ts';
import { apps, cores, type Lab, type Server } from '../lab.ts';
import { errorNote } from '../wrk.ts';
import { bodiesOf, productPaths } from './reads.ts';

/** More different ones than results are kept, so that each is read anew. */
const queries = Array.from({ length: 20_000 }, (_, at) => {
  const category = `c-${String((at % 40) + 1).padStart(2, '0')}`;
  return `/Product/?category=${category}&price=gt=${at}&sort(price)&limit(20)`;
});

export const threads: Part = {
  name: 'threads',
  about: 'reads with two serve threads against one, on two cores they share with the load generator',
  async run(lab, pace, { progress }) {
    const start = (threads: number) =>
      lab.startZerohop({ app: apps.store, data: lab.newPath('data'), cores: cores.both, threads });
    const one = await start(1);
    const two = await start(2);
    const compare = async (name: string, paths: readonly string[], [one, two]: readonly [Server, Server]) => {
      const args = [lab.writeLines('paths', paths)];
      const run = (server: Server, seconds = pace.seconds) =>
        lab.load({
          url: server.url,
          script: 'get.lua',
          args,
          connections: pace.connections,
          seconds,
          cores: cores.both,
        });
      progress(name);
      for (const server of [one, two]) await run(server, pace.warmUpSeconds);
      const results = await alternate(pace.runs, { one: () => run(one), two: () => run(two) });
      const errors = errorNote([...results.one, ...results.two]);
      return {
        name: `${name}, 2 threads`,
        unit: 'requests/s',
        runs: results.two.map(({ perSecond }) => perSecond),
        rival: { name: '1 thread', runs: results.one.map(({ perSecond }) => perSecond) },
        note: `wrk runs on the same two cores and takes its share of them${errors === undefined ? '' : `; ${errors}`}`,
      };
    };
    const measure = async (name: string, paths: readonly string[]) =>
      row({ ...(await compare(name, paths, [one, two])), targets: [{ of: 'ratio', bound: 'atLeast', limit: 1.5 }] });
    const rows = [
      await measure('GET /Product/<id>', productPaths('/Product')),
      await measure('GET /Pdp/<id>', productPaths('/Pdp')),
      await measure('GET /Product/?<query>', queries),
    ];
    // What this machine leaves to gain: the same with a server that does nothing but answer.
    const bare = await startBare(lab, one);
    rows.push(
      row(await compare('bare Bun.serve, the same bytes as GET /Product/<id>', productPaths('/Product'), bare)),
    );
    await Promise.all([one, two, ...bare].map((server) => server.stop()));
    return rows;
  },
};

async function startBare(lab: Lab, source: Server): Promise<[Server, Server]> {
  const file = lab.newPath('bodies.json');
  await Bun.write(file, JSON.stringify(Object.fromEntries(await bodiesOf(source, productPaths('/Product')))));
  const start = (threads: string) => lab.startRival('bare-reader.ts', [file, threads], cores.both);
  return [await start('1'), await start('2')];
}
