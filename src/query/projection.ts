// A selection, prepared: which columns its rows need besides the record, and how each row becomes JSON text. Values are cut out
// of the stored text as they stand (json-slices.ts). Related records are fetched in batches (related.ts).
//
// Rows start with `_id, _version, _body, _expires, _merge`; what else is needed follows at positions the projection knows.

import { type JsonObject, ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { Attribute, TableDefinition } from '../schema/index.ts';
import { quoted, type SqlValue } from '../storage/index.ts';
import { elements, pickMembers } from './json-slices.ts';
import { findAttribute, type Join, resolveJoin } from './resolve-path.ts';
import { isKeyIndexed, keySql, type Scope } from './scope.ts';
import type { SelectedAttribute, Selection } from './types.ts';

export const rowColumns = ['_id', '_version', '_body', '_expires', '_merge'] as const;

/** A record, as text. */
export interface QueryRecord {
  readonly id: Id;
  /** Microseconds since 1970. */
  readonly version: number;
  /** JSON text. */
  readonly body: string;
}

/** Computes an attribute that is not stored. Undefined: the record does not have it. */
export type ComputeAttribute = (table: TableDefinition, attribute: string, record: QueryRecord) => unknown;

export interface Projection {
  readonly table: TableDefinition;
  readonly shape: Selection['shape'];
  readonly fields: readonly Field[];
  /** SQL of the columns after `rowColumns`. */
  readonly columns: readonly string[];
  /** Members cut out of the body, and of the stored computed attributes: name → position among the slices. */
  readonly members: ReadonlyMap<string, number>;
  readonly computed: ReadonlyMap<string, number>;
  /** Position of `_computed` in a row. */
  readonly computedAt: number;
}

export type Field = { readonly name: string } & (
  | { readonly kind: 'id' | 'version' }
  | { readonly kind: 'column'; readonly at: number }
  | { readonly kind: 'member' | 'stored'; readonly slice: number; readonly selection?: Selection }
  | { readonly kind: 'compute' }
  | RelatedField
);

export interface RelatedField {
  readonly kind: 'related';
  readonly name: string;
  readonly join: Join;
  /** Where the own key is: a column of the row, or a list among the slices of the body or the computed attributes. */
  readonly keyAt: number;
  readonly keyIn: 'row' | 'members' | 'computed';
  readonly sql: string;
  readonly mayExpire: boolean;
  /** Null: the whole record. */
  readonly projection: Projection | null;
  /** Position of the key in a fetched row. */
  readonly matchAt: number;
  /** Tells which records of the target have one of the keys, `?1`; null where that can't be told record by record. */
  readonly watchSql: string | null;
}

/** Builds the SQL that fetches the related records of many rows at once: its text and the position of the key in a row. */
export type PrepareRelated = (
  join: Join,
  target: Scope,
  columns: readonly string[],
) => Pick<RelatedField, 'sql' | 'matchAt' | 'mayExpire' | 'watchSql'>;

/** @param extra SQL columns the caller needs first. @param score position of `$score` among the row's columns */
export function prepareProjection(
  selection: Selection,
  scope: Scope,
  extra: readonly string[],
  prepareRelated: PrepareRelated,
  score = -1,
): Projection {
  const table = scope.layout.definition;
  const columns = [...extra];
  const members = new Map<string, number>();
  const computed = new Map<string, number>();
  let computedAt = -1;
  const addColumn = (sql: string) => rowColumns.length + columns.push(sql) - 1;
  const sliceOf = (slices: Map<string, number>, name: string) => {
    if (!slices.has(name)) slices.set(name, slices.size);
    return slices.get(name) ?? 0;
  };
  const useComputed = () => {
    if (computedAt < 0) computedAt = addColumn(`${scope.alias}._computed`);
  };
  const relatedField = (name: string, attribute: Attribute, nested: Selection | undefined): RelatedField => {
    const join = resolveJoin(attribute, table, scope.builder.lookup);
    const target = scope.builder.scope(scope.builder.layoutOf(join.target.name));
    refuseScan(join, target);
    const projection = nested ? prepareProjection(nested, target, [], prepareRelated) : null;
    const own = join.from.attribute;
    const isComputed = own.computed !== undefined;
    if (join.from.isList && isComputed) useComputed();
    return {
      kind: 'related',
      name,
      join,
      projection,
      keyIn: join.from.isList ? (isComputed ? 'computed' : 'members') : 'row',
      keyAt: join.from.isList
        ? sliceOf(isComputed ? computed : members, own.name)
        : addColumn(keySql(scope, join.from)),
      ...prepareRelated(join, target, projection?.columns ?? []),
    };
  };
  const fieldOf = ({ name, selection: nested }: SelectedAttribute): Field => {
    if (name === '$id') return { kind: 'id', name };
    if (name === '$updatedtime') return { kind: 'version', name };
    if (name === '$score' && score >= 0) return { kind: 'column', name, at: score };
    const attribute = findAttribute(name, table);
    if (attribute?.type.kind === 'relation') return relatedField(name, attribute, nested);
    if (attribute?.computed && !attribute.indexed) return { kind: 'compute', name };
    if (attribute?.computed) {
      useComputed();
      return { kind: 'stored', name, slice: sliceOf(computed, name), ...(nested && { selection: nested }) };
    }
    return { kind: 'member', name, slice: sliceOf(members, name), ...(nested && { selection: nested }) };
  };
  const fields = selection.attributes.map(fieldOf);
  return { table, shape: selection.shape, fields, columns, members, computed, computedAt };
}

/** Related records are looked up by their side of the key. */
function refuseScan(join: Join, target: Scope): void {
  const { builder, layout } = target;
  if (isKeyIndexed(layout, join.to) || builder.allowFullScan || layout.rowCount <= builder.options.scanRows) return;
  const attribute = `${join.target.name}.${join.to.attribute.name}`;
  throw new ZerohopError(
    'UNINDEXED_QUERY',
    `Selecting "${join.name}" would look at all ${layout.rowCount} records of ${join.target.name}. Mark ${attribute} @indexed, or set allowFullScan in a query object.`,
    { attribute },
  );
}

/** What one row gives, before it is text. Undefined: absent. */
export type RowValues = readonly (string | undefined)[];

/** Joins values into the text of one row. */
export function shapeRow(shape: Selection['shape'], names: readonly string[], values: RowValues): string {
  if (shape === 'values') return values[0] ?? 'null';
  let text = '';
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (shape === 'arrays') text += `${i === 0 ? '' : ','}${value ?? 'null'}`;
    else if (value !== undefined) text += `${text === '' ? '' : ','}${names[i]}:${value}`;
  }
  return shape === 'arrays' ? `[${text}]` : `{${text}}`;
}

