// All cells: each page, crowd and mode, on each stack, several times in turn.

import { errorCount } from './load-figures.ts';
import { measure, type Run } from './measure.ts';
import { crowds, type Mode, modes, type PageName, pageNames, paths, type Users } from './scenarios.ts';
import type { Stack, StackName } from './stacks.ts';

export interface ShopPace {
  readonly runs: number;
  /** Of each page on each stack, saturated, before anything is measured: compilers of five processes take their time. */
  readonly warmUpSeconds: number;
  /** Of each run of users who think, before its measured time. */
  readonly rampSeconds: number;
  readonly seconds: Readonly<Record<Mode, Readonly<Record<Users, number>>>>;
  readonly starts: number;
  readonly idleSeconds: number;
  /** What may be spent, over all, on repeating runs that were disturbed. */
  readonly repeatSeconds: number;
}

export const shopPaces = {
  full: {
    runs: 3,
    warmUpSeconds: 10,
    rampSeconds: 2,
    seconds: { thinking: { 20: 4, 200: 3, 2000: 5 }, saturation: { 20: 3, 200: 3, 2000: 7 } },
    starts: 5,
    idleSeconds: 3,
    repeatSeconds: 240,
  },
  quick: {
    runs: 1,
    warmUpSeconds: 1,
    rampSeconds: 1,
    seconds: { thinking: { 20: 1, 200: 1, 2000: 2 }, saturation: { 20: 1, 200: 1, 2000: 2 } },
    starts: 1,
    idleSeconds: 1,
    repeatSeconds: 0,
  },
} as const satisfies Record<string, ShopPace>;

/** Above this, programs beside the benchmark disturbed a run. */
export const disturbedCores = 0.4;
const mostRepeats = 2;

export interface Cell {
  readonly stack: StackName;
  readonly page: PageName;
  readonly users: Users;
  readonly mode: Mode;
  readonly runs: readonly Run[];
}

export interface CellsOptions {
  readonly stacks: readonly Stack[];
  readonly pace: ShopPace;
  readonly pathsFiles: Readonly<Record<PageName, string>>;
  readonly signal: AbortSignal;
  readonly progress: (what: string) => void;
}

/** The stacks are running; those that are not measured rest. */
export async function measureCells({ stacks, pace, pathsFiles, signal, progress }: CellsOptions): Promise<Cell[]> {
  const run = (stack: Stack, mode: Mode, page: PageName, users: Users, seconds: number) => {
    const of = { paths: paths[page], pathsFile: pathsFiles[page], warmUpSeconds: pace.rampSeconds };
    return measure(stack, { mode, url: stack.url, users, seconds, ...of }, signal);
  };
  progress('warming up');
  for (const stack of stacks) {
    for (const page of pageNames) await run(stack, 'saturation', page, 200, pace.warmUpSeconds);
  }
  const repeats = { leftMs: pace.repeatSeconds * 1000 };
  const cells: Cell[] = [];
  for (const mode of modes) {
    for (const page of pageNames) {
      for (const users of crowds) {
        const seconds = pace.seconds[mode][users];
        const runs = new Map(stacks.map(({ name }) => [name, [] as Run[]]));
        for (let round = 0; round < pace.runs; round++) {
          for (const stack of inTurn(stacks, round)) {
            const measured = await leastDisturbed(() => run(stack, mode, page, users, seconds), repeats);
            runs.get(stack.name)?.push(measured);
          }
        }
        const measured = stacks.map(({ name }) => ({ stack: name, page, users, mode, runs: runs.get(name) ?? [] }));
        cells.push(...measured);
        progress(`${mode}, ${page}, ${users} users: ${measured.map(brief).join(' · ')}`);
      }
    }
  }
  return cells;
}

/** Repeats a run while others disturb it, and keeps the one they disturbed least, whatever its figures. */
export async function leastDisturbed(run: () => Promise<Run>, repeats: { leftMs: number }): Promise<Run> {
  let best = await run();
  for (let again = 0; again < mostRepeats && best.othersCores > disturbedCores && repeats.leftMs > 0; again++) {
    const startedMs = performance.now();
    const other = await run();
    repeats.leftMs -= performance.now() - startedMs;
    if (other.othersCores < best.othersCores) best = other;
  }
  return best;
}

/** Each round begins with another. */
export function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  const from = round % Math.max(1, all.length);
  return [...all.slice(from), ...all.slice(0, from)];
}

function brief({ stack, runs }: Cell): string {
  const [run] = runs;
  if (!run) return stack;
  const errors = runs.reduce((sum, { errors }) => sum + errorCount(errors), 0);
  return `${stack} ${Math.round(run.perSecond)}/s, p50 ${run.p50Ms.toFixed(2)} ms${errors > 0 ? `, ${errors} FAILED` : ''}`;
}
