// Which requests may take the short way, and that each is counted.

import { describe, expect, test } from 'bun:test';
import { Readiness } from './readiness.ts';
import { readSites } from './settings.ts';
import { ShortWay } from './short-way.ts';
import type { PageRequest } from './types.ts';

const counter = { add: () => {} };

function setUp(site: Record<string, unknown>, rule: Record<string, unknown> = {}) {
  const sites = readSites({ origin: 'http://origin.example', ...site, rules: [{ match: '/**', ...rule }] });
  const readiness = new Readiness({ chance: () => 0 });
  const ways = new ShortWay(sites, readiness);
  const [first] = sites;
  const [firstRule] = first?.rules ?? [];
  if (!first || !firstRule) throw new Error('There is no site.');
  const keep = (request: PageRequest) =>
    ways.keep(request, firstRule, { site: first, number: 0, key: 'key', hits: counter, staleHits: counter });
  return { ways, readiness, keep };
}

function request(url: string, headers: Record<string, string> = {}, method = 'GET'): PageRequest {
  return { method, url, headers: new Headers(headers), body: null, ip: '', user: null, protocol: 'http' };
}

describe('a request takes the way of an earlier one', () => {
  const cases: readonly (readonly [
    what: string,
    site: Record<string, unknown>,
    rule: Record<string, unknown>,
    earlier: PageRequest,
    later: PageRequest,
    isKnown: boolean,
  ])[] = [
    ['the same address', {}, {}, request('/a?b=1'), request('/a?b=1'), true],
    ['another query', {}, {}, request('/a?b=1'), request('/a?b=2'), false],
    ['HEAD', {}, {}, request('/a'), request('/a', {}, 'HEAD'), false],
    ['a POST kept', {}, {}, request('/a', {}, 'POST'), request('/a'), false],
    ['any host', {}, {}, request('/a', { host: 'a' }), request('/a', { host: 'b' }), true],
    ['named hosts', { host: 'a' }, {}, request('/a', { host: 'a' }), request('/a', { host: 'b' }), false],
    [
      'the host is told',
      { hostHeader: 'client' },
      {},
      request('/a', { host: 'a' }),
      request('/a', { host: 'b' }),
      false,
    ],
    ['cookies dropped', {}, {}, request('/a'), request('/a', { cookie: 'a=1' }), true],
    ['cookies bypass', {}, { otherCookies: 'bypass' }, request('/a'), request('/a', { cookie: 'a=1' }), false],
    ['cookies in the key', {}, { cookies: ['a'] }, request('/a'), request('/a'), false],
    ['headers in the key', {}, { headers: ['x-a'] }, request('/a'), request('/a'), false],
    ['devices', {}, { device: true }, request('/a'), request('/a'), false],
    ['languages', {}, { languages: ['en', 'de'] }, request('/a'), request('/a'), false],
    ['a long address', {}, {}, request(`/${'a'.repeat(600)}`), request(`/${'a'.repeat(600)}`), false],
  ];
  test.each(cases)('%s', (_what, site, rule, earlier, later, isKnown) => {
    const { ways, keep } = setUp(site, rule);
    keep(earlier);
    expect(ways.find(later) !== undefined).toBe(isKnown);
    const { url, headers, method } = later;
    const raw = new Request(`http://${headers.get('host') ?? 'any'}${url}`, { method, headers });
    expect(ways.findByUrl(raw, url) !== undefined).toBe(isKnown);
  });
});

test('no more addresses are kept than the limit', () => {
  const { ways, keep } = setUp({});
  for (let number = 0; number < 20_001; number++) keep(request(`/${number}`));
  expect(ways.size).toBe(1);
  expect(ways.find(request('/20000'))).toBeDefined();
});

test('each request is told of, in its time', () => {
  const { ways, readiness, keep } = setUp({});
  keep(request('/a'));
  const known = ways.find(request('/a'));
  if (!known) throw new Error('It is not kept.');
  ways.count(known, 1_000_000);
  expect(readiness.busiest()).toEqual([['key', 1]]);
  for (let count = 0; count < 5; count++) ways.count(known, 1_000_001);
  expect(readiness.busiest()).toEqual([['key', 1]]);
  ways.count(known, 1_001_000);
  expect(readiness.busiest()).toEqual([['key', 7]]);
  ways.count(known, 1_000_251);
  ways.tell(1_000_252);
  expect(readiness.busiest()).toEqual([['key', 8]]);
  expect(readiness.recent(1_000_252, () => 'fresh', 100)).toEqual({ requests: 8, fresh: 1, stale: 0 });
});
