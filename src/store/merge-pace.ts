// When what came from other nodes is merged. Every group of it writes the pages it touches once, so that few large groups cost less than many small
// ones; where little comes it is merged at once. Pure.

import { limits } from '../base/index.ts';

/** What was merged lately. */
export interface Merged {
  /** In all groups; those of a group count half after each `mergeStepMs`. */
  readonly rows: number;
  /** When the last group began. */
  readonly lastMs: number;
}

/** After a group of so many rows. */
export function mergedThen(before: Merged | undefined, rows: number, nowMs: number): Merged {
  return {
    rows: rows + (before ? before.rows * 0.5 ** (Math.max(0, nowMs - before.lastMs) / limits.mergeStepMs) : 0),
    lastMs: nowMs,
  };
}

/**
 * How long what waits may wait for more, in ms; 0: not at all. A steady stream is merged in steps of `mergeStepMs`, or of many rows.
 * @param waiting rows
 */
export function mergePause(waiting: number, merged: Merged | undefined, nowMs: number): number {
  if (waiting >= limits.mergeGroup / 2 || merged === undefined || merged.rows < limits.mergeSteady) return 0;
  return Math.max(0, Math.min(limits.mergeStepMs, merged.lastMs + limits.mergeStepMs - nowMs));
}
