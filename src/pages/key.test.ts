import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { deviceOf, keyOf, languageOf, maxKeyLength, normalised, normalPath, queryOf } from './key.ts';
import { readRule, readSites } from './settings.ts';

const [site] = readSites({ host: 'shop.example.com', origin: 'https://origin.example.com' });

function keyed(rule: Record<string, unknown>, path: string, search = '', headers: Record<string, string> = {}) {
  if (!site) throw new Error('no site');
  return keyOf(site, readRule({ match: '/**', ...rule }, 'rule'), path, search, new Headers(headers));
}

describe('the query by allow-list, sorted', () => {
  const cases: readonly (readonly [string, 'all' | readonly string[], string])[] = [
    ['', 'all', ''],
    ['?', ['a'], ''],
    ['?b=2&a=1', ['a', 'b'], 'a=1&b=2'],
    ['?a=2&b=3&a=1', ['a'], 'a=2&a=1'],
    ['?a=1&utm_source=x&gclid=y&_kx=z&srsltid=q', ['a'], 'a=1'],
    ['?a=1&utm_source=x&gad_campaignid=1&c=3', 'all', 'a=1&c=3'],
    ['?%61=1', ['a'], '%61=1'],
    ['?a', ['a'], 'a'],
    ['?a=1&&b=2&', 'all', 'a=1&b=2'],
    ['?%zz=1', 'all', '%zz=1'],
  ];
  for (const [search, allowed, expected] of cases)
    test(`${search} of ${allowed}`, () => expect(queryOf(search, allowed)).toBe(expected));
});

describe('paths in one spelling (RFC 3986 §6.2.2)', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/a', '/a'],
    ['/%61%7e', '/a~'],
    ['/%c3%a4', '/%C3%A4'],
    ['/a%2fb', '/a%2Fb'],
    ['/%', '/%'],
  ];
  for (const [path, expected] of cases) test(path, () => expect(normalPath(path)).toBe(expected));
});

test('a key has in it whatever the origin gets to see', () => {
  const names = [
    'x-country',
    'x-evil',
    'cookie',
    'accept-language',
    'user-agent',
    'accept',
    'x-forwarded-host',
    'forwarded',
  ];
  const headers = fc.dictionary(fc.constantFrom(...names), fc.stringMatching(/^[a-z]{1,5}(=[a-z]{1,5})?$/));
  const search = fc.stringMatching(/^\?([abc]=[0-9](&[abc]=[0-9]){0,3})$/);
  const rule = { headers: ['x-country'], cookies: ['a'], query: ['a', 'b'], device: true, languages: ['en', 'de'] };
  fc.assert(
    fc.property(headers, headers, search, search, (one, other, searchOne, searchOther) => {
      const [a, b] = [keyed(rule, '/p', searchOne, one), keyed(rule, '/p', searchOther, other)];
      const seen = (request: typeof a) => JSON.stringify([request?.target, [...(request?.forward ?? [])]]);
      expect(a?.key === b?.key).toBe(seen(a) === seen(b));
    }),
    { numRuns: 300 },
  );
});

test('keys have a limit, and differ beyond it', () => {
  const long = `/${'x'.repeat(5000)}`;
  const [a, b] = [keyed({}, `${long}a`), keyed({}, `${long}b`)];
  expect(a?.key.length).toBeLessThanOrEqual(maxKeyLength);
  expect(a?.key).not.toBe(b?.key);
  expect(a?.target).toBe(`${long}a`);
});

describe('cookies that send past the cache', () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['_ga=1; _gid=2; _fbp=3', true],
    ['session=1', false],
    ['currency=EUR', true],
    ['currency=EUR; session=1', false],
    ['', true],
  ];
  for (const [cookie, isKeyed] of cases) {
    test(cookie, () => {
      const rule = { cookies: ['currency'], otherCookies: 'bypass' };
      expect(keyed(rule, '/', '', { cookie }) !== undefined).toBe(isKeyed);
    });
  }
});

describe('segments', () => {
  const devices: readonly (readonly [string, string])[] = [
    ['Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0', 'desktop'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148', 'mobile'],
    ['Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/140.0 Mobile Safari/537.36', 'mobile'],
    ['Mozilla/5.0 (Linux; Android 14; SM-X910) Chrome/140.0 Safari/537.36', 'tablet'],
    ['Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X)', 'tablet'],
    ['', 'desktop'],
  ];
  for (const [agent, device] of devices) test(agent, () => expect(deviceOf(agent)).toBe(device as never));
  const languages: readonly (readonly [string | null, string])[] = [
    ['de', 'de'],
    ['de-CH, en;q=0.8', 'de'],
    ['fr, en;q=0.5, de;q=0.4', 'en'],
    ['fr', 'en'],
    ['en;q=0, de;q=0.1', 'de'],
    ['*', 'en'],
    [null, 'en'],
  ];
  for (const [header, language] of languages)
    test(`${header}`, () => expect(languageOf(header, ['en', 'de'])).toBe(language));
});

test('header values that mean the same look the same', () => {
  expect(normalised('accept-language', ' De ,en;q=1.0, fr;q=0.5')).toBe(
    normalised('accept-language', 'en, de,fr;q=0.5'),
  );
  expect(normalised('x-list', ' 1,2 ,  3 ')).toBe('1, 2, 3');
});
