// One type with @table → a table definition.

import type { FieldDefinitionNode } from 'graphql/language/index.js';
import { compileExpression } from './expression.ts';
import {
  booleanArgument,
  type Directive,
  fieldDirectives,
  numberArgument,
  readDirectives,
  schemaError,
  stringArgument,
} from './sdl-directives.ts';
import { type Relationship, readRelationship } from './sdl-relationships.ts';
import { checkFieldName, type NamedType, plainAttribute, readType, type Types } from './sdl-types.ts';
import type { Attribute, AttributeRole, AttributeType, ScalarType, TableDefinition } from './types.ts';

/** Table and database names: printable ASCII without slash and backtick. */
const namePattern = /^[\x20-\x2E\x30-\x5F\x61-\x7E]{1,128}$/;
/** A database is a file of that name. */
const databasePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** The sweep period of tables where only single records say when they expire. */
const defaultScanIntervalMs = 60_000;
const minScanIntervalMs = 1_000;

type FieldDirectives = ReadonlyMap<keyof typeof fieldDirectives, Directive>;

/** Reads the table of `type`; its relationships go to `relationships`, to be checked when all tables are known. */
export function readTable(type: NamedType, types: Types, relationships: Relationship[]): TableDefinition {
  const { node, directives } = type;
  const table = directives.get('table');
  const { name, database } = checkNames(type);
  const { attributes, primaryKey } = readAttributes(type, types, relationships);
  const exported = directives.get('export');
  const exportName = exported && readExportName(exported, node.name.value);
  return {
    database,
    name,
    primaryKey,
    attributes,
    sealed: directives.has('sealed'),
    ...readLifetime(table, attributes),
    replicate: booleanArgument(table, 'replicate') ?? true,
    ...readCopies(table, attributes),
    audit: booleanArgument(table, 'audit') ?? true,
    ...(exportName !== undefined && { exportName }),
    hidden: directives.has('hidden'),
    ...(node.description && { description: node.description.value }),
  };
}

function checkNames({ node, directives, table }: NamedType): { name: string; database: string } {
  const at = directives.get('table')?.node ?? node;
  const { name, database } = table ?? { name: node.name.value, database: 'data' };
  if (!namePattern.test(name)) {
    throw schemaError(
      at,
      `The table name ${JSON.stringify(name)} is not possible: 1 to 128 printable ASCII characters, no / and no backtick.`,
    );
  }
  if (!databasePattern.test(database)) {
    throw schemaError(
      at,
      `The database name ${JSON.stringify(database)} is not possible: 1 to 64 letters, digits, _ and -, starting with a letter or digit.`,
    );
  }
  if (database === 'system')
    throw schemaError(at, 'The database "system" belongs to the runtime; choose another name.');
  return { name, database };
}

