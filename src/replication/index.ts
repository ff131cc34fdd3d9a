export { type CloseCode, closeCodes } from './close-codes.ts';
export { decodeFrame, encodeFrame, type Frame, FrameEncoder } from './frame-codec.ts';
export { FrameSplitter, type Split } from './frame-splitter.ts';
export { replicationLimits } from './limits.ts';
export type { Message } from './messages.ts';
export { protocolVersion } from './messages.ts';
export { type ReplicateDatabaseOptions, replicateDatabase, schemaOf } from './replicate-database.ts';
export {
  type Channel,
  type Link,
  type LinkOptions,
  type ReplicatedBlobs,
  type ReplicatedStore,
  Replicator,
  type ReplicatorOptions,
  type Report,
  type Residency,
} from './replicator.ts';
export type { Local, SchemaState, SessionEffect, SessionEvent, SessionState } from './session.ts';
export { begin, step } from './session.ts';
