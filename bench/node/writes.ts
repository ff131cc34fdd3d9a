// Durable inserts, against a prototype with the same SQLite writes and nothing else. Each run has new, empty data.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { alternate, type Part } from '../benchmark.ts';
import { row } from '../figures.ts';
import { apps, cores, type Lab, type Server } from '../lab.ts';
import { errorNote, type LoadResult } from '../wrk.ts';

const connections = 500;

export const writes: Part = {
  name: 'writes',
  about: 'durable inserts of 400 bytes over 500 connections, against the same SQLite writes without a framework',
  async run(lab, pace, { progress }) {
    let seed = Date.now() % 1_000_000;
    const run = async (start: (data: string) => Promise<Server>): Promise<LoadResult> => {
      const data = lab.newPath('data');
      const server = await start(data);
      const post = (seconds: number) => {
        const args = ['/Item/', String(++seed)];
        return lab.load({ url: server.url, script: 'post.lua', args, connections, seconds, cores: cores.load });
      };
      await post(pace.warmUpSeconds);
      const result = await post(pace.seconds);
      await server.stop();
      rmSync(data, { recursive: true, force: true });
      return result;
    };
    progress('POST /Item/');
    const results = await alternate(pace.runs, {
      bare: () => run((data) => startBareWriter(lab, data)),
      zerohop: () => run((data) => startItems(lab, data)),
    });
    const compared = (of: (result: LoadResult) => number) => ({
      runs: results.zerohop.map(of),
      rival: { name: 'bare prototype', runs: results.bare.map(of) },
    });
    return [
      row({
        name: 'POST /Item/, durable',
        unit: 'inserts/s',
        ...compared(({ perSecond }) => perSecond),
        targets: [
          { of: 'value', bound: 'atLeast', limit: 25_000 },
          { of: 'ratio', bound: 'atLeast', limit: 0.7 },
        ],
        note: errorNote([...results.zerohop, ...results.bare]),
      }),
      row({ name: 'POST /Item/, p99', unit: 'ms', ...compared(({ p99Ms }) => p99Ms) }),
    ];
  },
};

/** Who asks from this machine is nobody special: the app's roles.yaml says what everybody may do. */
const asInProduction = { ZEROHOP_AUTHORIZE_LOCAL: 'false' };

function startBareWriter(lab: Lab, data: string): Promise<Server> {
  return lab.startRival('bare-writer.ts', [data, join(apps.node, 'schema.graphql')], cores.server);
}

async function startItems(lab: Lab, data: string): Promise<Server> {
  const server = await lab.startZerohop({
    app: apps.node,
    data,
    cores: cores.server,
    threads: 1,
    environment: asInProduction,
  });
  const response = await fetch(`${server.url}/Item/`, { method: 'POST', body: '{"id":"first","name":"first"}' });
  if (response.status !== 201)
    throw new Error(`POST /Item/ was answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
  return server;
}
