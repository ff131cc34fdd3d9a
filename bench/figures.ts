// Numbers of several runs → one figure; two figures → a row with its target.

/** Median of several runs, with the least and the most. */
export interface Figure {
  readonly value: number;
  readonly min: number;
  readonly max: number;
}

export interface Target {
  readonly of: 'value' | 'ratio';
  readonly bound: 'atLeast' | 'atMost';
  readonly limit: number;
}

/** What a benchmark says about one thing, as it stands in the results file. `ratio` is value ÷ rivalValue. */
export interface Row extends Figure {
  readonly name: string;
  readonly unit: string;
  readonly rival?: string;
  readonly rivalValue?: number;
  readonly rivalMin?: number;
  readonly rivalMax?: number;
  readonly ratio?: number;
  readonly target?: string;
  readonly met?: boolean;
  readonly note?: string;
}

export interface RowOptions {
  readonly name: string;
  readonly unit: string;
  readonly runs: readonly number[];
  readonly rival?: { readonly name: string; readonly runs: readonly number[] };
  /** Met when one of them is. */
  readonly targets?: readonly Target[];
  readonly note?: string | undefined;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function figure(runs: readonly number[]): Figure {
  return { value: median(runs), min: Math.min(...runs), max: Math.max(...runs) };
}

export function row(options: RowOptions): Row {
  const { name, unit, targets = [], note } = options;
  const own = figure(options.runs);
  const rival = options.rival && figure(options.rival.runs);
  const ratio = rival && own.value / rival.value;
  const met = targets.some(({ of, bound, limit }) => {
    const value = of === 'value' ? own.value : (ratio ?? Number.NaN);
    return bound === 'atLeast' ? value >= limit : value <= limit;
  });
  return {
    name,
    value: rounded(own.value),
    unit,
    min: rounded(own.min),
    max: rounded(own.max),
    ...(options.rival &&
      rival && {
        rival: options.rival.name,
        rivalValue: rounded(rival.value),
        rivalMin: rounded(rival.min),
        rivalMax: rounded(rival.max),
      }),
    ...(ratio !== undefined && { ratio: rounded(ratio) }),
    ...(targets.length > 0 && { target: targets.map((target) => targetText(target, unit)).join(' or '), met }),
    ...(note && { note }),
  };
}

function targetText({ of, bound, limit }: Target, unit: string): string {
  const sign = bound === 'atLeast' ? '≥' : '≤';
  return of === 'ratio' ? `${sign} ${limit} ×` : `${sign} ${limit.toLocaleString('en')} ${unit}`;
}

/** Four significant digits, and never less than whole numbers. */
export function rounded(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
}
