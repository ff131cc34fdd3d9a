// @relationship in its three forms, and the check that both ends exist and fit.
//
//   (from: fk)         this.fk = target's primary key      fk scalar → Target, fk list → [Target]
//   (to: fk)           target.fk = this primary key        [Target]; fk may be a list
//   (from: a, to: b)   this.a = target.b                   [Target]

import type { ConstDirectiveNode, FieldDefinitionNode } from 'graphql/language/index.js';
import { assert } from '../base/index.ts';
import { type Directive, type fieldDirectives, schemaError, stringArgument } from './sdl-directives.ts';
import { innermostType, type NamedType, plainAttribute, type Types } from './sdl-types.ts';
import type { Attribute, ScalarType, TableDefinition } from './types.ts';

/** A relationship as read, before the tables at its ends are known. */
export interface Relationship {
  readonly attribute: Attribute;
  readonly owner: NamedType;
  readonly target: NamedType;
  readonly field: FieldDefinitionNode;
  readonly node: ConstDirectiveNode;
}

/** Reads what the field itself says. */
export function readRelationship(
  field: FieldDefinitionNode,
  directives: ReadonlyMap<keyof typeof fieldDirectives, Directive>,
  owner: NamedType,
  types: Types,
): Relationship {
  const directive = directives.get('relationship');
  assert(directive, 'a relationship has its directive');
  for (const [name, { node }] of directives) {
    if (name !== 'relationship' && name !== 'hidden') {
      throw schemaError(node, `@${name} and @relationship can not be on one field: a relationship is not stored.`);
    }
  }
  const from = stringArgument(directive, 'from', true);
  const to = stringArgument(directive, 'to', true);
  if (from === undefined && to === undefined) {
    throw schemaError(directive.node, '@relationship takes (from: attribute), (to: attribute) or both.');
  }
  const { name, lists } = innermostType(field.type);
  const target = types.get(name);
  if (!target?.table)
    throw schemaError(field.type, `A relationship leads to a table; "${name}" is none in this schema.`);
  if (target.table.database !== owner.table?.database) {
    throw schemaError(
      field.type,
      `"${name}" is in another database ("${target.table.database}"); relationships stay within one.`,
    );
  }
  if (lists > 1) throw schemaError(field.type, `A relationship is ${name} or [${name}], not a list of lists.`);
  const type = { kind: 'relation', table: target.table.name, many: lists === 1 } as const;
  const relationship = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  return {
    attribute: { ...plainAttribute(field.name.value, type), relationship },
    owner,
    target,
    field,
    node: directive.node,
  };
}

/** Checks both ends of every relationship. */
export function checkRelationships(
  relationships: readonly Relationship[],
  tables: ReadonlyMap<NamedType, TableDefinition>,
): void {
  for (const relationship of relationships) {
    const owner = tables.get(relationship.owner);
    const target = tables.get(relationship.target);
    assert(owner && target, 'relationships are between tables that were read');
    if (target.copies !== undefined)
      throw schemaError(
        relationship.field.type,
        `"${target.name}" has "replicateTo": a relationship to a table whose records are spread over nodes is not possible yet.`,
      );
    checkRelationship(relationship, owner, target);
  }
}

function checkRelationship(
  { attribute, field, node }: Relationship,
  owner: TableDefinition,
  target: TableDefinition,
): void {
  const { from, to } = attribute.relationship ?? {};
  const here = endOf(owner, from ?? owner.primaryKey, node);
  const there = endOf(target, to ?? target.primaryKey, node);
  const many = attribute.type.kind === 'relation' && attribute.type.many;
  const targetName = attribute.type.kind === 'relation' ? attribute.type.table : '';
  if (to !== undefined && !many) {
    throw schemaError(
      field.type,
      `@relationship(${from ? 'from, ' : ''}to: ${to}) may find several records: its type is [${targetName}].`,
    );
  }
  if (to === undefined && here.isList !== many) {
    const right = here.isList
      ? `[${targetName}], because "${from}" is a list`
      : `${targetName}, because "${from}" is a single value`;
    throw schemaError(field.type, `The type of this relationship is ${right}.`);
  }
  if (!comparable(here.scalar, there.scalar)) {
    throw schemaError(
      node,
      `"${owner.name}.${from ?? owner.primaryKey}" (${here.scalar}) can never equal "${target.name}.${to ?? target.primaryKey}" (${there.scalar}).`,
    );
  }
}

function endOf(
  table: TableDefinition,
  name: string,
  node: ConstDirectiveNode,
): { scalar: ScalarType; isList: boolean } {
  const attribute = table.attributes.find((attribute) => attribute.name === name);
  if (!attribute) throw schemaError(node, `The table "${table.name}" has no attribute "${name}".`);
  const { type } = attribute;
  const element = type.kind === 'list' ? type.of : type;
  if (attribute.computed || element.kind !== 'scalar' || element.scalar === 'Bytes' || element.scalar === 'Blob') {
    throw schemaError(
      node,
      `"${table.name}.${name}" can not link tables: it takes a stored scalar or list of scalars.`,
    );
  }
  return { scalar: element.scalar, isList: type.kind === 'list' };
}

function comparable(a: ScalarType, b: ScalarType): boolean {
  return a === 'Any' || b === 'Any' || family(a) === family(b);
}

/** Types whose values can be equal. BigInt stands alone: it is compared as text. */
function family(scalar: ScalarType): string {
  if (scalar === 'ID' || scalar === 'String') return 'text';
  if (scalar === 'Int' || scalar === 'Long' || scalar === 'Float') return 'number';
  return scalar;
}
