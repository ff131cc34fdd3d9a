import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ExtendedIterable } from './extended-iterable.ts';

async function* later<Item>(items: readonly Item[]) {
  for (const item of items) yield item;
}

/** Every lazy operation beside the array method it must agree with. */
const operations: Readonly<
  Record<string, readonly [(i: ExtendedIterable<number>) => ExtendedIterable<number>, (a: number[]) => number[]]>
> = {
  map: [
    (items) => items.map((item, index) => item * 2 + index),
    (items) => items.map((item, index) => item * 2 + index),
  ],
  filter: [(items) => items.filter((item) => item % 2 === 0), (items) => items.filter((item) => item % 2 === 0)],
  flatMap: [(items) => items.flatMap((item) => [item, -item]), (items) => items.flatMap((item) => [item, -item])],
  'flatMap of single values': [
    (items) => items.flatMap((item) => item + 1),
    (items) => items.flatMap((item) => item + 1),
  ],
  concat: [(items) => items.concat([7, 8]), (items) => items.concat([7, 8])],
  slice: [(items) => items.slice(1, 3), (items) => items.slice(1, 3)],
  'slice without end': [(items) => items.slice(2), (items) => items.slice(2)],
  'empty slice': [(items) => items.slice(3, 1), (items) => items.slice(3, 1)],
  'several in a row': [
    (items) =>
      items
        .filter((item) => item > 0)
        .map((item) => item + 1)
        .slice(0, 4),
    (items) =>
      items
        .filter((item) => item > 0)
        .map((item) => item + 1)
        .slice(0, 4),
  ],
};

describe('gives what the array method gives', () => {
  for (const [name, [lazily, oracle]] of Object.entries(operations)) {
    test(name, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer()), async (items) => {
          expect([...lazily(new ExtendedIterable(items))]).toEqual(oracle(items));
          expect(await Array.fromAsync(lazily(new ExtendedIterable(items)))).toEqual(oracle(items));
          expect(await Array.fromAsync(lazily(new ExtendedIterable(later(items))))).toEqual(oracle(items));
        }),
        { numRuns: 30 },
      );
    });
  }
});

test('reads no more than is asked for, and ends the source', () => {
  let read = 0;
  let ended = false;
  function* source() {
    try {
      for (;;) yield ++read;
    } finally {
      ended = true;
    }
  }
  expect([...new ExtendedIterable(source()).map((item) => item * 10).slice(0, 3)]).toEqual([10, 20, 30]);
  expect(read).toBe(3);
  expect(ended).toBe(true);
});

test('callbacks may be asynchronous under for await, and only there', async () => {
  const items = new ExtendedIterable([1, 2, 3]).map(async (item) => item + 1);
  expect(await Array.fromAsync(items)).toEqual([2, 3, 4]);
  expect(() => [...items]).toThrow(/for await/);
  expect(() => [...new ExtendedIterable(later([1]))]).toThrow(/for await/);
});

test('mapError turns a failure into the last item', async () => {
  function* failing() {
    yield 1;
    throw new Error('broken');
  }
  const mapped = () =>
    new ExtendedIterable(failing()).mapError((error) => (error instanceof Error ? error.message : ''));
  expect([...mapped()]).toEqual([1, 'broken']);
  expect(await Array.fromAsync(mapped())).toEqual([1, 'broken']);
});

test('forEach waits for each call', async () => {
  const seen: number[] = [];
  await new ExtendedIterable([1, 2]).forEach(async (item, index) => {
    await Promise.resolve();
    seen.push(item * 10 + index);
  });
  expect(seen).toEqual([10, 21]);
});
