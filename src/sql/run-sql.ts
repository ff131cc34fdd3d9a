// A SQL statement for somebody: what reads is run by SQLite over views of what they may read; what writes is found the same way, then
// written as every other write is: checked, limited to what they may do, logged, replicated.
//
//   INSERT   its VALUES or SELECT gives the records
//   UPDATE   SELECT id, version, new values … WHERE …   → a change of each, unless its record is another by then
//   DELETE   SELECT id, version … WHERE …               → likewise
//
// If a record changed in between, the whole statement is done anew.

import { limits, nearest, parseExact, ZerohopError } from '../base/index.ts';
import { type Id, tagOfRow } from '../records/index.ts';
import { type AppNode, editRecords, guardFor, type RecordEdit, writeRecords } from '../resources/index.ts';
import type { Attribute } from '../schema/index.ts';
import type { User } from '../security/index.ts';
import { quoted } from '../storage/index.ts';
import type { Table } from '../tables/index.ts';
import { type GivenParameters, type SqlParameter, valuesOf, variablesIn } from './parameters.ts';
import { noTable, refusalOf, wrong } from './refusals.ts';
import type { SqlProcesses } from './sql-processes.ts';
import {
  type DeleteStatement,
  type InsertStatement,
  parseStatement,
  type Statement,
  type UpdateStatement,
} from './statement.ts';
import {
  readableTables,
  tableCalled,
  takesAny,
  type Visible,
  type VisibleTable,
  viewName,
  visibleTables,
} from './visible-tables.ts';

export interface SqlCall {
  readonly node: AppNode;
  /** The data folder. */
  readonly folder: string;
  readonly processes: SqlProcesses;
  readonly user: User | null;
  readonly sql: string;
  readonly parameters: GivenParameters;
  /** Where names without a database lead. */
  readonly database: string;
  /** Rows of the answer that are wanted; null: all. */
  readonly limit: number | null;
  /** Rows that one statement may answer or change. */
  readonly rows: number;
  readonly signal: AbortSignal;
}

/** JSON text of rows, or what became of a write. */
export type SqlResult =
  | { readonly kind: 'rows'; readonly json: string }
  | { readonly kind: 'written'; readonly answer: Readonly<Record<string, unknown>> };

/** How often a write is done anew because a record changed between finding and writing it. */
const attempts = 5;

/** Throws INVALID_QUERY, FORBIDDEN, CONFLICT, and what writes throw. */
export async function runSql(call: SqlCall): Promise<SqlResult> {
  if (Buffer.byteLength(call.sql) > limits.sqlBytes)
    throw new ZerohopError('INVALID_QUERY', `A SQL statement may have ${limits.sqlBytes} bytes at most.`);
  const options = { ...call, nowMs: Date.now() };
  const statement = parseStatement(call.sql, (database, table) => viewName(options, database, table));
  const values = valuesOf(statement.variables, call.parameters);
  if (statement.kind === 'read') {
    const visible = visibleTables(options, statement.named);
    return { kind: 'rows', json: await rowsOf(call, statement, visible, statement.sql, values, 'objects') };
  }
  const target = targetOf(call, statement);
  for (let attempt = 1; ; attempt++) {
    const visible = visibleTables({ ...options, nowMs: Date.now() }, statement.named);
    try {
      if (statement.kind === 'insert') return await insert(call, statement, visible, target, values);
      return await change(call, statement, visible, target, values);
    } catch (error) {
      if (!(error instanceof ZerohopError) || error.code !== 'PRECONDITION_FAILED') throw error;
      if (attempt === attempts)
        throw new ZerohopError('CONFLICT', 'Records of the statement are changed by others all the time. Try again.');
    }
  }
}

