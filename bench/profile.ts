// Where the time goes in one row of the benchmarks: a node under load with Bun's sampling profiler.

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Pace } from './benchmark.ts';
import { apps, cores, type Lab } from './lab.ts';
import { productPaths } from './node/reads.ts';
import { type Load, load } from './wrk.ts';

interface Subject {
  readonly app: string;
  readonly load: (lab: Lab) => Pick<Load, 'script' | 'args' | 'connections'>;
}

const gets = (paths: readonly string[]): Subject => ({
  app: apps.store,
  load: (lab) => ({ script: 'get.lua', args: [lab.writeLines('paths', paths)], connections: 64 }),
});

export const subjects: Readonly<Record<string, Subject>> = {
  product: gets(productPaths('/Product')),
  pdp: gets(productPaths('/Pdp')),
  plp: gets(Array.from({ length: 40 }, (_, at) => `/Plp/c-${String(at + 1).padStart(2, '0')}`)),
  insert: {
    app: apps.node,
    load: () => ({ script: 'post.lua', args: ['/Item/', String(Date.now() % 1_000_000)], connections: 500 }),
  },
};

/** Returns what to print. The writer, the app and the listener run in one thread, as Bun profiles the main thread alone. */
export async function profile(lab: Lab, pace: Pace, name: string): Promise<string> {
  const subject = subjects[name];
  if (!subject) throw new Error(`There is no ${name} to profile. There are: ${Object.keys(subjects).join(', ')}.`);
  const folder = join(import.meta.dirname, '..', 'tmp', `profile-${name}`);
  mkdirSync(folder, { recursive: true });
  const before = new Set(readdirSync(folder));
  const server = await lab.startZerohop({
    app: subject.app,
    data: lab.newPath('data'),
    cores: cores.server,
    threads: 0,
    bunArguments: ['--cpu-prof', '--cpu-prof-md', `--cpu-prof-dir=${folder}`],
  });
  const options = { ...subject.load(lab), url: server.url, seconds: pace.seconds, cores: cores.load };
  const result = await load(options);
  await server.stop();
  const written = readdirSync(folder).filter((file) => !before.has(file));
  const tables = await Promise.all(
    written
      .filter((file) => file.endsWith('.cpuprofile'))
      .map(async (file) => `${file}\n${selfTimes(await Bun.file(join(folder, file)).json())}`),
  );
  return [
    `${name}: ${result.perSecond.toFixed(0)} requests/s under the profiler, ${result.errors} errors`,
    ...tables,
    `The whole profiles are in ${folder}: open the .cpuprofile in a browser's developer tools, or read the .md.`,
  ].join('\n\n');
}

/** As the DevTools protocol has it: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
}

const shownFunctions = 30;

/** The functions at the top of the stack most often. */
export function selfTimes({ nodes, samples }: CpuProfile): string {
  const names = new Map(
    nodes.map(({ id, callFrame }) => {
      const file = callFrame.url.replace(/^.*\/(?=(src|apps|node_modules)\/)/, '');
      return [
        id,
        `${callFrame.functionName || '(anonymous)'}  ${file}${file && `:${callFrame.lineNumber + 1}`}`,
      ] as const;
    }),
  );
  const counts = new Map<string, number>();
  for (const sample of samples) {
    const name = names.get(sample) ?? '?';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, shownFunctions)
    .map(([name, count]) => `${((100 * count) / samples.length).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n');
}
