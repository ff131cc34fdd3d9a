export type { Counter, Id, MergeState, Patch, RecordState, Stamp } from './types.ts';
