// GET /Plp/<category> as the catalogue grows: a page must take as long among a million products as among a thousand. Once with a catalogue
// that rests, where results of earlier queries serve again, and once while products change, where they do not.

import { join } from 'node:path';
import { alternate, type Pace, type Part } from '../benchmark.ts';
import { type Row, row } from '../figures.ts';
import { apps, cores, type Lab, type Server } from '../lab.ts';
import { errorNote, type LoadResult } from '../wrk.ts';

/** Enough to keep the server's core busy, so that the time is its time. */
const connections = 16;

/** The fewest products with which every category fills a page of 50. */
const fullPages = 2_040;

/** Between two changes of a product. */
const changeMs = 10;

export const listing: Part = {
  name: 'listing',
  about: 'GET /Plp/<category> with more and more products, resting and changing',
  async run(lab, pace, { progress }) {
    const sizes = [...new Set([...pace.catalogueSizes, fullPages])].sort((a, b) => a - b);
    const shops = new Map<number, Server>();
    for (const size of sizes) {
      progress(`making ${named(size)}`);
      shops.set(size, await startShop(lab, size));
    }
    const paths = Array.from({ length: 40 }, (_, at) => `/Plp/c-${String(at + 1).padStart(2, '0')}`);
    const args = [lab.writeLines('paths', paths)];
    const run = ({ url }: Server, seconds: number) =>
      lab.load({ url, script: 'get.lua', args, connections, seconds, cores: cores.load });
    for (const server of shops.values()) await run(server, pace.warmUpSeconds);

    progress('GET /Plp/<category>');
    const resting = await measure(pace, shops, (server) => run(server, pace.seconds));
    progress('GET /Plp/<category> while products change');
    const changing = await measure(pace, shops, (server) => whileChanging(server, () => run(server, pace.seconds)));
    await lab.stopServers();
    return [
      ...rowsOf('GET /Plp/<category>', resting),
      ...rowsOf(`GET /Plp/<category>, ${1000 / changeMs} changes/s`, changing),
    ];
  },
};

type Results = ReadonlyMap<number, readonly LoadResult[]>;

async function measure(
  pace: Pace,
  shops: ReadonlyMap<number, Server>,
  run: (server: Server) => Promise<LoadResult>,
): Promise<Results> {
  const contenders = Object.fromEntries([...shops].map(([size, server]) => [size, () => run(server)]));
  const results = await alternate(pace.runs, contenders);
  return new Map([...shops.keys()].map((size) => [size, results[size] ?? []]));
}

/** The smaller sizes stand alone; the larger are compared with each of them. */
function rowsOf(what: string, results: Results): Row[] {
  const first = Math.min(...results.keys());
  return [...results].flatMap(([size, own]) => {
    const rivals = size === first || size === fullPages ? [undefined] : [first, fullPages];
    return rivals.map((rival) => {
      const notes = [rival === first && 'a page has 50 products instead of 30', errorNote(own)].filter(Boolean);
      return row({
        name: `${what}, ${named(size)}, p50`,
        unit: 'ms',
        runs: own.map(({ p50Ms }) => p50Ms),
        ...(rival !== undefined && {
          rival: { name: `with ${named(rival)}`, runs: (results.get(rival) ?? []).map(({ p50Ms }) => p50Ms) },
          targets: [{ of: 'ratio', bound: 'atMost', limit: 1.5 }],
        }),
        note: notes.join('; '),
      });
    });
  });
}

function named(products: number): string {
  return `${products.toLocaleString('en')} products`;
}

/** Changes one product after the other as long as `work` runs. Throws when a change is refused. */
async function whileChanging<T>(server: Server, work: () => Promise<T>): Promise<T> {
  let working = true;
  const change = async () => {
    for (let number = 1; working; number = (number % 1200) + 1) {
      const id = `p-${String(number).padStart(4, '0')}`;
      const body = JSON.stringify({ ratingCount: number });
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${server.url}/Product/${id}`, { method: 'PATCH', body, headers });
      const text = await response.text();
      if (!response.ok) throw new Error(`PATCH /Product/${id} was answered ${response.status}: ${text.slice(0, 500)}`);
      await Bun.sleep(changeMs);
    }
  };
  const stop = () => {
    working = false;
  };
  const [result] = await Promise.all([work().finally(stop), change().finally(stop)]);
  return result;
}

async function startShop(lab: Lab, products: number): Promise<Server> {
  const data = lab.newPath(`data-${products}`);
  const start = () => lab.startZerohop({ app: apps.store, data, cores: cores.server, threads: 1 });
  const server = await start();
  if (products <= 1200) return server;
  await server.stop();
  const grow = Bun.spawn([process.execPath, join(import.meta.dirname, '../grow-shop.ts'), data, String(products)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    signal: lab.signal,
  });
  if ((await grow.exited) !== 0) throw new Error(`The shop could not be grown to ${named(products)}.`);
  return start();
}
