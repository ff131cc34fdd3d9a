// State of one plan while its SQL is put together: the parameters so far, and one scope per table that is looked at.

import { type JsonObject, ZerohopError } from '../base/index.ts';
import { columnExpression, quoted, type SqlValue } from '../storage/index.ts';
import type { LayoutLookup, PlanOptions, TableLayout } from './layout.ts';
import type { JoinKey, Leaf, TableLookup } from './resolve-path.ts';

export class PlanBuilder {
  readonly parameters: SqlValue[] = [];
  readonly catalog: LayoutLookup;
  readonly lookup: TableLookup;
  readonly options: PlanOptions;
  readonly allowFullScan: boolean;
  /** How often a table was looked at so far. */
  tableCount = 0;
  #scopes = 0;
  #now: string | undefined;

  constructor(catalog: LayoutLookup, options: PlanOptions, allowFullScan: boolean) {
    this.catalog = catalog;
    this.lookup = (table) => catalog(table)?.definition;
    this.options = options;
    this.allowFullScan = allowFullScan;
  }

  /** A placeholder for `value`. */
  bind(value: SqlValue): string {
    return `?${this.parameters.push(value)}`;
  }

  now(): string {
    this.#now ??= this.bind(this.options.nowMs);
    return this.#now;
  }

  scope(layout: TableLayout, isLookedUp = false): Scope {
    this.tableCount++;
    return { builder: this, layout, alias: `t${this.#scopes++}`, isLookedUp };
  }

  /** An alias for something that is no table. */
  alias(): string {
    return `e${this.#scopes++}`;
  }

  layoutOf(table: string): TableLayout {
    const layout = this.catalog(table);
    if (!layout) throw new ZerohopError('INVALID_QUERY', `There is no table "${table}".`);
    return layout;
  }
}

/** How rows are found: by equal values of an index, by a range of one, or by looking at each. */
export type Access = 'equal' | 'range' | 'scan';

/** A condition or group as SQL, and what it costs. */
export interface Compiled {
  readonly sql: string;
  readonly access: Access;
  /** Table and attribute whose index serves, or would. */
  readonly attribute: string;
  /** What would make an index serve it, as a sentence. */
  readonly remedy: string;
  /** The attribute of the one range that finds the rows: they come in its order. */
  readonly rangePath?: readonly string[];
  /** For explain. */
  readonly plan: JsonObject;
}

/** A table in a FROM clause. */
export interface Scope {
  readonly builder: PlanBuilder;
  readonly layout: TableLayout;
  readonly alias: string;
  /** Whether rows are found by a key from outside: then SQLite must not use another index, which it would think as good. */
  readonly isLookedUp: boolean;
}

export function fromSql(scope: Scope): string {
  return `${quoted(scope.layout.names.table)} AS ${scope.alias}`;
}

/** Neither a tombstone nor expired. Written so that no index on `_expires` tempts SQLite. */
export function liveSql(scope: Scope): string {
  const { alias, builder, layout } = scope;
  const isThere = `${alias}._body IS NOT NULL`;
  return layout.mayExpire ? `${isThere} AND ifnull(${alias}._expires > ${builder.now()}, 1)` : isThere;
}

/** A JSON path as a SQL string literal. */
export function jsonPath(path: readonly string[]): string {
  const steps = path.map((name) => `.${JSON.stringify(name)}`).join('');
  return `'$${steps.replaceAll("'", "''")}'`;
}

/** Where a leaf's top attribute is kept: the body, or beside it when it is computed. */
export function sourceSql(scope: Scope, leaf: Pick<Leaf, 'attribute'>): string {
  return `${scope.alias}.${leaf.attribute?.computed ? '_computed' : '_body'}`;
}

/** The column of a leaf that is a whole attribute; null when it has none. */
export function columnOf(scope: Scope, leaf: Leaf): string | null {
  if (!leaf.attribute || leaf.lists.length > 0 || leaf.path.length !== 1) return null;
  return scope.layout.names.columns.get(leaf.attribute.name) ?? null;
}

/** The operator that keeps SQLite from using an index, where that is wished. */
export function withoutIndex(scope: Scope): string {
  return scope.isLookedUp ? '+' : '';
}

/** The SQL value of a scalar leaf that is not inside a list. */
export function valueSql(scope: Scope, leaf: Leaf): string {
  const column = columnOf(scope, leaf);
  if (column !== null) return `${scope.alias}.${quoted(column)}`;
  const scalar = leaf.type.kind === 'scalar' ? leaf.type.scalar : 'Any';
  return columnExpression(scalar, sourceSql(scope, leaf), jsonPath(leaf.path));
}

/** The SQL value of a scalar key of a relationship. */
export function keySql(scope: Scope, key: JoinKey): string {
  const leaf: Leaf = {
    table: scope.layout.definition,
    attribute: key.attribute,
    lists: [],
    path: [key.attribute.name],
    type: key.attribute.type,
  };
  return valueSql(scope, leaf);
}

/** Whether equal values of a key are found by an index. */
export function isKeyIndexed(layout: TableLayout, key: JoinKey): boolean {
  if (key.isList) return layout.names.lists.has(key.attribute.name);
  return (
    key.isPrimary || ((key.attribute.indexed || key.attribute.unique) && layout.names.columns.has(key.attribute.name))
  );
}
