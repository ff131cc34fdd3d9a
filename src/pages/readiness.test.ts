import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { Readiness, type Servable } from './readiness.ts';

const servable = (key: string): Servable => (key.startsWith('f') ? 'fresh' : key.startsWith('s') ? 'stale' : 'no');

test('the shares of the last hour and day, and the busiest that would be missing', () => {
  const readiness = new Readiness({ chance: () => 0.5 });
  const now = 1_000 * 3_600_000;
  for (let index = 0; index < 50; index++) readiness.asked('n-old', now - 2 * 3_600_000);
  for (let index = 0; index < 60; index++) readiness.asked('fresh', now);
  for (let index = 0; index < 30; index++) readiness.asked('stale', now - 60_000);
  for (let index = 0; index < 10; index++) readiness.asked('none', now);
  const { hour, day, missing } = readiness.report(now, servable);
  expect(hour).toEqual({ requests: 100, fresh: expect.closeTo(0.6), stale: expect.closeTo(0.3) });
  expect(day).toEqual({ requests: 150, fresh: expect.closeTo(0.4), stale: expect.closeTo(0.2) });
  expect(missing.map(({ key }) => key)).toEqual(['n-old', 'none']);
});

test('nothing asked for: nothing said', () => {
  expect(new Readiness({ chance: Math.random }).report(0, servable)).toEqual({
    hour: { requests: 0, fresh: 0, stale: 0 },
    day: { requests: 0, fresh: 0, stale: 0 },
    missing: [],
  });
});

test('samples are close to the truth, however many requests there are', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 1000 }), (share, seed) => {
      let state = seed;
      const chance = () => {
        state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
        return state / 2 ** 31;
      };
      const readiness = new Readiness({ chance, samples: 400 });
      for (let index = 0; index < 20_000; index++) readiness.asked(chance() < share ? 'fresh' : `none-${index}`, 0);
      expect(Math.abs(readiness.report(0, servable).hour.fresh - share)).toBeLessThan(0.15);
    }),
    { numRuns: 10 },
  );
});

test('the busiest are never lost among many rare ones', () => {
  const readiness = new Readiness({ chance: Math.random, busiest: 20 });
  for (let index = 0; index < 10_000; index++) readiness.asked(index % 5 === 0 ? 'n-busy' : `n-${index}`, 1);
  expect(readiness.report(1, servable).missing[0]?.key).toBe('n-busy');
});

test('counted in one go as one by one; the busiest stay, with counts that are never too low', () => {
  const readiness = new Readiness({ chance: Math.random, samples: 10, busiest: 20 });
  const asked = new Map<string, number>();
  for (let round = 0; round < 400; round++) {
    const key = round % 2 === 0 ? `busy ${round % 10}` : `once ${round}`;
    const times = 1 + (round % 3);
    readiness.asked(key, 60_000, times);
    asked.set(key, (asked.get(key) ?? 0) + times);
  }
  const busiest = readiness.busiest();
  expect(busiest.length).toBe(20);
  for (const [key, count] of busiest) expect(count).toBeGreaterThanOrEqual(asked.get(key) ?? 0);
  const kept = new Set(busiest.map(([key]) => key));
  for (const key of ['busy 0', 'busy 2', 'busy 4', 'busy 6', 'busy 8']) expect(kept.has(key)).toBe(true);
  expect(readiness.recent(60_000, () => 'fresh', 10).requests).toBe([...asked.values()].reduce((a, b) => a + b, 0));
});
