// Everything that was measured → a page to read, in Markdown.

import { median, type Row } from '../figures.ts';
import type { Machine } from '../machine.ts';
import { machineText } from '../report.ts';
import { disturbedCores, type ShopPace } from './cells.ts';
import { errorCount, errorKinds } from './load-figures.ts';
import type { Run } from './measure.ts';
import { reference } from './reference.ts';
import { type Measured, runsOf } from './rows.ts';
import { crowds, type Mode, type PageName, pageNames, type Users } from './scenarios.ts';
import { type StackName, stackNames } from './stacks.ts';
import { type PerProcess, sum } from './usage.ts';

export interface ReportInput {
  readonly machine: Machine;
  readonly commit: string;
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly pace: ShopPace;
  readonly measured: Measured;
  readonly rows: readonly Row[];
  /** Names of drawings that stand beside the page. */
  readonly charts: readonly string[];
}

export function reportPage(input: ReportInput): string {
  const sections = [intro, targets, thinkingTable, saturationTable, processes, starts, errors, beside, method, limits];
  return `${sections.map((section) => section(input).join('\n')).join('\n\n')}\n`;
}

function intro({ machine, commit, date, versions, charts, measured }: ReportInput): string[] {
  const others = middle(
    measured.cells.flatMap(({ runs }) => runs),
    ({ othersCores }) => othersCores,
  );
  return [
    '# The shop: one node, a monolith, microservices',
    '',
    'The same shop, three times: the same data, the same addresses, the same bytes in every answer (a test compares all of them).',
    '',
    '- **unified**: `zerohop start apps/store`. Database, cache and application in one process.',
    '- **monolith**: one Fastify process and PostgreSQL.',
    '- **microservices**: catalog, inventory, pricing and reviews, each a Fastify process with a PostgreSQL database of its own, and a storefront that asks them.',
    '',
    `Measured ${date.slice(0, 10)} at commit \`${commit}\`, by \`npm run bench -- shop\`. ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(' · ')}.`,
    '',
    ...machineText(machine)
      .split('\n')
      .map((line) => `> ${line}`),
    ...(others > disturbedCores
      ? [
          '>',
          `> **Disturbed:** programs beside the benchmark used ${shown(others)} of ${machine.cores} cores during half of the runs. Every stack suffered from it in turn; latencies are those of a crowded machine, and throughput that of what was left of it. Answers per core and second (below) are disturbed least.`,
        ]
      : []),
    '',
    ...charts.map((name) => `![${name}](${name}.svg)`),
  ];
}

function targets({ rows }: ReportInput): string[] {
  const withTarget = rows.filter(({ met }) => met !== undefined);
  const missed = withTarget.filter(({ met }) => met === false);
  return [
    '## Targets',
    '',
    `${withTarget.length - missed.length} of ${withTarget.length} are met.${missed.length > 0 ? ' Missed:' : ''}`,
    ...(missed.length > 0
      ? [
          '',
          ...missed.map(
            (row) => `- ${row.name}: ${judged(row)}, to be ${row.target}${row.note ? ` (${row.note})` : ''}`,
          ),
        ]
      : []),
  ];
}

/** What the target is about: the ratio or the figure itself. */
function judged({ target, ratio, value, unit }: Row): string {
  return target?.includes('×') && ratio !== undefined ? `${shown(ratio)} ×` : `${shown(value)} ${unit}`;
}

const columns = ['p50', 'p90', 'p95', 'p99', 'max', 'answers/s', 'failed'];

function thinkingTable(input: ReportInput): string[] {
  return [
    '## With a second of thinking',
    '',
    'Each user waits a second after an answer before the next request, so N users ask N times a second at most. Milliseconds; medians of the runs.',
    '',
    ...latencyTable(input.measured, 'thinking'),
  ];
}

function saturationTable(input: ReportInput): string[] {
  return [
    '## Saturated',
    '',
    'Nobody thinks: N requests are always under way, and latency is mostly the time spent waiting for the others. Milliseconds; medians of the runs.',
    '',
    ...latencyTable(input.measured, 'saturation'),
    '',
    '| page | users | unified ÷ microservices | unified ÷ monolith |',
    '|---|--:|--:|--:|',
    ...cellsAt(({ page, users }) => {
      const rate = (stack: StackName) =>
        middle(runsOf(input.measured.cells, stack, 'saturation', { page, users }), (run) => run.perSecond);
      const times = (rival: StackName) => `${(rate('unified') / rate(rival)).toFixed(1)} ×`;
      return [`| ${page} | ${number(users)} | ${times('microservices')} | ${times('monolith')} |`];
    }),
  ];
}

