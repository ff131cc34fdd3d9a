// A store engine for tests of replication: on real files, every trouble an error.

import { limits, systemClock } from '../base/index.ts';
import { StoreEngine } from '../store/index.ts';

export function openTestEngine(folder: string, nodeId: string): StoreEngine {
  return new StoreEngine({
    folder,
    nodeId,
    clock: systemClock,
    clockDriftMs: limits.clockDriftMs,
    writeQueue: 1000,
    logRetentionMs: limits.logRetentionMs,
    checkpointBytes: limits.checkpointBytes,
    commits: new Int32Array(1),
    fatal: (error) => {
      throw error;
    },
    trouble: (_what, error) => {
      throw error;
    },
  });
}
