// What HAProxy is told, by what is known of a node.

import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { type AgentState, agentLine, type Load } from './agent-line.ts';

const well: Load = { answerMs: 1, storeMs: 1, missingSeconds: 0, isIsolated: false };
const running: AgentState = { isStopping: false, isInMaintenance: false, isAvailable: true, load: well };

const lines: readonly [what: string, given: Partial<AgentState>, line: string][] = [
  ['a node that is well', {}, 'up ready 100%\n'],
  ['one that has just started', { load: undefined }, 'up ready 100%\n'],
  ['one that stops', { isStopping: true }, 'drain\n'],
  ['one that an operator has declared unavailable', { isAvailable: false }, 'drain\n'],
  ['one in maintenance', { isInMaintenance: true }, 'maint\n'],
  ['one in maintenance that stops', { isInMaintenance: true, isStopping: true }, 'maint\n'],
  ['slow answers', { load: { ...well, answerMs: 260 } }, 'up ready 51%\n'],
  ['a slow store', { load: { ...well, storeMs: 5_000 } }, 'up ready 1%\n'],
  ['what others wrote two seconds ago is not here', { load: { ...well, missingSeconds: 2 } }, 'up ready 100%\n'],
  ['for sixteen seconds', { load: { ...well, missingSeconds: 16 } }, 'up ready 51%\n'],
  ['for a day', { load: { ...well, missingSeconds: 86_400 } }, 'up ready 1%\n'],
  ['nobody is heard', { load: { ...well, isIsolated: true } }, 'up ready 10%\n'],
];

test.each(lines)('%s', (_what, given, line) => {
  expect(agentLine({ ...running, ...given })).toBe(line);
});

test('whatever the load, a node that is up keeps some weight, and more load never means more weight', () => {
  const amount = fc.double({ min: 0, max: 1e9, noNaN: true });
  const loads = fc.record({ answerMs: amount, storeMs: amount, missingSeconds: amount, isIsolated: fc.boolean() });
  const percentOf = (load: Load) => Number(/^up ready (\d+)%\n$/.exec(agentLine({ ...running, load }))?.[1]);
  fc.assert(
    fc.property(loads, amount, (load, more) => {
      const percent = percentOf(load);
      expect(percent).toBeGreaterThanOrEqual(1);
      expect(percent).toBeLessThanOrEqual(100);
      expect(percentOf({ ...load, answerMs: load.answerMs + more })).toBeLessThanOrEqual(percent);
      expect(percentOf({ ...load, missingSeconds: load.missingSeconds + more })).toBeLessThanOrEqual(percent);
    }),
  );
});
