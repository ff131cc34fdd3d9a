// What mutual TLS costs: the same cluster with and without it.

import { alternate, type Part } from '../benchmark.ts';
import { row } from '../figures.ts';
import { errorNote } from '../wrk.ts';
import { startDirect } from './clusters.ts';
import { measure } from './throughput.ts';

const size = 4;

export const encryption: Part = {
  name: 'encryption',
  about: 'writes on all of 4 nodes over mutual TLS and without',
  async run(lab, pace, { progress }) {
    progress(`${size} nodes, with TLS and without`);
    const results = await alternate(pace.runs, {
      plain: () => measure(lab, () => startDirect(lab, size, { isPlain: true }), 'random', pace),
      tls: () => measure(lab, () => startDirect(lab, size), 'random', pace),
    });
    const compared = (of: (outcome: (typeof results.tls)[number]) => number) => ({
      runs: results.tls.map(of),
      rival: { name: 'plain', runs: results.plain.map(of) },
    });
    const note = errorNote([...results.tls, ...results.plain].flatMap(({ loads }) => loads));
    return [
      row({ name: 'mutual TLS: on all nodes', unit: 'writes/s', ...compared(({ perSecond }) => perSecond), note }),
      row({ name: 'mutual TLS: CPU per write and node', unit: 'µs', ...compared(({ cpuMicros }) => cpuMicros) }),
    ];
  },
};
