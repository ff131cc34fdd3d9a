export { runSql, type SqlCall, type SqlResult } from './run-sql.ts';
export { SqlProcesses } from './sql-processes.ts';
export { isFinished } from './tokens.ts';
