// A SQL statement taken apart: what reads goes to SQLite as it is; what writes becomes a SELECT that finds the records and what is to be
// in them, and a list of changes, which go the way of all writes. Pure.

import type { ZerohopError } from '../base/index.ts';
import { numberVariables, type Variable } from './parameters.ts';
import { wrong } from './refusals.ts';
import { isName, type Token, textOf, tokensOf } from './tokens.ts';

export type Statement = ReadStatement | InsertStatement | UpdateStatement | DeleteStatement;

interface Common {
  /** Every name and text in it, in lower case: what it may mean. */
  readonly named: readonly string[];
  /** As many as the highest `?N` in any part. Named ones have numbers now. */
  readonly variables: readonly Variable[];
}

export interface ReadStatement extends Common {
  readonly kind: 'read';
  readonly sql: string;
}

export interface TableName {
  readonly database: string | undefined;
  readonly table: string;
}

interface WriteStatement extends Common {
  readonly target: TableName;
  /** What parts of it call the target. */
  readonly alias: string;
  /** `WITH …`, or ''. */
  readonly prefix: string;
  /** What follows RETURNING; null: nothing was asked for. */
  readonly returning: string | null;
}

export interface InsertStatement extends WriteStatement {
  readonly kind: 'insert';
  readonly columns: readonly string[];
  /** SELECT or VALUES. */
  readonly source: string;
}

export interface UpdateStatement extends WriteStatement {
  readonly kind: 'update';
  readonly assignments: readonly { readonly column: string; readonly expression: string }[];
  /** From WHERE on, or ''. */
  readonly rest: string;
}

export interface DeleteStatement extends WriteStatement {
  readonly kind: 'delete';
  readonly rest: string;
}

/** Gives another name for `database.table`; undefined: it is no table. */
export type Rename = (database: string, table: string) => string | undefined;

/** Throws INVALID_QUERY for what is not supported, or no statement. */
export function parseStatement(sql: string, rename: Rename = () => undefined): Statement {
  const written = withoutEnd(tokensOf(sql));
  const { tokens: numbered, variables } = numberVariables(written);
  const tokens = renamed(numbered, rename);
  const named = [...new Set(written.flatMap((token) => (isName(token) || token.kind === 'text' ? token.value : [])))];
  const common = { variables, named: named.map((name) => name.toLowerCase()) };
  const verbAt = tokens[0]?.word === 'WITH' ? indexOfWord(tokens, verbs, 1) : 0;
  const verb = tokens[verbAt]?.word ?? '';
  if (verb === 'SELECT' || verb === 'VALUES') return { ...common, kind: 'read', sql: textOf(tokens) };
  // Its target is named as it was written.
  const prefix = verbAt > 0 ? textOf(tokens.slice(0, verbAt)) : '';
  const parts: Parts = { common, prefix, written: written.slice(verbAt), tokens: numbered.slice(verbAt), rename };
  if (verb === 'INSERT') return insertOf(parts);
  if (verb === 'UPDATE') return updateOf(parts);
  if (verb === 'DELETE') return deleteOf(parts);
  throw refusalOf(verb, tokens[verbAt]);
}

const verbs: ReadonlySet<string> = new Set(['SELECT', 'VALUES', 'INSERT', 'REPLACE', 'UPDATE', 'DELETE']);
const remedies: Readonly<Record<string, string>> = {
  REPLACE: 'use the operation upsert, or UPDATE',
  CREATE: 'tables come from the schema of the application, or the operations create_table and create_attribute',
  ALTER: 'tables are changed by the schema of the application, or the operations create_attribute and drop_attribute',
  DROP: 'use the operations drop_table and drop_attribute',
  PRAGMA: 'the operations describe_all and system_information tell of tables and node',
  ATTACH: 'all databases of the node are there already: write database.table',
  VACUUM: 'the operation create_backup copies a database',
  EXPLAIN: 'a query of the application is explained by ?explain=true',
  BEGIN: 'each statement is a transaction of its own; transaction() in application code joins several',
};
const transactions: ReadonlySet<string> = new Set(['COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT', 'RELEASE']);

function refusalOf(verb: string, token: Token | undefined): ZerohopError {
  if (token === undefined) return wrong('There is no statement.');
  const remedy = transactions.has(verb) ? remedies.BEGIN : remedies[verb];
  const what = verb === '' ? token.raw.slice(0, 40) : verb;
  return wrong(
    `${what} is not supported; statements are SELECT, VALUES, INSERT, UPDATE and DELETE${remedy === undefined ? '' : `. Instead: ${remedy}`}.`,
  );
}

