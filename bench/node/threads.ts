// Reads with two serve threads against one, on two cores.

import { alternate, type Part } from '../benchmark.ts';
import { row } from '../figures.ts';
import { apps, cores, type Server } from '../lab.ts';
import { errorNote } from '../wrk.ts';
import { productPaths } from './reads.ts';

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
    const measure = async (name: string, paths: readonly string[]) => {
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
      return row({
        name: `${name}, 2 threads`,
        unit: 'requests/s',
        runs: results.two.map(({ perSecond }) => perSecond),
        rival: { name: '1 thread', runs: results.one.map(({ perSecond }) => perSecond) },
        targets: [{ of: 'ratio', bound: 'atLeast', limit: 1.5 }],
        note: `wrk runs on the same two cores and takes its share of them${errors === undefined ? '' : `; ${errors}`}`,
      });
    };
    const rows = [
      await measure('GET /Product/<id>', productPaths('/Product')),
      await measure('GET /Pdp/<id>', productPaths('/Pdp')),
      await measure('GET /Product/?<query>', queries),
    ];
    await Promise.all([one.stop(), two.stop()]);
    return rows;
  },
};
