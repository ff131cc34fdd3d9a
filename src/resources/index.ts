// The one interface every door opens onto: classes that answer verbs, tables among them, with the context of a request.

export type { AppNode } from './app-node.ts';
export {
  AppServer,
  type ContentType,
  type HttpMiddleware,
  type HttpMiddlewareOptions,
  type HttpNext,
  type RegisteredMiddleware,
} from './app-server.ts';
export { type AppDatabases, type AppTables, appDatabases } from './app-tables.ts';
export { type BlobData, createBlob, openBlob } from './blob.ts';
export { type Answer, type Call, dispatch, targetOf } from './dispatch.ts';
export { ExtendedIterable } from './extended-iterable.ts';
export {
  type Guard,
  grantOf,
  guardFor,
  guardTarget,
  limited,
  rulesOf,
  seenDefinition,
  visibleRecord,
} from './guard.ts';
export { openTestNode, type TestNodeParts } from './open-test-node.ts';
export { TableRecord } from './record.ts';
export type { CountOptions } from './record-edit.ts';
export {
  deleteRecords,
  editRecords,
  type ListAction,
  type ListCall,
  type ListOutcome,
  type RecordEdit,
  searchRecords,
  writeRecords,
} from './record-lists.ts';
export { Registry, type RegistryEntry } from './registry.ts';
export { RequestContext, type RequestContextOptions } from './request-context.ts';
export {
  pathOfId,
  type QueryCondition,
  type QueryObject,
  type QuerySelect,
  type QuerySelectItem,
  type QuerySort,
  RequestTarget,
} from './request-target.ts';
export { allowedMethods, allowedVerbs, methodOf, ownMethod, Resource } from './resource.ts';
export {
  currentContext,
  currentNode,
  currentNodeOrNone,
  enterThread,
  getContext,
  getResponse,
  getUser,
  runInScope,
  whileLoading,
} from './scope.ts';
export {
  type SourcedClass,
  type Sources,
  type SourceWrite,
  setSources,
  sourceOf,
  sourcesOf,
  type TableSource,
} from './sources.ts';
export { demandWhole, SpreadTables } from './spread-tables.ts';
export type { InstanceMethods, RecordOf, Results, TableClass, UntypedRecord, Updatable } from './table-class.ts';
export type { Place } from './table-place.ts';
export { describeTable, knownJson, TableRows, typeName } from './table-reads.ts';
export { isTableClass, TableResource, tableResource } from './table-resource.ts';
export { stagePatch, stagePut } from './table-writes.ts';
export { trace, traceHeaders } from './trace.ts';
export { transaction } from './transaction.ts';
export * from './types.ts';