interface Parts {
  readonly common: Common;
  readonly prefix: string;
  readonly written: readonly Token[];
  /** From the verb on, nothing renamed. */
  readonly tokens: readonly Token[];
  readonly rename: Rename;
}

/** INSERT INTO table [AS alias] (columns) VALUES … | SELECT … [RETURNING …] */
function insertOf({ common, prefix, tokens, rename }: Parts): InsertStatement {
  if (tokens[1]?.word === 'OR')
    throw wrong(
      `INSERT OR ${tokens[2]?.word} is not supported; records that are there are left as they are. To change or create, use the operation upsert.`,
    );
  if (tokens[1]?.word !== 'INTO') throw wrong('INSERT is written INSERT INTO table (columns) VALUES (…).');
  const head = targetAt(tokens, 2);
  if (tokens[head.next]?.raw !== '(')
    throw wrong('INSERT names its attributes: INSERT INTO table (id, name) VALUES (…).');
  const close = closingOf(tokens, head.next);
  const columns = splitAt(tokens.slice(head.next + 1, close)).map((one) => columnName(one, 'INSERT'));
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) throw wrong(`INSERT names ${twice} twice.`);
  const { before, returning } = splitReturning(tokens.slice(close + 1), rename);
  const verb = before[0]?.word ?? '';
  if (verb !== 'VALUES' && verb !== 'SELECT' && verb !== 'WITH')
    throw wrong('After its attributes INSERT has VALUES (…) or a SELECT.');
  const conflict = before.findIndex(({ word }, at) => word === 'ON' && before[at + 1]?.word === 'CONFLICT');
  if (conflict >= 0) throw wrong('ON CONFLICT is not supported: use the operation upsert.');
  const source = textOf(renamed(before, rename));
  return { ...common, ...head.name, kind: 'insert', prefix, columns, source, returning };
}

/** UPDATE table [AS alias] SET column = expression, … [WHERE …] [ORDER BY …] [LIMIT …] [RETURNING …] */
function updateOf({ common, prefix, tokens, rename }: Parts): UpdateStatement {
  if (tokens[1]?.word === 'OR')
    throw wrong(`UPDATE OR ${tokens[2]?.word} is not supported: all is written, or nothing.`);
  const head = targetAt(tokens, 1);
  if (tokens[head.next]?.word !== 'SET') throw wrong('UPDATE is written UPDATE table SET attribute = value WHERE ….');
  const { before, returning } = splitReturning(tokens.slice(head.next + 1), rename);
  const restAt = indexOfWord(before, restWords, 0);
  const sets = before.slice(0, restAt);
  const from = sets.findIndex(({ word }, at) => word === 'FROM' && sets[at - 1]?.word !== 'DISTINCT');
  if (from >= 0 && depthAt(sets, from) === 0)
    throw wrong('UPDATE … FROM is not supported: put a SELECT into SET or WHERE.');
  const assignments = splitAt(sets).map((one) => {
    const equals = one.findIndex(({ raw }) => raw === '=');
    if (one[0]?.raw === '(') throw wrong('SET (a, b) = (…) is not supported: SET a = …, b = ….');
    if (equals < 1) throw wrong('SET is written attribute = value, ….');
    const expression = one.slice(equals + 1);
    if (expression.length === 0) throw wrong('SET is written attribute = value, ….');
    return { column: columnName(one.slice(0, equals), 'SET'), expression: textOf(renamed(expression, rename)) };
  });
  const rest = textOf(renamed(before.slice(restAt), rename));
  return { ...common, ...head.name, kind: 'update', prefix, assignments, rest, returning };
}

/** DELETE FROM table [AS alias] [WHERE …] [ORDER BY …] [LIMIT …] [RETURNING …] */
function deleteOf({ common, prefix, tokens, rename }: Parts): DeleteStatement {
  if (tokens[1]?.word !== 'FROM') throw wrong('DELETE is written DELETE FROM table WHERE ….');
  const head = targetAt(tokens, 2);
  const { before, returning } = splitReturning(tokens.slice(head.next), rename);
  if (before[0] !== undefined && !restWords.has(before[0].word))
    throw wrong(`DELETE FROM ${head.name.target.table} goes on with WHERE, not ${before[0].raw.slice(0, 40)}.`);
  return { ...common, ...head.name, kind: 'delete', prefix, rest: textOf(renamed(before, rename)), returning };
}

