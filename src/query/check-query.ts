// What every Query must satisfy, whichever door it came through: names that exist, arguments that fit together, limits.

import { limits, ZerohopError } from '../base/index.ts';
import type { Attribute, AttributeType, TableDefinition } from '../schema/index.ts';
import { comparedScalar, isTextComparator } from './convert.ts';
import { findAttribute, type Leaf, memberType, resolveJoin, resolvePath, type TableLookup } from './resolve-path.ts';
import type { Condition, ConditionGroup, Query, SelectedAttribute, Selection, SortKey } from './types.ts';

/** Names that stand for what the store knows of a record. */
const specialNames: readonly string[] = ['$id', '$updatedtime', '$score'];

/** Throws UNKNOWN_ATTRIBUTE or INVALID_QUERY, naming what is wrong. */
export function checkQuery(query: Query, definition: TableDefinition, lookup: TableLookup): void {
  if (query.conditions) {
    const count = countConditions(query.conditions, 1);
    if (count > limits.queryConditions) {
      throw invalid(`The query has ${count} conditions; at most ${limits.queryConditions} are allowed.`);
    }
    checkGroup(query.conditions, definition, lookup);
  }
  for (const key of query.sort ?? []) checkSortKey(key, query, definition, lookup);
  if (query.select) checkSelection(query.select, query, definition, lookup, 1);
  checkCount(query.limit, 'limit');
  checkCount(query.offset, 'offset');
  if (query.cursor !== undefined && query.offset !== undefined) {
    throw invalid('A cursor and an offset (or limit(start,end)) are two ways of paging; use one.');
  }
  if (query.cursor !== undefined && query.limit === 0) throw invalid('A page of no records leads nowhere: limit is 0.');
}

function countConditions(group: ConditionGroup, depth: number): number {
  if (depth > limits.queryDepth) {
    throw invalid(`Conditions are nested ${depth} deep; at most ${limits.queryDepth} levels are allowed.`);
  }
  let count = 0;
  for (const node of group.conditions) count += 'comparator' in node ? 1 : countConditions(node, depth + 1);
  return count;
}

function checkGroup(group: ConditionGroup, definition: TableDefinition, lookup: TableLookup): void {
  if (group.conditions.length === 0) throw invalid('A group of conditions is empty.');
  for (const node of group.conditions) {
    if (!('comparator' in node)) checkGroup(node, definition, lookup);
    else checkCondition(node, resolvePath(node.attribute, definition, lookup).leaf);
  }
}

function checkCondition({ attribute, comparator, value }: Condition, leaf: Leaf): void {
  const name = attribute.join('.');
  if (leaf.type.kind === 'relation') {
    throw invalid(`"${name}" is a relationship; compare one of its attributes, such as ${name}.id.`, name);
  }
  if (leaf.attribute?.computed && !leaf.attribute.indexed) {
    throw invalid(`"${name}" is computed and not indexed, so it can't be searched. Mark it @indexed.`, name);
  }
  const isNullTest = (comparator === 'equals' || comparator === 'not_equal') && value === null;
  const scalar = comparedScalar(leaf.type);
  if (scalar === null) {
    if (isNullTest && leaf.lists.length === 0) return;
    throw invalid(`"${name}" holds no single values, so it can only be compared with null.`, name);
  }
  if (comparator === 'ft') {
    if (!leaf.attribute?.fulltext || leaf.path.length > 1) {
      throw invalid(`"${name}" has no full-text index, which "ft" needs. Mark it @fulltext.`, name);
    }
  } else if (isTextComparator(comparator) && !['ID', 'String', 'Date', 'Any'].includes(scalar)) {
    throw invalid(`"${name}" is of type ${scalar}; "${comparator}" works on text only.`, name);
  }
  if (isTextComparator(comparator)) {
    if (typeof value !== 'string') throw invalid(`"${comparator}" on "${name}" needs text to look for.`, name);
    return;
  }
  if (comparator === 'between' || comparator === 'in') {
    const isFit = Array.isArray(value) && (comparator === 'in' ? value.length > 0 : value.length === 2);
    if (!isFit) {
      throw invalid(
        `"${comparator}" on "${name}" needs ${comparator === 'in' ? 'a list of values' : '[lowest, highest]'}.`,
        name,
      );
    }
    for (const item of value as readonly unknown[]) {
      if (comparator === 'between' && item === null) throw nullRange(comparator, name);
      if (typeof item === 'object' && item !== null) throw invalid(`"${name}" can't be compared with an object.`, name);
    }
    return;
  }
  if (value === null && !isNullTest) throw nullRange(comparator, name);
  if (typeof value === 'object' && value !== null) {
    throw invalid(`"${comparator}" on "${name}" needs one value, not an object or list.`, name);
  }
}

