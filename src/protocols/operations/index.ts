export { backupOperations } from './backup-operations.ts';
export { clusterOperations } from './cluster-operations.ts';
export { dataOperations } from './data-operations.ts';
export { createOperationsHandler, type OperationsHandler, type OperationsOptions } from './operations-handler.ts';
export { pagesOperations, type TellPages } from './pages-operations.ts';
export { schemaOperations } from './schema-operations.ts';
export { systemOperations } from './system-operations.ts';
export type { IdentifyCaller, Operation, OperationCall } from './types.ts';
export { userOperations } from './user-operations.ts';