const restWords: ReadonlySet<string> = new Set(['WHERE', 'ORDER', 'LIMIT']);
const afterTarget: ReadonlySet<string> = new Set([
  ...restWords,
  'SET',
  'VALUES',
  'SELECT',
  'WITH',
  'RETURNING',
  'DEFAULT',
]);

/** `[database.]table [[AS] alias]` */
function targetAt(
  tokens: readonly Token[],
  at: number,
): { readonly name: { readonly target: TableName; readonly alias: string }; readonly next: number } {
  const nameAt = (place: number): string => {
    const token = tokens[place];
    if (token === undefined || !isName(token)) throw wrong('The statement names no table.');
    return token.value;
  };
  const isLong = tokens[at + 1]?.raw === '.';
  const table = nameAt(isLong ? at + 2 : at);
  const target = { database: isLong ? nameAt(at) : undefined, table };
  let next = at + (isLong ? 3 : 1);
  if (tokens[next]?.word === 'INDEXED' || (tokens[next]?.word === 'NOT' && tokens[next + 1]?.word === 'INDEXED'))
    throw wrong('INDEXED BY is not supported: SQLite chooses the index.');
  const isAs = tokens[next]?.word === 'AS';
  const one = tokens[isAs ? next + 1 : next];
  const hasAlias = one !== undefined && isName(one) && !afterTarget.has(one.word);
  if (isAs && !hasAlias) throw wrong('After AS there is no name.');
  if (hasAlias) next += isAs ? 2 : 1;
  return { name: { target, alias: hasAlias ? one.value : table }, next };
}

function columnName(tokens: readonly Token[], where: string): string {
  const [token, ...more] = tokens;
  if (token !== undefined && more.length === 0 && (isName(token) || token.kind === 'text')) return token.value;
  throw wrong(`${where} names attributes, not ${textOf(tokens).trim().slice(0, 40) || 'nothing'}.`);
}

function splitReturning(
  tokens: readonly Token[],
  rename: Rename,
): { readonly before: readonly Token[]; readonly returning: string | null } {
  const at = indexOfWord(tokens, returningWord, 0);
  if (at === tokens.length) return { before: tokens, returning: null };
  const after = tokens.slice(at + 1);
  if (after.length === 0) throw wrong('RETURNING names nothing.');
  return { before: tokens.slice(0, at), returning: textOf(renamed(after, rename)) };
}

const returningWord: ReadonlySet<string> = new Set(['RETURNING']);

/** The first of the words that stands in no brackets; the number of tokens when none does. */
function indexOfWord(tokens: readonly Token[], words: ReadonlySet<string>, from: number): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at];
    if (token?.raw === '(') depth++;
    else if (token?.raw === ')') depth--;
    else if (depth === 0 && token !== undefined && words.has(token.word)) return at;
  }
  return tokens.length;
}

function depthAt(tokens: readonly Token[], end: number): number {
  let depth = 0;
  for (const { raw } of tokens.slice(0, end)) depth += raw === '(' ? 1 : raw === ')' ? -1 : 0;
  return depth;
}

function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    const raw = tokens[at]?.raw;
    depth += raw === '(' ? 1 : raw === ')' ? -1 : 0;
    if (depth === 0) return at;
  }
  throw wrong('A bracket is not closed.');
}

/** At commas that stand in no brackets. */
function splitAt(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    depth += token.raw === '(' ? 1 : token.raw === ')' ? -1 : 0;
    if (depth === 0 && token.raw === ',') parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** Without the semicolon at its end. */
function withoutEnd(tokens: readonly Token[]): readonly Token[] {
  let end = tokens.length;
  while (end > 0 && tokens[end - 1]?.raw === ';') end--;
  const statement = tokens.slice(0, end);
  if (statement.some(({ raw }) => raw === ';')) throw wrong('One statement at a time: there is a semicolon within it.');
  return statement;
}

/** `database.table` as the one name it has for SQLite. */
function renamed(tokens: readonly Token[], rename: Rename): Token[] {
  const out: Token[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const [database, dot, table] = [tokens[at], tokens[at + 1], tokens[at + 2]];
    const isPair = database && dot?.raw === '.' && table && isName(database) && isName(table);
    const name = isPair && out.at(-1)?.raw !== '.' ? rename(database.value, table.value) : undefined;
    if (!database) break;
    if (name === undefined) out.push(database);
    else {
      out.push({ ...database, kind: 'quoted', raw: `"${name.replaceAll('"', '""')}"`, value: name, word: '' });
      at += 2;
    }
  }
  return out;
}
