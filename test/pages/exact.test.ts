// Pages an app renders itself are kept exactly: after any history of writes each is what it would be rendered anew, and a write that touches
// nothing a page read leaves it as it is, not rendered again.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { startTestNode, type TestNode } from '../../src/testing.ts';
import { type RequestTarget, Resource, type TableClass, tables } from '../../src/zerohop.ts';

const schema = `
type Product @table @export { id: ID @primaryKey  name: String  brand: ID @indexed  price: Int @indexed }
type Brand @table @export { id: ID @primaryKey  name: String }
type Review @table @export { id: ID @primaryKey  product: ID @indexed  text: String }
`;

type Row = Readonly<Record<string, unknown>>;
const table = (name: 'Product' | 'Brand' | 'Review') =>
  (tables as unknown as Readonly<Record<string, TableClass>>)[name];
const find = async (name: 'Product' | 'Brand' | 'Review', id: unknown) =>
  (await table(name)?.get(String(id))) as Row | undefined;
const search = async (name: 'Product' | 'Review', attribute: string, value: unknown) =>
  (await table(name)
    ?.search({ conditions: [{ attribute, value }], sort: { attribute: 'id' }, limit: 50 })
    .toArray()) as Row[];

/** Page → how often it was rendered. */
const rendered = new Map<string, number>();

const pageOf = (path: string, text: string) => {
  rendered.set(path, (rendered.get(path) ?? 0) + 1);
  return new Response(`<!doctype html><title>${path}</title><main>${text}</main>`, {
    headers: { 'content-type': 'text/html; charset=utf-8' },
  });
};

class ProductPage extends Resource {
  static override cacheable: boolean | undefined = true;
  static override async get(target: RequestTarget) {
    const product = await find('Product', target.id);
    const brand = product && (await find('Brand', product.brand));
    const reviews = await search('Review', 'product', target.id);
    const list = reviews.map(({ text }) => `<li>${text}</li>`).join('');
    return pageOf(
      `/p/${target.id}`,
      `<h1>${product?.name ?? 'gone'}</h1>${brand?.name ?? ''} ${product?.price ?? ''}<ul>${list}</ul>`,
    );
  }
}

class BrandPage extends Resource {
  static override cacheable: boolean | undefined = true;
  static override async get(target: RequestTarget) {
    const brand = await find('Brand', target.id);
    const products = await search('Product', 'brand', target.id);
    return pageOf(
      `/b/${target.id}`,
      `<h1>${brand?.name ?? 'gone'}</h1>${products.map(({ name, price }) => `${name} ${price}`).join(', ')}`,
    );
  }
}

class RenderedProduct extends ProductPage {
  static override cacheable = undefined;
}
class RenderedBrand extends BrandPage {
  static override cacheable = undefined;
}

let node: TestNode;
beforeAll(async () => {
  node = await startTestNode({
    schema,
    resources: { p: ProductPage, b: BrandPage, 'anew/p': RenderedProduct, 'anew/b': RenderedBrand },
  });
});
afterAll(() => node.stop());

const products = ['p1', 'p2', 'p3'];
const brands = ['b1', 'b2'];
const paths = [...products.map((id) => `/p/${id}`), ...brands.map((id) => `/b/${id}`)];

const word = fc.constantFrom('ash', 'birch', 'cedar', 'oak');
const write = fc.oneof(
  fc.record({
    type: fc.constant('Product' as const),
    id: fc.constantFrom(...products),
    row: fc.option(fc.record({ name: word, brand: fc.constantFrom(...brands), price: fc.nat(3) })),
  }),
  fc.record({
    type: fc.constant('Brand' as const),
    id: fc.constantFrom(...brands),
    row: fc.option(fc.record({ name: word })),
  }),
  fc.record({
    type: fc.constant('Review' as const),
    id: fc.constantFrom('r1', 'r2', 'r3', 'r4'),
    row: fc.option(fc.record({ product: fc.constantFrom(...products), text: word })),
  }),
);

const textOf = async (path: string) => (await node.fetch(path)).text();
const apply = ({ type, id, row }: { readonly type: string; readonly id: string; readonly row: object | null }) =>
  row === null
    ? node.fetch(`/${type}/${id}`, { method: 'DELETE' })
    : node.fetch(`/${type}/${id}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(row),
      });

/** Pages that read something of a record as it was or is. */
function pagesReading(type: string, id: string, versions: readonly (Row | undefined)[]): Set<string> {
  const of = (attribute: string, prefix: string) =>
    versions.flatMap((row) => (row?.[attribute] === undefined ? [] : [`${prefix}${row[attribute]}`]));
  if (type === 'Review') return new Set(of('product', '/p/'));
  if (type === 'Product') return new Set([`/p/${id}`, ...of('brand', '/b/')]);
  // A brand stands on its own page and on those of its products.
  return new Set([`/b/${id}`, ...products.map((product) => `/p/${product}`)]);
}

test('every page is what it would be anew; what a write does not touch is not rendered again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 12 }), async (writes) => {
      for (const path of paths) await textOf(path);
      for (const one of writes) {
        const before = await find(one.type, one.id);
        const counts = new Map(rendered);
        await apply(one);
        const after = await find(one.type, one.id);
        const touched = pagesReading(one.type, one.id, [before, after]);
        for (const path of paths) {
          const kept = await textOf(path);
          const isAsBefore = rendered.get(path) === counts.get(path);
          if (!touched.has(path)) expect([path, isAsBefore]).toEqual([path, true]);
          expect(kept).toBe(await textOf(`/anew${path}`));
          counts.set(path, rendered.get(path) ?? 0);
        }
      }
    }),
    { numRuns: 40 },
  );
}, 30_000);