function latencyTable({ cells }: Measured, mode: Mode): string[] {
  return [
    `| page | users | stack | ${columns.join(' | ')} |`,
    `|---|--:|---|${columns.map(() => '--:').join('|')}|`,
    ...cellsAt((at) =>
      stackNames.map((stack) => {
        const runs = runsOf(cells, stack, mode, at);
        const latencies = [
          ...[(run: Run) => run.p50Ms, (run: Run) => run.p90Ms, (run: Run) => run.p95Ms, (run: Run) => run.p99Ms],
          (run: Run) => run.maxMs,
        ].map((of) => shown(middle(runs, of)));
        const failed = runs.reduce((total, run) => total + errorCount(run.errors), 0);
        const figures = [...latencies, number(Math.round(middle(runs, (run) => run.perSecond))), number(failed)];
        return `| ${at.page} | ${number(at.users)} | ${stack} | ${figures.join(' | ')} |`;
      }),
    ),
  ];
}

function processes({ measured: { cells } }: ReportInput): string[] {
  const line = (stack: StackName, page: PageName) => {
    const runs = runsOf(cells, stack, 'saturation', { page, users: 200 });
    const cores = medians(runs.map((run) => run.cores));
    const memory = medians(runs.map((run) => run.memoryMiB));
    const each = Object.keys(cores).map((name) => `${name} ${shown(cores[name] ?? 0)} / ${shown(memory[name] ?? 0)}`);
    const perCore = middle(runs, (run) => run.perSecond / sum(run.cores));
    return `| ${page} | ${stack} | ${each.join(' · ')} | ${shown(sum(cores))} / ${shown(sum(memory))} | ${shown(perCore)} | ${shown(middle(runs, (run) => run.generatorCores))} |`;
  };
  return [
    '## What the processes use',
    '',
    'Saturated, 200 users: cores / MiB of each process with its children. Shared memory is counted once. Answers per second of processor time say what a page costs, however much of the machine others took.',
    '',
    '| page | stack | processes | together | answers per core and second | generator, cores |',
    '|---|---|---|--:|--:|--:|',
    ...pageNames.flatMap((page) => stackNames.map((stack) => line(stack, page))),
  ];
}

function starts({ measured }: ReportInput): string[] {
  return [
    '## Start and rest',
    '',
    'From the start of all processes at once to the first product page, with the data loaded before; and what they hold in memory a few seconds later.',
    '',
    '| stack | to the first page | memory at rest | of which |',
    '|---|--:|--:|---|',
    ...stackNames.map((stack) => {
      const all = measured.starts[stack];
      const memory = medians(all.map(({ memoryMiB }) => memoryMiB));
      const parts = Object.entries(memory).map(([name, value]) => `${name} ${shown(value)}`);
      return `| ${stack} | ${shown(median(all.map(({ answeredMs }) => answeredMs)))} ms | ${shown(sum(memory))} MiB | ${parts.join(' · ')} |`;
    }),
  ];
}

function errors({ measured: { cells } }: ReportInput): string[] {
  const failed = cells.filter(({ runs }) => runs.some((run) => errorCount(run.errors) > 0));
  return [
    '## Failures',
    '',
    ...(failed.length === 0
      ? ['No request failed on any stack, at any number of users.']
      : [
          'Requests that failed, all runs together, with what was exhausted: the cores the stack got, its busiest process, and what other programs took. `unfinished` were waited for in vain.',
          '',
          `| mode | page | users | stack | ${errorKinds.join(' | ')} | busiest process | others, cores |`,
          `|---|---|--:|---|${errorKinds.map(() => '--:').join('|')}|---|--:|`,
          ...failed.map(({ mode, page, users, stack, runs }) => {
            const counts = errorKinds.map((kind) => number(runs.reduce((total, run) => total + run.errors[kind], 0)));
            return `| ${mode} | ${page} | ${number(users)} | ${stack} | ${counts.join(' | ')} | ${busiest(medians(runs.map((run) => run.cores)))} | ${shown(middle(runs, ({ othersCores }) => othersCores))} |`;
          }),
        ]),
  ];
}

