// What a table with a source does where `sourcedFrom(source, options)` says nothing else. All in ms but where named otherwise.

import { ZerohopError } from '../base/index.ts';
import type { TableDefinition } from '../schema/index.ts';

export interface SourceOptions {
  /** Longest time a call of the source may take. */
  readonly timeoutMs: number;
  /** How long it is remembered that the source has no such record. */
  readonly missMs: number;
  /** How long it is remembered that the source failed for a record. */
  readonly errorMs: number;
  /** Failures in a row after which the source is left alone. */
  readonly failures: number;
  /** For so long. Then one call tries it. */
  readonly retryMs: number;
  /** Calls of the source at the same time, per thread. */
  readonly concurrency: number;
  /** Serve a stale copy when the source answers 5xx, too; not only when it can't be reached. */
  readonly staleIfError: boolean;
}

export const sourceDefaults: SourceOptions = {
  timeoutMs: 10_000,
  missMs: 1_000,
  errorMs: 1_000,
  failures: 5,
  retryMs: 5_000,
  concurrency: 100,
  staleIfError: false,
};

/** Misses and errors remembered per table and thread. */
export const rememberedOutcomes = 10_000;
/** Calls that wait for one of `concurrency`; more are refused. */
export const waitingCalls = 1_000;
/** Records a search brings up to date. */
export const searchedRecords = 1_000;
/** Events of a source that come in one transaction. */
export const eventWrites = 1_000;

/** In the place of what the schema says: `{ expiration, eviction, scanInterval }` in seconds. Throws APPLICATION_ERROR. */
export function readLifetimes(given: unknown): Lifetimes {
  const options = typeof given === 'object' && given !== null ? given : {};
  const lifetimes: { -readonly [Name in keyof Lifetimes]: Lifetimes[Name] } = {};
  for (const name of ['expiration', 'eviction', 'scanInterval'] as const) {
    const seconds: unknown = Reflect.get(options, name);
    if (seconds === undefined) continue;
    if (typeof seconds !== 'number' || !(seconds >= 0))
      throw new ZerohopError('APPLICATION_ERROR', `The option ${name} of sourcedFrom is a number of seconds.`);
    lifetimes[`${name}Ms`] = seconds * 1000;
  }
  return lifetimes;
}

type Lifetimes = Pick<TableDefinition, 'expirationMs' | 'evictionMs' | 'scanIntervalMs'>;

/** Throws APPLICATION_ERROR. */
export function readSourceOptions(given: unknown): SourceOptions {
  if (given === undefined) return sourceDefaults;
  if (typeof given !== 'object' || given === null)
    throw new ZerohopError('APPLICATION_ERROR', 'The options of sourcedFrom must be an object.');
  const options: Record<string, unknown> = { ...sourceDefaults };
  for (const [name, value] of Object.entries(given)) {
    const known = options[name];
    if (name === 'expiration' || name === 'eviction' || name === 'scanInterval') continue;
    if (known === undefined)
      throw new ZerohopError(
        'APPLICATION_ERROR',
        `sourcedFrom knows no option ${name}. It knows: ${Object.keys(sourceDefaults).join(', ')}.`,
      );
    if (typeof value !== typeof known || (typeof value === 'number' && !(value >= 0)))
      throw new ZerohopError(
        'APPLICATION_ERROR',
        `The option ${name} of sourcedFrom must be ${typeof known === 'boolean' ? 'true or false' : 'a number of 0 or more'}.`,
      );
    options[name] = value;
  }
  return options as unknown as SourceOptions;
}
