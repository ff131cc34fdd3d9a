import { describe, expect, test } from 'bun:test';
import { type Assessment, assess, defaultErrorMs } from './assess.ts';
import { readRule } from './settings.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);
const date = (ms: number) => new Date(now + ms).toUTCString();

interface Given {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly rule?: Record<string, unknown>;
  readonly authorized?: boolean;
  readonly tookMs?: number;
}

function of({ status = 200, headers = {}, rule = {}, authorized = false, tookMs = 0 }: Given): Assessment {
  const answered = { status, headers: new Headers(headers), authorized, requestedMs: now - tookMs, receivedMs: now };
  return assess(answered, readRule({ match: '/**', ...rule }, 'rule'));
}

const cc = (value: string, more: Record<string, string> = {}) => ({ 'cache-control': value, ...more });

describe('seconds of freshness, and of the windows after it', () => {
  const week = defaultErrorMs / 1000;
  const cases: readonly (readonly [string, Given, fresh: number, revalidate: number, error: number])[] = [
    ['max-age', { headers: cc('max-age=60') }, 60, 0, week],
    ['s-maxage outranks it and forbids stale', { headers: cc('max-age=60, s-maxage=30') }, 30, 0, 0],
    [
      'windows of the origin (RFC 5861)',
      { headers: cc('max-age=60, stale-while-revalidate=5, stale-if-error=9') },
      60,
      5,
      9,
    ],
    [
      'a rule may allow stale in spite of s-maxage',
      { headers: cc('s-maxage=30'), rule: { staleIfError: '1h' } },
      30,
      0,
      3600,
    ],
    [
      'but not of must-revalidate',
      { headers: cc('max-age=30, must-revalidate'), rule: { staleIfError: '1h' } },
      30,
      0,
      0,
    ],
    ['a ttl replaces all of that', { headers: cc('s-maxage=1, must-revalidate'), rule: { ttl: '1m' } }, 60, 0, week],
    ['Expires counts from Date', { headers: { date: date(-10_000), expires: date(50_000) } }, 50, 0, week],
    ['max-age outranks Expires', { headers: cc('max-age=5', { expires: date(50_000) }) }, 5, 0, week],
    [
      'a targeted field outranks both (RFC 9213)',
      { headers: cc('no-store', { 'cdn-cache-control': 'max-age=7' }) },
      7,
      0,
      week,
    ],
    ['Age takes from it', { headers: cc('max-age=60', { age: '20' }) }, 40, 0, week],
    ['so does the time the answer took', { headers: cc('max-age=60', { age: '20' }), tookMs: 5000 }, 35, 0, week],
    ['a rule that has both: pages', { headers: {}, rule: { ttl: '10m', negativeTtl: '30s' } }, 600, 0, week],
    ['and that there is none', { status: 404, headers: {}, rule: { ttl: '10m', negativeTtl: '30s' } }, 30, 0, week],
    ['a ttl is for redirects', { status: 302, headers: {}, rule: { ttl: '10m' } }, 600, 0, week],
    ['and without another word for 404', { status: 404, headers: {}, rule: { ttl: '10m' } }, 600, 0, week],
    [
      'not for refusals: those last as long as they say',
      { status: 403, headers: cc('max-age=5'), rule: { ttl: '10m' } },
      5,
      0,
      week,
    ],
    [
      'an error that may be kept is not served stale',
      { status: 500, headers: cc('max-age=5'), rule: { ttl: '10m', staleWhileRevalidate: '1h', staleIfError: '7d' } },
      5,
      0,
      0,
    ],
    ['a 404 by rule', { status: 404, headers: {}, rule: { negativeTtl: '30s' } }, 30, 0, week],
    [
      'guessed, if the rule says so',
      { headers: { 'last-modified': date(-100_000) }, rule: { heuristic: true } },
      10,
      0,
      week,
    ],
    ['any status that says how long', { status: 418, headers: cc('max-age=60') }, 60, 0, week],
    [
      'no-store is void where must-understand is understood',
      { headers: cc('max-age=60, no-store, must-understand') },
      60,
      0,
      week,
    ],
    ['an Age that can not be read makes it stale', { headers: cc('max-age=60', { age: 'old' }) }, 0, 0, week],
  ];
  for (const [name, given, fresh, revalidate, error] of cases) {
    test(name, () => {
      const found = of(given);
      const { times } = found.store ? found : { times: undefined };
      expect(times && Math.round((times.freshUntilMs - now) / 1000)).toBe(fresh);
      expect(times && Math.round((times.revalidateUntilMs - times.freshUntilMs) / 1000)).toBe(revalidate);
      expect(times && Math.round((times.errorUntilMs - times.freshUntilMs) / 1000)).toBe(error);
    });
  }
});

describe('not stored', () => {
  const cases: readonly (readonly [string, Given])[] = [
    ['no-store', { headers: cc('max-age=60, No-Store') }],
    ['private', { headers: cc('private, max-age=60') }],
    ['private, though the rule has a ttl', { headers: cc('private'), rule: { ttl: '1h' } }],
    ['a cookie', { headers: cc('max-age=60', { 'set-cookie': 'a=1' }) }],
    ['Vary: *', { headers: cc('max-age=60', { vary: 'accept, *' }) }],
    ['for somebody known', { headers: cc('max-age=60'), authorized: true }],
    ['a part', { status: 206, headers: cc('max-age=60') }],
    ['nothing is said, and no validator', { headers: {} }],
    ['an error without a word', { status: 503, headers: {} }],
    ...[400, 401, 403, 429, 500, 502, 503].map(
      (status) =>
        [`a ${status}, though the rule has a ttl`, { status, rule: { ttl: '1h', negativeTtl: '1h' } }] as const,
    ),
    ['a status nobody knows, with must-understand', { status: 299, headers: cc('max-age=60, must-understand') }],
    ['a rule that passes on', { headers: cc('max-age=60'), rule: { store: false } }],
  ];
  for (const [name, given] of cases) test(name, () => expect(of(given).store).toBe(false));
  test('for somebody known, but public', () =>
    expect(of({ headers: cc('public, max-age=60'), authorized: true }).store).toBe(true));
});
