// What apps written for this programming model expect of tables, over a real socket: checks 1 and 3 to 10 of the interface.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { decode, Encoder } from 'cbor-x';
import { type HttpNode, startHttpNode } from '../support/http-node.ts';

const schema = `
type Anything @table @export
type Text @table @export { id: String @primaryKey }
type Counted @table @export { id: Int @primaryKey name: String }
type Far @table @export { id: Long @primaryKey name: String }
type Either @table @export { id: Any @primaryKey name: String }
type Amount @table @export { id: ID @primaryKey far: Long @indexed huge: BigInt @indexed }
type Open @table @export { id: ID @primaryKey name: String! }
type Shut @table @export @sealed { id: ID @primaryKey name: String }
type Dated @table @export { id: ID @primaryKey made: Float @createdTime changed: Float @updatedTime name: String }
type Tagged @table @export { id: ID @primaryKey tags: [String] @indexed size: Int @indexed }
type Person @table @export {
  id: ID @primaryKey
  first: String
  last: String
  full: String @computed(from: "first + ' ' + last") @indexed
}
type Brand @table @export { id: ID @primaryKey name: String @indexed }
type Network @table @export { id: ID @primaryKey name: String }
type Phone @table @export {
  id: ID @primaryKey
  name: String @indexed
  brandId: ID @indexed
  brand: Brand @relationship(from: brandId)
  networkIds: [ID] @indexed
  networks: [Network] @relationship(from: networkIds)
}
`;

let node: HttpNode;
beforeAll(async () => {
  node = await startHttpNode({ schema });
});
afterAll(() => node.stop());

const put = async (path: string, body: unknown) => (await node.send('PUT', path, body)).status;
const post = async (path: string, body: unknown) => {
  const response = await node.send('POST', path, body);
  expect(response.status).toBe(201);
  return response.headers.get('location')?.slice(path.length);
};
const ids = (rows: unknown) => (rows as { id: unknown }[]).map(({ id }) => id);

test('1: a type without fields is a table that takes any', async () => {
  const id = await post('/Anything/', { colour: 'red', size: { width: 3 } });
  expect(await node.get(`/Anything/${id}`)).toEqual({ id, colour: 'red', size: { width: 3 } });
  expect(ids(await node.get('/Anything/'))).toEqual([id]);
});

describe('3: without a primary key', () => {
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
  for (const table of ['Anything', 'Text']) {
    test(`${table} makes a UUID`, async () => expect(await post(`/${table}/`, {})).toMatch(uuid));
  }
  for (const table of ['Counted', 'Far', 'Either']) {
    test(`${table} counts on`, async () => {
      const made = [];
      for (const name of ['a', 'b', 'c']) made.push(Number(await post(`/${table}/`, { name })));
      const [first = Number.NaN] = made;
      expect(Number.isInteger(first)).toBe(true);
      expect(made).toEqual([...made].sort((a, b) => a - b));
      expect(new Set(made).size).toBe(3);
      expect(await node.get(`/${table}/${first}`)).toEqual({ id: first, name: 'a' });
    });
  }
});

describe('4: large numbers', () => {
  test('a Long ends below 2^53', async () => {
    expect(await put('/Amount/most', { far: Number.MAX_SAFE_INTEGER })).toBe(204);
    expect(await node.get('/Amount/most')).toMatchObject({ far: Number.MAX_SAFE_INTEGER });
    expect((await node.send('PUT', '/Amount/more', '{"far":9007199254740992}', json)).status).toBe(400);
    expect((await node.fetch('/Amount/more')).status).toBe(404);
  });
  test('a BigInt comes back through CBOR as it was, and is ordered in a range', async () => {
    const large = 2n ** 53n;
    const huge = [large + 3n, large + 1n, large + 2n, -large - 1n];
    const encoder = new Encoder({ largeBigIntToFloat: false });
    for (const [index, value] of huge.entries()) {
      const body = new Uint8Array(encoder.encode({ huge: value }));
      const headers = { 'content-type': 'application/cbor' };
      expect((await node.fetch(`/Amount/h${index}`, { method: 'PUT', body, headers })).status).toBe(204);
    }
    const response = await node.fetch('/Amount/h1', { headers: { accept: 'application/cbor' } });
    expect(decode(Buffer.from(await response.arrayBuffer()))).toMatchObject({ huge: large + 1n });
    expect(ids(await node.get(`/Amount/?huge=gt=${large + 1n}&sort(huge)`))).toEqual(['h2', 'h0']);
    expect(ids(await node.get('/Amount/?huge=lt=0'))).toEqual(['h3']);
  });
});

