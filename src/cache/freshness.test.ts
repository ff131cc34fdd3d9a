// What may be served, against an oracle that walks through the life of a copy second by second.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  type CachedCopy,
  type Directives,
  freshnessOf,
  mayServeOnError,
  noDirectives,
  parseDirectives,
  type SourceFailure,
} from './freshness.ts';

describe('parseDirectives', () => {
  test.each([
    [null, {}],
    ['', {}],
    ['no-cache', { noCache: true }],
    ['No-Cache , ONLY-IF-CACHED', { noCache: true, onlyIfCached: true }],
    ['max-age=5, min-fresh="7"', { maxAgeMs: 5_000, minFreshMs: 7_000 }],
    ['max-stale', { maxStaleMs: Number.POSITIVE_INFINITY }],
    ['max-stale=3, stale-if-error=9', { maxStaleMs: 3_000, staleIfErrorMs: 9_000 }],
    [
      'stale-if-error, must-revalidate, no-store',
      { staleIfErrorMs: Number.POSITIVE_INFINITY, mustRevalidate: true, noStore: true },
    ],
    ['max-age, max-age=-1, max-age=x, other=1', {}],
  ] as const)('%p', (header, expected) => {
    expect(parseDirectives(header)).toEqual({ ...noDirectives, ...expected });
  });
});

/** How long a copy is old, and stale, counted a second at a time. */
function life(
  copy: CachedCopy,
  nowMs: number,
): { readonly age: number; readonly staleFor: number; readonly left: number } {
  let age = 0;
  let staleFor = 0;
  for (let ms = copy.storedMs; ms < nowMs; ms += 1_000) {
    age++;
    if (copy.staleMs !== null && ms >= copy.staleMs) staleFor++;
  }
  let left = 0;
  if (staleFor === 0 && copy.staleMs !== null) for (let ms = nowMs; ms < copy.staleMs; ms += 1_000) left++;
  return { age, staleFor, left: copy.staleMs === null ? Number.POSITIVE_INFINITY : left };
}

/** Whole seconds, so that counting is exact. */
const at = (seconds: number): number => 1_000_000_000_000 + seconds * 1_000;
const seconds = fc.integer({ min: 0, max: 12 });
const within = fc.option(seconds, { nil: undefined });
const asMs = (value: number | undefined): number | undefined => (value === undefined ? undefined : value * 1_000);
const directives: fc.Arbitrary<Directives> = fc
  .record({
    noCache: fc.boolean(),
    noStore: fc.boolean(),
    onlyIfCached: fc.boolean(),
    mustRevalidate: fc.boolean(),
    maxAge: within,
    minFresh: within,
    maxStale: within,
    staleIfError: within,
  })
  .map(({ maxAge, minFresh, maxStale, staleIfError, ...rest }) => ({
    ...rest,
    maxAgeMs: asMs(maxAge),
    minFreshMs: asMs(minFresh),
    maxStaleMs: asMs(maxStale),
    staleIfErrorMs: asMs(staleIfError),
  }));
const copies: fc.Arbitrary<CachedCopy> = fc
  .record({ stored: seconds, lifetime: fc.option(seconds, { nil: null }) })
  .map(({ stored, lifetime }) => ({ storedMs: at(stored), staleMs: lifetime === null ? null : at(stored + lifetime) }));
/** Not before it was stored. */
const moments = fc.tuple(copies, seconds).map(([copy, later]) => ({ copy, nowMs: copy.storedMs + later * 1_000 }));

describe('against the oracle', () => {
  test('freshness', () => {
    fc.assert(
      fc.property(moments, directives, ({ copy, nowMs }, asked) => {
        const { age, staleFor, left } = life(copy, nowMs);
        const isStale = left === 0;
        const reasons = [
          asked.noCache,
          asked.maxAgeMs !== undefined && age * 1_000 > asked.maxAgeMs,
          asked.minFreshMs !== undefined && left * 1_000 <= asked.minFreshMs && !isStale,
          isStale && (asked.maxStaleMs === undefined || staleFor * 1_000 > asked.maxStaleMs || asked.mustRevalidate),
        ];
        const expected = reasons.includes(true) ? 'stale' : isStale ? 'acceptable' : 'fresh';
        expect(freshnessOf(copy, asked, nowMs)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test('in place of an error', () => {
    const failures = fc.constantFrom<SourceFailure>('unreachable', 'server', 'refused');
    fc.assert(
      fc.property(moments, directives, failures, fc.boolean(), ({ copy, nowMs }, asked, failure, staleIfError) => {
        const { staleFor } = life(copy, nowMs);
        const isRefused = failure === 'refused' || asked.mustRevalidate;
        const isAskedFor = asked.staleIfErrorMs !== undefined && staleFor * 1_000 <= asked.staleIfErrorMs;
        const isUsual = asked.staleIfErrorMs === undefined && (failure === 'unreachable' || staleIfError);
        expect(mayServeOnError(copy, asked, failure, staleIfError, nowMs)).toBe(!isRefused && (isAskedFor || isUsual));
      }),
      { numRuns: 2_000 },
    );
  });

  test('nothing, and what was evicted or invalidated, is never served', () => {
    fc.assert(
      fc.property(
        directives,
        seconds,
        fc.constantFrom(undefined, { storedMs: at(0), staleMs: 0 }),
        (asked, now, copy) => {
          expect(freshnessOf(copy, asked, at(now))).toBe('absent');
          expect(mayServeOnError(copy, asked, 'unreachable', true, at(now))).toBe(false);
        },
      ),
    );
  });
});
