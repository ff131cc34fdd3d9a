// Cells and starts → rows with targets.

import { median, type Row, row } from '../figures.ts';
import { type Cell, disturbedCores } from './cells.ts';
import { errorCount } from './load-figures.ts';
import type { Run, Start } from './measure.ts';
import { crowds, type Mode, type PageName, pageNames, type Users } from './scenarios.ts';
import type { StackName } from './stacks.ts';
import { sum } from './usage.ts';

export interface Measured {
  readonly cells: readonly Cell[];
  readonly starts: Readonly<Record<StackName, readonly Start[]>>;
}

/** With a second of thinking: milliseconds, at any number of users. */
const p50LimitMs: Readonly<Record<PageName, number>> = { Home: 1, PLP: 3, PDP: 1 };
const p95LimitMs = 10;
/** Saturated: times the rival's throughput. */
const leastTimes: Readonly<Record<PageName, number>> = { Home: 8, PLP: 8, PDP: 15 };
const leastTimesMonolith = 5;

export function rowsOf(measured: Measured): Row[] {
  const { cells, starts } = measured;
  const each = pageNames.flatMap((page) => crowds.map((users) => ({ page, users })));
  return [
    failures(cells),
    ...each.map((at) => thinking(cells, at, 'p50Ms', p50LimitMs[at.page])),
    ...each.map((at) => thinking(cells, at, 'p95Ms', p95LimitMs)),
    ...each.map((at) => throughput(cells, at, 'microservices', leastTimes[at.page])),
    ...each.map((at) => throughput(cells, at, 'monolith', at.page === 'PDP' ? leastTimesMonolith : undefined)),
    ...each.map((at) => saturatedP95(cells, at)),
    startRow(starts, 'cold start', 'ms', ({ answeredMs }) => answeredMs, 'microservices'),
    startRow(starts, 'cold start', 'ms', ({ answeredMs }) => answeredMs, 'monolith'),
    startRow(starts, 'memory at rest', 'MiB', ({ memoryMiB }) => sum(memoryMiB), 'microservices'),
    startRow(starts, 'memory at rest', 'MiB', ({ memoryMiB }) => sum(memoryMiB), 'monolith'),
  ];
}

interface At {
  readonly page: PageName;
  readonly users: Users;
}

export function runsOf(cells: readonly Cell[], stack: StackName, mode: Mode, { page, users }: At): readonly Run[] {
  const found = cells.find(
    (cell) => cell.stack === stack && cell.mode === mode && cell.page === page && cell.users === users,
  );
  if (!found) throw new Error(`${mode}, ${page}, ${users} users was not measured on ${stack}.`);
  return found.runs;
}

function failures(cells: readonly Cell[]): Row {
  const runs = cells.filter(({ stack }) => stack === 'unified').flatMap((cell) => cell.runs);
  const failed = runs.reduce((total, { errors }) => total + errorCount(errors), 0);
  const requests = runs.reduce((total, run) => total + run.requests, 0);
  return row({
    name: 'unified: failed requests in all cells',
    unit: 'requests',
    runs: [failed],
    targets: [{ of: 'value', bound: 'atMost', limit: 0 }],
    note: `of ${requests.toLocaleString('en')}`,
  });
}

function thinking(cells: readonly Cell[], at: At, of: 'p50Ms' | 'p95Ms', limit: number): Row {
  return row({
    name: `thinking, ${at.page}, ${at.users} users, ${of === 'p50Ms' ? 'p50' : 'p95'}`,
    unit: 'ms',
    runs: runsOf(cells, 'unified', 'thinking', at).map((run) => run[of]),
    rival: { name: 'microservices', runs: runsOf(cells, 'microservices', 'thinking', at).map((run) => run[of]) },
    targets: [{ of: 'value', bound: 'atMost', limit }],
    note: disturbance(runsOf(cells, 'unified', 'thinking', at)),
  });
}

function throughput(cells: readonly Cell[], at: At, rival: StackName, least: number | undefined): Row {
  return row({
    name: `saturated, ${at.page}, ${at.users} users, against ${rival}`,
    unit: 'requests/s',
    runs: runsOf(cells, 'unified', 'saturation', at).map(({ perSecond }) => perSecond),
    rival: { name: rival, runs: runsOf(cells, rival, 'saturation', at).map(({ perSecond }) => perSecond) },
    ...(least !== undefined && { targets: [{ of: 'ratio', bound: 'atLeast', limit: least }] }),
    note: disturbance(runsOf(cells, 'unified', 'saturation', at)),
  });
}

function saturatedP95(cells: readonly Cell[], at: At): Row {
  return row({
    name: `saturated, ${at.page}, ${at.users} users, p95`,
    unit: 'ms',
    runs: runsOf(cells, 'unified', 'saturation', at).map(({ p95Ms }) => p95Ms),
    rival: { name: 'microservices', runs: runsOf(cells, 'microservices', 'saturation', at).map(({ p95Ms }) => p95Ms) },
    targets: [{ of: 'ratio', bound: 'atMost', limit: 1 }],
    note: disturbance(runsOf(cells, 'unified', 'saturation', at)),
  });
}

/** Said of runs that had to share the machine. */
function disturbance(runs: readonly Run[]): string | undefined {
  const cores = median(runs.map(({ othersCores }) => othersCores));
  return cores > disturbedCores ? `disturbed: other programs used ${cores.toFixed(1)} cores meanwhile` : undefined;
}

function startRow(
  starts: Measured['starts'],
  name: string,
  unit: string,
  of: (start: Start) => number,
  rival: StackName,
): Row {
  return row({
    name: `${name}, against ${rival}`,
    unit,
    runs: starts.unified.map(of),
    rival: { name: rival, runs: starts[rival].map(of) },
  });
}
