export { isBlobReference } from './blobs.ts';
export { type DatabasesOptions, LiveDatabases } from './databases.ts';
export type * from './types.ts';
