export { runSql, type SqlCall, type SqlResult } from './run-sql.ts';
export { SqlProcesses } from './sql-processes.ts';
