// A thread’s view of all databases: tables by name, transactions, snapshots, and the records and results it keeps.

export { isBlobReference } from './blobs.ts';
export { type DatabasesOptions, LiveDatabases } from './databases.ts';
export { DerivedValues } from './derived-values.ts';
export { ReadSet } from './read-set.ts';
export type * from './types.ts';
