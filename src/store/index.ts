export { BlobFiles } from './blob-files.ts';
export { CommitQueue, type StoreMeters } from './commit-queue.ts';
export { queueFull, transactionBytes } from './queue-limit.ts';
export { Store } from './store.ts';
export { StoreEngine, type StoreEngineOptions } from './store-engine.ts';
export type * from './types.ts';
