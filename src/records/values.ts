// One value of an attribute, from what callers hand in to how a body holds it:
//
//   Date   ISO 8601 text in UTC with milliseconds        BigInt  bigint, written as plain digits
//   Bytes  base64 text                                   Blob    { $blob, size, type }, the bytes being stored already
//   Any    JSON, with Dates as ISO text, Maps as objects, Sets as lists, bytes as base64, bigints as digits
//
// A converter throws `Misfit`, which says what was wrong and where inside the value.

import { type ExactJson, type Json, limits } from '../base/index.ts';
import type { Attribute, AttributeType, ScalarType } from '../schema/index.ts';

/** Null and undefined are the caller's business. */
export type Converter = (value: unknown) => Json;

/** A value that does not fit. `path` leads from the attribute to it, innermost first. */
export class Misfit extends Error {
  readonly path: (string | number)[] = [];

  constructor(value: unknown, allowed: string) {
    super(`${shown(value)}; it takes ${allowed}`);
  }
}

/** Digits of the largest BigInt. */
const maxDigits = 300;
const maxInt = 2 ** 31 - 1;

/** What turns values of `type` into JSON. A record's relations have none: they are never stored. */
export function converterOf(type: AttributeType): Converter {
  switch (type.kind) {
    case 'scalar':
      return scalarConverters[type.scalar];
    case 'list':
      return listConverter(converterOf(type.of), type.itemRequired);
    case 'object':
      return objectConverter(type.attributes, type.sealed);
    case 'relation':
      return toAny;
  }
}

const toText: Converter = (value) => {
  if (typeof value === 'string') return value;
  throw new Misfit(value, 'text');
};

/** CBOR and MessagePack hand in 64-bit integers as bigints. */
function toNumber(value: unknown): unknown {
  return typeof value === 'bigint' && value >= -maxSafe && value <= maxSafe ? Number(value) : value;
}
const maxSafe = BigInt(Number.MAX_SAFE_INTEGER);

const scalarConverters: Readonly<Record<ScalarType, Converter>> = {
  ID: toText,
  String: toText,
  Int: (given) => {
    const value = toNumber(given);
    if (typeof value === 'number' && Number.isInteger(value) && value <= maxInt && value >= -maxInt - 1) return value;
    throw new Misfit(value, 'an integer of 32 bits');
  },
  Long: (given) => {
    const value = toNumber(given);
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    throw new Misfit(value, 'an integer within ±(2^53 - 1)');
  },
  Float: (given) => {
    const value = typeof given === 'bigint' ? Number(given) : given;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw new Misfit(value, 'a finite number');
  },
  BigInt: (value) => {
    const integer = toBigInt(value);
    if (integer !== undefined) return exact(integer);
    throw new Misfit(value, `an integer of at most ${maxDigits} digits (beyond ±(2^53 - 1) as a bigint or as text)`);
  },
  Boolean: (value) => {
    if (typeof value === 'boolean') return value;
    throw new Misfit(value, 'true or false');
  },
  Date: (value) => {
    const date = toDate(value);
    if (date) return date.toISOString();
    throw new Misfit(value, 'a Date, ms since 1970 or an ISO 8601 time, in the years 0 to 9999');
  },
  Bytes: (value) => {
    const bytes = toBase64(value);
    if (bytes !== undefined) return bytes;
    throw new Misfit(value, 'bytes or base64 text');
  },
  Blob: (value) => {
    if (isBlobReference(value)) return { $blob: value.$blob, size: value.size, type: value.type };
    throw new Misfit(value, 'a Blob, bytes, text or a stream');
  },
  Any: toAny,
};

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value === 'string') return /^-?\d{1,300}$/.test(value) ? BigInt(value) : undefined;
  if (typeof value !== 'bigint') return undefined;
  return value > -bigIntBound && value < bigIntBound ? value : undefined;
}
const bigIntBound = 10n ** BigInt(maxDigits);

const isoTime = /^(\d{4})-(\d\d)(?:-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?$/;

/** Text without a time zone is UTC. */
function toDate(value: unknown): Date | undefined {
  const date = typeof value === 'number' ? new Date(value) : typeof value === 'string' ? parseTime(value) : value;
  // An invalid date has the year NaN.
  return date instanceof Date && date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9999 ? date : undefined;
}

function parseTime(text: string): Date | undefined {
  const [, year, month, day, zone] = isoTime.exec(text) ?? [];
  if (year === undefined) return undefined;
  // Date itself would roll February 30 over into March.
  const lastDay = new Date(`${year}-${month}-01T00:00Z`);
  lastDay.setUTCMonth(lastDay.getUTCMonth() + 1, 0);
  if (Number(day ?? 1) > lastDay.getUTCDate()) return undefined;
  return new Date(text.length > 10 && zone === undefined ? `${text.replace(' ', 'T')}Z` : text.replace(' ', 'T'));
}

function toBase64(value: unknown): string | undefined {
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return Buffer.from(value).toString('base64');
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return undefined;
  const normal = Buffer.from(value, 'base64').toString('base64');
  return normal.replace(/=+$/, '') === value.replace(/=+$/, '') ? normal : undefined;
}

function isBlobReference(value: unknown): value is { $blob: string; size: number; type: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    '$blob' in value &&
    typeof value.$blob === 'string' &&
    'size' in value &&
    typeof value.size === 'number' &&
    'type' in value &&
    typeof value.type === 'string'
  );
}

