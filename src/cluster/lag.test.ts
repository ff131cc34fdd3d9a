import { expect, test } from 'bun:test';
import { LagClock } from './lag.ts';

test.each([
  [5, 5, { commits: 0, seconds: 0 }],
  [9, 5, { commits: 0, seconds: 0 }],
  // What came at 3 s is the first that is missing.
  [2, 5, { commits: 3, seconds: 7 }],
  [0, 5, { commits: 5, seconds: 9 }],
])('a peer that has %i of %i is behind by %o', (theirs, ours, lag) => {
  const clock = new LagClock();
  for (const [seq, atMs] of [
    [1, 1000],
    [2, 2000],
    [4, 3000],
    [5, 4000],
  ] as const)
    clock.sample(new Map([['a', seq]]), atMs);
  expect(clock.behind('a', theirs, ours, 10_000)).toEqual(lag);
});

test('long times are known roughly, in bounded memory', () => {
  const clock = new LagClock();
  for (let seq = 1; seq <= 10_000; seq++) clock.sample(new Map([['a', seq]]), seq * 1000);
  const { seconds } = clock.behind('a', 1, 10_000, 10_000_000);
  expect(seconds).toBeGreaterThan(9_000);
  const recent = clock.behind('a', 9_900, 10_000, 10_000_000).seconds;
  expect(Math.abs(recent - 99)).toBeLessThan(6);
});
