// How many fetches may begin, and when one must not wait.

import { expect, test } from 'bun:test';
import { RefreshPace } from './refresh-pace.ts';
import type { PageTimes } from './types.ts';

const startMs = 1_000_000;
const times: PageTimes = {
  bornMs: 0,
  storedMs: 0,
  freshUntilMs: startMs - 1_000,
  revalidateUntilMs: startMs + 9_000,
  errorUntilMs: 0,
  keepUntilMs: 0,
};

function beginAllThatMay(pace: RefreshPace, nowMs: number): number {
  let begun = 0;
  for (; begun < 10_000 && !pace.isSpent(times, nowMs); begun++) pace.begun(nowMs);
  return begun;
}

const cases: readonly (readonly [laterMs: number, begun: number])[] = [
  [0, 6],
  [1, 0],
  [2, 1],
  [10, 4],
  [1_000, 6],
];

test('some at once, then one every two milliseconds', () => {
  const pace = new RefreshPace();
  for (const [laterMs, begun] of cases)
    expect([laterMs, beginAllThatMay(pace, startMs + laterMs)]).toEqual([laterMs, begun]);
});

test('a page that will soon be too old does not wait', () => {
  const pace = new RefreshPace();
  beginAllThatMay(pace, startMs);
  const lasting = (ms: number) => pace.isSpent({ ...times, revalidateUntilMs: startMs + ms }, startMs);
  expect([lasting(9_000), lasting(400), lasting(300), lasting(0)]).toEqual([true, true, false, false]);
});
