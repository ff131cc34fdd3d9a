// npm run bench -- NAME [PART...] [--quick]
//
// Runs a benchmark, prints a table and writes bench/results/NAME.json. Parts alone, and quick runs, are printed only.

import { parseArgs } from 'node:util';
import { runAll, writePage } from './all.ts';
import { type Pace, type Part, paces, type Telling } from './benchmark.ts';
import type { Row } from './figures.ts';
import { Lab } from './lab.ts';
import { describeMachine } from './machine.ts';
import { nodeParts } from './node/index.ts';
import { outage } from './outage/index.ts';
import { pagesParts } from './pages/index.ts';
import { profile, subjects } from './profile.ts';
import { replicationParts } from './replication/index.ts';
import { currentCommit, machineText, type Report, reportText, rowsText, writeResult } from './report.ts';
import { security } from './security.ts';
import { shopParts } from './shop/index.ts';
import { soak } from './soak.ts';

const benchmarks: Readonly<Record<string, readonly Part[]>> = {
  shop: shopParts,
  node: nodeParts,
  outage: [outage],
  pages: pagesParts,
  replication: replicationParts,
  security: [security],
  soak: [soak],
};

const commands: Readonly<Record<string, (words: readonly string[]) => Promise<number>>> = {
  all: () => runAll(Object.keys(benchmarks), values.quick),
  page: () => writePage(Object.keys(benchmarks)),
  profile: runProfile,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
});
const [name, ...words] = positionals;
if (name === undefined) {
  console.log(overview());
} else {
  const run = (Object.hasOwn(commands, name) ? commands[name] : undefined) ?? chosen(name, words);
  if (typeof run === 'string') {
    console.error(run);
    process.exit(2);
  }
  process.exit(await run(words).catch(failed));
}

/** What to run, or why it can't be. */
function chosen(name: string, partNames: readonly string[]): ((words: readonly string[]) => Promise<number>) | string {
  const parts = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
  if (!parts) return `There is no benchmark ${name}.\n\n${overview()}`;
  const unknown = partNames.find((part) => !parts.some(({ name }) => name === part));
  if (unknown !== undefined) return `The benchmark ${name} has no part ${unknown}.\n\n${overview()}`;
  const wanted = parts.filter((part) => partNames.length === 0 || partNames.includes(part.name));
  return () => runParts(name, wanted, !values.quick && wanted.length === parts.length);
}

async function runParts(name: string, parts: readonly Part[], kept: boolean): Promise<number> {
  await using lab = openLab();
  const machine = describeMachine(lab.folder);
  console.log(machineText(machine));
  const commit = await currentCommit();
  const rows: Row[] = [];
  const failures: string[] = [];
  for (const part of parts) {
    try {
      rows.push(...(await part.run(lab, pace(), tellingOf(part, kept))));
    } catch (error) {
      failures.push(`${part.name}: ${messageOf(error)}`);
      await lab.stopServers();
    }
  }
  if (rows.length > 0) console.log(`\n${rowsText(rows)}\n`);
  for (const failure of failures) console.error(`FAILED ${failure}`);
  const date = new Date().toISOString();
  const report: Report = { machine, commit, date, rows, ...(failures.length > 0 && { failures }) };
  if (kept && rows.length > 0) console.log(`Written to ${await writeResult(name, 'json', reportText(report))}`);
  else console.log('Not written: only whole benchmarks at full length that measured something are kept.');
  return failures.length > 0 ? 1 : 0;
}

function tellingOf(part: Part, kept: boolean): Telling {
  return {
    progress: (what) => console.log(`${part.name}: ${what}`),
    draw: async (name, svg) => {
      if (kept) console.log(`Drawn in ${await writeResult(name, 'svg', svg)}`);
    },
    keep: async (name, extension, content) => {
      if (kept) console.log(`Written to ${await writeResult(name, extension, content)}`);
    },
  };
}

function pace(): Pace {
  return values.quick ? paces.quick : paces.full;
}

async function runProfile([subject]: readonly string[]): Promise<number> {
  if (subject === undefined || !Object.hasOwn(subjects, subject)) {
    console.error(`Say what to profile: ${Object.keys(subjects).join(', ')}.`);
    return 2;
  }
  await using lab = openLab();
  console.log(await profile(lab, pace(), subject));
  return 0;
}

/** A lab whose servers and folder go away on Ctrl+C too. */
function openLab(): Lab {
  const lab = new Lab();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void lab[Symbol.asyncDispose]().finally(() => process.exit(130)));
  return lab;
}

function failed(error: unknown): number {
  console.error(messageOf(error));
  return 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function overview(): string {
  const lines = Object.entries(benchmarks).flatMap(([name, parts]) =>
    parts.length === 1
      ? [`  ${name.padEnd(18)} ${parts[0]?.about}`]
      : [
          `  ${name.padEnd(18)} all of:`,
          ...parts.map((part) => `  ${`${name} ${part.name}`.padEnd(18)} ${part.about}`),
        ],
  );
  return [
    'npm run bench -- NAME [PART...] [--quick]',
    '',
    ...lines,
    `  ${'all'.padEnd(18)} all of them, one after the other, and results/index.html`,
    `  ${'page'.padEnd(18)} results/index.html alone, of the results that are there`,
    `  ${'profile ROW'.padEnd(18)} where the time goes; ROW is ${Object.keys(subjects).join(', ')}`,
  ].join('\n');
}
