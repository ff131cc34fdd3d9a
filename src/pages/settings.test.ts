import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { parse } from 'yaml';
import { routeOf } from './route.ts';
import { readPages, readRule, readSites } from './settings.ts';

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

test.each([
  ['/product/**', ['/product', '/product/1', '/product/1/2'], ['/products', '/Product/1']],
  ['/*.css', ['/a.css'], ['/b/a.css', '/a.css/b']],
  ['/{en,de}/**', ['/en/a', '/de'], ['/fr/a']],
  ['/v[12]/?', ['/v1/a', '/v2/b'], ['/v3/a', '/v1/ab']],
  ['/about', ['/about'], ['/about/', '/about/us']],
])('%s matches', (match, yes, no) => {
  const { matches } = readRule({ match }, 'rule');
  expect([...yes, ...no].filter(matches)).toEqual(yes);
});

test('names of sites as requests have them', () => {
  const ids = ['Shop.Example', 'localhost', '127.0.0.1', '[::1]', 'xn--bcher-kva.example', 'a_b.example'];
  const origin = 'http://o.example';
  expect(ids.map((host) => readSites({ origin, host })[0]?.host)).toEqual(ids.map((host) => host.toLowerCase()));
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

test('what is warmed', () => {
  const warmOf = (warm: unknown) => readPages({ origin: 'http://o.example', warm }).sites[0]?.warm;
  const none = { sitemaps: [], urls: [], list: undefined, everyMs: undefined, concurrency: 8, perSecond: 50 };
  expect(warmOf(undefined)).toBeUndefined();
  expect(warmOf({ sitemap: '/s.xml', every: '6h' })).toEqual({ ...none, sitemaps: ['/s.xml'], everyMs: 6 * 3_600_000 });
  expect(warmOf({ sitemap: ['/a.xml', 'https://o/b'], urls: ['/'], concurrency: 2, perSecond: 9 })).toEqual({
    ...none,
    sitemaps: ['/a.xml', 'https://o/b'],
    urls: ['/'],
    concurrency: 2,
    perSecond: 9,
  });
  expect(warmOf({ urls: 'top.txt' })).toEqual({ ...none, list: 'top.txt' });
});

test('what is rendered', () => {
  const renderOf = (render: unknown) => readPages({ origin: 'http://o.example', render }).sites[0]?.render;
  expect(renderOf(undefined)).toBeUndefined();
  const { matches, ...rest } = renderOf({ match: ['/p/**', '/about'] }) ?? {};
  expect(['/p/1', '/p', '/about', '/about/us', '/'].map((path) => matches?.(path))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(rest).toEqual({
    scripts: 'strip',
    timeoutMs: 15_000,
    concurrency: 2,
    executable: undefined,
    allow: [],
    assets: false,
    base: undefined,
    fallbackTtlMs: 60_000,
  });
  expect(
    renderOf({ match: '/**', scripts: 'keep', timeout: '5s', allow: ['API.example:8443'], base: 'https://a.example/' }),
  ).toMatchObject({ scripts: 'keep', timeoutMs: 5_000, allow: ['api.example:8443'], base: 'https://a.example' });
});

describe('what is wrong is named, with its place', () => {
  const origin = 'http://o.example';
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ['http://o.example', /pages must have options/],
    [{}, /pages\.origin must be an address/],
    [{ origin: 'ftp://o' }, /pages\.origin must be an address/],
    ...['https://shop.example', 'shop.example:8080', 'shop.example/blog', '*.example', 'shop example', ''].map(
      (host) => [{ origin, host }, /pages\.host must be (a name such as|text)/] as const,
    ),
    ...[5, ['a'], { a: true }, { 'a b': 'c' }, { a: 'b\nc' }, { a: '' }].map(
      (send) => [{ origin, send }, /pages\.send must have headers/] as const,
    ),
    [{ origin, send: { Host: 'a' } }, /pages\.send can't say host/],
    [{ origin, path: '/blog/**' }, /pages\.path must be what paths begin with/],
    [{ origin, render: {} }, /pages\.render\.match must be a path or pattern/],
    [{ origin, render: { match: '/', engine: 'firefox' } }, /pages\.render\.engine must be one of chromium/],
    [{ origin, render: { match: '/', allow: ['https://a.example'] } }, /render\.allow must have hosts/],
    [{ origin, render: { match: '/', base: 'https://a.example/shop' } }, /render\.base must be an address without/],
    [{ origin, render: { match: '/', script: 'keep' } }, /did you mean "scripts"/],
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
    [{ origin, warm: {} }, /pages\.warm must have a sitemap or urls/],
    [{ origin, warm: { sitemap: 'sitemap.xml' } }, /by path or address, not "sitemap\.xml"/],
    [{ origin, warm: { urls: ['ftp://o/a'] } }, /by path or address/],
    [{ origin, warm: { urls: [1] } }, /warm\.urls must be a list/],
    [{ origin, warm: { sitemap: '/s', every: '0s' } }, /warm\.every must be 1s or more/],
    [{ origin, warm: { sitemap: '/s', perSecond: 0 } }, /warm\.perSecond must be a whole number/],
    [{ origin, warm: { sitmap: '/s' } }, /did you mean "sitemap"/],
    [{ sites: [{ origin }], disk: 'much' }, /pages\.disk must be a size/],
  ];
  for (const [value, message] of cases) test(`${message}`, () => expect(() => readPages(value)).toThrow(message));
});

describe('the reference says of every option that it is there, and what it is without it', async () => {
  const page = await Bun.file(join(import.meta.dirname, '../../docs/reference/pages.md')).text();
  const origin = 'http://o.example';
  const whole = { sites: [{ origin }] };
  /** Heading; the options that `wrong` says there are; the whole configuration, with options in their place. */
  const places: readonly (readonly [string, unknown, (options: object) => unknown])[] = [
    ['## Options', { ...whole, wrong: 1 }, (options) => ({ ...whole, ...options })],
    ['### A site', { origin, wrong: 1 }, (options) => ({ origin, ...options })],
    ['### A rule', { origin, rules: [{ wrong: 1 }] }, (options) => ({ origin, rules: [{ match: '/**', ...options }] })],
    ['### Warming', { origin, warm: { wrong: 1 } }, (options) => ({ origin, warm: { sitemap: '/s', ...options } })],
    [
      '### Rendered pages',
      { origin, render: { wrong: 1 } },
      (options) => ({ origin, render: { match: '/', ...options } }),
    ],
  ];
  const known = (value: unknown): string[] => {
    try {
      readPages(value);
    } catch (error) {
      return (/It has: (.*)\.$/.exec(String(error))?.[1] ?? '').split(', ');
    }
    return [];
  };
  const plain = (value: unknown) => JSON.stringify(readPages(value));
  for (const [heading, wrong, around] of places) {
    const [, section = ''] = page.split(`${heading}\n`);
    const rows = [...(section.split(/^#/m)[0] ?? '').matchAll(/^\| `([\w.]+)` \| (.*?) ?\|/gm)];
    test(`${heading}: all options`, () => {
      const names = rows.map(([, name = '']) => name.split('.')[0] ?? '');
      expect([...new Set(names)].toSorted()).toEqual(known(wrong).toSorted());
    });
    const defaults = rows.filter(([, , value = '']) => /^(\d+\w*|true|false|`[\w[\]]+`)$/.test(value));
    if (defaults.length > 0)
      test.each(defaults.map(([, name = '', value = '']) => [name, value.replaceAll('`', '')]))(
        `${heading}: %s is %s`,
        (name, value) => {
          const [first = '', second] = name.split('.');
          const option = parse(value);
          const given = around(second === undefined ? { [first]: option } : { [first]: { [second]: option } });
          expect(plain(given)).toBe(plain(around({})));
        },
      );
  }
  test('and of those within them', () => {
    const within = (name: string) => known({ origin, [name]: { wrong: 1 } }).map((option) => `${name}.${option}`);
    const named = [...page.matchAll(/^\| `((?:timeout|limit)\.\w+)`/gm)].map(([, name]) => name);
    expect(named.toSorted()).toEqual([...within('timeout'), ...within('limit')].toSorted());
  });
});
