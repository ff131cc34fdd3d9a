// Values of indexed computed attributes: what is stored beside a record for its indexes.

import { type Json, type JsonObject, ZerohopError } from '../base/index.ts';
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

/** The value of a computed attribute, as JSON. Throws APPLICATION_ERROR when its function does. */
export function computeValue(
  definition: TableDefinition,
  attribute: Attribute,
  compute: Compute,
  record: Readonly<Record<string, unknown>>,
): Json {
  let value: unknown;
  try {
    value = compute(record);
  } catch (error) {
    if (error instanceof ZerohopError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ZerohopError(
      'APPLICATION_ERROR',
      `The computed attribute ${definition.name}.${attribute.name} failed: ${reason}. Let it return null where there is no value.`,
      { attribute: attribute.name },
    );
  }
  return encodeComputed(definition, attribute, value);
}

/** @param lenient values that can't be computed are null; else the first throws */
export type IndexedValues = (body: string, lenient?: boolean) => JsonObject;

/**
 * From a record's JSON text to the values its indexes need; null when there are none, or when one of them is a function that only
 * the app has.
 */
export function compileIndexedValues(definition: TableDefinition): IndexedValues | null {
  const attributes = indexedComputed(definition);
  const expressions = computedExpressions(definition);
  const computations = attributes.flatMap((attribute) => {
    const compute = expressions.get(attribute.name);
    return compute ? [{ attribute, compute }] : [];
  });
  if (attributes.length === 0 || computations.length < attributes.length) return null;
  const decode = compileDecoder(definition);
  return (body, lenient = false) => {
    const record = decode(body);
    const computedValue = (attribute: Attribute, compute: Compute) => {
      try {
        return computeValue(definition, attribute, compute, record);
      } catch (error) {
        if (lenient && error instanceof ZerohopError) return null;
        throw error;
      }
    };
    return Object.fromEntries(
      computations.map(({ attribute, compute }) => [attribute.name, computedValue(attribute, compute)]),
    );
  };
}
