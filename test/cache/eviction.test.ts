// What happens to records of a table with a source that nobody reads for long.

import { afterEach, expect, test } from 'bun:test';
import { startTestNode, type TestNode } from '../../src/testing.ts';
import type { TableClass } from '../../src/zerohop.ts';

let now = 1_800_000_000_000;
const clock = { nowMs: () => now };
let node: TestNode;
let calls: string[] = [];
const source = {
  async get(id: string) {
    calls.push(id);
    return { id, name: `Shoe ${id} as of call ${calls.length}`, brand: id === 'c' ? 'other' : 'b' };
  },
};

async function start(table: string, options?: object): Promise<void> {
  calls = [];
  node = await startTestNode({
    schema: `type Product ${table} @export { id: ID @primaryKey  name: String  brand: ID @indexed }`,
    clock,
    resources: ({ tables }) => {
      (tables as unknown as Record<string, TableClass>).Product?.sourcedFrom(source, options);
      return {};
    },
  });
}
afterEach(() => node.stop());

const json = async (path: string): Promise<unknown> => (await node.fetch(path)).json();
/** How many records of the table have their whole content here, or not: a request that must not ask the source tells. */
const isHere = async (id: string): Promise<boolean> =>
  (await node.fetch(`/Product/${id}`, { headers: { 'cache-control': 'only-if-cached, max-stale' } })).status === 200;
/** Looks again, a second later each time, until the sweep, which runs by itself, has been. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (; !(await holds()); now += 1_000) await Bun.sleep(50);
}

test('a stale record stays until its eviction is due, then it can still be found, and is fetched again', async () => {
  await start('@table(expiration: 60, eviction: 100, scanInterval: 1)');
  for (const id of ['a', 'b', 'c']) await json(`/Product/${id}`);
  now += 150_000;
  await json('/Product/c');
  expect([await isHere('a'), await isHere('b')]).toEqual([true, true]);
  now += 20_000;
  await until(async () => !(await isHere('a')) && !(await isHere('b')));
  expect(await isHere('c')).toBe(true);
  expect(calls).toEqual(['a', 'b', 'c', 'c']);
  expect(await json('/Product/?brand=b&sort(id)')).toEqual([
    { id: 'a', name: expect.stringMatching(/^Shoe a as of call [56]$/), brand: 'b' },
    { id: 'b', name: expect.stringMatching(/^Shoe b as of call [56]$/), brand: 'b' },
  ]);
  expect(calls.toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  expect(await isHere('a')).toBe(true);
});

test('sourcedFrom may say how long, in place of the schema', async () => {
  await start('@table(expiration: 1000000)', { expiration: 10, eviction: 5, scanInterval: 1 });
  await json('/Product/a');
  now += 10_001;
  await json('/Product/a');
  expect(calls).toEqual(['a', 'a']);
  now += 15_001;
  await until(async () => !(await isHere('a')));
  expect(await json('/Product/?brand=b&select(id)')).toEqual(['a']);
});
