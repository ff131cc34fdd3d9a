import { expect, test } from 'bun:test';
import { shown } from './shown.ts';

const circle: unknown[] = [];
circle.push(circle);

test.each([
  ['text', 'text'],
  [5, '5'],
  [12n, '12'],
  [null, 'null'],
  [undefined, 'undefined'],
  [true, 'true'],
  [Symbol('s'), 'Symbol(s)'],
  [{ a: 1 }, '{"a":1}'],
  [{ toString: [] }, '{"toString":[]}'],
  [{ toJSON: () => undefined }, 'an object'],
  [circle, 'a list'],
  [() => 1, 'a function'],
  [Array.from({ length: 100 }, () => 0), `[${'0,'.repeat(49)}0…`],
])('%p is shown as %s', (value, text) => {
  expect(shown(value)).toBe(text);
});
