// Mixed load for ten minutes, and the memory of the server meanwhile.

import type { Part } from './benchmark.ts';
import { median, row } from './figures.ts';
import { apps, cores } from './lab.ts';
import { plotOverTime } from './plot.ts';
import { type Resident, residentMiB } from './process-memory.ts';
import { errorNote } from './wrk.ts';

/**
 * Percent of requests, verb, greatest number, path with %d for a number from 1. Writes go to a bounded set of records, so that the data itself stops
 * growing within the first minute.
 */
const mixture = [
  '55 GET 1200 /Product/p-%04d',
  '15 GET 1200 /Pdp/p-%04d',
  '10 GET 40 /Plp/c-%02d',
  '5 GET 1 /Search/?q=lamp',
  '5 GET 1 /Home/',
  '10 PUT 10000 /Review/soak-%d',
];

export const soak: Part = {
  name: 'soak',
  about: 'ten minutes of mixed load, with the memory of the server plotted',
  async run(lab, pace, { progress, draw }) {
    const { soakSeconds } = pace;
    const server = await lab.startZerohop({
      app: apps.store,
      data: lab.newPath('data'),
      cores: cores.server,
      threads: 1,
    });
    progress(`mixed load for ${soakSeconds} s`);
    const samples: Resident[] = [];
    const sampler = setInterval(() => samples.push(residentMiB(server.pid)), 1000);
    const result = await lab
      .load({
        url: server.url,
        script: 'mixed.lua',
        args: [lab.writeLines('mixture', mixture)],
        connections: pace.connections,
        seconds: soakSeconds,
        cores: cores.load,
      })
      .finally(() => clearInterval(sampler));
    await server.stop();

    await draw('soak', plot(samples));
    const growth = (name: string, of: (sample: Resident) => number) =>
      row({
        name,
        unit: 'MiB',
        runs: around(samples, 1).map(of),
        rival: { name: 'in minute 2', runs: around(samples, 0.2).map(of) },
        targets: [{ of: 'ratio', bound: 'atMost', limit: 1.1 }],
      });
    return [
      growth('resident memory in the last minute', ({ total }) => total),
      growth('memory without mapped files in the last minute', ({ anonymous }) => anonymous),
      row({
        name: 'mixed load',
        unit: 'requests/s',
        runs: [result.perSecond],
        note: errorNote([result]) ?? `${result.requests} requests without an error`,
      }),
    ];
  },
};

/** A tenth of all samples: the one that ends at `share` of the time. */
function around(samples: readonly Resident[], share: number): readonly Resident[] {
  const end = Math.max(1, Math.round(samples.length * share));
  return samples.slice(Math.max(0, end - Math.ceil(samples.length / 10)), end);
}

function plot(samples: readonly Resident[]): string {
  const middle = median(samples.map(({ total }) => total)).toFixed(0);
  return plotOverTime(`Memory of a node under mixed load (median ${middle} MiB)`, 'MiB', [
    { name: 'resident', colour: '#c2410c', values: samples.map(({ total }) => total) },
    { name: 'without mapped files', colour: '#1d4ed8', values: samples.map(({ anonymous }) => anonymous) },
  ]);
}
