// Answers of cacheable classes: kept while nothing they read changes, and never a moment longer.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { startTestNode, type TestNode } from '../../src/testing.ts';
import { getContext, type RequestTarget, Resource, type TableClass, tables } from '../../src/zerohop.ts';

const schema = `
type Product @table @export { id: ID @primaryKey  name: String  price: Int @indexed  brand: ID @indexed }
type Brand @table @export { id: ID @primaryKey  name: String }
type Visit @table @export(name: "Visit") { id: ID @primaryKey  at: Long }
type Offer @table(expiration: 60) @export { id: ID @primaryKey  text: String }
`;

let runs = 0;
let node: TestNode;
let now = 1_800_000_000_000;

function table(name: string): TableClass {
  const found = (tables as unknown as Readonly<Record<string, TableClass>>)[name];
  if (!found) throw new Error(`no table ${name}`);
  return found;
}

class Page extends Resource {
  static override cacheable = true;
  static override async get({ id }: RequestTarget) {
    runs++;
    const product = await table('Product').get(String(id));
    const brand = product?.brand ? await table('Brand').get(product.brand) : undefined;
    const cheaper = await table('Product')
      .search({
        conditions: [{ attribute: 'price', comparator: 'lt', value: product?.price ?? 0 }],
        select: 'id',
        limit: 5,
      })
      .toArray();
    return { product, brand, cheaper };
  }
}
class Greeting extends Resource {
  static override cacheable = true;
  static override get() {
    runs++;
    return { language: getContext().headers?.get('accept-language') };
  }
}
class Counting extends Resource {
  static override cacheable = true;
  static override async get() {
    runs++;
    await table('Visit').put({ id: `v${runs}`, at: runs });
    return { runs };
  }
}
class Deal extends Resource {
  static override cacheable = true;
  static override async get() {
    return { offer: await table('Offer').get('o') };
  }
}
class Price extends Resource {
  static override cacheable = true;
  static override async get({ id }: RequestTarget) {
    runs++;
    return { price: (await table('Product').get(String(id)))?.price };
  }
}

beforeAll(async () => {
  node = await startTestNode({
    schema,
    resources: { Page, Greeting, Counting, Deal, Price },
    clock: { nowMs: () => now },
  });
});
afterAll(() => node.stop());

const get = async (path: string, headers: Record<string, string> = {}) => (await node.fetch(path, { headers })).json();
const write = async (method: string, path: string, body?: object) => {
  const init = { method, headers: { 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) };
  expect((await node.fetch(path, init)).status).toBe(204);
};

describe('a kept answer', () => {
  test('is not made again while nothing it read changes', async () => {
    await write('PUT', '/Brand/n', { name: 'Nord' });
    await write('PUT', '/Product/a', { name: 'Shoe', price: 5, brand: 'n' });
    const first = await node.fetch('/Page/a');
    const before = runs;
    const again = await node.fetch('/Page/a');
    expect(runs).toBe(before);
    expect(await again.text()).toBe(await first.text());
    expect([...again.headers]).toEqual([...first.headers]);
    const unchanged = await node.fetch('/Page/a', { headers: { 'if-none-match': first.headers.get('etag') ?? '' } });
    expect([unchanged.status, await unchanged.text()]).toEqual([304, '']);
  });

  test('outlives changes of other records, where it read by key', async () => {
    await write('PUT', '/Product/x', { price: 1 });
    expect(await get('/Price/a')).toEqual({ price: 5 });
    const before = runs;
    await write('PUT', '/Product/x', { price: 2 });
    expect(await get('/Price/a')).toEqual({ price: 5 });
    expect(runs).toBe(before);
    await write('PATCH', '/Product/a', { price: 7 });
    expect(await get('/Price/a')).toEqual({ price: 7 });
  });

  test('of a record that was missing is made anew when it comes', async () => {
    expect(await get('/Price/new')).toEqual({});
    await write('PUT', '/Product/new', { price: 9 });
    expect(await get('/Price/new')).toEqual({ price: 9 });
    await write('DELETE', '/Product/new');
    expect(await get('/Price/new')).toEqual({});
  });

  test('goes when a record it was made from expires', async () => {
    await write('PUT', '/Offer/o', { text: 'today' });
    expect(await get('/Deal/')).toMatchObject({ offer: { text: 'today' } });
    now += 61_000;
    expect(await get('/Deal/')).toEqual({});
  });

  test('is one for each way of asking', async () => {
    const [json, csv] = await Promise.all(
      ['application/json', 'text/csv'].map((accept) => node.fetch('/Price/a', { headers: { accept } })),
    );
    expect(json?.headers.get('content-type')).toContain('application/json');
    expect(csv?.headers.get('content-type')).toContain('text/csv');
  });
});

describe('is never kept', () => {
  test('an answer made from the request itself', async () => {
    expect(await get('/Greeting/', { 'accept-language': 'de' })).toEqual({ language: 'de' });
    expect(await get('/Greeting/', { 'accept-language': 'fr' })).toEqual({ language: 'fr' });
  });

  test('an answer whose making wrote something', async () => {
    const first = (await get('/Counting/')) as { runs: number };
    expect(await get('/Counting/')).toEqual({ runs: first.runs + 1 });
  });
});

test('after any history, each answer is what it would be if made anew', async () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('put' as const),
      id,
      price: fc.integer({ min: 0, max: 9 }),
      brand: fc.constantFrom('n', 'm'),
    }),
    fc.record({ kind: fc.constant('delete' as const), id }),
    fc.record({
      kind: fc.constant('brand' as const),
      id: fc.constantFrom('n', 'm'),
      name: fc.string({ maxLength: 5 }),
    }),
    fc.record({ kind: fc.constant('read' as const), id }),
  );
  let fresh = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      for (const each of steps) {
        if (each.kind === 'put') await write('PUT', `/Product/${each.id}`, { price: each.price, brand: each.brand });
        else if (each.kind === 'brand') await write('PUT', `/Brand/${each.id}`, { name: each.name });
        else if (each.kind === 'delete') await node.fetch(`/Product/${each.id}`, { method: 'DELETE' });
        for (const read of ['a', 'b', 'c', 'd']) {
          const kept = await get(`/Page/${read}`);
          // Another query string is another answer: this one is always made anew.
          expect(kept).toEqual(await get(`/Page/${read}?fresh=${fresh++}`));
        }
      }
    }),
    { numRuns: 25 },
  );
}, 30_000);
