// Values of indexed computed attributes: what is stored beside a record for its indexes.

import type { JsonObject } from '../base/index.ts';
import { type Attribute, compileExpression, type TableDefinition } from '../schema/index.ts';
import { compileDecoder } from './decode.ts';
import { encodeComputed } from './encode.ts';

export type Compute = (record: Readonly<Record<string, unknown>>) => unknown;

/** Computed attributes whose values an index holds. */
export function indexedComputed(definition: TableDefinition): Attribute[] {
  return definition.attributes.filter(
    (attribute) => attribute.computed && (attribute.indexed || attribute.unique || attribute.fulltext),
  );
}

/** The functions of all computed attributes that are given as expressions. */
export function computedExpressions(definition: TableDefinition): Map<string, Compute> {
  const names = definition.attributes.map(({ name }) => name);
  return new Map(
    definition.attributes.flatMap(({ name, computed }) =>
      computed?.from === undefined ? [] : [[name, compileExpression(computed.from, names)] as const],
    ),
  );
}

/**
 * From a record's JSON text to the values its indexes need; null when there are none, or when one of them is a function that only
 * the app has.
 */
export function compileIndexedValues(definition: TableDefinition): ((body: string) => JsonObject) | null {
  const attributes = indexedComputed(definition);
  const expressions = computedExpressions(definition);
  if (attributes.length === 0 || attributes.some(({ name }) => !expressions.has(name))) return null;
  const decode = compileDecoder(definition);
  return (body) => {
    const record = decode(body);
    return Object.fromEntries(
      attributes.map((attribute) => [
        attribute.name,
        encodeComputed(definition, attribute, expressions.get(attribute.name)?.(record)),
      ]),
    );
  };
}
