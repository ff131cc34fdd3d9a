import { describe, expect, test } from 'bun:test';
import type { Table } from '../tables/index.ts';
import { openTestNode } from './open-test-node.ts';
import { pathOfId, RequestTarget } from './request-target.ts';

const schema = `
type Product @table { id: ID @primaryKey  name: String  price: Float @indexed  picture: Blob  data: Bytes  brand: Any }
type Ticket @table { id: Int @primaryKey }
`;

async function withTables(use: (product: Table, ticket: Table) => void): Promise<void> {
  const node = await openTestNode(schema);
  try {
    const product = node.databases.table('data', 'Product');
    const ticket = node.databases.table('data', 'Ticket');
    if (!product || !ticket) throw new Error('no tables');
    use(product, ticket);
  } finally {
    await node.close();
  }
}

function targetFor(
  url: string,
  table?: Table,
  more: { directURLMapping?: boolean; params?: Record<string, string> } = {},
): RequestTarget {
  const mark = url.indexOf('?');
  const relativeURL = mark === -1 ? url : url.slice(0, mark);
  const resource = { directURLMapping: more.directURLMapping };
  return RequestTarget.forMatch(
    { resource, table, relativeURL, params: more.params ?? none },
    mark === -1 ? '' : url.slice(mark),
  );
}
// The registry gives the same empty object to all paths without parameters.
const none = new RequestTarget().params;

test('what a path below a table stands for', async () => {
  await withTables((product) => {
    const cases: readonly (readonly [
      url: string,
      Partial<Pick<RequestTarget, 'id' | 'isCollection' | 'property' | 'idPrefix'>>,
    ])[] = [
      ['', { id: undefined, isCollection: false }],
      ['?price=1', { id: undefined, isCollection: true }],
      ['/', { id: undefined, isCollection: true, idPrefix: undefined }],
      ['/p-1', { id: 'p-1', isCollection: false, property: undefined }],
      ['/a/b/c', { id: 'a/b/c' }],
      ['/a%2Fb/c', { id: 'a%2Fb/c' }],
      ['/a%20b', { id: 'a b' }],
      ['/a/', { isCollection: true, idPrefix: 'a' }],
      ['/p-1.name', { id: 'p-1', property: 'name' }],
      ['/p.1.name', { id: 'p.1', property: 'name' }],
      ['/p-1.nothing', { id: 'p-1.nothing', property: undefined }],
      ['/p-1/picture', { id: 'p-1', property: 'picture' }],
      ['/p-1/data', { id: 'p-1', property: 'data' }],
      ['/p-1/name', { id: 'p-1/name', property: undefined }],
    ];
    for (const [url, expected] of cases)
      expect({ url, ...pick(targetFor(url, product), expected) }).toEqual({ url, ...expected });
  });
});

function pick(target: RequestTarget, names: object): object {
  return Object.fromEntries(Object.keys(names).map((name) => [name, Reflect.get(target, name)]));
}

test('an id has the type of the key', async () => {
  await withTables((product, ticket) => {
    expect(targetFor('/42', ticket).id).toBe(42);
    expect(targetFor('/42', product).id).toBe('42');
    expect(targetFor('/42').idIn(ticket)).toBe(42);
    expect(() => targetFor('/abc', ticket).id).toThrow(expect.objectContaining({ code: 'INVALID_ID' }));
    expect(() => targetFor('/%zz', product)).toThrow(expect.objectContaining({ code: 'INVALID_ID' }));
  });
});

test('with directURLMapping the whole rest is the id', () => {
  expect(targetFor('/https://example.com/a?b=c', undefined, { directURLMapping: true })).toMatchObject({
    id: 'https://example.com/a?b=c',
    isCollection: false,
  });
});

test('parameters of the path are bound by name', () => {
  const target = targetFor('', undefined, { params: { id: '7', action: 'run', limit: '5' } });
  expect(target).toMatchObject({ id: '7', action: 'run', isCollection: false });
  expect(target.params.limit).toBe('5');
  expect(target.limit).toBeUndefined();
});

describe('without a table', () => {
  test('the query is plain parameters until it is asked for as a query', () => {
    const target = new RequestTarget('/7?q=oak+table&page=2&odd=a=b');
    expect([target.get('q'), target.get('page'), target.id, String(target)]).toEqual([
      'oak table',
      '2',
      '7',
      '/7?q=oak+table&page=2&odd=a=b',
    ]);
    expect(() => target.conditions).toThrow(expect.objectContaining({ code: 'INVALID_QUERY' }));
  });

  test('conditions, limit, sort and select read as in a query object', () => {
    const target = new RequestTarget('/?price=lt=10&name=Boot&limit(5,15)&sort(-price,name)&select(id,brand{name})');
    expect(target.conditions).toMatchObject([
      { attribute: 'price' },
      { attribute: 'name', comparator: 'equals', value: 'Boot' },
    ]);
    expect([target.operator, target.limit, target.offset]).toEqual(['and', 10, 5]);
    expect(target.sort).toEqual([
      { attribute: 'price', descending: true },
      { attribute: 'name', descending: false },
    ]);
    expect(target.select).toEqual(['id', { name: 'brand', select: ['name'] }]);
  });
});

test('what is set wins, what is not set stays', async () => {
  await withTables((product) => {
    const lookup = () => undefined;
    const query = (change: (target: RequestTarget) => void) => {
      const target = targetFor('/?price=gt=1|price=lt=9&limit(3)', product);
      change(target);
      return target.queryFor(product.definition, lookup);
    };
    const original = query(() => {});
    expect(original.conditions?.operator).toBe('or');
    expect(query((target) => (target.limit = 1))).toEqual({ ...original, limit: 1 });
    expect(query((target) => (target.conditions = [])).conditions).toBeUndefined();
    const more = query((target) => target.conditions?.push({ attribute: 'name', value: 'x' }));
    expect(more.conditions).toMatchObject({ operator: 'or', conditions: { length: 3 } });
    const asAnd = query((target) => (target.operator = 'and'));
    expect(asAnd.conditions).toMatchObject({ operator: 'and', conditions: { length: 2 } });
  });
});

test('the path of an id leads back to it', () => {
  for (const id of ['p-1', 'a/b', 'a%2Fb/c d', 'ü?#', 'x.y', 7]) {
    expect(new RequestTarget(`/${pathOfId(id)}`).id).toBe(String(id));
  }
});
