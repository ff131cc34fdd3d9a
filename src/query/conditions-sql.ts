// Conditions → a WHERE clause, and what it costs: whether an index serves each condition, and which attribute to index if none does.

import type { Json } from '../base/index.ts';
import { columnExpression, elementExpression, quoted } from '../storage/index.ts';
import { compareSql } from './compare-sql.ts';
import { comparedScalar } from './convert.ts';
import { fulltextSql } from './fulltext-sql.ts';
import { joinSql } from './joins-sql.ts';
import type { TableLayout } from './layout.ts';
import { type Leaf, resolvePath } from './resolve-path.ts';
import {
  type Access,
  type Compiled,
  columnOf,
  isKeyIndexed,
  jsonPath,
  type PlanBuilder,
  type Scope,
  sourceSql,
  valueSql,
  withoutIndex,
} from './scope.ts';
import type { Comparator, Condition, ConditionGroup } from './types.ts';

const rank: Readonly<Record<Access, number>> = { equal: 0, range: 1, scan: 2 };

/** @param isDriven whether a condition outside the group finds few rows already */
export function groupSql(group: ConditionGroup, scope: Scope, isDriven = false): Compiled {
  const isAnd = group.operator === 'and' || group.conditions.length === 1;
  const hasDriver =
    isDriven || (isAnd && group.conditions.some((node) => 'comparator' in node && isOwnEqual(node, scope)));
  const parts = group.conditions.map((node) =>
    'comparator' in node ? conditionSql(node, node.attribute, scope, hasDriver) : groupSql(node, scope, hasDriver),
  );
  if (isAnd) parts.sort((a, b) => rank[a.access] - rank[b.access]);
  const first = isAnd ? parts[0] : parts.find((part) => part.access === 'scan');
  const ranges = new Set(parts.filter((part) => part.access === 'range').map((part) => part.rangePath?.join('.')));
  const hasEqual = parts.some((part) => part.access === 'equal');
  const rangePath = parts.find((part) => part.access === 'range')?.rangePath;
  return {
    sql:
      parts.length === 1 ? (parts[0]?.sql ?? '') : `(${parts.map((part) => part.sql).join(isAnd ? ' AND ' : ' OR ')})`,
    access: first?.access ?? 'equal',
    attribute: first?.attribute ?? '',
    remedy: first?.remedy ?? '',
    ...(isAnd && !hasEqual && ranges.size === 1 && rangePath && { rangePath }),
    plan:
      parts.length === 1
        ? (parts[0]?.plan ?? {})
        : { operator: isAnd ? 'and' : 'or', conditions: parts.map((part) => part.plan) },
  };
}

/** Whether a condition alone, on the table itself, finds few rows: then joins are looked up row by row. */
function isOwnEqual(condition: Condition, scope: Scope): boolean {
  const { joins, leaf } = resolvePath(condition.attribute, scope.layout.definition, scope.builder.lookup);
  return joins.length === 0 && accessOf(leaf, condition, scope.layout) === 'equal';
}

/** @param path what is left of the condition's path, from `scope`'s table on */
function conditionSql(condition: Condition, path: readonly string[], scope: Scope, hasDriver: boolean): Compiled {
  const { joins, leaf } = resolvePath(path, scope.layout.definition, scope.builder.lookup);
  const [join] = joins;
  if (join) {
    const rest = path.slice(1);
    return joinSql(join, scope, hasDriver, {
      probe: (target) => probeAccess(condition, rest, target, scope.builder),
      compile: (target, isLookedUp) => conditionSql(condition, rest, target, isLookedUp),
    });
  }
  const access = accessOf(leaf, condition, scope.layout);
  const attribute = `${leaf.table.name}.${path[0]}`;
  const { comparator, value } = condition;
  return {
    sql: leafSql(leaf, condition, scope),
    access,
    attribute,
    remedy: remedyOf(leaf, condition, attribute),
    ...(access === 'range' && columnOf(scope, leaf) !== null && { rangePath: path }),
    plan: {
      attribute: condition.attribute.join('.'),
      comparator,
      value: typeof value === 'bigint' ? String(value) : value,
      index: access === 'scan' ? null : attribute,
    },
  };
}

/** What `conditionSql` will find, without the SQL. */
function probeAccess(condition: Condition, path: readonly string[], layout: TableLayout, builder: PlanBuilder): Access {
  const { joins, leaf } = resolvePath(path, layout.definition, builder.lookup);
  const [join] = joins;
  if (!join) return accessOf(leaf, condition, layout);
  if (!isKeyIndexed(layout, join.from)) return 'scan';
  const target = builder.layoutOf(join.target.name);
  const isSmall = target.rowCount <= builder.options.scanRows;
  return isSmall || probeAccess(condition, path.slice(1), target, builder) !== 'scan' ? 'equal' : 'scan';
}

