import { describe, expect, test } from 'bun:test';
import { countsIn } from './counts.ts';

describe('countsIn', () => {
  const cases: readonly (readonly [string, Record<string, unknown>, ReturnType<typeof countsIn>])[] = [
    ['nothing counted', { a: 1, b: { $min: 1 }, c: null }, undefined],
    ['one', { stock: { $add: -1 }, name: 'x' }, { set: { name: 'x' }, add: { stock: -1 }, minimum: {} }],
    ['with a minimum', { stock: { $add: -1, $min: 0 } }, { set: {}, add: { stock: -1 }, minimum: { stock: 0 } }],
  ];
  for (const [name, changes, expected] of cases) {
    test(name, () => expect(countsIn(changes)).toEqual(expected));
  }
  for (const count of [{ $add: '1' }, { $add: Number.NaN }, { $add: 1, $min: '0' }, { $add: 1, $max: 3 }]) {
    test(`${JSON.stringify(count)} is refused`, () =>
      expect(() => countsIn({ stock: count })).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' })));
  }
});