/** A selection applied to raw JSON: each element of a list, members of an object, anything else as it is. */
export function selectFromJson(text: string, selection: Selection): string {
  if (text.startsWith('['))
    return `[${elements(text)
      .map((element) => selectFromJson(element, selection))
      .join(',')}]`;
  if (!text.startsWith('{')) return text;
  const wanted = new Map(selection.attributes.map(({ name }, i) => [name, i] as const));
  const slices = pickMembers(text, wanted);
  const values = selection.attributes.map(({ name, selection: nested }) => {
    const slice = slices[wanted.get(name) ?? -1];
    return slice !== undefined && nested ? selectFromJson(slice, nested) : slice;
  });
  return shapeRow(
    selection.shape,
    selection.attributes.map(({ name }) => JSON.stringify(name)),
    values,
  );
}

/** JSON text of a value from app code. */
export function jsonText(value: unknown): string | undefined {
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? Number(item) : item));
}

/** SQL of a select list with names of its own for every column. */
export function selectList(alias: string, columns: readonly string[]): string {
  return [...rowColumns.map((column) => `${alias}.${quoted(column)}`), ...columns]
    .map((column, i) => `${column} AS c${i}`)
    .join(', ');
}

export function idOf(value: SqlValue | undefined): Id {
  return typeof value === 'number' ? value : String(value);
}

export function projectionPlan(projection: Projection): JsonObject {
  return Object.fromEntries(
    projection.fields.flatMap((field) => (field.kind === 'related' ? [[field.name, field.sql] as const] : [])),
  );
}
