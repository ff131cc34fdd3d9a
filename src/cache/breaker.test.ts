import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { limits } from '../base/index.ts';
import { Breaker, BreakerMemory, type BreakerOptions } from './breaker.ts';

const options: BreakerOptions = { failures: 3, retryMs: 50, trialMs: 1e9 };

test('whatever happens, a failing source is left alone, and one call at a time tries it', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: 'call' as const }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('end' as const), ok: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 60 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = 1_000;
      const breaker = new Breaker({ nowMs: () => now }, options, new BreakerMemory().placeOf('one'));
      let inRow = 0;
      let lastFailure = 0;
      let running = 0;
      let probes = 0;
      for (const each of steps) {
        if (each.kind === 'wait') now += each.ms;
        else if (each.kind === 'call') {
          const expected = inRow < 3 || (probes === 0 && now >= lastFailure + 50);
          expect(breaker.admit()).toBe(expected);
          if (expected) running++;
          if (expected && inRow >= 3) probes++;
        } else if (running > 0) {
          running--;
          probes = 0;
          inRow = each.ok ? 0 : inRow + 1;
          if (!each.ok) lastFailure = now;
          if (each.ok) breaker.succeeded();
          else breaker.failed();
        }
      }
    }),
  );
});

describe('breakers of the same source in several threads', () => {
  const buffer = () => new SharedArrayBuffer(limits.sharedSourcesBytes);

  test('count failures together, and one call of all tries the source', () => {
    let now = 1_000;
    const memory = buffer();
    const [one, two] = [1, 2].map(
      () => new Breaker({ nowMs: () => now }, options, new BreakerMemory(memory).placeOf('a source')),
    ) as [Breaker, Breaker];
    for (const breaker of [one, two, one]) {
      expect(breaker.admit()).toBe(true);
      breaker.failed();
    }
    expect([one.admit(), two.admit(), two.retryInMs]).toEqual([false, false, 50]);
    now += 50;
    expect([two.admit(), one.admit(), two.admit()]).toEqual([true, false, false]);
    two.failed();
    expect(one.admit()).toBe(false);
    now += 50;
    expect([one.admit(), two.admit()]).toEqual([true, false]);
    one.succeeded();
    expect([one.admit(), two.admit()]).toEqual([true, true]);
  });

  test('a trial whose thread has ended does not keep the others from trying', () => {
    let now = 1_000;
    const place = new BreakerMemory().placeOf('a source');
    const breaker = new Breaker({ nowMs: () => now }, { failures: 1, retryMs: 50, trialMs: 200 }, place);
    breaker.failed();
    now += 50;
    expect(breaker.admit()).toBe(true);
    now += 199;
    expect(breaker.admit()).toBe(false);
    now += 1;
    expect(breaker.admit()).toBe(true);
  });

  test('each source has its own, whatever the hashes of their names', () => {
    const memory = buffer();
    const breakers = Array.from(
      { length: 200 },
      (_, at) =>
        new Breaker({ nowMs: () => 0 }, { ...options, failures: 1 }, new BreakerMemory(memory).placeOf(`s${at}`)),
    );
    for (const breaker of breakers.slice(0, 100)) breaker.failed();
    expect(breakers.map((breaker) => breaker.admit())).toEqual(breakers.map((_, at) => at >= 100));
  });
});
