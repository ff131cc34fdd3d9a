// An attribute path → what it leads through and what it ends at. Pure. The only place that decides whether an attribute
// exists; everything that names attributes (conditions, sorts, selections) goes through here.
//
//   brand.name            a relationship, then an attribute of its table
//   address.city          a nested object: a value inside the record
//   items.sku             a list of nested objects: any element

import { limits, ZerohopError } from '../base/index.ts';
import type { Attribute, AttributeType, ScalarType, TableDefinition } from '../schema/index.ts';
import type { AttributePath } from './types.ts';

export type TableLookup = (table: string) => TableDefinition | undefined;

export interface ResolvedPath {
  /** Relationships to follow, from the table outwards. */
  readonly joins: readonly Join[];
  readonly leaf: Leaf;
}

/** One relationship: rows match where `from` (of the owner) equals, contains or is contained in `to` (of the target). */
export interface Join {
  readonly name: string;
  readonly target: TableDefinition;
  readonly from: JoinKey;
  readonly to: JoinKey;
  readonly many: boolean;
}

export interface JoinKey {
  readonly attribute: Attribute;
  readonly scalar: ScalarType;
  readonly isList: boolean;
  readonly isPrimary: boolean;
}

/** A value inside a record of `table`. */
export interface Leaf {
  readonly table: TableDefinition;
  /** The table's attribute the value is, or is inside of; null for an undeclared one of a table without declared attributes. */
  readonly attribute: Attribute | null;
  /** Lists of nested objects on the way, each a JSON path from the one before (the first from the record). */
  readonly lists: readonly (readonly string[])[];
  /** JSON path to the value, from an element of the last list, or from the record. Never empty. */
  readonly path: readonly string[];
  readonly type: AttributeType;
}

const anyType: AttributeType = { kind: 'scalar', scalar: 'Any' };

/** Throws UNKNOWN_ATTRIBUTE for a name that does not exist, INVALID_QUERY for a path that is too long. */
export function resolvePath(path: AttributePath, definition: TableDefinition, lookup: TableLookup): ResolvedPath {
  if (path.length > limits.queryDepth) {
    throw new ZerohopError(
      'INVALID_QUERY',
      `The attribute path "${path.join('.')}" has ${path.length} parts; at most ${limits.queryDepth} are allowed.`,
    );
  }
  const joins: Join[] = [];
  let table = definition;
  for (let i = 0; i < path.length; i++) {
    const name = path[i] ?? '';
    const attribute = findAttribute(name, table);
    if (attribute?.type.kind === 'relation' && i < path.length - 1) {
      const join = resolveJoin(attribute, table, lookup);
      joins.push(join);
      table = join.target;
      continue;
    }
    return { joins, leaf: resolveLeaf(path, i, attribute, table) };
  }
  throw new ZerohopError('INVALID_QUERY', 'A condition, sort or selection names no attribute.');
}

/** The attribute called `name`; null when the table takes any. Throws UNKNOWN_ATTRIBUTE. */
export function findAttribute(name: string, table: TableDefinition): Attribute | null {
  const attribute = table.attributes.find((candidate) => candidate.name === name);
  if (attribute) return attribute;
  if (name !== '' && isDynamic(table)) return null;
  throw unknownAttribute(name, table.name, table.attributes);
}

/** A table that declares nothing but its key (and what the runtime maintains) says nothing about what its records have. */
function isDynamic(table: TableDefinition): boolean {
  if (table.sealed) return false;
  return table.attributes.every((attribute) => attribute.name === table.primaryKey || attribute.role !== undefined);
}

export function resolveJoin(attribute: Attribute, owner: TableDefinition, lookup: TableLookup): Join {
  if (attribute.type.kind !== 'relation') throw new Error(`Bug: ${attribute.name} is no relationship`);
  const target = lookup(attribute.type.table);
  if (!target) {
    throw new ZerohopError(
      'INVALID_QUERY',
      `"${attribute.name}" of ${owner.name} leads to the table ${attribute.type.table}, which does not exist.`,
    );
  }
  return {
    name: attribute.name,
    target,
    from: joinKey(owner, attribute.relationship?.from),
    to: joinKey(target, attribute.relationship?.to),
    many: attribute.type.many,
  };
}

function joinKey(table: TableDefinition, name = table.primaryKey): JoinKey {
  const attribute = table.attributes.find((candidate) => candidate.name === name);
  const isList = attribute?.type.kind === 'list';
  const type = attribute?.type.kind === 'list' ? attribute.type.of : attribute?.type;
  if (!attribute || type?.kind !== 'scalar') {
    throw new ZerohopError('INVALID_QUERY', `A relationship needs "${name}" of ${table.name}, which is no key.`);
  }
  return { attribute, scalar: type.scalar, isList, isPrimary: name === table.primaryKey };
}

function resolveLeaf(path: AttributePath, start: number, attribute: Attribute | null, table: TableDefinition): Leaf {
  const lists: string[][] = [];
  let inner = [path[start] ?? ''];
  let type = attribute?.type ?? anyType;
  for (const name of path.slice(start + 1)) {
    const parent = inner[inner.length - 1] ?? '';
    if (type.kind === 'list' && type.of.kind === 'object') {
      lists.push(inner);
      inner = [];
      type = type.of;
    }
    type = memberType(type, name, parent);
    inner.push(name);
  }
  return { table, attribute, lists, path: inner, type };
}

/** The type of `name` inside a value of `type`. `parent` is what the value is called. Throws UNKNOWN_ATTRIBUTE. */
export function memberType(type: AttributeType, name: string, parent: string): AttributeType {
  if (type.kind === 'scalar' && type.scalar === 'Any' && name !== '') return anyType;
  if (type.kind !== 'object') {
    throw new ZerohopError(
      'UNKNOWN_ATTRIBUTE',
      `"${parent}" has no attributes, so "${parent}.${name}" does not exist.`,
      {
        attribute: name,
      },
    );
  }
  const attribute = type.attributes.find((candidate) => candidate.name === name);
  if (!attribute) throw unknownAttribute(name, type.name, type.attributes);
  return attribute.type;
}

function unknownAttribute(name: string, owner: string, attributes: readonly Attribute[]): ZerohopError {
  const known = attributes.filter((attribute) => !attribute.hidden).map((attribute) => attribute.name);
  const shown = known.length > 30 ? `${known.slice(0, 30).join(', ')}, …` : known.join(', ');
  return new ZerohopError('UNKNOWN_ATTRIBUTE', `${owner} has no attribute "${name}". It has: ${shown}.`, {
    attribute: name,
  });
}
