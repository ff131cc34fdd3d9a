// JSON text to values and back without losing integers beyond 2^53: those become bigints and are written as plain digits.

import type { Json } from './json.ts';

/** A JSON value that may hold bigints where the text has integers beyond the safe range. */
export type ExactJson = Json | bigint;

const longNumber = /\d{16}/;

export function parseExact(text: string): Json {
  // Only a text with 16 digits in a row can hold an unsafe integer.
  return JSON.parse(text, longNumber.test(text) ? exactNumber : undefined) as Json;
}

export function stringifyExact(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // Bigints are rare: only their presence makes JSON.stringify throw a TypeError here.
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, rawBigInt);
  }
}

function exactNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !context?.source) return value;
  return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}

function rawBigInt(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJson(value.toString()) : value;
}

const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
