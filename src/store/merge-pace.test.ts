import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { limits } from '../base/index.ts';
import { type Merged, mergedThen, mergePause } from './merge-pace.ts';

const { mergeGroup, mergeSteady, mergeStepMs } = limits;

describe('what came in waits for more', () => {
  const steady: Merged = { rows: mergeSteady, lastMs: 1_000 };
  test.each<[what: string, waiting: number, merged: Merged | undefined, nowMs: number, pauseMs: number]>([
    ['nothing was merged yet', 1, undefined, 1_000, 0],
    ['little was merged', 1, { rows: mergeSteady - 1, lastMs: 1_000 }, 1_000, 0],
    ['a steady stream', 1, steady, 1_000, mergeStepMs],
    ['a steady stream, later', 1, steady, 1_000 + mergeStepMs / 2, mergeStepMs / 2],
    ['a stream that has paused', 1, steady, 1_000 + mergeStepMs, 0],
    ['a stream that has ended long ago', 1, steady, 100_000, 0],
    ['almost enough', mergeGroup / 2 - 1, steady, 1_000, mergeStepMs],
    ['enough', mergeGroup / 2, steady, 1_000, 0],
    ['a clock that went back', 1, steady, 0, mergeStepMs],
  ])('%s', (_what, waiting, merged, nowMs, pauseMs) => {
    expect(mergePause(waiting, merged, nowMs)).toBe(pauseMs);
  });

  test('never longer than a step', () => {
    const merged = fc.option(fc.record({ rows: fc.nat(), lastMs: fc.nat() }), { nil: undefined });
    fc.assert(
      fc.property(fc.nat(), merged, fc.nat(), (waiting, before, nowMs) => {
        const pauseMs = mergePause(waiting, before, nowMs);
        expect(pauseMs).toBeGreaterThanOrEqual(0);
        expect(pauseMs).toBeLessThanOrEqual(mergeStepMs);
      }),
    );
  });
});

describe('a stream is steady', () => {
  const groups = (rows: number, apartMs: number) =>
    Array.from({ length: 50 }, (_, at) => at * apartMs).reduce<Merged | undefined>(
      (merged, atMs) => mergedThen(merged, rows, atMs),
      undefined,
    );
  test.each<[what: string, rows: number, apartMs: number, isSteady: boolean]>([
    ['one large group after the other', mergeSteady, mergeStepMs, true],
    ['many small groups close together', mergeSteady / 8, mergeStepMs / 16, true],
    ['single writes, each waiting for the one before', 1, 3, false],
    ['small groups far apart', mergeSteady / 8, mergeStepMs, false],
  ])('%s', (_what, rows, apartMs, isSteady) => {
    const merged = groups(rows, apartMs);
    expect(mergePause(1, merged, merged?.lastMs ?? 0)).toBe(isSteady ? mergeStepMs : 0);
  });
});
