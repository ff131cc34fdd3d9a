// Types by name, and how a field's type is read: scalars, lists, nested objects, relations to tables.

import { Kind, type ObjectTypeDefinitionNode, type TypeNode } from 'graphql/language/index.js';
import { nearest } from '../base/index.ts';
import { type Directive, fieldDirectives, readDirectives, schemaError, type typeDirectives } from './sdl-directives.ts';
import { type Attribute, type AttributeType, type ScalarType, scalarTypes } from './types.ts';

/** An object type as written. `table`: where it is kept, for types with @table. */
export interface NamedType {
  readonly node: ObjectTypeDefinitionNode;
  readonly directives: ReadonlyMap<keyof typeof typeDirectives, Directive>;
  readonly table?: { readonly name: string; readonly database: string };
}

export type Types = ReadonlyMap<string, NamedType>;

/** Lists within lists in one field's type. */
const maxListDepth = 8;
/** How often a type may occur inside itself; what lies deeper is Any. */
const maxRecursion = 4;
/** Fields of nested objects below one field of a table, recursion unrolled. */
const maxNestedFields = 10_000;

export function scalarOf(name: string): ScalarType | undefined {
  return scalarTypes.find((scalar) => scalar === name);
}

/** Where the reading of nested types is: the types around, those that must occur in each other, fields left. */
interface Nesting {
  readonly path: readonly string[];
  readonly forced: readonly string[];
  readonly budget: { left: number };
}

/** The type of a field that is no relationship. */
export function readType(node: TypeNode, types: Types): { type: AttributeType; required: boolean } {
  return readNested(node, types, { path: [], forced: [], budget: { left: maxNestedFields } }, 0);
}

/** The name at the heart of a field's type and how many lists are around it. */
export function innermostType(node: TypeNode): { name: string; lists: number } {
  if (node.kind === Kind.NON_NULL_TYPE) return innermostType(node.type);
  if (node.kind === Kind.NAMED_TYPE) return { name: node.name.value, lists: 0 };
  const inner = innermostType(node.type);
  return { name: inner.name, lists: inner.lists + 1 };
}

function readNested(
  node: TypeNode,
  types: Types,
  nesting: Nesting,
  lists: number,
): { type: AttributeType; required: boolean } {
  if (node.kind === Kind.NON_NULL_TYPE) {
    return { type: readNullable(node.type, types, nesting, lists), required: true };
  }
  return { type: readNullable(node, types, { ...nesting, forced: [] }, lists), required: false };
}

function readNullable(
  node: Exclude<TypeNode, { kind: Kind.NON_NULL_TYPE }>,
  types: Types,
  nesting: Nesting,
  lists: number,
): AttributeType {
  if (node.kind === Kind.LIST_TYPE) {
    if (lists === maxListDepth) throw schemaError(node, `Lists can be nested ${maxListDepth} deep at most.`);
    const item = readNested(node.type, types, { ...nesting, forced: [] }, lists + 1);
    return { kind: 'list', of: item.type, itemRequired: item.required };
  }
  const name = node.name.value;
  const scalar = scalarOf(name);
  if (scalar) {
    if (scalar === 'Blob' && (lists > 0 || nesting.path.length > 0)) {
      throw schemaError(node, 'A Blob is only possible as a field of a @table type, not in lists or nested objects.');
    }
    return { kind: 'scalar', scalar };
  }
  const type = types.get(name);
  if (!type) throw schemaError(node, `Unknown type "${name}". ${suggestion(name, types)}`);
  if (type.table) {
    throw schemaError(
      node,
      `"${name}" is a table: say how its records are found with @relationship(from: ...) or (to: ...).`,
    );
  }
  if (nesting.forced.includes(name)) throw schemaError(node, `A required "${name}" inside "${name}" has no end.`);
  if (nesting.path.filter((outer) => outer === name).length === maxRecursion) return { kind: 'scalar', scalar: 'Any' };
  return {
    kind: 'object',
    name,
    attributes: readObjectFields(type, types, {
      ...nesting,
      path: [...nesting.path, name],
      forced: [...nesting.forced, name],
    }),
    sealed: type.directives.has('sealed'),
  };
}

function readObjectFields({ node }: NamedType, types: Types, nesting: Nesting): Attribute[] {
  const names = new Set<string>();
  return (node.fields ?? []).map((field): Attribute => {
    const name = field.name.value;
    checkFieldName(field, names);
    const directives = readDirectives(field.directives, fieldDirectives);
    for (const [directive, { node }] of directives) {
      if (directive !== 'hidden') throw schemaError(node, `@${directive} belongs on a field of a @table type.`);
    }
    nesting.budget.left--;
    if (nesting.budget.left < 0) {
      throw schemaError(field, `Nested objects have more than ${maxNestedFields} fields, recursion unrolled. Use Any.`);
    }
    const { type, required } = readNested(field.type, types, nesting, 0);
    return {
      ...plainAttribute(name, type),
      required,
      hidden: directives.has('hidden'),
      ...(field.description && { description: field.description.value }),
    };
  });
}

/** An attribute with nothing special about it. */
export function plainAttribute(name: string, type: AttributeType): Attribute {
  return { name, type, required: false, indexed: false, unique: false, fulltext: false, hidden: false };
}

/** Refuses fields with arguments, doubles, and the one name that no JS object can hold safely. */
export function checkFieldName(
  field: NonNullable<ObjectTypeDefinitionNode['fields']>[number],
  names: Set<string>,
): void {
  const name = field.name.value;
  const [argument] = field.arguments ?? [];
  if (argument) throw schemaError(argument, 'Fields can not have arguments.');
  if (names.has(name)) throw schemaError(field.name, `The field "${name}" is defined twice.`);
  if (name === '__proto__') throw schemaError(field.name, 'A field can not be called "__proto__".');
  names.add(name);
}

function suggestion(name: string, types: Types): string {
  const all = [...scalarTypes, ...types.keys()];
  const near = nearest(name, all);
  return near ? `Did you mean ${near}?` : `There are ${scalarTypes.join(', ')} and the types of this schema.`;
}
