import { expect, test } from 'bun:test';
import { RecentChanges } from './recent-changes.ts';

test('gives the rows named after a position, each once', () => {
  const recent = new RecentChanges();
  for (const [row, lsn] of [
    [7, 1],
    [8, 2],
    [7, 4],
  ] as const)
    recent.note(1, row, lsn);
  recent.note(2, 9, 3);
  expect(recent.since(1, -1)?.sort()).toEqual([7, 8]);
  expect(recent.since(1, 1)?.sort()).toEqual([7, 8]);
  expect(recent.since(1, 2)).toEqual([7]);
  expect(recent.since(1, 4)).toEqual([]);
  expect(recent.since(2, 2)).toEqual([9]);
  expect(recent.since(3, 0)).toEqual([]);
});

test('knows when there are too many rows, or it reaches not back far enough', () => {
  const recent = new RecentChanges();
  for (let lsn = 1; lsn <= 5_000; lsn++) recent.note(1, lsn, lsn);
  expect(recent.since(1, 5_000 - 256)).toHaveLength(256);
  expect(recent.since(1, 5_000 - 257)).toBeUndefined();
  const few = new RecentChanges();
  for (let lsn = 1; lsn <= 5_000; lsn++) few.note(1, lsn % 10, lsn);
  expect(few.since(1, 4_000)).toHaveLength(10);
  expect(few.since(1, 10)).toBeUndefined();
});

test('after a gap in the log nothing before it is known', () => {
  const recent = new RecentChanges();
  recent.note(1, 7, 1);
  recent.clear(10);
  recent.note(1, 8, 11);
  expect(recent.since(1, 9)).toBeUndefined();
  expect(recent.since(1, 10)).toEqual([8]);
  expect(recent.since(2, 9)).toBeUndefined();
  expect(recent.since(2, 10)).toEqual([]);
});