function checkSortKey(key: SortKey, query: Query, definition: TableDefinition, lookup: TableLookup): void {
  const name = key.attribute.join('.');
  if (name === '$score') return checkScore(query, definition, lookup);
  const { joins, leaf } = resolvePath(key.attribute, definition, lookup);
  const scalar = leaf.type.kind === 'scalar' ? comparedScalar(leaf.type) : null;
  if (scalar === null || leaf.lists.length > 0 || joins.some((join) => join.many || join.from.isList)) {
    throw invalid(
      `"${name}" has more than one value, or none that has an order, so records can't be sorted by it.`,
      name,
    );
  }
  if (leaf.attribute?.computed && !leaf.attribute.indexed) {
    throw invalid(`"${name}" is computed and not indexed, so records can't be sorted by it. Mark it @indexed.`, name);
  }
}

function checkScore(query: Query, definition: TableDefinition, lookup: TableLookup): void {
  if (scoredConditions(query, definition, lookup).length === 0) {
    throw invalid('"$score" needs a full-text condition (ft) that every match must meet.', '$score');
  }
}

/** The full-text conditions on the table's own attributes that all matches meet: those give the score. */
export function scoredConditions(query: Query, definition: TableDefinition, lookup: TableLookup): Condition[] {
  const group = query.conditions;
  if (!group || (group.operator === 'or' && group.conditions.length > 1)) return [];
  return group.conditions.filter(
    (node): node is Condition =>
      'comparator' in node &&
      node.comparator === 'ft' &&
      resolvePath(node.attribute, definition, lookup).joins.length === 0,
  );
}

function checkSelection(
  selection: Selection,
  query: Query,
  table: TableDefinition,
  lookup: TableLookup,
  depth: number,
): void {
  checkSelectionSize(selection, depth);
  for (const selected of selection.attributes) {
    if (specialNames.includes(selected.name)) {
      if (selected.name === '$score') checkScore(depth === 1 ? query : {}, table, lookup);
      if (selected.selection) throw invalid(`"${selected.name}" has no attributes to select.`, selected.name);
    } else {
      const attribute = findAttribute(selected.name, table);
      if (attribute?.type.kind === 'relation') {
        const { target } = resolveJoin(attribute, table, lookup);
        if (selected.selection) checkSelection(selected.selection, query, target, lookup, depth + 1);
      } else checkMember(selected, attribute, depth);
    }
  }
}

function checkMember(selected: SelectedAttribute, attribute: Attribute | null, depth: number): void {
  if (!selected.selection) return;
  const type: AttributeType = attribute?.type ?? { kind: 'scalar', scalar: 'Any' };
  checkMembers(selected.selection, type.kind === 'list' ? type.of : type, selected.name, depth + 1);
}

function checkMembers(selection: Selection, type: AttributeType, parent: string, depth: number): void {
  checkSelectionSize(selection, depth);
  for (const { name, selection: nested } of selection.attributes) {
    const member = memberType(type, name, parent);
    if (nested) checkMembers(nested, member.kind === 'list' ? member.of : member, name, depth + 1);
  }
}

function checkSelectionSize(selection: Selection, depth: number): void {
  if (depth > limits.queryDepth) {
    throw invalid(`The selection is nested ${depth} deep; at most ${limits.queryDepth} levels are allowed.`);
  }
  if (selection.attributes.length === 0) throw invalid('The selection is empty.');
}

function checkCount(value: number | undefined, name: string): void {
  if (value !== undefined && (!Number.isSafeInteger(value) || value < 0)) {
    throw invalid(`"${name}" must be a whole number from 0, not ${value}.`);
  }
}

function nullRange(comparator: string, name: string): ZerohopError {
  return invalid(`"${comparator}" on "${name}" can't compare with null; "equals" and "not_equal" can.`, name);
}

function invalid(message: string, attribute?: string): ZerohopError {
  return new ZerohopError('INVALID_QUERY', message, attribute === undefined ? {} : { attribute });
}
