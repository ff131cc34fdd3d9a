// What a table with a source has in app code: on its class, and on what is loaded of it.

import { afterEach, expect, test } from 'bun:test';
import { startTestNode, type TestNode, type TestResources } from '../../src/testing.ts';
import { getContext, type RequestTarget, type TableClass } from '../../src/zerohop.ts';
import { until } from '../support/until.ts';

let now = 1_800_000_000_000;
let asked: string[] = [];
let node: TestNode | undefined;
afterEach(async () => {
  await node?.stop();
  node = undefined;
});

const source = {
  async get(id: string) {
    asked.push(id);
    return { id, name: `call ${asked.length}`, stock: 3 };
  },
};

async function start(make: (Product: TableClass) => TestResources): Promise<TestNode> {
  asked = [];
  node = await startTestNode({
    schema: 'type Product @table(expiration: 60) { id: ID @primaryKey  name: String  stock: Int }',
    clock: { nowMs: () => now },
    resources: (bound) => {
      const { Product } = bound.tables as unknown as Record<string, TableClass>;
      if (!Product) throw new Error('no table Product');
      Product.sourcedFrom(source);
      return make(Product);
    },
  });
  return node;
}
const json = async (path: string, init?: RequestInit): Promise<unknown> => (await node?.fetch(path, init))?.json();

test('allowStaleWhileRevalidate of the table’s class: stale is served, and fetched meanwhile', async () => {
  const told: unknown[] = [];
  const { fetch } = await start(
    (Product) =>
      ({
        Product: class extends Product {
          allowStaleWhileRevalidate(entry: { expiresAt: number; value: { name: string } }, id: string) {
            told.push([id, entry.value.name, now > entry.expiresAt]);
            return now < entry.expiresAt + 10_000;
          }
        },
      }) as unknown as TestResources,
  );
  expect(await json('/Product/1')).toMatchObject({ name: 'call 1' });
  now += 61_000;
  const stale = await fetch('/Product/1');
  expect([await stale.json(), stale.headers.get('cache-status')]).toEqual([
    { id: '1', name: 'call 1', stock: 3 },
    'zerohop; hit; detail=stale-while-revalidate',
  ]);
  expect(told).toEqual([['1', 'call 1', true]]);
  await until('it is fetched anew', async () =>
    Bun.deepMatch({ name: 'call 2' }, (await json('/Product/1')) as object),
  );
  // Too old to be served.
  now += 71_000;
  expect(await json('/Product/1')).toMatchObject({ name: 'call 3' });
  expect(asked).toEqual(['1', '1', '1']);
});

test('ensureLoaded and invalidate of an instance', async () => {
  await start(
    (Product) =>
      ({
        Product: class extends Product {
          static override loadAsInstance = true;
          override async post() {
            const here = this as unknown as { ensureLoaded(): Promise<{ name?: string; stock?: number }> };
            const loaded = await here.ensureLoaded();
            const { loadedFromSource } = getContext() as { loadedFromSource?: boolean };
            return { name: loaded.name, stock: loaded.stock, loadedFromSource: loadedFromSource === true };
          }
          override async delete() {
            await (this as unknown as { invalidate(): Promise<void> }).invalidate();
            return true;
          }
        },
      }) as unknown as TestResources,
  );
  const post = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
  expect(await json('/Product/7', post)).toEqual({ name: 'call 1', stock: 3, loadedFromSource: true });
  expect(await json('/Product/7', post)).toEqual({ name: 'call 1', stock: 3, loadedFromSource: false });
  expect((await node?.fetch('/Product/7', { method: 'DELETE' }))?.ok).toBe(true);
  expect(await json('/Product/7', post)).toEqual({ name: 'call 2', stock: 3, loadedFromSource: true });
  expect(await json('/Product/7')).toMatchObject({ name: 'call 2' });
});

test('a target says whether the source was asked', async () => {
  await start(
    (Product) =>
      ({
        Product: class extends Product {
          static override async get(target: RequestTarget) {
            const record = await super.get(target);
            return { ...(record as object), asked: target.loadedFromSource } as never;
          }
        },
      }) as unknown as TestResources,
  );
  expect(await json('/Product/1')).toMatchObject({ name: 'call 1', asked: true });
  expect(await json('/Product/1')).toMatchObject({ name: 'call 1', asked: false });
});
