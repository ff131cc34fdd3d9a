// A condition on a related record. Two ways, the same rows:
//
//   from the target   own key IN (keys of the targets that match): good when few targets match and the own key is indexed
//   from the owner    EXISTS (a target with this row's key that matches): good when the own rows are few already

import { ZerohopError } from '../base/index.ts';
import { elementExpression, quoted } from '../storage/index.ts';
import type { TableLayout } from './layout.ts';
import type { Join, JoinKey } from './resolve-path.ts';
import {
  type Access,
  type Compiled,
  fromSql,
  isKeyIndexed,
  jsonPath,
  keySql,
  liveSql,
  type Scope,
  withoutIndex,
} from './scope.ts';

/** The rest of the condition, from the target on. */
export interface RestOfCondition {
  probe(target: TableLayout): Access;
  /** @param isLookedUp whether the target is looked up by its key, row by row */
  compile(target: Scope, isLookedUp: boolean): Compiled;
}

/** @param hasDriver whether another condition finds few own rows */
export function joinSql(join: Join, owner: Scope, hasDriver: boolean, rest: RestOfCondition): Compiled {
  const { builder } = owner;
  const layout = builder.layoutOf(join.target.name);
  const isTargetCheap = layout.rowCount <= builder.options.scanRows || rest.probe(layout) !== 'scan';
  const startsAtOwner = isKeyIndexed(layout, join.to) && (hasDriver || !isTargetCheap);
  const target = builder.scope(layout, startsAtOwner);
  const inner = rest.compile(target, startsAtOwner);
  if (!startsAtOwner && !isTargetCheap && !builder.allowFullScan) throw unindexedTarget(join, inner, target);
  const test = `${liveSql(target)} AND ${inner.sql}`;
  const isOwnIndexed = isKeyIndexed(owner.layout, join.from);
  const ownAttribute = `${owner.layout.definition.name}.${join.from.attribute.name}`;
  return {
    sql: startsAtOwner ? existsSql(join, owner, target, test) : inSql(join, owner, target, test),
    access: isTargetCheap && isOwnIndexed && !startsAtOwner ? 'equal' : 'scan',
    attribute: isOwnIndexed ? inner.attribute : ownAttribute,
    remedy: isOwnIndexed ? inner.remedy : `Mark ${ownAttribute} @indexed.`,
    plan: { ...inner.plan, join: ownAttribute, from: startsAtOwner ? 'record' : 'related' },
  };
}

function inSql(join: Join, owner: Scope, target: Scope, test: string): string {
  const keys = selectKeys(join.to, target, test);
  if (!join.from.isList) return `${withoutIndex(owner)}${keySql(owner, join.from)} IN (${keys})`;
  const side = owner.layout.names.lists.get(join.from.attribute.name);
  if (side !== undefined) {
    return `${withoutIndex(owner)}${owner.alias}._row IN (SELECT row FROM ${quoted(side)} WHERE value IN (${keys}))`;
  }
  const element = owner.builder.alias();
  return `EXISTS (SELECT 1 FROM ${elementsSql(owner, join.from, element)} WHERE ${elementExpression(join.from.scalar, element)} IN (${keys}))`;
}

/** SELECT of the values of `key` in the rows of `target` that pass `test`. */
function selectKeys(key: JoinKey, target: Scope, test: string): string {
  if (!key.isList) return `SELECT ${keySql(target, key)} FROM ${fromSql(target)} WHERE ${test}`;
  const element = target.builder.alias();
  return `SELECT ${elementExpression(key.scalar, element)} FROM ${fromSql(target)}, ${elementsSql(target, key, element)} WHERE ${test}`;
}

function existsSql(join: Join, owner: Scope, target: Scope, test: string): string {
  const from: string[] = [];
  let own = '';
  if (join.from.isList) {
    const element = owner.builder.alias();
    from.push(elementsSql(owner, join.from, element));
    own = elementExpression(join.from.scalar, element);
  } else own = keySql(owner, join.from);
  const side = join.to.isList ? target.layout.names.lists.get(join.to.attribute.name) : undefined;
  if (side === undefined) {
    from.push(fromSql(target));
    return `EXISTS (SELECT 1 FROM ${from.join(' CROSS JOIN ')} WHERE ${keySql(target, join.to)} = ${own} AND ${test})`;
  }
  const list = owner.builder.alias();
  from.push(`${quoted(side)} AS ${list}`, fromSql(target));
  return `EXISTS (SELECT 1 FROM ${from.join(' CROSS JOIN ')} WHERE ${list}.value = ${own} AND ${target.alias}._row = ${list}.row AND ${test})`;
}

/** `json_each` over a list key. */
export function elementsSql(scope: Scope, key: JoinKey, alias: string): string {
  const source = key.attribute.computed ? '_computed' : '_body';
  return `json_each(${scope.alias}.${source}, ${jsonPath([key.attribute.name])}) AS ${alias}`;
}

function unindexedTarget(join: Join, inner: Compiled, target: Scope): ZerohopError {
  return new ZerohopError(
    'UNINDEXED_QUERY',
    `The condition on "${join.name}" would look at all ${target.layout.rowCount} records of ${join.target.name}. ` +
      `${inner.remedy} Or add a condition on an indexed attribute, or set allowFullScan in a query object.`,
    { attribute: inner.attribute },
  );
}
