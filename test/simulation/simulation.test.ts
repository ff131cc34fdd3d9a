// Clusters from seeds: a few on every run, as many as SIMULATION_SEEDS says otherwise. A seed that fails is repeated with
// `npm run simulate -- --from SEED --seeds 1`.

import { describe, expect, test } from 'bun:test';
import type { Sabotage } from './sim-node.ts';
import { simulate } from './simulation.ts';

const seeds = Number(process.env.SIMULATION_SEEDS ?? 30);
const first = Number(process.env.SIMULATION_FROM ?? 1);

test(
  `${seeds} clusters agree, lose nothing and bring nothing back`,
  () => {
    const failed = Array.from({ length: seeds }, (_, index) => simulate(first + index)).filter(
      ({ faults }) => faults.length > 0,
    );
    expect(failed).toEqual([]);
  },
  60_000 + seeds * 2_000,
);

test('a seed gives the same run again', () => {
  expect(simulate(7)).toEqual(simulate(7));
});

describe('a rule that is broken is noticed within 100 seeds', () => {
  const broken: readonly (readonly [what: string, sabotage: Sabotage])[] = [
    ['changes are told of before they are on disk', 'early'],
    ['merge states are thrown away', 'unmerged'],
    ['a copy counts as complete after its first part', 'incomplete'],
    ['rows are taken out that other members miss', 'forgotten'],
    ['tags say nothing of what was merged', 'untold'],
  ];
  test.each(broken)(
    '%s',
    (_what, sabotage) => {
      let seed = 1;
      while (seed <= 100 && simulate(seed, sabotage).faults.length === 0) seed++;
      expect(seed).toBeLessThanOrEqual(100);
    },
    60_000,
  );
});