async function insert(
  call: SqlCall,
  statement: InsertStatement,
  visible: Visible,
  table: Table,
  values: readonly SqlParameter[],
): Promise<SqlResult> {
  const sql = `${statement.prefix} ${statement.source}`;
  const { columns } = statement;
  const found = listsOf(await rowsOf(call, statement, visible, sql, values, 'lists'));
  const attributes = columns.map((name) => attributeOf(call, 'insert', table, name));
  const records = found.map((row) => {
    if (row.length !== columns.length)
      throw wrong(`INSERT names ${columns.length} attributes, and is given ${row.length} values.`);
    return Object.fromEntries(
      attributes.flatMap(({ name, attribute }, at) => {
        const value = recordValue(attribute, row[at]);
        // Without a value, its id is made for it.
        return value === null && name === table.definition.primaryKey ? [] : [[name, value]];
      }),
    );
  });
  const { node, user } = call;
  // Before anything is written it must be one that can be answered.
  if (statement.returning !== null) await returned(call, statement, table, []);
  const { done, skipped } = await writeRecords({ node, table, user }, 'insert', records);
  if (statement.returning !== null) return returnedAfter(call, statement, table, done);
  const message = `inserted ${done.length} of ${records.length} records`;
  return { kind: 'written', answer: { message, inserted_hashes: done, skipped_hashes: skipped } };
}

async function change(
  call: SqlCall,
  statement: UpdateStatement | DeleteStatement,
  visible: Visible,
  table: Table,
  values: readonly SqlParameter[],
): Promise<SqlResult> {
  const { primaryKey, name } = table.definition;
  const seen = seenOf(call, statement, visible);
  const assigned = statement.kind === 'update' ? statement.assignments : [];
  const attributes = assigned.map(({ column }) => attributeOf(call, 'update', table, column));
  if (attributes.some((one) => one.name === primaryKey))
    throw wrong(
      `${primaryKey} is the id of a record of ${name}, which can't be changed: insert another, and delete this one.`,
    );
  const twice = attributes.find((one, at) => attributes.findIndex((other) => other.name === one.name) !== at);
  if (twice !== undefined) throw wrong(`SET names ${twice.name} twice.`);
  const wanted = [
    quoted(primaryKey),
    quoted(seen.versionColumn),
    quoted(seen.mergeColumn),
    ...assigned.map(({ expression }) => `(${expression}\n)`),
  ];
  const sql = `${statement.prefix} SELECT ${wanted.join(', ')} FROM ${quoted(seen.versioned)} AS ${quoted(statement.alias)} ${statement.rest}`;
  const found = listsOf(await rowsOf(call, statement, visible, sql, values, 'lists'));
  const edits = found.map(([id, version, merge, ...given]): RecordEdit => {
    const changes = attributes.map((one, at): [string, unknown] => [one.name, recordValue(one.attribute, given[at])]);
    const of = { id: idOf(id), tag: tagOfRow(Number(version), typeof merge === 'string' ? merge : null) };
    return { ...of, changes: statement.kind === 'update' ? Object.fromEntries(changes) : null };
  });
  const ids = edits.map(({ id }) => id);
  const { node, user } = call;
  const isDelete = statement.kind === 'delete';
  // What is deleted is asked before; of what is changed, whether it can be answered.
  const before = statement.returning === null ? undefined : await returned(call, statement, table, isDelete ? ids : []);
  await editRecords({ node, table, user }, edits);
  if (before !== undefined) return isDelete ? before : returnedAfter(call, statement, table, ids);
  const answer =
    statement.kind === 'update'
      ? { message: `updated ${ids.length} of ${ids.length} records`, update_hashes: ids, skipped_hashes: [] }
      : {
          message: `${ids.length} of ${ids.length} record${ids.length === 1 ? '' : 's'} successfully deleted`,
          deleted_hashes: ids,
          skipped_hashes: [],
        };
  return { kind: 'written', answer };
}

/** As `returned`, of what is written already. */
async function returnedAfter(
  call: SqlCall,
  statement: InsertStatement | UpdateStatement,
  table: Table,
  ids: readonly Id[],
): Promise<SqlResult> {
  try {
    return await returned(call, statement, table, ids);
  } catch (error) {
    if (!(error instanceof ZerohopError)) throw error;
    throw new ZerohopError(error.code, `The records were written, but not RETURNING: ${error.message}`, error.fields);
  }
}

/** What RETURNING asks for of these records, as they are now. */
async function returned(
  call: SqlCall,
  statement: InsertStatement | UpdateStatement | DeleteStatement,
  table: Table,
  ids: readonly Id[],
): Promise<SqlResult> {
  const visible = visibleTables({ ...call, nowMs: Date.now() }, statement.named);
  const { name } = seenOf(call, statement, visible);
  if (variablesIn(statement.returning ?? '').length > 0) throw wrong('RETURNING can not have parameters.');
  const sql = `SELECT ${statement.returning} FROM ${quoted(name)} AS ${quoted(statement.alias)} WHERE ${quoted(table.definition.primaryKey)} IN (SELECT value FROM json_each(?1))`;
  return { kind: 'rows', json: await rowsOf(call, statement, visible, sql, [JSON.stringify(ids)], 'objects') };
}

