// The operations port: what an operator can ask of a node, by name.

export { analyticsOperations } from './analytics-operations.ts';
export { backupOperations } from './backup-operations.ts';
export { clusterOperations } from './cluster-operations.ts';
export { dataOperations } from './data-operations.ts';
export { deploymentOperations } from './deployment-operations.ts';
export { jobOperations } from './job-operations.ts';
export { logOperations } from './log-operations.ts';
export { createOperationsHandler, type OperationsHandler, type OperationsOptions } from './operations-handler.ts';
export { pagesOperations, type TellPages } from './pages-operations.ts';
export { schemaOperations } from './schema-operations.ts';
export { type SqlOptions, searchForExports, sqlOperations } from './sql-operations.ts';
export { StatusBoard, statusOperations } from './status-operations.ts';
export { systemOperations } from './system-operations.ts';
export type { IdentifyCaller, Operation, OperationCall } from './types.ts';
export { userOperations } from './user-operations.ts';
