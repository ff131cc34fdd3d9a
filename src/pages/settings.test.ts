import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { parse } from 'yaml';
import { routeOf } from './route.ts';
import { readPages, readSites } from './settings.ts';

test('the example of the guide', async () => {
  const guide = await Bun.file(join(import.meta.dirname, '../../docs/guides/pages.md')).text();
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(guide) ?? [];
  const { sites, diskBytes } = readPages(parse(yaml).pages);
  expect(diskBytes).toBe(10 * 1024 ** 3);
  const ruleOf = (path: string) => routeOf(sites, 'shop.example.com', path)?.rule;
  expect(ruleOf('/checkout/pay')?.store).toBe(false);
  expect(ruleOf('/product/1')).toMatchObject({ ttlMs: 600_000, staleIfErrorMs: 7 * 86_400_000, query: ['variant'] });
  expect(ruleOf('/%70roduct/1')?.match).toBe('/product/**');
  expect(ruleOf('/')?.match).toBe('/**');
  expect(routeOf(sites, 'other.example.com', '/')).toBeUndefined();
});

test('the closest site comes first', () => {
  const origin = 'http://o.example';
  const sites = readSites([
    { origin },
    { path: '/blog', origin },
    { host: 'A.example', origin },
    { host: 'a.example', path: '/x/', origin },
  ]);
  const at = (host: string, path: string) => routeOf(sites, host, path)?.site.id;
  expect([at('a.example', '/x'), at('a.example', '/xy'), at('b', '/blog/1'), at('b', '/')]).toEqual([
    'a.example/x',
    'a.example',
    '*/blog',
    '*',
  ]);
});

describe('what is wrong is named, with its place', () => {
  const origin = 'http://o.example';
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ['http://o.example', /pages must have options/],
    [{}, /pages\.origin must be an address/],
    [{ origin: 'ftp://o' }, /pages\.origin must be an address/],
    [{ origin, orign: 1 }, /no option "orign"; did you mean "origin"/],
    [
      [
        { origin, host: 'a' },
        { origin, host: 'A' },
      ],
      /a stands there twice/,
    ],
    [
      [
        { origin, host: 'a' },
        { origin, host: 'b', timeout: { total: 'soon' } },
      ],
      /pages\[1\]\.timeout\.total must be a time/,
    ],
    [{ origin, limit: { concurrent: 0 } }, /limit\.concurrent must be a whole number from 1/],
    [{ origin, rules: [] }, /rules must be a list of rules/],
    [{ origin, rules: [{ match: 'product' }] }, /rules\[0\]\.match must be a path/],
    [{ origin, rules: [{ match: '/', tll: '1m' }] }, /did you mean "ttl"/],
    [{ origin, rules: [{ match: '/', query: 'some' }] }, /query must be a list of names/],
    [{ sites: [{ origin }], disk: 'much' }, /pages\.disk must be a size/],
  ];
  for (const [value, message] of cases) test(`${message}`, () => expect(() => readPages(value)).toThrow(message));
});
