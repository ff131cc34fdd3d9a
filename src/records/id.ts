// Primary keys: from what callers hand in, from URL text, and made here.

import { limits, ZerohopError } from '../base/index.ts';
import type { ScalarType, TableDefinition } from '../schema/index.ts';
import type { Id } from './types.ts';

const maxInt = 2 ** 31 - 1;

/**
 * Checks an id from app code or a request body. An array is a multi-part key: its parts are joined by `/`, with `%2F` for a slash
 * inside a part. Throws INVALID_ID.
 */
export function encodeId(definition: TableDefinition, value: unknown): Id {
  const scalar = keyType(definition);
  const id = Array.isArray(value) ? joinParts(definition, value) : typeof value === 'bigint' ? Number(value) : value;
  if (typeof id === 'string' && scalar !== 'Int' && scalar !== 'Long') return checkText(definition, id);
  if (typeof id === 'number' && Number.isSafeInteger(id) && (scalar === 'Long' || scalar === 'Any')) return id + 0;
  if (typeof id === 'number' && Number.isInteger(id) && Math.abs(id) <= maxInt && scalar === 'Int') return id + 0;
  throw invalid(definition, `${shown(value)} is not possible; it takes ${allowed[scalar] ?? 'text'}`);
}

/**
 * The id that the text of a URL path stands for, percent-decoded but for `%2F`. For keys of type Any, text that looks like an
 * integer is one. Throws INVALID_ID.
 */
export function parseIdText(definition: TableDefinition, text: string): Id {
  const scalar = keyType(definition);
  if (scalar !== 'ID' && scalar !== 'String' && /^(0|-?[1-9]\d{0,15})$/.test(text)) {
    const number = Number(text);
    if (scalar !== 'Any' || Number.isSafeInteger(number)) return encodeId(definition, number);
  }
  return encodeId(definition, text);
}

/** An id for a record that has none: UUIDv7 text, or null where the store counts. */
export function newId(definition: TableDefinition): Id | null {
  const scalar = keyType(definition);
  return scalar === 'ID' || scalar === 'String' ? Bun.randomUUIDv7() : null;
}

const allowed: Partial<Record<ScalarType, string>> = {
  Int: 'an integer of 32 bits',
  Long: 'an integer within ±(2^53 - 1)',
  Any: 'text or an integer within ±(2^53 - 1)',
};

function keyType(definition: TableDefinition): ScalarType {
  const key = definition.attributes.find((attribute) => attribute.name === definition.primaryKey);
  return key?.type.kind === 'scalar' ? key.type.scalar : 'Any';
}

function joinParts(definition: TableDefinition, parts: readonly unknown[]): string {
  if (parts.length === 0) throw invalid(definition, 'is an empty list');
  const texts = parts.map((part) => {
    if (typeof part === 'string') return part.replaceAll('/', '%2F');
    if (Number.isSafeInteger(part) || typeof part === 'bigint') return String(part);
    throw invalid(definition, `has the part ${shown(part)}; parts are text or integers`);
  });
  return texts.join('/');
}

function checkText(definition: TableDefinition, id: string): string {
  if (id === '') throw invalid(definition, 'is empty');
  if (id.length * 3 > limits.idBytes && Buffer.byteLength(id) > limits.idBytes) {
    throw invalid(definition, `has ${Buffer.byteLength(id)} bytes; at most ${limits.idBytes} are possible`);
  }
  if (/\p{Cc}/u.test(id)) throw invalid(definition, 'has a control character');
  if (!id.isWellFormed()) throw invalid(definition, 'is not well-formed Unicode');
  return id;
}

function invalid(definition: TableDefinition, reason: string): ZerohopError {
  return new ZerohopError('INVALID_ID', `The id of a ${definition.name} (${definition.primaryKey}) ${reason}.`, {
    table: definition.name,
  });
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 60))}`;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}
