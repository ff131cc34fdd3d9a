// A record's JSON text → the record as app code sees it: Dates, bytes and bigints as such, frozen.

import { parseExact } from '../base/index.ts';
import type { AttributeType, ScalarType, TableDefinition } from '../schema/index.ts';

type Reviver = (value: unknown) => unknown;

export type RecordDecoder = (body: string) => Readonly<Record<string, unknown>>;

/**
 * Integers beyond ±(2^53 - 1) in attributes of type Any and in undeclared ones come back as bigints. Blobs stay the references they are.
 */
export function compileDecoder(definition: TableDefinition): RecordDecoder {
  const revivers = definition.attributes.flatMap(({ name, type }) => {
    const revive = reviverOf(type);
    return revive ? [{ name, revive }] : [];
  });
  return (body) => {
    const record = objectFrom(body);
    for (const { name, revive } of revivers) {
      if (Object.hasOwn(record, name)) record[name] = revive(record[name]);
    }
    return freeze(record);
  };
}

const scalarRevivers: Partial<Record<ScalarType, Reviver>> = {
  // A large float is written like an integer.
  Float: (value) => (typeof value === 'bigint' ? Number(value) : value),
  BigInt: (value) => (Number.isInteger(value) ? BigInt(value as number) : value),
  Date: (value) => (typeof value === 'string' ? dateFrom(value) : value),
  Bytes: (value) => (typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : value),
};

function dateFrom(text: string): Date | string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date;
}

/** Undefined where JSON values are what app code sees. A value that does not fit, from before a schema change, stays as it is. */
function reviverOf(type: AttributeType): Reviver | undefined {
  if (type.kind === 'scalar') return scalarRevivers[type.scalar];
  if (type.kind === 'list') {
    const revive = reviverOf(type.of);
    return revive && ((list) => (Array.isArray(list) ? list.map(revive) : list));
  }
  if (type.kind === 'relation') return undefined;
  const revivers = type.attributes.flatMap(({ name, type }) => {
    const revive = reviverOf(type);
    return revive ? [{ name, revive }] : [];
  });
  if (revivers.length === 0) return undefined;
  return (object) => {
    if (!isObject(object)) return object;
    for (const { name, revive } of revivers) {
      if (Object.hasOwn(object, name)) object[name] = revive(object[name]);
    }
    return object;
  };
}

function objectFrom(body: string): Record<string, unknown> {
  return parseExact(body) as Record<string, unknown>;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Freezes an object and all in it, except bytes, which can't be. */
function freeze<T extends object>(object: T): Readonly<T> {
  for (const value of Object.values(object)) {
    if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) freeze(value);
  }
  return Object.freeze(object);
}