/** What an index does for a condition on the table's own attribute. */
function accessOf(leaf: Leaf, { comparator, value }: Condition, { names }: TableLayout): Access {
  if (comparator === 'ft') return 'equal';
  const { attribute } = leaf;
  if (!attribute || leaf.lists.length > 0 || leaf.path.length > 1) return 'scan';
  const isIndexed =
    leaf.type.kind === 'list'
      ? value !== null && names.lists.has(attribute.name)
      : names.columns.has(attribute.name) &&
        (attribute.indexed || attribute.unique || attribute.name === leaf.table.primaryKey);
  return isIndexed ? comparatorAccess(comparator, value) : 'scan';
}

function comparatorAccess(comparator: Comparator, value: Json | bigint): Access {
  if (comparator === 'equals' || comparator === 'in') return 'equal';
  if (comparator === 'not_equal') return value === null ? 'range' : 'scan';
  return comparator === 'contains' || comparator === 'ends_with' ? 'scan' : 'range';
}

function remedyOf(leaf: Leaf, { comparator, value }: Condition, attribute: string): string {
  if (!leaf.attribute || leaf.lists.length > 0 || leaf.path.length > 1) return `No index reaches into ${attribute}.`;
  const isNullOfList = leaf.type.kind === 'list' && value === null;
  if (isNullOfList || comparedScalar(leaf.type) === null || comparatorAccess(comparator, value) === 'scan') {
    return `No index serves "${comparator}" on ${attribute}.`;
  }
  return `Mark ${attribute} @indexed.`;
}

function leafSql(leaf: Leaf, { comparator, value }: Condition, scope: Scope): string {
  const scalar = comparedScalar(leaf.type) ?? 'Any';
  if (comparator === 'ft') {
    return `${withoutIndex(scope)}${scope.alias}._row IN (SELECT row FROM (${fulltextSql(scope, leaf.attribute?.name ?? '', String(value), false)}))`;
  }
  if (leaf.lists.length === 0 && leaf.type.kind !== 'list') {
    if (leaf.type.kind === 'scalar')
      return bracketed(
        compareSql(`${withoutIndex(scope)}${valueSql(scope, leaf)}`, scalar, comparator, value, scope.builder),
      );
    return `json_extract(${sourceSql(scope, leaf)}, ${jsonPath(leaf.path)}) IS ${comparator === 'equals' ? '' : 'NOT '}NULL`;
  }
  // Of a list any element matches, and "not" means that none does.
  if (comparator === 'not_equal') return `NOT ${bracketed(anyElementSql(leaf, 'equals', value, scope))}`;
  if (comparator === 'in' && Array.isArray(value) && value.includes(null)) {
    const others = value.filter((item: Json) => item !== null);
    const isNull = anyElementSql(leaf, 'equals', null, scope);
    return others.length === 0 ? isNull : `(${anyElementSql(leaf, 'in', others, scope)} OR ${isNull})`;
  }
  return anyElementSql(leaf, comparator, value, scope);
}

function anyElementSql(leaf: Leaf, comparator: Comparator, value: Json | bigint, scope: Scope): string {
  const scalar = comparedScalar(leaf.type) ?? 'Any';
  const side = leaf.lists.length === 0 ? scope.layout.names.lists.get(leaf.attribute?.name ?? '') : undefined;
  if (side !== undefined && leaf.path.length === 1 && value !== null) {
    const test = compareSql('value', scalar, comparator, value, scope.builder);
    return `${withoutIndex(scope)}${scope.alias}._row IN (SELECT row FROM ${quoted(side)} WHERE ${test})`;
  }
  let source = sourceSql(scope, leaf);
  const from: string[] = [];
  let isObject = '';
  for (const list of leaf.lists) {
    const alias = scope.builder.alias();
    from.push(`json_each(${source}, ${jsonPath(list)}) AS ${alias}`);
    source = `CASE ${alias}.type WHEN 'object' THEN ${alias}.value END`;
    isObject = `${alias}.type = 'object' AND `;
  }
  const path = jsonPath(leaf.path);
  const exists = (test: string) =>
    from.length === 0 ? test : `EXISTS (SELECT 1 FROM ${from.join(', ')} WHERE ${isObject}${test})`;
  if (leaf.type.kind !== 'list') {
    return exists(compareSql(columnExpression(scalar, source, path), scalar, comparator, value, scope.builder));
  }
  if (value === null) return exists(`json_extract(${source}, ${path}) IS NULL`);
  const alias = scope.builder.alias();
  from.push(`json_each(${source}, ${path}) AS ${alias}`);
  return exists(compareSql(elementExpression(scalar, alias), scalar, comparator, value, scope.builder));
}

function bracketed(sql: string): string {
  return `(${sql})`;
}