async function rowsOf(
  { processes, rows, limit, signal, node, user, database }: SqlCall,
  statement: Statement,
  visible: Visible,
  sql: string,
  values: readonly SqlParameter[],
  shape: 'objects' | 'lists',
): Promise<string> {
  const { secret, files, views } = visible;
  // SQLite counts those a statement has by the highest number in it.
  const highest = Math.max(0, ...variablesIn(sql));
  const answer = await processes.run(
    {
      plan: {
        secret,
        files,
        views,
        named: statement.named,
        valueBytes: limits.sqlAnswerBytes,
        statementBytes: limits.sqlBytes * 2,
      },
      sql,
      parameters: values.slice(0, highest),
      rows,
      limit: statement.kind === 'read' ? limit : null,
      answerBytes: limits.sqlAnswerBytes,
      shape,
    },
    signal,
  );
  if (answer.kind === 'rows') return answer.json;
  if (answer.kind === 'wrong') throw refusalOf(answer, readableTables(node, user, database), secret);
  const [most, what] = answer.what === 'rows' ? [rows, 'rows'] : [limits.sqlAnswerBytes, 'bytes'];
  throw wrong(
    statement.kind === 'read'
      ? `The answer has more than ${most} ${what}: add LIMIT, or select less.`
      : `The statement changes more than ${most} ${what}: do it in parts, with a WHERE.`,
  );
}

function seenOf(
  { database }: SqlCall,
  { target }: Exclude<Statement, { kind: 'read' }>,
  visible: Visible,
): VisibleTable {
  const seen = visible.find(target.database ?? database, target.table);
  if (seen !== undefined) return seen;
  throw noTable(target.table);
}

/** By its name whatever the case, as SQL has it. Who may not write it is told so when it is written. */
function targetOf({ node, database }: SqlCall, { target }: Exclude<Statement, { kind: 'read' }>): Table {
  const table = tableCalled(node, target.database ?? database, target.table);
  if (table !== undefined) return table;
  throw noTable(target.table);
}

interface Assigned {
  readonly name: string;
  /** Undefined: one that is not declared. */
  readonly attribute: Attribute | undefined;
}

/** Throws UNKNOWN_ATTRIBUTE to those who know all there are; others are told by the check of the write. */
function attributeOf(
  { node, user }: SqlCall,
  action: 'insert' | 'update',
  { definition }: Table,
  column: string,
): Assigned {
  const { name, attributes } = definition;
  const lower = column.toLowerCase();
  const attribute =
    attributes.find((one) => one.name === column) ?? attributes.find((one) => one.name.toLowerCase() === lower);
  if (attribute !== undefined) return { name: attribute.name, attribute };
  const knowsAll = (guardFor(node, user)?.grants.on(definition)[action].attributes ?? null) === null;
  if (!knowsAll || takesAny(definition)) return { name: column, attribute: undefined };
  const known = attributes.flatMap((one) => (one.hidden ? [] : one.name));
  const close = nearest(column, known);
  throw new ZerohopError(
    'UNKNOWN_ATTRIBUTE',
    `${name} has no attribute ${column}.${close === undefined ? '' : ` Did you mean ${close}?`}`,
    { attribute: column },
  );
}

/** SQL has no truth values and no structures: numbers and JSON texts stand for them. */
function recordValue(attribute: Attribute | undefined, value: unknown): unknown {
  if (value === null || value === undefined || attribute === undefined) return value ?? null;
  const { type } = attribute;
  if (type.kind === 'scalar' && type.scalar === 'Boolean') return value === 1 ? true : value === 0 ? false : value;
  const isStructure =
    type.kind === 'list' || type.kind === 'object' || (type.kind === 'scalar' && type.scalar === 'Blob');
  if (!isStructure || typeof value !== 'string') return value;
  try {
    return parseExact(value);
  } catch {
    return value;
  }
}

function idOf(value: unknown): Id {
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw new Error(`Bug: ${String(value)} is no id`);
}

function listsOf(json: string): readonly (readonly unknown[])[] {
  const rows: unknown = parseExact(json);
  return Array.isArray(rows) ? rows : [];
}
