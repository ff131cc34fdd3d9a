// SQL statements over what the caller may see, run in processes of their own; what they write becomes an ordinary transaction.

export { runSql, type SqlCall, type SqlResult } from './run-sql.ts';
export { SqlProcesses } from './sql-processes.ts';
export { isFinished } from './tokens.ts';
