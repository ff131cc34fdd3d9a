// How long something has been missing here.

import { expect, test } from 'bun:test';
import { Staleness } from './staleness.ts';

const vector = (seqs: Readonly<Record<string, number>>) => new Map(Object.entries(seqs));

test('counts from when it was heard that another has it, until it is here', () => {
  const staleness = new Staleness();
  expect(staleness.seconds(0)).toBe(0);
  staleness.sample('data', vector({ a: 5 }), [vector({ a: 5 }), vector({ a: 3 })], 1_000);
  expect(staleness.seconds(1_000)).toBe(0);
  staleness.sample('data', vector({ a: 5 }), [vector({ a: 5, b: 1 }), vector({ a: 5 })], 2_000);
  staleness.sample('data', vector({ a: 5 }), [vector({ a: 5, b: 9 }), vector({ a: 5 })], 7_000);
  expect(staleness.seconds(12_000)).toBe(10);
  // The first of b came; the others were heard of later.
  staleness.sample('data', vector({ a: 5, b: 1 }), [vector({ a: 5, b: 9 })], 13_000);
  expect(staleness.seconds(13_000)).toBe(6);
  staleness.sample('data', vector({ a: 5, b: 9 }), [vector({ a: 5, b: 9 })], 14_000);
  expect(staleness.seconds(20_000)).toBe(0);
});

test('the database that is furthest behind counts', () => {
  const staleness = new Staleness();
  staleness.sample('data', vector({ a: 1 }), [vector({ a: 2 })], 1_000);
  staleness.sample('system', vector({}), [vector({ a: 2 })], 3_000);
  expect(staleness.seconds(4_000)).toBe(3);
});
