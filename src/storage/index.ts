// SQLite: connections, tables and indexes as they are on disk, the sync of the log. Nothing else knows SQLite’s API.

export { applySchema, type CatalogEntry, isPrepared, prepareFile, readCatalog } from './apply-schema.ts';
export { Connection, storageError, uniqueViolation } from './connection.ts';
export { columnSql, columnValueSql, jsonPath, tableObjects, tableSql } from './ddl.ts';
export { dropTable } from './drop-table.ts';
export { bigIntKey, columnExpression, elementExpression, encodeValue, type SqlValue } from './encode.ts';
export { isList, namesOf, physicalTableName, quoted, systemColumns, type TableNames } from './names.ts';
export { type Denial, SealedConnection, type SealedPlan, type SealedValue } from './sealed-connection.ts';
export { WalSync } from './wal-sync.ts';
