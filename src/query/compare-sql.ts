// One comparison of a SQL value. Values of different kinds (number, text, boolean) are never equal, greater or less.

import { type Json, unreachable } from '../base/index.ts';
import type { ScalarType } from '../schema/index.ts';
import { encodeValue, type SqlValue } from '../storage/index.ts';
import type { PlanBuilder } from './scope.ts';
import type { Comparator } from './types.ts';

type Value = Json | bigint;

/** `expression` must be cheap or a column: it may appear more than once. */
export function compareSql(
  expression: string,
  scalar: ScalarType,
  comparator: Comparator,
  value: Value,
  builder: PlanBuilder,
): string {
  const bind = (item: Value) => builder.bind(encodeValue(scalar, item));
  const textOnly = scalar === 'Any' ? `typeof(${expression}) = 'text' AND ` : '';
  switch (comparator) {
    case 'equals':
      return value === null ? `${expression} IS NULL` : `${expression} = ${bind(value)}`;
    case 'not_equal':
      return value === null ? notNullSql(expression) : `${expression} IS NOT ${bind(value)}`;
    case 'greater_than':
      return `${expression} > ${bind(value)}${sameKind(expression, scalar, value, 'above')}`;
    case 'greater_than_equal':
      return `${expression} >= ${bind(value)}${sameKind(expression, scalar, value, 'above')}`;
    case 'less_than':
      return `${expression} < ${bind(value)}${sameKind(expression, scalar, value, 'below')}`;
    case 'less_than_equal':
      return `${expression} <= ${bind(value)}${sameKind(expression, scalar, value, 'below')}`;
    case 'between': {
      const [low = null, high = null] = listOf(value);
      return (
        `${expression} >= ${bind(low)} AND ${expression} <= ${bind(high)}` +
        (kindOf(low) === kindOf(high) ? '' : ' AND 0')
      );
    }
    case 'in':
      return inSql(expression, scalar, listOf(value), builder);
    case 'starts_with': {
      const low = builder.bind(String(value));
      return `${expression} >= ${low} AND ${expression} < ${builder.bind(afterPrefix(String(value)))}`;
    }
    case 'contains':
      return `${textOnly}instr(${expression}, ${builder.bind(String(value))}) > 0`;
    case 'ends_with': {
      if (value === '') return `${textOnly}${notNullSql(expression)}`;
      // By bytes: `length` and `substr` of text stop at a NUL.
      const length = builder.bind(-Buffer.byteLength(String(value)));
      return `${textOnly}substr(CAST(${expression} AS BLOB), ${length}) = CAST(${builder.bind(String(value))} AS BLOB)`;
    }
    case 'ft':
      throw new Error('Bug: full text is no comparison of values');
    default:
      return unreachable(comparator);
  }
}

/** SQLite finds this by index, which it does not for IS NOT NULL: minus infinity is the least value there is. */
export function notNullSql(expression: string): string {
  return `${expression} >= -9e999`;
}

/** One parameter whatever the number of values, so the SQL stays the same. Booleans of `Any` are blobs, which JSON lacks. */
function inSql(expression: string, scalar: ScalarType, values: readonly Json[], builder: PlanBuilder): string {
  const encoded = values.map((value) => encodeValue(scalar, value));
  const parts: string[] = [];
  const plain = encoded.filter((value) => typeof value === 'string' || typeof value === 'number');
  if (plain.length > 0) {
    parts.push(`${expression} IN (SELECT value FROM json_each(${builder.bind(JSON.stringify(plain))}))`);
  }
  for (const value of encoded) {
    if (value instanceof Uint8Array) parts.push(`${expression} = ${builder.bind(value)}`);
  }
  if (encoded.includes(null)) parts.push(`${expression} IS NULL`);
  return parts.length === 1 ? (parts[0] ?? '') : `(${parts.join(' OR ')})`;
}

/**
 * SQLite orders all numbers before all text before all blobs; an attribute of any type may hold each, so a range ends where
 * its kind does. '' is the least text, x'' the least blob.
 */
function sameKind(expression: string, scalar: ScalarType, value: Value, side: 'above' | 'below'): string {
  if (scalar !== 'Any') return '';
  switch (kindOf(value)) {
    case 'text':
      return side === 'above' ? ` AND ${expression} < x''` : ` AND ${expression} >= ''`;
    case 'boolean':
      return side === 'above' ? '' : ` AND ${expression} >= x''`;
    default:
      return side === 'above' ? ` AND ${expression} < ''` : '';
  }
}

function kindOf(value: Value): 'text' | 'boolean' | 'number' {
  if (typeof value === 'string') return 'text';
  return typeof value === 'boolean' ? 'boolean' : 'number';
}

function listOf(value: Value): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** The least value after everything that starts with `prefix`: its last code point that can grow, grown; else all text's end. */
export function afterPrefix(prefix: string): SqlValue {
  const points = [...prefix];
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0;
    if (point < 0x10ffff) {
      // Surrogates are no characters.
      const next = point === 0xd7ff ? 0xe000 : point + 1;
      return points.join('') + String.fromCodePoint(next);
    }
  }
  return new Uint8Array(0);
}
