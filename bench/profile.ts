// Where the time goes in one row of the benchmarks: a node under load with Bun's sampling profiler.

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Pace } from './benchmark.ts';
import { apps, cores, type Lab, type Server, type ZerohopOptions } from './lab.ts';
import { productPaths } from './node/reads.ts';
import { startDirect } from './replication/clusters.ts';
import type { Load } from './wrk.ts';

interface Subject {
  readonly app: string;
  /** Absent: only the start is of interest. */
  readonly load?: (lab: Lab) => Pick<Load, 'script' | 'args' | 'connections'>;
  /** Nodes of a cluster that all have the load; the first has the profiler. */
  readonly clusterSize?: number;
}

const gets = (paths: readonly string[]): Subject => ({
  app: apps.store,
  load: (lab) => ({ script: 'get.lua', args: [lab.writeLines('paths', paths)], connections: 64 }),
});

const posts = (connections: number) => ({
  script: 'post.lua',
  args: ['/Item/', String(Math.floor(Math.random() * 1e9))],
  connections,
});

export const subjects: Readonly<Record<string, Subject>> = {
  start: { app: apps.store },
  product: gets(productPaths('/Product')),
  pdp: gets(productPaths('/Pdp')),
  plp: gets(Array.from({ length: 40 }, (_, at) => `/Plp/c-${String(at + 1).padStart(2, '0')}`)),
  insert: { app: apps.node, load: () => posts(500) },
  replication: { app: apps.node, load: () => posts(125), clusterSize: 4 },
};

/** Returns what to print. The writer, the app and the listener run in one thread, as Bun profiles the main thread alone. */
export async function profile(lab: Lab, pace: Pace, name: string): Promise<string> {
  const subject = subjects[name];
  if (!subject) throw new Error(`There is no ${name} to profile. There are: ${Object.keys(subjects).join(', ')}.`);
  const folder = join(import.meta.dirname, '..', 'tmp', `profile-${name}`);
  mkdirSync(folder, { recursive: true });
  const before = new Set(readdirSync(folder));
  const bunArguments = ['--cpu-prof', '--cpu-prof-md', `--cpu-prof-dir=${folder}`];
  const servers = await start(lab, subject, bunArguments);
  const { load, clusterSize } = subject;
  const where = clusterSize === undefined ? cores.load : cores.both;
  const results = load
    ? await Promise.all(servers.map(({ url }) => lab.load({ ...load(lab), url, seconds: pace.seconds, cores: where })))
    : [];
  await Promise.all(servers.map((server) => server.stop()));
  const written = readdirSync(folder).filter((file) => !before.has(file));
  const tables = await Promise.all(
    written
      .filter((file) => file.endsWith('.cpuprofile'))
      .map(async (file) => `${file}\n${summarise(await Bun.file(join(folder, file)).json())}`),
  );
  return [
    [
      name,
      ...results.map(
        ({ perSecond, errors }) => `${perSecond.toFixed(0)} requests/s under the profiler, ${errors} errors`,
      ),
    ].join(': '),
    ...tables,
    `The whole profiles are in ${folder}: open the .cpuprofile in a browser's developer tools, or read the .md.`,
  ].join('\n\n');
}

/** The first is profiled. */
async function start(
  lab: Lab,
  { app, clusterSize }: Subject,
  bunArguments: readonly string[],
): Promise<readonly Server[]> {
  if (clusterSize !== undefined) {
    const { members } = await startDirect(lab, clusterSize, { bunArguments });
    return members.map(({ server }) => server);
  }
  const options: ZerohopOptions = { app, data: lab.newPath('data'), cores: cores.server, threads: 0 };
  // A first start loads the data, so that this is not in the profile.
  await (await lab.startZerohop(options)).stop();
  return [await lab.startZerohop({ ...options, bunArguments })];
}

/** As the DevTools protocol has it: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

const shownFunctions = 30;

/** Two tables: the functions on top of the stack most often, and those on it at all. */
export function summarise({ nodes, samples }: CpuProfile): string {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const stackOf = (id: number | undefined): ProfileNode[] => {
    const node = id === undefined ? undefined : byId.get(id);
    return node ? [node, ...stackOf(parents.get(node.id))] : [];
  };
  const onTop = new Map<string, number>();
  const onStack = new Map<string, number>();
  for (const [id, count] of counted(samples)) {
    const stack = stackOf(id);
    add(onTop, topName(stack), count);
    const own = stack.filter(({ callFrame }) => callFrame.url !== '').map(nameOf);
    for (const name of new Set(own)) add(onStack, name, count);
  }
  return [
    `Self\n${shares(onTop, samples.length)}`,
    `With what they call (up to the next await)\n${shares(onStack, samples.length)}`,
  ].join('\n\n');
}

/** Native functions say little without who called them. */
function topName(stack: readonly ProfileNode[]): string {
  const [top] = stack;
  if (!top) return '?';
  const caller = stack.find(({ callFrame }) => /\/(src|apps|node_modules)\//.test(callFrame.url));
  return caller && caller !== top ? `${nameOf(top)}  ← ${nameOf(caller)}` : nameOf(top);
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const file = url.replace(/^.*\/(?=(src|apps|node_modules)\/)/, '');
  // The line is the one being run, which tells functions without a name apart.
  return functionName === '' ? `(anonymous) ${file}:${lineNumber + 1}` : `${functionName} ${file}`.trim();
}

function counted(samples: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const sample of samples) counts.set(sample, (counts.get(sample) ?? 0) + 1);
  return counts;
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}

function shares(counts: ReadonlyMap<string, number>, all: number): string {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, shownFunctions)
    .map(([name, count]) => `${((100 * count) / all).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n');
}
