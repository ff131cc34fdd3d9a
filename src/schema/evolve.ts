// From one definition of a table to the next: what changes, for whoever keeps the data. Pure; nothing in it ever drops data:
// attributes that are gone stay in the stored bodies, and come back when they are declared again.

import { ZerohopError } from '../base/index.ts';
import type { Attribute, AttributeType, ScalarType, TableDefinition } from './types.ts';

export type SchemaChange =
  | { readonly kind: 'tableAdded' }
  /** Only when the table is empty. */
  | { readonly kind: 'primaryKeyChanged'; readonly before: string; readonly after: string }
  /** Settings that no stored data depends on: expiration, export, sealed, descriptions, and the like. */
  | { readonly kind: 'settingsChanged' }
  | { readonly kind: 'attributeAdded'; readonly attribute: Attribute }
  | { readonly kind: 'attributeRemoved'; readonly attribute: Attribute }
  /** Values written from now on are of another type; stored ones stay as they are, but columns and indexes hold them differently. */
  | AttributeChange<'typeChanged'>
  /** `indexed` or `unique`. */
  | AttributeChange<'indexChanged'>
  /** Another expression or version, or computed where it was stored, or the reverse: indexed values are to be computed anew. */
  | AttributeChange<'computedChanged'>
  /** Names of the @fulltext attributes, in the order of the definition. */
  | { readonly kind: 'fulltextChanged'; readonly before: readonly string[]; readonly after: readonly string[] };

interface AttributeChange<Kind extends string> {
  readonly kind: Kind;
  readonly before: Attribute;
  readonly attribute: Attribute;
}

/**
 * What is different between two definitions of one table, tables first, then attributes in their order.
 * @param isPopulated whether the table has records: then another primary key is refused with INVALID_SCHEMA
 */
export function evolve(
  before: TableDefinition | undefined,
  next: TableDefinition,
  isPopulated: boolean,
): SchemaChange[] {
  if (!before) return [{ kind: 'tableAdded' }];
  const changes: SchemaChange[] = [];
  if (changesPrimaryKey(before, next)) {
    if (isPopulated) throw primaryKeyRefusal(before, next);
    changes.push({ kind: 'primaryKeyChanged', before: before.primaryKey, after: next.primaryKey });
  }
  if (settings(before) !== settings(next)) changes.push({ kind: 'settingsChanged' });
  const known = new Map(before.attributes.map((attribute) => [attribute.name, attribute]));
  for (const attribute of next.attributes) {
    const old = known.get(attribute.name);
    if (old) changes.push(...attributeChanges(old, attribute));
    else changes.push({ kind: 'attributeAdded', attribute });
    known.delete(attribute.name);
  }
  for (const attribute of known.values()) changes.push({ kind: 'attributeRemoved', attribute });
  const fulltext = { before: fulltextNames(before), after: fulltextNames(next) };
  if (!sameJson(fulltext.before, fulltext.after)) changes.push({ kind: 'fulltextChanged', ...fulltext });
  return changes;
}

function attributeChanges(before: Attribute, attribute: Attribute): SchemaChange[] {
  const changes: SchemaChange[] = [];
  if (!sameJson(before.type, attribute.type)) changes.push({ kind: 'typeChanged', before, attribute });
  if (before.indexed !== attribute.indexed || before.unique !== attribute.unique) {
    changes.push({ kind: 'indexChanged', before, attribute });
  }
  if (!sameJson(before.computed, attribute.computed)) changes.push({ kind: 'computedChanged', before, attribute });
  return changes;
}

/** Types whose ids are alike: text, integers. */
function keyFamily(type: AttributeType | undefined): ScalarType | undefined {
  const scalar = type?.kind === 'scalar' ? type.scalar : undefined;
  return scalar === 'ID' ? 'String' : scalar === 'Int' ? 'Long' : scalar;
}

/** Another attribute, or ids of the old type that the new one can't hold. */
function changesPrimaryKey(before: TableDefinition, next: TableDefinition): boolean {
  if (before.primaryKey !== next.primaryKey) return true;
  const [old, now] = [keyType(before), keyType(next)];
  // Text that looks like a number would be another id in a key of type Any.
  if (keyFamily(now) === 'Any' && keyFamily(old) === 'Long') return false;
  const narrows = old?.kind === 'scalar' && old.scalar === 'Long' && now?.kind === 'scalar' && now.scalar === 'Int';
  return narrows || keyFamily(old) !== keyFamily(now);
}

function keyType(definition: TableDefinition): AttributeType | undefined {
  return definition.attributes.find((attribute) => attribute.name === definition.primaryKey)?.type;
}

function primaryKeyRefusal(before: TableDefinition, next: TableDefinition): ZerohopError {
  const described = (definition: TableDefinition) => {
    const type = keyType(definition);
    return `"${definition.primaryKey}" (${type?.kind === 'scalar' ? type.scalar : 'unknown'})`;
  };
  return new ZerohopError(
    'INVALID_SCHEMA',
    `The table "${next.name}" of database "${next.database}" has records with the primary key ${described(before)}; it can not become ` +
      `${described(next)}. Keep the primary key, or give the table another name and copy the records.`,
    { database: next.database, table: next.name },
  );
}

function settings({ attributes: _, primaryKey: __, ...rest }: TableDefinition): string {
  return JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function fulltextNames(definition: TableDefinition): string[] {
  return definition.attributes.filter(({ fulltext }) => fulltext).map(({ name }) => name);
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