describe('5: what a record may have', () => {
  const cases: readonly (readonly [string, string, unknown, number])[] = [
    ['an undeclared attribute', '/Open/1', { name: 'x', extra: 1 }, 204],
    ['one of a sealed table', '/Shut/1', { name: 'x', extra: 1 }, 400],
    ['a required one missing', '/Open/2', { extra: 1 }, 400],
    ['a required one null', '/Open/2', { name: null }, 400],
  ];
  for (const [name, path, body, status] of cases)
    test(`${name}: ${status}`, async () => expect(await put(path, body)).toBe(status));
  test('PATCH can not take a required one away', async () => {
    expect(await put('/Open/3', { name: 'x' })).toBe(204);
    expect((await node.send('PATCH', '/Open/3', { name: null })).status).toBe(400);
    expect(await node.get('/Open/3')).toEqual({ id: '3', name: 'x' });
  });
});

test('6: @createdTime is set once, @updatedTime by every write', async () => {
  interface Dated {
    readonly made: number;
    readonly changed: number;
  }
  const before = Date.now();
  await put('/Dated/1', { name: 'a' });
  const first = (await node.get('/Dated/1')) as Dated;
  expect(first.made).toBeGreaterThanOrEqual(before);
  expect(first.made).toBeLessThanOrEqual(Date.now());
  expect(first.changed).toBe(first.made);
  let last = first;
  while (last.changed === first.changed) {
    expect((await node.send('PATCH', '/Dated/1', { name: 'b' })).status).toBe(204);
    last = (await node.get('/Dated/1')) as Dated;
  }
  expect(last.changed).toBeGreaterThan(first.changed);
  expect(last.made).toBe(first.made);
});

describe('7: lists and null', () => {
  beforeAll(async () => {
    await put('/Tagged/', [
      { id: 'a', tags: ['new', 'red'], size: 1 },
      { id: 'b', tags: ['red'], size: null },
      { id: 'c', tags: [], size: 3 },
      { id: 'd', size: null },
    ]);
  });
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['tags=red', ['a', 'b']],
    ['tags=new', ['a']],
    ['tags=none', []],
    ['size=null', ['b', 'd']],
    ['size==null', ['b', 'd']],
    ['size!=null', ['a', 'c']],
  ];
  for (const [query, found] of cases) {
    test(query, async () => expect(ids(await node.get(`/Tagged/?${query}&sort(id)`))).toEqual([...found]));
  }
});

test('8: a computed attribute is there when it is asked for, and can be searched', async () => {
  await put('/Person/1', { first: 'Ada', last: 'Byron' });
  expect(await node.get('/Person/1')).toEqual({ id: '1', first: 'Ada', last: 'Byron' });
  expect(await node.get('/Person/1?select(id,full)')).toEqual({ id: '1', full: 'Ada Byron' });
  expect(ids(await node.get('/Person/?full=Ada%20Byron'))).toEqual(['1']);
  await node.send('PATCH', '/Person/1', { last: 'King' });
  expect(ids(await node.get('/Person/?full=Ada%20Byron'))).toEqual([]);
  expect(ids(await node.get('/Person/?full=Ada%20King'))).toEqual(['1']);
});

describe('9 and 10: relationships', () => {
  beforeAll(async () => {
    await put('/Brand/', [
      { id: 'm', name: 'Microsoft' },
      { id: 'n', name: 'Nokia' },
    ]);
    await put(
      '/Network/',
      ['1', '2', '3'].map((id) => ({ id, name: `n${id}` })),
    );
    await put('/Phone/', [
      { id: 'a', name: 'Lumia', brandId: 'm', networkIds: ['3', '1', '2'] },
      { id: 'b', name: 'Brick', brandId: 'n', networkIds: ['2'] },
      { id: 'c', name: 'Nameless' },
    ]);
  });
  test('one that is not selected is absent', async () => {
    expect(await node.get('/Phone/b')).toEqual({ id: 'b', name: 'Brick', brandId: 'n', networkIds: ['2'] });
  });
  test('a condition drops what does not match, and what has none', async () => {
    expect(ids(await node.get('/Phone/?brand.name=Microsoft'))).toEqual(['a']);
    expect(ids(await node.get('/Phone/?brand.name=Nobody'))).toEqual([]);
  });
  test('a selection keeps what has none', async () => {
    expect(await node.get('/Phone/?sort(id)&name!=x&select(name,brand{name})')).toEqual([
      { name: 'Lumia', brand: { name: 'Microsoft' } },
      { name: 'Brick', brand: { name: 'Nokia' } },
      { name: 'Nameless' },
    ]);
  });
  test('many come in the order of their ids in the record', async () => {
    expect(await node.get('/Phone/a?select(networks{id})')).toEqual([{ id: '3' }, { id: '1' }, { id: '2' }]);
    expect(await node.get('/Phone/a?select(id,networks)')).toEqual({
      id: 'a',
      networks: ['3', '1', '2'].map((id) => ({ id, name: `n${id}` })),
    });
  });
});

const json = { 'content-type': 'application/json' };