function readExportName(exported: Directive, typeName: string): string {
  const name = stringArgument(exported, 'name') ?? typeName;
  if (!/^[^\s/?#%\p{Cc}]{1,128}$/u.test(name) || name === '.' || name === '..') {
    throw schemaError(
      exported.node,
      `${JSON.stringify(name)} can not be an export name: it is one segment of a URL path, without spaces and / ? # %.`,
    );
  }
  return name;
}

function readLifetime(
  table: Directive | undefined,
  attributes: readonly Attribute[],
): Pick<TableDefinition, 'expirationMs' | 'evictionMs' | 'scanIntervalMs'> {
  const expirationMs = readSeconds(table, 'expiration', false);
  const evictionMs = readSeconds(table, 'eviction', true);
  const scanIntervalMs = readSeconds(table, 'scanInterval', false);
  const expires = expirationMs !== undefined || attributes.some((attribute) => attribute.role === 'expiresAt');
  if (!expires) {
    return { ...(evictionMs !== undefined && { evictionMs }), ...(scanIntervalMs !== undefined && { scanIntervalMs }) };
  }
  const defaultMs =
    expirationMs === undefined ? defaultScanIntervalMs : Math.round((expirationMs + (evictionMs ?? 0)) / 4);
  return {
    ...(expirationMs !== undefined && { expirationMs }),
    evictionMs: evictionMs ?? 0,
    scanIntervalMs: Math.max(minScanIntervalMs, scanIntervalMs ?? defaultMs),
  };
}

/** What a node that has only some of the records can not see to. */
function readCopies(table: Directive | undefined, attributes: readonly Attribute[]): Pick<TableDefinition, 'copies'> {
  const copies = numberArgument(table, 'replicateTo');
  if (table === undefined || copies === undefined) return {};
  const at = table.arguments.get('replicateTo') ?? table.node;
  if (!Number.isSafeInteger(copies) || copies < 1 || copies > mostCopies)
    throw schemaError(at, `"replicateTo" is how many nodes hold each record: a whole number from 1 to ${mostCopies}.`);
  if (booleanArgument(table, 'replicate') === false)
    throw schemaError(at, 'A table with "replicate: false" has no records on other nodes: leave out "replicateTo".');
  const wrong = attributes.find(
    ({ unique, type }) => unique || type.kind === 'relation' || (type.kind === 'scalar' && type.scalar === 'Blob'),
  );
  if (wrong)
    throw schemaError(
      at,
      `"replicateTo" and "${wrong.name}": a table whose records are spread over nodes has no @unique attributes, relationships or Blobs yet.`,
    );
  return { copies };
}

/** Copies of a record, at most. */
const mostCopies = 64;

function readSeconds(table: Directive | undefined, name: string, zeroAllowed: boolean): number | undefined {
  const seconds = numberArgument(table, name);
  if (table === undefined || seconds === undefined) return undefined;
  const ms = Math.round(seconds * 1000);
  if (ms < 0 || (ms === 0 && !zeroAllowed) || !Number.isSafeInteger(ms)) {
    throw schemaError(
      table.arguments.get(name) ?? table.node,
      `"${name}" is a time in seconds, ${zeroAllowed ? 'at least' : 'more than'} 0.`,
    );
  }
  return ms;
}

function readAttributes(
  type: NamedType,
  types: Types,
  relationships: Relationship[],
): { attributes: readonly Attribute[]; primaryKey: string } {
  const names = new Set<string>();
  const attributes: Attribute[] = [];
  const roles = new Set<AttributeRole>();
  let primaryKey: string | undefined;
  for (const field of type.node.fields ?? []) {
    checkFieldName(field, names);
    const directives = readDirectives(field.directives, fieldDirectives);
    const attribute = readAttribute(field, directives, type, types, relationships);
    const marked = directives.get('primaryKey');
    if (marked) {
      if (primaryKey !== undefined) throw schemaError(marked.node, `"${primaryKey}" is the primary key already.`);
      primaryKey = attribute.name;
    }
    if (attribute.role) {
      if (roles.has(attribute.role)) throw schemaError(field, `Two fields of one table have @${attribute.role}.`);
      roles.add(attribute.role);
    }
    attributes.push(attribute);
  }
  for (const attribute of attributes.values()) checkComputed(attribute, names, type);
  if (primaryKey === undefined && !names.has('id')) {
    return { attributes: [plainAttribute('id', { kind: 'scalar', scalar: 'ID' }), ...attributes], primaryKey: 'id' };
  }
  const key = primaryKey ?? 'id';
  return {
    primaryKey: key,
    attributes: attributes.map((attribute) => (attribute.name === key ? checkPrimaryKey(attribute, type) : attribute)),
  };
}

function readAttribute(
  field: FieldDefinitionNode,
  directives: FieldDirectives,
  owner: NamedType,
  types: Types,
  relationships: Relationship[],
): Attribute {
  const common = {
    hidden: directives.has('hidden'),
    ...(field.description && { description: field.description.value }),
  };
  if (directives.has('relationship')) {
    const relationship = readRelationship(field, directives, owner, types);
    relationships.push(relationship);
    return { ...relationship.attribute, ...common };
  }
  const name = field.name.value;
  const { type, required } = readType(field.type, types);
  const role = readRole(field, directives, type);
  const computed = directives.get('computed');
  checkIndexes(directives, type);
  return {
    ...plainAttribute(name, type),
    required: required && !computed,
    // A unique attribute has an index anyway, so queries may count on it.
    indexed: directives.has('indexed') || directives.has('unique'),
    unique: directives.has('unique'),
    fulltext: directives.has('fulltext'),
    ...(role && { role }),
    ...(computed && { computed: readComputed(computed, directives) }),
    ...common,
  };
}

const roleNames = ['createdTime', 'updatedTime', 'expiresAt'] as const;
const timeTypes: readonly ScalarType[] = ['Long', 'Float', 'Date', 'Any'];

function readRole(
  field: FieldDefinitionNode,
  directives: FieldDirectives,
  type: AttributeType,
): AttributeRole | undefined {
  const [role, second] = roleNames.filter((role) => directives.has(role));
  if (!role) return undefined;
  if (second) throw schemaError(field, `@${role} and @${second} can not be on one field.`);
  if (type.kind !== 'scalar' || !timeTypes.includes(type.scalar)) {
    throw schemaError(field, `@${role} holds ms since 1970: its field is of type ${listed(timeTypes)}.`);
  }
  return role;
}

function readComputed(computed: Directive, directives: FieldDirectives): NonNullable<Attribute['computed']> {
  for (const other of ['primaryKey', 'unique', 'fulltext', ...roleNames] as const) {
    const directive = directives.get(other);
    if (directive) throw schemaError(directive.node, `@${other} and @computed can not be on one field.`);
  }
  const from = stringArgument(computed, 'from');
  const version = numberArgument(computed, 'version') ?? 1;
  if (!Number.isSafeInteger(version) || version < 0) {
    throw schemaError(computed.arguments.get('version') ?? computed.node, '"version" is a whole number, 0 or more.');
  }
  return { ...(from !== undefined && { from }), version };
}

function checkComputed(attribute: Attribute, names: ReadonlySet<string>, type: NamedType): void {
  const from = attribute.computed?.from;
  if (from === undefined) return;
  try {
    compileExpression(from, names);
  } catch (error) {
    const field = type.node.fields?.find((field) => field.name.value === attribute.name);
    const reason = error instanceof Error ? error.message : String(error);
    throw schemaError(
      field ?? type.node,
      `The expression of "${attribute.name}", ${from}, is not JavaScript: ${reason}`,
    );
  }
}

const unindexable: readonly ScalarType[] = ['Bytes', 'Blob'];

function checkIndexes(directives: FieldDirectives, type: AttributeType): void {
  const indexed = directives.get('indexed');
  const unique = directives.get('unique');
  const fulltext = directives.get('fulltext');
  const element = type.kind === 'list' ? type.of : type;
  if (indexed && (element.kind !== 'scalar' || unindexable.includes(element.scalar))) {
    throw schemaError(indexed.node, '@indexed is possible on scalars and lists of scalars, except Bytes and Blob.');
  }
  if (unique && (type.kind !== 'scalar' || unindexable.includes(type.scalar))) {
    throw schemaError(unique.node, '@unique is possible on scalars only, except Bytes and Blob.');
  }
  if (fulltext && !(type.kind === 'scalar' && type.scalar === 'String')) {
    throw schemaError(fulltext.node, '@fulltext is possible on fields of type String only.');
  }
}

const keyTypes: readonly ScalarType[] = ['ID', 'String', 'Int', 'Long', 'Any'];

/** The primary key has its own index and is unique as it is: marks saying so again are dropped. */
function checkPrimaryKey(key: Attribute, type: NamedType): Attribute {
  const field = type.node.fields?.find((field) => field.name.value === key.name) ?? type.node;
  if (key.type.kind !== 'scalar' || !keyTypes.includes(key.type.scalar)) {
    throw schemaError(field, `The primary key "${key.name}" is of type ${listed(keyTypes)}.`);
  }
  if (key.role || key.computed || key.fulltext) {
    const wrong = key.role ?? (key.computed ? 'computed' : 'fulltext');
    throw schemaError(field, `The primary key "${key.name}" can not have @${wrong}.`);
  }
  return { ...key, indexed: false, unique: false };
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
