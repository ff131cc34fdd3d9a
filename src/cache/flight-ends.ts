// How a fetch ended, as a number in memory that threads share, and what another thread makes of it.

import { ZerohopError } from '../base/index.ts';
import type { SourceFailure } from './freshness.ts';
import type { SourceOptions } from './limits.ts';
import { SourceError, statusOf } from './source.ts';

/** 400 to 499: the source refused with this status. 1000 and more: it failed. `passing`: it is served and not stored. */
export const flightEnds = { stored: 1, missing: 2, passing: 3 } as const;

const failures: readonly SourceFailure[] = ['unreachable', 'server', 'refused'];
/** How long it is known that a record is not stored: those who want it then don't wait for each other, in ms. */
const passingMs = 10_000;

/** 0: it says nothing to other threads, as when this one had no room to ask. */
export function outcomeOf({ cause, failure }: SourceError): number {
  if (cause instanceof ZerohopError && cause.code === 'OVERLOADED') return 0;
  const status = cause instanceof ZerohopError && cause.code === 'ORIGIN_FAILED' ? undefined : statusOf(cause);
  return status !== undefined && status >= 400 && status < 500 ? status : 1000 + failures.indexOf(failure);
}

/** How long an outcome stands for what would come of asking again; undefined: it does not. */
export function knownMsOf(outcome: number, { missMs, errorMs }: SourceOptions): number | undefined {
  if (outcome === flightEnds.missing) return missMs;
  if (outcome === flightEnds.passing) return passingMs;
  return outcome >= 400 ? errorMs : undefined;
}

/** What another thread's call failed with, as far as it is known here. */
export function failureElsewhere(outcome: number, name: string): SourceError {
  if (outcome < 500) {
    const refusal = Object.assign(new Error(`${name}: it refused with ${outcome} a moment ago.`), {
      statusCode: outcome,
    });
    return new SourceError('refused', refusal);
  }
  const failed = new ZerohopError('ORIGIN_FAILED', `${name}: it failed a moment ago.`);
  return new SourceError(failures[outcome - 1000] ?? 'unreachable', failed);
}
