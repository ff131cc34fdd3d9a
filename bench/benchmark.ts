// What a benchmark is to main.ts.

import type { Row } from './figures.ts';
import type { Lab } from './lab.ts';

/** How much time is taken. `quick` shows whether everything works; its figures mean little and are not kept. */
export interface Pace {
  readonly runs: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly startRuns: number;
  readonly idleSeconds: number;
  readonly catalogueSizes: readonly number[];
  readonly soakSeconds: number;
  readonly isQuick: boolean;
}

export const paces = {
  full: {
    runs: 3,
    warmUpSeconds: 2,
    seconds: 5,
    connections: 64,
    startRuns: 7,
    idleSeconds: 5,
    catalogueSizes: [1_200, 100_000, 1_000_000],
    soakSeconds: 600,
    isQuick: false,
  },
  quick: {
    runs: 1,
    warmUpSeconds: 1,
    seconds: 1,
    connections: 64,
    startRuns: 2,
    idleSeconds: 1,
    catalogueSizes: [1_200, 12_000],
    soakSeconds: 20,
    isQuick: true,
  },
} as const satisfies Record<string, Pace>;

/** What a part tells while it runs. */
export interface Telling {
  progress(what: string): void;
  /** Keeps a drawing beside the results, as `<name>.svg`. */
  draw(name: string, svg: string): Promise<void>;
  /** Keeps a text beside the results, as `<name>.<extension>`. */
  keep(name: string, extension: 'json' | 'md', content: string): Promise<void>;
}

/** A part of a benchmark: measures, tells, returns rows. */
export interface Part {
  readonly name: string;
  readonly about: string;
  readonly run: (lab: Lab, pace: Pace, telling: Telling) => Promise<readonly Row[]>;
}

/**
 * Measures contenders in turn, A B A B A B, so that a slow minute of the machine meets them all.
 * @param contenders name → one run
 */
export async function alternate<Name extends string, T>(
  runs: number,
  contenders: Readonly<Record<Name, () => Promise<T>>>,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(contenders) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<Name, T[]>;
  for (let run = 0; run < runs; run++) {
    for (const name of names) results[name].push(await contenders[name]());
  }
  return results;
}
