// GET /Plp/<category> as the catalogue grows: a page must take as long among a million products as among a thousand.

import { join } from 'node:path';
import { alternate, type Part } from '../benchmark.ts';
import { type Row, row } from '../figures.ts';
import { apps, cores, type Lab, type Server } from '../lab.ts';
import { errorNote, type LoadResult, load } from '../wrk.ts';

/** Enough to keep the server's core busy, so that the time is its time. */
const connections = 16;

/** The fewest products with which every category fills a page of 50. */
const fullPages = 2_040;

export const listing: Part = {
  name: 'listing',
  about: 'GET /Plp/<category> with more and more products',
  async run(lab, pace, progress) {
    const sizes = [...new Set([...pace.catalogueSizes, fullPages])].sort((a, b) => a - b);
    const shops: Record<string, Server> = {};
    for (const size of sizes) {
      progress(`making ${size.toLocaleString('en')} products`);
      shops[size] = await startShop(lab, size);
    }
    const paths = Array.from({ length: 40 }, (_, at) => `/Plp/c-${String(at + 1).padStart(2, '0')}`);
    const args = [lab.writeLines('paths', paths)];
    const run = (server: Server, seconds = pace.seconds): Promise<LoadResult> =>
      load({ url: server.url, script: 'get.lua', args, connections, seconds, cores: cores.load });
    progress('GET /Plp/<category>');
    for (const server of Object.values(shops)) await run(server, pace.warmUpSeconds);
    const contenders = Object.fromEntries(sizes.map((size) => [size, () => run(shops[size] as Server)]));
    const results = await alternate(pace.runs, contenders);
    await lab.stopServers();

    const [first = 0] = sizes;
    return sizes.flatMap((size) => rowsOf(size, results, first));
  },
};

function rowsOf(size: number, results: Record<string, LoadResult[]>, first: number): Row[] {
  const own = results[size] ?? [];
  const against = (rival: number, note?: string) =>
    row({
      name: `GET /Plp/<category>, ${size.toLocaleString('en')} products, p50`,
      unit: 'ms',
      runs: own.map(({ p50Ms }) => p50Ms),
      rival: { name: `with ${rival.toLocaleString('en')}`, runs: (results[rival] ?? []).map(({ p50Ms }) => p50Ms) },
      targets: [{ of: 'ratio', bound: 'atMost', limit: 1.5 }],
      note: [note, errorNote(own)].filter((text) => text !== undefined).join('; '),
    });
  if (size === first || size === fullPages) {
    const runs = own.map(({ p50Ms }) => p50Ms);
    return [
      row({
        name: `GET /Plp/<category>, ${size.toLocaleString('en')} products, p50`,
        unit: 'ms',
        runs,
        note: errorNote(own),
      }),
    ];
  }
  return [against(first, `with ${first.toLocaleString('en')} a page has 30 products, here 50`), against(fullPages)];
}

async function startShop(lab: Lab, products: number): Promise<Server> {
  const data = lab.newPath(`data-${products}`);
  const start = () => lab.startZerohop({ app: apps.store, data, cores: cores.server, threads: 1 });
  const server = await start();
  if (products <= 1200) return server;
  await server.stop();
  const grow = Bun.spawn([process.execPath, join(import.meta.dirname, '../grow-shop.ts'), data, String(products)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if ((await grow.exited) !== 0) throw new Error(`The shop could not be grown to ${products} products.`);
  return start();
}
