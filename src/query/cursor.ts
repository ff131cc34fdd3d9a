// Keyset paging: a cursor holds the sort values of the last row of a page; the next page is what comes after them.
//
// The rows after (v1, v2, …) in lexicographic order are disjoint segments, each a plain conjunction that an index serves, and
// each wholly before the next:   k1 = v1 AND k2 = v2 AND k3 after v3,   k1 = v1 AND k2 after v2,   k1 after v1
// Null comes before every value. "after v" going down is `k < v`, then `k IS NULL`, as two segments.

import { ZerohopError } from '../base/index.ts';
import type { SqlValue } from '../storage/index.ts';
import { notNullSql } from './compare-sql.ts';
import type { OrderTerm } from './order.ts';
import type { PlanBuilder } from './scope.ts';

/** Conditions of each segment, in order. */
export function segmentsAfter(
  terms: readonly OrderTerm[],
  values: readonly SqlValue[],
  builder: PlanBuilder,
): string[] {
  const placeholders = values.map((value) => (value === null ? null : builder.bind(value)));
  const segments: string[] = [];
  for (let last = terms.length - 1; last >= 0; last--) {
    const equal = terms.slice(0, last).map((term, i) => equalTo(term.expression, placeholders[i] ?? null));
    const term = terms[last];
    if (!term) continue;
    for (const after of afterValue(term, placeholders[last] ?? null)) segments.push([...equal, after].join(' AND '));
  }
  return segments;
}

function equalTo(expression: string, value: string | null): string {
  return value === null ? `${expression} IS NULL` : `${expression} = ${value}`;
}

function afterValue({ expression, descending, isNullable }: OrderTerm, value: string | null): string[] {
  if (!descending) return [value === null ? notNullSql(expression) : `${expression} > ${value}`];
  if (value === null) return [];
  return isNullable ? [`${expression} < ${value}`, `${expression} IS NULL`] : [`${expression} < ${value}`];
}

/** What a cursor must have been made for: the same table in the same order. */
export function orderName(table: string, terms: readonly OrderTerm[]): string {
  return `${table}:${terms.map((term) => `${term.descending ? '-' : '+'}${term.name}`).join(',')}`;
}

/** Text that is safe in a URL. Booleans of an attribute of any type are blobs: `[0]` or `[1]`. */
export function encodeCursor(order: string, values: readonly SqlValue[]): string {
  const plain = values.map((value) => (value instanceof Uint8Array ? [value[0] ?? 0] : value));
  return Buffer.from(JSON.stringify([order, plain])).toString('base64url');
}

/** Throws INVALID_CURSOR for text that is no cursor of this order. */
export function decodeCursor(text: string, order: string, terms: number): SqlValue[] {
  const [madeFor, values] = parseCursor(text);
  if (madeFor !== order) {
    throw new ZerohopError(
      'INVALID_CURSOR',
      'The cursor belongs to a query with another table or sort. Use it with the query it came from, or start with an empty cursor.',
    );
  }
  if (values.length !== terms) throw damaged();
  return values.map(decodedValue);
}

function parseCursor(text: string): readonly [string, readonly unknown[]] {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) throw damaged();
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (Array.isArray(parsed) && parsed.length === 2 && typeof parsed[0] === 'string' && Array.isArray(parsed[1])) {
      return [parsed[0], parsed[1]];
    }
  } catch {
    // Not JSON: no cursor.
  }
  throw damaged();
}

function decodedValue(value: unknown): SqlValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  if (Array.isArray(value) && (value[0] === 0 || value[0] === 1)) return new Uint8Array([value[0]]);
  throw damaged();
}

function damaged(): ZerohopError {
  return new ZerohopError(
    'INVALID_CURSOR',
    'The cursor is damaged. Pass it on exactly as it came, or start with an empty cursor.',
  );
}