function listConverter(item: Converter, itemRequired: boolean): Converter {
  return (given) => {
    const list = given instanceof Set ? [...given] : given;
    if (!Array.isArray(list)) throw new Misfit(given, 'a list');
    const result: Json[] = [];
    for (let index = 0; index < list.length; index++) {
      result.push(within(index, () => convertItem(list[index], item, itemRequired)));
    }
    return result;
  };
}

function convertItem(value: unknown, item: Converter, required: boolean): Json {
  if (value === undefined) throw new Misfit(value, 'lists without gaps');
  if (value !== null) return item(value);
  if (required) throw new Misfit(value, 'a value other than null');
  return null;
}

function objectConverter(attributes: readonly Attribute[], sealed: boolean): Converter {
  const known = new Map(
    attributes.map(({ name, type, required }) => [name, { required, convert: converterOf(type) }] as const),
  );
  const required = attributes.filter((attribute) => attribute.required).map(({ name }) => name);
  return (given) => {
    const source = plainObject(given);
    if (!source) throw new Misfit(given, 'an object');
    const result: Record<string, Json> = {};
    for (const name of Object.keys(source)) {
      const value = source[name];
      if (value === undefined) continue;
      result[name] = within(name, () => {
        const field = known.get(name);
        if (field) return value === null && !field.required ? null : convertItem(value, field.convert, field.required);
        if (sealed || name === '__proto__') throw new Misfit(value, 'declared properties only');
        return anyOrNull(value, 1);
      });
    }
    for (const name of required) {
      if (!Object.hasOwn(result, name)) within(name, () => convertItem(null, toAny, true));
    }
    return result;
  };
}

/** Any value that JSON, CBOR or MessagePack can carry. */
export function toAny(value: unknown): Json {
  return anyOrNull(value, 0);
}

function anyOrNull(value: unknown, depth: number): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      break;
    case 'bigint':
      if (value > -bigIntBound && value < bigIntBound) return exact(value);
      break;
    case 'object':
      return value === null ? null : anyObject(value, depth);
  }
  throw new Misfit(value, 'what JSON can hold');
}

function anyObject(value: object, depth: number): Json {
  if (depth >= limits.recordDepth)
    throw new Misfit(value, `objects and lists nested ${limits.recordDepth} deep at most`);
  if (value instanceof Set) return anyObject([...value], depth);
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    return Array.from(list, (item, index) =>
      within(index, () => convertItem(item, (item) => anyOrNull(item, depth + 1), false)),
    );
  }
  if (value instanceof Date) return scalarConverters.Date(value);
  const bytes = toBase64(value);
  if (bytes !== undefined) return bytes;
  if ('toJSON' in value && typeof value.toJSON === 'function') return anyOrNull(value.toJSON(), depth + 1);
  const source = plainObject(value);
  if (!source) throw new Misfit(value, 'what JSON can hold');
  const result: Record<string, Json> = {};
  for (const name of Object.keys(source)) {
    const property = source[name];
    if (property === undefined) continue;
    result[name] = within(name, () => {
      if (name === '__proto__') throw new Misfit(property, 'other property names');
      return anyOrNull(property, depth + 1);
    });
  }
  return result;
}

/** Objects with properties, and Maps, as objects; undefined for all else, such as a Promise nobody awaited. */
export function plainObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
    return undefined;
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), item]));
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isPlain && Object.keys(value).length === 0) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

/** Bodies hold bigints where the JSON text has plain digits; the type of JSON does not say so. */
function exact(value: ExactJson): Json {
  return value as Json;
}

function within<T>(step: string | number, convert: () => T): T {
  try {
    return convert();
  } catch (error) {
    if (error instanceof Misfit) error.path.push(step);
    throw error;
  }
}

function shown(value: unknown): string {
  if (value === undefined) return 'is missing';
  if (value === null) return 'is null';
  if (typeof value === 'string')
    return `is the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`;
  if (typeof value === 'number' || typeof value === 'boolean') return `is ${value}`;
  if (typeof value === 'bigint') return `is ${String(value).slice(0, 60)}`;
  if (Array.isArray(value)) return 'is a list';
  return typeof value === 'object'
    ? `is an object (${value.constructor?.name ?? 'without prototype'})`
    : `is a ${typeof value}`;
}
