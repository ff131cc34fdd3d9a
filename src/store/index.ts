// The single writer of a database: every write is staged, checked, merged, logged and committed here.

export { BlobFiles, blobPath } from './blob-files.ts';
export { CommitQueue, type StoreMeters } from './commit-queue.ts';
export { addToDigest, type Digest } from './digest.ts';
export { type CopyAnswer, columns, type LogAnswer, LogReader, type LogRequest, rowFrom } from './log-reader.ts';
export { queueFull, transactionBytes } from './queue-limit.ts';
export type * from './remote-types.ts';
export { Store } from './store.ts';
export {
  type Replication,
  type ReplicationDoor,
  type Router,
  StoreEngine,
  type StoreEngineOptions,
} from './store-engine.ts';
export type * from './types.ts';
export { beyond, covers, sameVector, union } from './vector.ts';
