// All cells: each page, crowd and mode, on each stack, several times in turn.

import { errorCount } from './load-figures.ts';
import { measure, type Run } from './measure.ts';
import { crowds, type Mode, modes, type PageName, pageNames, paths, type Users } from './scenarios.ts';
import type { Stack, StackName } from './stacks.ts';

export interface ShopPace {
  readonly runs: number;
  /** Of each stack, page and mode, before the first of its runs. */
  readonly warmUpSeconds: number;
  readonly seconds: Readonly<Record<Mode, Readonly<Record<Users, number>>>>;
  readonly starts: number;
  readonly idleSeconds: number;
}

export const shopPaces = {
  full: {
    runs: 3,
    warmUpSeconds: 2,
    seconds: { thinking: { 20: 4, 200: 4, 2000: 7 }, saturation: { 20: 3, 200: 4, 2000: 8 } },
    starts: 5,
    idleSeconds: 3,
  },
  quick: {
    runs: 1,
    warmUpSeconds: 1,
    seconds: { thinking: { 20: 1, 200: 1, 2000: 2 }, saturation: { 20: 1, 200: 1, 2000: 2 } },
    starts: 1,
    idleSeconds: 1,
  },
} as const satisfies Record<string, ShopPace>;

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
  const cells: Cell[] = [];
  for (const mode of modes) {
    for (const page of pageNames) {
      const run = (stack: Stack, users: Users, seconds: number) => {
        const of = { paths: paths[page], pathsFile: pathsFiles[page], warmUpSeconds: pace.warmUpSeconds };
        return measure(stack, { mode, url: stack.url, users, seconds, ...of }, signal);
      };
      if (mode === 'saturation') for (const stack of stacks) await run(stack, 200, pace.warmUpSeconds);
      for (const users of crowds) {
        const seconds = pace.seconds[mode][users];
        const runs = new Map(stacks.map(({ name }) => [name, [] as Run[]]));
        for (let round = 0; round < pace.runs; round++) {
          for (const stack of inTurn(stacks, round)) runs.get(stack.name)?.push(await run(stack, users, seconds));
        }
        const measured = stacks.map(({ name }) => ({ stack: name, page, users, mode, runs: runs.get(name) ?? [] }));
        cells.push(...measured);
        progress(`${mode}, ${page}, ${users} users: ${measured.map(brief).join(' · ')}`);
      }
    }
  }
  return cells;
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
