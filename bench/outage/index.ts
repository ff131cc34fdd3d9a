// `npm run bench -- outage`: pages that are warm, visitors, and an origin that dies, hangs, fails and comes back; this cache and nginx.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Part, Telling } from '../benchmark.ts';
import { type Row, row } from '../figures.ts';
import { cores, type Lab } from '../lab.ts';
import { startPages } from '../pages/contenders.ts';
import { startNginx } from '../rivals/nginx.ts';
import { type Drilled, drill } from './drill.ts';
import { OriginProcess } from './origin-process.ts';
import { connectMs, firstByteMs, isOfDrill, originMost, type Plan, plans } from './plan.ts';
import { plots, tableText } from './tell.ts';
import { warmed } from './warmed.ts';

export const outage: Part = {
  name: 'outage',
  about: 'the origin dies, hangs, says 500 and comes back, under visitors; nginx through the same after it',
  async run(lab, pace, telling) {
    const plan = pace.isQuick ? plans.quick : plans.full;
    const ours = await drillZerohop(lab, plan, telling);
    const theirs = await drillNginx(lab, plan, telling);
    const table = tableText(plan, { Zerohop: ours.drilled, nginx: theirs });
    telling.progress(`every phase\n${table}`);
    await telling.keep('outage', 'md', table);
    for (const [name, svg] of plots(plan, { Zerohop: ours.drilled, nginx: theirs })) await telling.draw(name, svg);
    return rowsOf(plan, ours, theirs);
  },
};

interface Ours {
  readonly drilled: Drilled;
  readonly warmSeconds: number;
  readonly bytesPerPage: number;
}

async function drillZerohop(lab: Lab, plan: Plan, { progress }: Telling): Promise<Ours> {
  const origin = new OriginProcess(lab, plan);
  await origin.be('up');
  progress(`Zerohop warms ${plan.pages} pages`);
  const data = lab.newPath('data');
  const pages = {
    origin: `http://127.0.0.1:${origin.port}`,
    timeout: { connect: `${connectMs}ms`, firstByte: `${firstByteMs}ms` },
    limit: { concurrent: originMost, open: `${plan.openSeconds * 1000}ms` },
    rules: [{ match: '/**' }],
    warm: { sitemap: '/sitemap.xml', concurrency: originMost / 2, perSecond: 20_000 },
  };
  const startedMs = performance.now();
  const server = await startPages(lab, pages, data);
  await warmed(data, plan.pages, (done) => progress(`${done} pages are warm`));
  const warmSeconds = (performance.now() - startedMs) / 1000;
  const bytesPerPage = bytesOf(data, /^pages\b/) / plan.pages;
  progress('Zerohop: the drill');
  const drilled = await drill(lab, plan, server, origin);
  await Promise.all([server.stop(), origin.stop()]);
  return { drilled, warmSeconds, bytesPerPage };
}

/** As those who run it would have it for this; what a page's own headers say of staleness counts too. */
const directives: readonly string[] = [
  'proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;',
  'proxy_cache_background_update on;',
  `proxy_connect_timeout ${connectMs}ms;`,
  `proxy_read_timeout ${firstByteMs}ms;`,
];

async function drillNginx(lab: Lab, plan: Plan, { progress }: Telling): Promise<Drilled> {
  const origin = new OriginProcess(lab, plan);
  await origin.be('up');
  const server = await startNginx(lab, { originPort: origin.port, cores: cores.server, directives, inMemory: false });
  progress(`nginx: ${plan.pages} pages are asked for once`);
  const port = new URL(server.url).port;
  const crawler = join(import.meta.dirname, 'crawl.ts');
  const words = [crawler, port, plan.pages, plan.live].map(String);
  const child = Bun.spawn(['taskset', '-c', cores.load, process.execPath, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal: lab.signal,
  });
  if ((await child.exited) !== 0) throw new Error(`nginx could not be warmed: ${await child.stderr.text()}`);
  progress('nginx: the drill');
  const drilled = await drill(lab, plan, server, origin);
  await Promise.all([server.stop(), origin.stop()]);
  return drilled;
}

function bytesOf(folder: string, name: RegExp): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => name.test(path.slice(path.lastIndexOf('/') + 1)))
    .map((path) => statSync(join(folder, path)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

function rowsOf(plan: Plan, { drilled, warmSeconds, bytesPerPage }: Ours, nginx: Drilled): readonly Row[] {
  const compared = (of: (drilled: Drilled) => number) => ({
    runs: [of(drilled)],
    rival: { name: 'nginx', runs: [of(nginx)] },
  });
  const isDrill = (at: number) => plan.phases[at] !== undefined && isOfDrill(plan.phases[at]);
  const atMost = (limit: number) => ({ of: 'value', bound: 'atMost', limit }) as const;
  const generator = `visitors used ${drilled.generatorCores.toFixed(2)} cores; the latest request left ${drilled.latestMs.toFixed(0)} ms late`;
  const disk = `${plan.pages} pages of ${plan.bytes} bytes; 40 million take ${((bytesPerPage * 40e6) / 2 ** 30).toFixed(0)} GiB`;
  return [
    row({
      name: 'p95, worst phase',
      unit: 'ms',
      ...compared(({ phases }) => Math.max(...phases.filter((_, at) => isDrill(at)).map(({ p95Ms }) => p95Ms))),
      targets: [atMost(2)],
      note: `without the first visitors, who are a row of their own; ${generator}`,
    }),
    ...plan.phases.map(({ name }, at) =>
      row({ name: `p95, ${name}`, unit: 'ms', ...compared(({ phases }) => phases[at]?.p95Ms ?? Number.NaN) }),
    ),
    row({ name: 'p99, all', unit: 'ms', ...compared(({ all }) => all.p99Ms) }),
    row({ name: 'errors', unit: 'requests', ...compared(({ all }) => all.errors), targets: [atMost(0)] }),
    row({
      name: 'pages older than allowed',
      unit: 'answers',
      ...compared(({ all }) => all.tooOld),
      targets: [atMost(0)],
    }),
    row({
      name: 'at the origin at the same time, most',
      unit: 'requests',
      ...compared(({ origin }) => Math.max(...origin.map(({ most }) => most))),
      targets: [atMost(originMost)],
    }),
    row({
      name: 'at the origin in a second once it is back, most',
      unit: 'requests',
      ...compared((one) => mostWhenBack(plan, one)),
    }),
    row({ name: 'processor time of a request', unit: 'µs', ...compared(({ cpuMicros }) => cpuMicros) }),
    row({ name: 'warmed', unit: 'pages/s', runs: [plan.pages / warmSeconds] }),
    row({ name: 'on disk', unit: 'bytes/page', runs: [bytesPerPage], note: disk }),
  ];
}

function mostWhenBack({ phases }: Plan, { origin }: Drilled): number {
  return Math.max(...origin.slice(-(phases.at(-1)?.seconds ?? 0)).map(({ requests }) => requests));
}
