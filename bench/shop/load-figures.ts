import type { Latencies } from './percentiles.ts';

/**
 * connect: no connection · closed: it ended before the answer · status: answered 400 or above · protocol: what came was no answer that is
 * understood · unfinished: no answer by the end, though it was waited for.
 */
export const errorKinds = ['connect', 'closed', 'status', 'protocol', 'unfinished'] as const;
export type ErrorKind = (typeof errorKinds)[number];
export type Errors = Readonly<Record<ErrorKind, number>>;

/** What the client saw in one run. */
export interface LoadFigures extends Latencies {
  /** Answered. */
  readonly requests: number;
  readonly perSecond: number;
  readonly errors: Errors;
  /** Cores the generator itself used. Near 1, it was the bottleneck. */
  readonly generatorCores: number;
}

export function errorCount(errors: Errors): number {
  return errorKinds.reduce((sum, kind) => sum + errors[kind], 0);
}