function beside({ measured: { cells } }: ReportInput): string[] {
  const p50 = (stack: StackName, page: PageName) =>
    shown(middle(runsOf(cells, stack, 'thinking', { page, users: 2000 }), (run) => run.p50Ms));
  return [
    '## Beside the study it follows',
    '',
    `[${reference.title}](${reference.url}): p50 at 2,000 users with a second of thinking, in milliseconds. Other machines, other data, another front end: only the shape compares.`,
    '',
    '| | Home | PLP | PDP |',
    '|---|--:|--:|--:|',
    ...stackNames.map((stack) => `| ${stack}, here | ${pageNames.map((page) => p50(stack, page)).join(' | ')} |`),
    '',
    `The study names ${reference.unifiedP50Ms.join(' / ')} ms for the three pages of its unified application, the first of them Home. It says that ${reference.said.join('; ')}.`,
  ];
}

function method({ pace }: ReportInput): string[] {
  const seconds = (mode: Mode) => crowds.map((users) => pace.seconds[mode][users]).join(' / ');
  return [
    '## Method',
    '',
    '- Everything runs on this one machine over loopback, unpinned: the load generator shares the cores with the servers, as in the study.',
    '- Home is one address; PLP is 40 categories in 4 orders; PDP is 1,200 products. Each request takes one at random. Users keep their connection.',
    `- Thinking: \`bench/shop/generator.ts\`, one process, a socket per user. Users begin spread over a second, and ${pace.rampSeconds} s pass before anything counts. Requests count that begin in the measured time, however late they are answered (20 s at most), so lateness is not lost.`,
    `- Saturated: \`wrk -t1 -cN\`. What is not answered at the end of a run is not in its percentiles, which flatters a stack whose latency comes near the length of a run.`,
    `- ${pace.runs} runs of ${seconds('thinking')} s (thinking; 20 / 200 / 2,000 users) and ${seconds('saturation')} s (saturated), the stacks in turn and each round beginning with another; before all, each page of each stack is saturated for ${pace.warmUpSeconds} s to warm it up. Medians.`,
    `- A run during which programs beside the benchmark used more than ${disturbedCores} cores is repeated, twice at most and for ${pace.repeatSeconds} s over all; the least disturbed counts, whatever its figures.`,
    '- Before a run its stack rests: nothing is left over of the one before. All three run all the time; those that are not asked use nothing.',
    '- PostgreSQL: 256 MB of shared buffers, sockets instead of TCP, no JIT, statistics up to date. Services: prepared statements, indexes for every order, pools of 10 connections (the monolith: 20), calls for many records at once, in parallel, over connections kept open; compiled serialisers; `NODE_ENV=production`.',
    '- Unified: the default settings, which on two cores is one serve thread beside the store thread.',
    '- k6 scripts of the same scenarios are in `bench/shop/k6`; these figures were not made with k6.',
  ];
}

function limits({ measured: { cells } }: ReportInput): string[] {
  const runs = cells.flatMap((cell) => cell.runs);
  const disturbed = runs.filter(({ othersCores }) => othersCores > disturbedCores).length;
  return [
    '## Limits',
    '',
    '- The study used MongoDB. It is not in the registries of this machine, so the rivals use PostgreSQL. Their data layer is one small interface (`bench/microservices/stores/index.js`), to which another database can be added.',
    '- The unified shop keeps finished answers until a record they were made of changes, which its database tells it at once. The rivals keep none: across services nobody is told. A cache in front of them would answer as fast, and for a while answer what is no longer so. Nothing is written during these runs; `npm run bench -- node` measures listings while products change.',
    '- Loopback has no latency and loses nothing: the best case for services that ask each other.',
    '- On two cores, whatever the load generator uses the servers lack; that weighs most on the stack that answers most.',
    `- Programs beside the benchmark used more than ${disturbedCores} cores in ${disturbed} of ${runs.length} runs (median of all: ${shown(middle(runs, ({ othersCores }) => othersCores))} cores).`,
  ];
}

function cellsAt(lines: (at: { page: PageName; users: Users }) => string[]): string[] {
  return pageNames.flatMap((page) => crowds.flatMap((users) => lines({ page, users })));
}

function middle(runs: readonly Run[], of: (run: Run) => number): number {
  return median(runs.map(of));
}

function medians(all: readonly PerProcess[]): PerProcess {
  const names = Object.keys(all[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(all.map((one) => one[name] ?? 0))]));
}

function busiest(cores: PerProcess): string {
  const [name, used] = Object.entries(cores).sort(([, a], [, b]) => b - a)[0] ?? ['none', 0];
  return `${name}, ${shown(used)} cores of ${shown(sum(cores))}`;
}

function shown(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return value >= 1000 ? number(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function number(value: number): string {
  return value.toLocaleString('en');
}
