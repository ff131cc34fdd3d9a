import { describe, expect, test } from 'bun:test';
import { limits } from '../base/index.ts';
import { Attempts, type Counted } from './attempts.ts';

function clockAt(nowMs: number) {
  let now = nowMs;
  return {
    nowMs: () => now,
    pass(ms: number) {
      now += ms;
    },
  };
}

const key: Counted = { key: 'user ann 192.0.2.7', free: 5, longestS: 900 };
const other: Counted = { key: 'user bob 192.0.2.7', free: 5, longestS: 900 };

describe('attempts that fail', () => {
  test('cost nothing, then a wait that doubles up to the longest', () => {
    const clock = clockAt(1_000_000_000_000);
    const attempts = new Attempts(undefined, clock);
    const waits: number[] = [];
    for (let failure = 1; failure <= 18; failure++) {
      attempts.failed([key]);
      waits.push(attempts.waitS(key));
    }
    expect(waits).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
    expect(attempts.waitS(other)).toBe(0);
    expect(() => attempts.demandFew([other, key])).toThrow(/Try again in 900 s/);
    clock.pass(899_000);
    expect(attempts.waitS(key)).toBe(1);
    clock.pass(1_000);
    expect(() => attempts.demandFew([other, key])).not.toThrow();
  });

  test('are forgotten after a while without one, and when one succeeds', () => {
    const clock = clockAt(1_000_000_000_000);
    const attempts = new Attempts(undefined, clock);
    const fail = (times: number) => {
      for (let at = 0; at < times; at++) attempts.failed([key]);
    };
    fail(7);
    expect(attempts.waitS(key)).toBe(4);
    attempts.succeeded(key);
    expect(attempts.waitS(key)).toBe(0);
    fail(7);
    clock.pass(901_000);
    fail(1);
    expect(attempts.waitS(key)).toBe(0);
  });

  test('count for all threads that share the memory', () => {
    const clock = clockAt(1_000_000_000_000);
    const memory = new SharedArrayBuffer(limits.sharedAttemptsBytes);
    const [first, second] = [new Attempts(memory, clock), new Attempts(memory, clock)];
    for (let at = 0; at < 3; at++) {
      first.failed([key]);
      second.failed([key]);
    }
    expect(first.waitS(key)).toBe(2);
    expect(second.waitS(key)).toBe(2);
  });
});

test('requests are counted by the minute', () => {
  const clock = clockAt(1_000_000_060_000);
  const attempts = new Attempts(undefined, clock);
  expect(attempts.count('a')).toEqual({ requests: 1, resetS: 20 });
  expect(attempts.count('a')).toEqual({ requests: 2, resetS: 20 });
  expect(attempts.count('b').requests).toBe(1);
  clock.pass(20_000);
  expect(attempts.count('a')).toEqual({ requests: 1, resetS: 60 });
});
