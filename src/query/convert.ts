// Values of conditions → the type of the attribute they are compared with. Text comes from URLs, other values from code.

import { type Json, shown, ZerohopError } from '../base/index.ts';
import type { AttributeType, ScalarType } from '../schema/index.ts';
import type { Comparator } from './types.ts';

const explicitPrefix = /^(number|boolean|string|date):/;
/** As JSON writes numbers: no leading zeros, so that "007" stays text. */
const jsonNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/** The scalar that conditions on an attribute of this type compare with; null when it has no comparable values. */
export function comparedScalar(type: AttributeType): ScalarType | null {
  if (type.kind === 'list') return type.of.kind === 'list' ? null : comparedScalar(type.of);
  if (type.kind !== 'scalar' || type.scalar === 'Bytes' || type.scalar === 'Blob') return null;
  return type.scalar;
}

/** Comparators that look inside text: their value is text whatever the attribute's type. */
export function isTextComparator(comparator: Comparator): boolean {
  return comparator === 'starts_with' || comparator === 'contains' || comparator === 'ends_with' || comparator === 'ft';
}

/**
 * Text of a URL → a value of the attribute's type.
 * @param raw as in the URL: a type prefix counts only with its colon not percent-encoded
 * @param text `raw`, decoded
 * @param auto whether an untyped attribute's value may be a number or boolean (the operators other than `=`, `===`, `!==`)
 */
export function valueFromText(
  raw: string,
  text: string,
  scalar: ScalarType,
  auto: boolean,
  name: string,
): Json | bigint {
  const prefix = explicitPrefix.exec(raw)?.[1];
  if (prefix) return valueFromPrefixed(prefix, text.slice(prefix.length + 1), scalar, name);
  if (text === 'null') return null;
  if (scalar !== 'Any') return scalarFromText(text, scalar, name);
  if (!auto) return text;
  if (text === 'true' || text === 'false') return text === 'true';
  return jsonNumber.test(text) && Number.isFinite(Number(text)) ? Number(text) : text;
}

function valueFromPrefixed(prefix: string, text: string, scalar: ScalarType, name: string): Json | bigint {
  switch (prefix) {
    case 'string':
      if (scalar === 'ID' || scalar === 'String' || scalar === 'Any' || scalar === 'Date') {
        return scalar === 'Date' ? dateFrom(text, name) : text;
      }
      break;
    case 'number':
      if (scalar === 'BigInt') return bigIntFrom(text, name);
      if (isNumeric(scalar) || scalar === 'Any') return numberFrom(text, name);
      if (scalar === 'Date') return dateFrom(numberFrom(text, name), name);
      break;
    case 'boolean':
      if (scalar === 'Boolean' || scalar === 'Any') return booleanFrom(text, name);
      break;
    default:
      if (scalar === 'Date' || scalar === 'Any') return dateFrom(text, name);
      if (isNumeric(scalar)) return Date.parse(dateFrom(text, name));
  }
  throw new ZerohopError(
    'INVALID_QUERY',
    `"${name}" is of type ${scalar}, so "${prefix}:${text}" can't be compared with it.`,
    {
      attribute: name,
    },
  );
}

function scalarFromText(text: string, scalar: ScalarType, name: string): Json | bigint {
  if (isNumeric(scalar)) return numberFrom(text, name);
  if (scalar === 'BigInt') return bigIntFrom(text, name);
  if (scalar === 'Boolean') return booleanFrom(text, name);
  if (scalar === 'Date') return dateFrom(jsonNumber.test(text) ? Number(text) : text, name);
  return text;
}

/** A value from code → a value of the attribute's type. Numbers and text convert where nothing is lost. */
export function valueFromCode(value: unknown, scalar: ScalarType, name: string): Json | bigint {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) {
    return isNumeric(scalar) ? value.getTime() : dateFrom(value.getTime(), name);
  }
  if (scalar === 'Date' && (typeof value === 'number' || typeof value === 'string')) return dateFrom(value, name);
  if (scalar === 'BigInt' && (typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint')) {
    return bigIntFrom(String(value), name);
  }
  if (typeof value === 'bigint') return scalar === 'ID' || scalar === 'String' ? String(value) : Number(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw wrongValue(value, 'a finite number', name);
    if (isNumeric(scalar) || scalar === 'Any') return value;
    if (scalar === 'ID' || scalar === 'String') return String(value);
  }
  if (typeof value === 'string') return scalar === 'Any' ? value : scalarFromText(value, scalar, name);
  if (typeof value === 'boolean' && (scalar === 'Boolean' || scalar === 'Any')) return value;
  throw wrongValue(value, `a value of type ${scalar}`, name);
}

function isNumeric(scalar: ScalarType): boolean {
  return scalar === 'Int' || scalar === 'Long' || scalar === 'Float';
}

function numberFrom(text: string, name: string): number {
  const number = Number(text);
  if (text.trim() !== text || text === '' || !Number.isFinite(number)) throw wrongValue(text, 'a number', name);
  return number;
}

function bigIntFrom(text: string, name: string): bigint {
  if (!/^-?[0-9]{1,400}$/.test(text)) throw wrongValue(text, 'a whole number', name);
  return BigInt(text);
}

function booleanFrom(text: string, name: string): boolean {
  if (text !== 'true' && text !== 'false') throw wrongValue(text, 'true or false', name);
  return text === 'true';
}

/** ISO 8601 in UTC with milliseconds, as columns hold dates. */
function dateFrom(value: string | number, name: string): string {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) throw wrongValue(value, 'a date such as 2024-01-05T20:07:27.955Z', name);
  return date.toISOString();
}

function wrongValue(value: unknown, expected: string, name: string): ZerohopError {
  const text = typeof value === 'string' ? `"${value}"` : shown(value);
  return new ZerohopError('INVALID_QUERY', `"${name}" needs ${expected}, not ${text}.`, { attribute: name });
}
