// Results of queries are kept until a change would change them: after any history each is what the query gives when it is run anew, whether it
// comes from a kept answer, from the kept result, or from the tables. And changes that do not matter leave them alone.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { startTestNode, type TestNode } from '../../src/testing.ts';
import { type RequestTarget, Resource, type TableClass, tables } from '../../src/zerohop.ts';

const schema = `
type Product @table @export {
  id: ID @primaryKey
  name: String @indexed
  title: String @fulltext
  price: Int @indexed
  stock: Int
  tags: [String] @indexed
  brand: ID @indexed
  labels: [ID] @indexed
  upper: String @computed(from: "(name ?? '').toUpperCase()") @indexed
  maker: Brand @relationship(from: brand)
  reviews: [Review] @relationship(to: product)
  labelled: [Label] @relationship(from: labels)
}
type Brand @table @export { id: ID @primaryKey  name: String @indexed  country: ID
  land: Country @relationship(from: country)  products: [Product] @relationship(to: brand) }
type Country @table @export { id: ID @primaryKey  name: String }
type Review @table @export { id: ID @primaryKey  product: ID @indexed  stars: Int @indexed }
type Label @table @export { id: ID @primaryKey  name: String  products: [Product] @relationship(to: labels) }
`;

let runs = 0;
let node: TestNode;

class Kept extends Resource {
  static override cacheable = true;
  static override get(target: RequestTarget) {
    runs++;
    return (tables as unknown as Readonly<Record<'Product', TableClass>>).Product.search(target).toArray();
  }
}

beforeAll(async () => {
  node = await startTestNode({ schema, resources: { Kept } });
});
afterAll(() => node.stop());

const n = fc.nat(5);
const name = fc.constantFrom('ash', 'birch', 'cedar', 'oak');
const tag = fc.constantFrom('x', 'y', 'z');
const brand = fc.constantFrom('b1', 'b2', 'b3');
const label = fc.constantFrom('l1', 'l2', 'l3');
const product = fc.constantFrom('p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8');

const condition = fc.oneof(
  n.map((value) => `price=ge=${value}`),
  n.map((value) => `price=lt=${value}`),
  n.map((value) => `stock=${value}`),
  fc.constantFrom('price=null', 'brand=null', 'tags=x', 'tags=y', 'title=ft=red', 'title=ft=shoe', 'upper=ASH'),
  name.map((value) => `name=${value}`),
  name.map((value) => `name=ne=${value}`),
  fc.tuple(name, n).map(([text, value]) => `(name=${text}|price=${value})`),
  brand.map((value) => `brand=${value}`),
  label.map((value) => `labels=${value}`),
  fc.constantFrom('maker.name=ash', 'reviews.stars=ge=3', 'maker.land.name=oak'),
);
const query = fc
  .record({
    conditions: fc.array(condition, { maxLength: 2 }),
    sort: fc.constantFrom('', 'sort(price,id)', 'sort(-price,id)', 'sort(name,-id)', 'sort(maker.name,id)'),
    select: fc.constantFrom(
      '',
      'select(id,price)',
      'select(id,upper)',
      'select(id,maker{name})',
      'select(id,maker{name,land{name}})',
      'select(id,reviews{stars})',
      'select(id,labelled{name})',
      'select(id,labelled{id,products{id}})',
      'select(id,maker{products{id,price}})',
    ),
    limit: fc.constantFrom('limit(1)', 'limit(2)', 'limit(3)', 'limit(50)', 'limit(1,3)'),
  })
  .map(({ conditions, sort, select, limit }) => [...conditions, sort, select, limit].filter(Boolean).join('&'));

