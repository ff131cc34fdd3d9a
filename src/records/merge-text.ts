// The merge state of a record as compact JSON text, for the row's `merge` column and for peers.
//
//   { "w": [version, origin]              the whole write
//     "a": { name: [version, origin] }    attributes set since
//     "c": { name: [version, origin, start, { origin: [count, sum] }] }
//     "n": [name]                         added names
//     "e": [version, origin]              expiry set since
//     "h": [expires, { name: value }] }   hidden values of a tombstone
//
// Empty parts are left out.

import { type Json, type JsonObject, parseExact, stringifyExact, ZerohopError } from '../base/index.ts';
import type { Counter, MergeState, Stamp } from './types.ts';

export function mergeToText(merge: MergeState | null): string | null {
  if (merge === null) return null;
  const { whole, attributes, counters, added, expires, hidden } = merge;
  return stringifyExact({
    w: stampToJson(whole),
    a: mapped(attributes, stampToJson),
    c: mapped(counters, counterToJson),
    n: added,
    e: expires && stampToJson(expires),
    h: hidden && [hidden.expires, hidden.values],
  });
}

/** Throws CORRUPT_DATA for anything `mergeToText` does not make. */
export function mergeFromText(text: string | null): MergeState | null {
  if (text === null) return null;
  // Versions have 16 digits; only hidden values can hold larger integers.
  const parsed: Json = text.includes('"h":') ? parseExact(text) : JSON.parse(text);
  const { w, a, c, n, e, h } = objectOf(parsed);
  return {
    whole: stampFrom(w),
    attributes: a === undefined ? {} : unmapped(a, stampFrom),
    counters: c === undefined ? {} : unmapped(c, counterFrom),
    ...(n !== undefined && { added: arrayOf(n).map(stringOf) }),
    ...(e !== undefined && { expires: stampFrom(e) }),
    ...(h !== undefined && { hidden: hiddenFrom(h) }),
  };
}

function stampToJson({ version, origin }: Stamp): Json {
  return [version, origin];
}

function counterToJson({ base, start, origins }: Counter): Json {
  return [
    base.version,
    base.origin,
    start,
    Object.fromEntries(Object.entries(origins).map(([origin, { count, sum }]) => [origin, [count, sum]])),
  ];
}

function mapped<T>(values: Readonly<Record<string, T>>, toJson: (value: T) => Json): JsonObject | undefined {
  const entries = Object.entries(values);
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.map(([name, value]) => [name, toJson(value)]));
}

function unmapped<T>(json: Json, from: (json: Json | undefined) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(objectOf(json)).map(([name, value]) => [name, from(value)]));
}

function stampFrom(json: Json | undefined): Stamp {
  const [version, origin] = arrayOf(json);
  return { version: numberOf(version), origin: stringOf(origin) };
}

function counterFrom(json: Json | undefined): Counter {
  const [version, origin, start, origins] = arrayOf(json);
  return {
    base: { version: numberOf(version), origin: stringOf(origin) },
    start: numberOf(start),
    origins: unmapped(origins ?? {}, (pair) => {
      const [count, sum] = arrayOf(pair);
      return { count: numberOf(count), sum: numberOf(sum) };
    }),
  };
}

function hiddenFrom(json: Json): NonNullable<MergeState['hidden']> {
  const [expires, values] = arrayOf(json);
  return { values: objectOf(values), expires: expires === null ? null : numberOf(expires) };
}

function objectOf(json: Json | undefined): JsonObject {
  if (typeof json !== 'object' || json === null || isArray(json)) throw damaged();
  return json;
}

function arrayOf(json: Json | undefined): readonly Json[] {
  if (json === undefined || !isArray(json)) throw damaged();
  return json;
}

function isArray(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function numberOf(json: Json | undefined): number {
  if (typeof json !== 'number') throw damaged();
  return json;
}

function stringOf(json: Json | undefined): string {
  if (typeof json !== 'string') throw damaged();
  return json;
}

function damaged(): ZerohopError {
  return new ZerohopError(
    'CORRUPT_DATA',
    'The merge state of a record is not readable. Restore the database from a backup or a peer.',
  );
}
