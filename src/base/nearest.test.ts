import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { nearest } from './nearest.ts';

const names = ['http.port', 'http.host', 'operations.port', 'data', 'threads'];

test.each([
  ['htpp.port', 'http.port'],
  ['http.prot', 'http.port'],
  ['HTTP.PORT', 'http.port'],
  ['dta', 'data'],
  ['thread', 'threads'],
  ['operation.port', 'operations.port'],
  ['colour', undefined],
  ['', undefined],
])('%p stands for %p', (name, expected) => {
  expect(nearest(name, names)).toBe(expected as string);
});

test('a name with one character dropped is still found', () => {
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.nat(), (name, at) => {
      const index = at % name.length;
      const mistyped = name.slice(0, index) + name.slice(index + 1);
      expect(nearest(mistyped, [name])).toBe(name);
    }),
  );
});

test('a very long name is not compared', () => {
  expect(nearest('x'.repeat(1_000_000), names)).toBeUndefined();
});
