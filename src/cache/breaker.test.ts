import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { Breaker } from './breaker.ts';

test('whatever happens, a failing source is left alone, and one call at a time tries it', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: 'call' as const }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('end' as const), ok: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 60 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = 1_000;
      const breaker = new Breaker({ nowMs: () => now }, 3, 50);
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