const fields = {
  Product: fc.record(
    {
      name: fc.oneof(name, fc.constant(null)),
      title: fc.constantFrom('red shoe', 'blue shoe', 'red', ''),
      price: fc.oneof(n, fc.constant(null)),
      stock: n,
      tags: fc.uniqueArray(tag, { maxLength: 2 }),
      brand: fc.oneof(brand, fc.constant(null)),
      labels: fc.uniqueArray(label, { maxLength: 2 }),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
  Brand: fc.record({ name, country: fc.constantFrom('c1', 'c2') }, { requiredKeys: [], noNullPrototype: true }),
  Country: fc.record({ name }),
  Review: fc.record({ product, stars: n }, { requiredKeys: [], noNullPrototype: true }),
  Label: fc.record({ name }),
};
const write = (table: keyof typeof fields, id: fc.Arbitrary<string>) =>
  fc.record({
    method: fc.constantFrom('PUT', 'PUT', 'PATCH', 'DELETE'),
    path: id.map((text) => `/${table}/${text}`),
    body: fields[table] as fc.Arbitrary<object>,
  });
const change = fc.oneof(
  { weight: 6, arbitrary: write('Product', product) },
  { weight: 2, arbitrary: write('Brand', brand) },
  { weight: 1, arbitrary: write('Country', fc.constantFrom('c1', 'c2')) },
  { weight: 2, arbitrary: write('Review', fc.constantFrom('r1', 'r2', 'r3', 'r4')) },
  { weight: 1, arbitrary: write('Label', label) },
);

async function make({ method, path, body }: { method: string; path: string; body: object }): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const init = method === 'DELETE' ? { method } : { method, headers, body: JSON.stringify(body) };
  const { status } = await node.fetch(path, init);
  // There may be no such record to change.
  expect([204, 404]).toContain(status);
}

let asked = 0;

/** A condition that always holds makes it a query nobody has asked before. */
const anew = (text: string) => `/Product/?id=ne=nonce-${++asked}&${text}`;

const rowsAt = async (path: string): Promise<unknown> => {
  const response = await node.fetch(path);
  const body = await response.json();
  expect([path, response.status, body]).toEqual([path, 200, expect.anything()]);
  return body;
};

test('after any history, a kept result is what the query gives', async () => {
  let answers = 0;
  const ranBefore = runs;
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(query, { minLength: 3, maxLength: 6 }),
      fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { minLength: 4, maxLength: 12 }),
      async (queries, changes) => {
        for (const some of changes) {
          for (const one of some) await make(one);
          for (const text of queries) {
            const expected = await rowsAt(anew(text));
            expect({ text, rows: await rowsAt(`/Product/?${text}`) }).toEqual({ text, rows: expected });
            expect({ text, kept: await rowsAt(`/Kept/?${text}`) }).toEqual({ text, kept: expected });
            answers++;
          }
        }
      },
    ),
    { numRuns: 60 },
  );
  // They were kept, and not made anew at each change: some changes do not matter to some queries.
  expect(runs - ranBefore).toBeLessThan(answers * 0.8);
}, 120_000);

test('what does not matter to a result leaves it alone', async () => {
  for (const path of ['/Product/', '/Brand/', '/Review/']) await node.fetch(`${path}?id=ne=none`, { method: 'DELETE' });
  const put = (path: string, body: object) => make({ method: 'PUT', path, body });
  await put('/Brand/b1', { name: 'ash' });
  await put('/Brand/b2', { name: 'oak' });
  for (const price of [1, 2, 3, 4, 5]) await put(`/Product/p${price}`, { name: 'ash', price, brand: 'b1' });
  await put('/Review/r1', { product: 'p5', stars: 5 });
  const page = '/Kept/?name=ash&sort(-price,id)&select(id,price,maker{name},reviews{stars})&limit(3)';
  await rowsAt(page);
  const made = runs;
  const harmless: readonly (readonly [string, object])[] = [
    ['/Product/p1', { name: 'birch', price: 9, brand: 'b2' }],
    ['/Product/p9', { name: 'cedar', price: 9 }],
    ['/Brand/b2', { name: 'cedar' }],
    ['/Review/r2', { product: 'p1', stars: 1 }],
  ];
  for (const [path, body] of harmless) {
    await put(path, body);
    await rowsAt(page);
    expect([path, runs]).toEqual([path, made]);
  }
  const matters: readonly (readonly [string, object])[] = [
    ['/Product/p9', { name: 'ash', price: 9 }],
    ['/Product/p5', { name: 'birch', price: 5 }],
    ['/Brand/b1', { name: 'birch' }],
    ['/Review/r2', { product: 'p9', stars: 1 }],
  ];
  for (const [path, body] of matters) {
    const before = runs;
    await put(path, body);
    await rowsAt(page);
    expect([path, runs]).toEqual([path, before + 1]);
  }
});

test('a record that was missing matters when it comes, and no other', async () => {
  class Missing extends Resource {
    static override cacheable = true;
    static override async get({ id }: RequestTarget) {
      runs++;
      return { found: (await (tables as unknown as Record<string, TableClass>).Country?.get(String(id))) ?? null };
    }
  }
  await using other = await startTestNode({ schema, resources: { Missing } });
  const ask = async () => (await other.fetch('/Missing/c9')).json();
  const put = (id: string) =>
    other.fetch(`/Country/${id}`, {
      method: 'PUT',
      body: '{"name":"oak"}',
      headers: { 'content-type': 'application/json' },
    });
  expect(await ask()).toEqual({ found: null });
  const before = runs;
  await put('c8');
  expect(await ask()).toEqual({ found: null });
  expect(runs).toBe(before);
  await put('c9');
  expect(await ask()).toMatchObject({ found: { id: 'c9' } });
});
