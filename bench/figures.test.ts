import { describe, expect, test } from 'bun:test';
import { median, type RowOptions, row } from './figures.ts';

describe('median', () => {
  test.each([
    [[3], 3],
    [[5, 1, 3], 3],
    [[4, 1, 3, 2], 2.5],
  ])('of %p is %p', (numbers, expected) => {
    expect(median(numbers)).toBe(expected);
  });
});

describe('row', () => {
  const base: RowOptions = { name: 'r', unit: 'x/s', runs: [90, 110, 100] };
  const rival = { name: 'bare', runs: [200, 200, 190] };
  const atLeast = (of: 'value' | 'ratio', limit: number) => ({ of, bound: 'atLeast', limit }) as const;
  const table: [name: string, options: Partial<RowOptions>, expected: object][] = [
    ['median and range', {}, { value: 100, min: 90, max: 110 }],
    ['ratio to the rival', { rival }, { rivalValue: 200, rivalMin: 190, ratio: 0.5 }],
    ['a target of the value, met', { targets: [atLeast('value', 100)] }, { met: true, target: '≥ 100 x/s' }],
    ['a target of the ratio, missed', { rival, targets: [atLeast('ratio', 0.6)] }, { met: false, target: '≥ 0.6 ×' }],
    [
      'one of two targets is enough',
      { rival, targets: [atLeast('value', 1000), atLeast('ratio', 0.5)] },
      { met: true, target: '≥ 1,000 x/s or ≥ 0.5 ×' },
    ],
    ['an upper bound, met', { targets: [{ of: 'value', bound: 'atMost', limit: 100 }] }, { met: true }],
    ['an upper bound, missed', { targets: [{ of: 'value', bound: 'atMost', limit: 99 }] }, { met: false }],
    ['no ratio without a rival: missed', { targets: [atLeast('ratio', 0)] }, { met: false }],
  ];
  test.each(table)('%s', (_name, options, expected) => {
    expect(row({ ...base, ...options })).toMatchObject(expected);
  });

  test('has no verdict without a target', () => {
    expect(row(base)).not.toHaveProperty('met');
  });
});
