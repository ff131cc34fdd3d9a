// Selected relationships: one statement per relationship and chunk of rows, never one per row.

import { bigIntKey, elementExpression, encodeValue, quoted, type SqlValue } from '../storage/index.ts';
import { elementsSql } from './joins-sql.ts';
import { elements, pickMembers } from './json-slices.ts';
import type { SqlReader } from './layout.ts';
import {
  type ComputeAttribute,
  type Field,
  idOf,
  jsonText,
  type PrepareRelated,
  type Projection,
  type RelatedField,
  rowColumns,
  selectFromJson,
  selectList,
  shapeRow,
} from './projection.ts';
import type { JoinKey } from './resolve-path.ts';
import { fromSql, keySql } from './scope.ts';
import { type Watch, watchTest } from './watch.ts';

type Row = readonly SqlValue[];

export interface ProjectionRun {
  readonly reader: SqlReader;
  readonly nowMs: number;
  readonly compute: ComputeAttribute | undefined;
  /** Told what was read through relationships; null: it can't be followed. */
  readonly watched: ((watch: Watch | null) => void) | undefined;
}

/** `?1` is the JSON list of keys, `?2` the time when the target may expire. */
export const prepareRelated: PrepareRelated = (join, target, columns) => {
  const { layout, alias } = target;
  const { mayExpire } = layout;
  const live = `${alias}._body IS NOT NULL${mayExpire ? ` AND ifnull(${alias}._expires > ?2, 1)` : ''}`;
  const keys = 'IN (SELECT value FROM json_each(?1))';
  const matchAt = rowColumns.length + columns.length;
  // `?1` is bound already.
  const watchSql = (filter: string): string => watchTest(target, `(${live} AND ${filter})`, ['']).sql;
  const statement = (key: string, from: string, where: string, watched: string | null) => ({
    watchSql: mayExpire ? null : watched,
    sql: `SELECT ${selectList(alias, [...columns, key])} FROM ${from} WHERE ${where} AND ${live}${join.to.isPrimary ? '' : ` ORDER BY ${alias}._id`}`,
    matchAt,
    mayExpire,
  });
  if (!join.to.isList) {
    const key = keySql(target, join.to);
    return statement(key, fromSql(target), `${key} ${keys}`, watchSql(`${key} ${keys}`));
  }
  const element = target.builder.alias();
  const side = layout.names.lists.get(join.to.attribute.name);
  if (side !== undefined) {
    const from = `${quoted(side)} AS ${element} CROSS JOIN ${fromSql(target)}`;
    const has = `${element}.value ${keys} AND ${alias}._row = ${element}.row`;
    const watched = watchSql(`EXISTS (SELECT 1 FROM ${quoted(side)} AS ${element} WHERE ${has})`);
    return statement(`${element}.value`, from, has, watched);
  }
  const key = elementExpression(join.to.scalar, element);
  return statement(key, `${fromSql(target)}, ${elementsSql(target, join.to, element)}`, `${key} ${keys}`, null);
};

/** JSON text of each row. */
export function projectRows(projection: Projection, rows: readonly Row[], run: ProjectionRun): string[] {
  const slices = rows.map((row) => ({
    members: projection.members.size > 0 ? pickMembers(String(row[2]), projection.members) : [],
    computed:
      projection.computedAt >= 0 ? pickMembers(String(row[projection.computedAt] ?? '{}'), projection.computed) : [],
  }));
  const columns = projection.fields.map((field) =>
    field.kind === 'related'
      ? relatedColumn(field, rows, slices, run)
      : rows.map((row, i) => fieldText(field, row, slices[i], projection, run)),
  );
  const names = projection.fields.map((field) => JSON.stringify(field.name));
  return rows.map((_, i) =>
    shapeRow(
      projection.shape,
      names,
      columns.map((column) => column[i]),
    ),
  );
}

interface Slices {
  readonly members: readonly (string | undefined)[];
  readonly computed: readonly (string | undefined)[];
}

