import type { Clock, HybridClock } from '../base/index.ts';

export interface StoreOptions {
  /** The number that ids assigned here end in, of `idSlots`; undefined: a node alone assigns them all. */
  readonly idSlot?: () => number | undefined;
  /** Path of the database file; its folder exists. */
  readonly path: string;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly versions: HybridClock;
  /** How far ahead of the clock a version of another node may be; `limits.clockDriftMs` when absent. */
  readonly clockDriftMs?: number;
  /** Whether the bytes of a blob are stored. */
  readonly blobExists: (id: string) => boolean;
}
