import { describe, expect, test } from 'bun:test';
import { Registry } from './registry.ts';

/** The classes here name no tables. */
const noDatabases = { table: () => undefined };

function registryOf(paths: readonly string[]): Registry {
  const registry = new Registry(noDatabases);
  for (const path of paths) registry.set(path, { name: path });
  return registry;
}

describe('the root', () => {
  test.each([
    ['/', ''],
    ['', ''],
    ['/other', undefined],
    ['/other/', undefined],
  ])('%s → %s', (pathname, path) => {
    expect(registryOf(['/']).match(pathname)?.path).toBe(path);
  });
});

describe('match', () => {
  const paths = [
    'Product',
    'Bar/Foo',
    '/widget/:id',
    '/widget/special',
    '/widget/:id/action/:action',
    '/files/*path',
    '/any/*',
    '/:section/about',
    'my docs',
  ];
  const cases: readonly (readonly [string, string | undefined, string?, Record<string, string>?])[] = [
    ['/Product', 'Product', ''],
    ['/Product/', 'Product', '/'],
    ['/Product/42', 'Product', '/42'],
    ['/Product/a/b%20c/', 'Product', '/a/b%20c/'],
    ['/product/', undefined],
    ['/Products', undefined],
    ['/Bar/Foo/7', 'Bar/Foo', '/7'],
    ['/Bar', undefined],
    ['/Bar/', undefined],
    ['/widget/9', 'widget/:id', '', { id: '9' }],
    ['/widget/9/', 'widget/:id', '/', { id: '9' }],
    ['/widget/a%2Fb', 'widget/:id', '', { id: 'a/b' }],
    ['/widget/special', 'widget/special', ''],
    ['/widget/special/more', 'widget/special', '/more'],
    ['/widget/9/action/run', 'widget/:id/action/:action', '', { id: '9', action: 'run' }],
    ['/widget/9/other', undefined],
    ['/files/a/b.txt', 'files/*path', '', { path: 'a/b.txt' }],
    ['/files/', undefined],
    ['/any/x/y', 'any/*', '', { wildcard: 'x/y' }],
    ['/team/about', ':section/about', '', { section: 'team' }],
    ['/Product/about', 'Product', '/about'],
    ['/my%20docs/1', 'my docs', '/1'],
    ['/', undefined],
    ['', undefined],
  ];
  const registry = registryOf(paths);
  for (const [pathname, path, relativeURL, params] of cases) {
    test(`${pathname || '(empty)'} → ${path ?? 'nothing'}`, () => {
      const match = registry.match(pathname);
      expect(match?.path).toBe(path);
      if (relativeURL !== undefined) expect(match?.relativeURL).toBe(relativeURL);
      if (match !== undefined) expect({ ...match.params }).toEqual(params ?? {});
    });
  }
});

test('a second resource under one path is refused, naming both places', () => {
  const registry = new Registry(noDatabases);
  registry.set('Product', { name: 'A' }, {}, 'schema.graphql');
  expect(() => registry.set('/Product/', { name: 'B' }, {}, 'resources.ts')).toThrow(
    /schema\.graphql and by resources\.ts/,
  );
  registry.set('widget/:id', { name: 'C' }, {}, 'a.ts');
  expect(() => registry.set('widget/:name', { name: 'D' }, {}, 'b.ts')).toThrow(/a\.ts and by b\.ts/);
});

test('a class of the app takes the place of what the schema publishes for its table, once', () => {
  const of = (name: string, tableName = 'Product') => ({ name, databaseName: 'data', tableName });
  const registry = new Registry(noDatabases);
  registry.set('Product', of('Table'), {}, 'schema.graphql', true);
  expect(() => registry.set('Product', of('Other', 'Other'), {}, 'resources.ts')).toThrow(/published by schema/);
  registry.set('Product', of('Mine'), {}, 'resources.ts');
  expect(registry.match('/Product/')?.resource.name).toBe('Mine');
  expect(() => registry.set('Product', of('Second'), {}, 'more.ts')).toThrow(/resources\.ts and by more\.ts/);
});

test('registering the same class again is no conflict', () => {
  const registry = new Registry(noDatabases);
  const resource = { name: 'A' };
  registry.set('Product', resource);
  registry.set('Product', resource);
  expect(registry.size).toBe(1);
});

test('an endpoint is closed to the protocols its export types exclude', () => {
  const registry = new Registry(noDatabases);
  registry.set('Product', { name: 'A' }, { rest: false });
  expect(registry.match('/Product/')).toBeUndefined();
  expect(registry.match('/Product/', 'mqtt')?.path).toBe('Product');
});

test('a wildcard must come last', () => {
  expect(() => registryOf(['/files/*path/more'])).toThrow(/\*path must be the last segment/);
});

test('broken percent-encoding is the caller’s mistake', () => {
  expect(() => registryOf(['Product']).match('/%zz/1')).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
});