function fieldText(
  field: Exclude<Field, RelatedField>,
  row: Row,
  slices: Slices | undefined,
  projection: Projection,
  run: ProjectionRun,
): string | undefined {
  switch (field.kind) {
    case 'id':
      return JSON.stringify(row[0]);
    case 'version':
      return String(Math.floor(Number(row[1]) / 1000));
    case 'column':
      return jsonText(row[field.at]);
    case 'compute': {
      const record = { id: idOf(row[0]), version: Number(row[1]), body: String(row[2]) };
      return jsonText(run.compute?.(projection.table, field.name, record));
    }
    default: {
      const text = slices?.[field.kind === 'stored' ? 'computed' : 'members'][field.slice];
      return text !== undefined && field.selection ? selectFromJson(text, field.selection) : text;
    }
  }
}

/** The relationship's value for each row: a record, a list of records, or absent. */
function relatedColumn(
  field: RelatedField,
  rows: readonly Row[],
  slices: readonly Slices[],
  run: ProjectionRun,
): (string | undefined)[] {
  const keys = rows.map((row, i) => keysOf(field, row, slices[i]));
  const found = fetchRelated(field, new Set(keys.flatMap((list) => list ?? [])), run);
  return keys.map((list) => {
    if (list === null) return field.join.many && !field.join.from.isList ? '[]' : undefined;
    const records = list.flatMap((key) => found.get(key) ?? []);
    return field.join.many ? `[${records.join(',')}]` : records[0];
  });
}

/** Own keys of a row in order, as columns hold them; null when it has none. */
function keysOf(field: RelatedField, row: Row, slices: Slices | undefined): (string | number)[] | null {
  const { from } = field.join;
  if (field.keyIn === 'row') {
    const key = row[field.keyAt];
    return typeof key === 'string' || typeof key === 'number' ? [key] : null;
  }
  const text = slices?.[field.keyIn][field.keyAt];
  if (text === undefined || !text.startsWith('[')) return null;
  return elements(text).flatMap((element) => keyOf(element, from) ?? []);
}

function keyOf(text: string, { scalar }: JoinKey): string | number | undefined {
  if (scalar === 'BigInt') return text === 'null' ? undefined : bigIntKey(BigInt(text));
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'string' && typeof parsed !== 'number') return undefined;
  const key = encodeValue(scalar, parsed);
  return typeof key === 'string' || typeof key === 'number' ? key : undefined;
}

function watchOf({ join, watchSql }: RelatedField, keys: string, rows: readonly Row[]): Watch | null {
  if (watchSql === null) return null;
  const members = new Set(rows.map((row) => row[0] ?? null));
  return { table: join.target.name, members, test: { sql: watchSql, parameters: [keys] } };
}

/** Key → texts of the records that have it, in the order of their ids. */
function fetchRelated(
  field: RelatedField,
  keys: ReadonlySet<string | number>,
  run: ProjectionRun,
): ReadonlyMap<unknown, string[]> {
  const found = new Map<unknown, string[]>();
  if (keys.size === 0) return found;
  const list = JSON.stringify([...keys]);
  const rows = run.reader.all(field.sql, field.mayExpire ? [list, run.nowMs] : [list]);
  run.watched?.(watchOf(field, list, rows));
  const texts = field.projection ? projectRows(field.projection, rows, run) : rows.map((row) => String(row[2]));
  const lastIds = new Map<unknown, SqlValue | undefined>();
  for (let i = 0; i < rows.length; i++) {
    const key = rows[i]?.[field.matchAt];
    const text = texts[i] ?? '';
    if (field.join.to.isList) {
      // A list that has a key twice gives its record twice; for one key they follow each other.
      const id = rows[i]?.[0];
      if (lastIds.has(key) && lastIds.get(key) === id) continue;
      lastIds.set(key, id);
    }
    const same = found.get(key);
    if (same) same.push(text);
    else found.set(key, [text]);
  }
  return found;
}
