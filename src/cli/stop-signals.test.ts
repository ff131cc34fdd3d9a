import { expect, test } from 'bun:test';
import { meaningOf, sameSignalMs } from './stop-signals.ts';

test.each([
  [undefined, 1000, 'stop'],
  [1000, 1000, 'same'],
  [1000, 1000 + sameSignalMs - 1, 'same'],
  [1000, 1000 + sameSignalMs, 'end'],
  [1000, 99_000, 'end'],
] as const)('first at %p, now %p → %p', (firstAtMs, nowMs, meaning) => {
  expect(meaningOf(firstAtMs, nowMs)).toBe(meaning);
});
