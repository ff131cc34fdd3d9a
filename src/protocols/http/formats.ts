// The content types that are built in, each as a way to write a value, to write a sequence, and to read a body.

import { lazily, parseExact, stringifyExact } from '../../base/index.ts';
import { knownJson } from '../../resources/index.ts';
import type { BinaryFraming, TextFraming } from './framing.ts';

/**
 * JSON has no dates, bytes, maps or sets: they become ISO 8601 text, Base64 text, objects and arrays. Bigints are written as plain
 * digits. Undefined is null.
 */
export function toJson(value: unknown): string {
  if (holdsRecord(value, 0)) return assemble(value, 0);
  return stringifyExact(needsPlaining(value) ? plain(value) : value) ?? 'null';
}

/** Records deeper than this in what an app returns are written anew. */
const assemblyDepth = 4;

/** Whether the value is a record, or a list or plain object with one in it: its stored text saves writing it anew. */
function holdsRecord(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (knownJson(value) !== undefined) return true;
  if (depth === assemblyDepth) return false;
  // A list is of one kind: its first item tells.
  if (Array.isArray(value)) return holdsRecord(value[0], depth + 1);
  const prototype: unknown = Object.getPrototypeOf(value);
  if ((prototype !== Object.prototype && prototype !== null) || 'toJSON' in value) return false;
  for (const name in value) if (holdsRecord((value as Record<string, unknown>)[name], depth + 1)) return true;
  return false;
}

function assemble(value: unknown, depth: number): string {
  if (typeof value !== 'object' || value === null || !holdsRecord(value, depth)) return toJson(value);
  const known = knownJson(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) return `[${value.map((item) => assemble(item, depth + 1)).join(',')}]`;
  let text = '{';
  for (const [name, part] of Object.entries(value)) {
    if (part === undefined || typeof part === 'function' || typeof part === 'symbol') continue;
    text += `${text.length > 1 ? ',' : ''}${JSON.stringify(name)}:${assemble(part, depth + 1)}`;
  }
  return `${text}}`;
}

function needsPlaining(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(needsPlaining);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Map || value instanceof Set)
    return true;
  if ('toJSON' in value) return false;
  for (const key in value) if (needsPlaining((value as Record<string, unknown>)[key])) return true;
  return false;
}

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Set) return [...value].map(plain);
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64');
  if (ArrayBuffer.isView(value))
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  if ('toJSON' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** A value whose JSON text is known already. */
export class JsonText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export const jsonFraming: TextFraming = {
  binary: false,
  before: '[',
  between: ',',
  after: ']',
  item: (value) => (value instanceof JsonText ? value.text : toJson(value)),
};

export const ndjsonFraming: TextFraming = {
  binary: false,
  before: '',
  between: '',
  after: '',
  item: (value) => `${value instanceof JsonText ? value.text : toJson(value)}\n`,
};

/** Throws a SyntaxError that says where. */
export function parseJson(text: string): unknown {
  return parseExact(text);
}

export function parseNdjson(text: string): unknown[] {
  const values: unknown[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      values.push(parseExact(line));
    } catch (error) {
      throw new SyntaxError(`Line ${index + 1}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return values;
}

/** RFC 8949. Dates are tag 1, bytes byte strings, bigints integers or bignums. */
const cbor = lazily(() => {
  const { Encoder }: typeof import('cbor-x') = require('cbor-x');
  return new Encoder({ useRecords: false, mapsAsObjects: true, variableMapSize: true, tagUint8Array: false });
});

export const toCbor = (value: unknown): Uint8Array => cbor().encode(value);
export const parseCbor = (bytes: Uint8Array): unknown => cbor().decode(bytes);

const none = new Uint8Array(0);

/** An array of indefinite length (RFC 8949 §3.2.2). */
export const cborFraming: BinaryFraming = {
  binary: true,
  before: Uint8Array.of(0x9f),
  between: none,
  after: Uint8Array.of(0xff),
  item: toCbor,
};

/** Dates are the timestamp extension, bytes `bin`; bigints beyond 64 bits are extension 0x42, big-endian two's complement. */
const msgpack = lazily(() => {
  const { Packr }: typeof import('msgpackr') = require('msgpackr');
  return new Packr({
    useRecords: false,
    mapsAsObjects: true,
    variableMapSize: true,
    useBigIntExtension: true,
    encodeUndefinedAsNil: true,
  });
});

export const toMsgpack = (value: unknown): Uint8Array => msgpack().pack(value);

/** Concatenated values are an array of them. */
export function parseMsgpack(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw new SyntaxError('The body is empty');
  const values = msgpack().unpackMultiple(bytes);
  return values.length === 1 ? values[0] : values;
}

/** Query results are values one after the other, not an array. */
export const msgpackFraming: BinaryFraming = {
  binary: true,
  before: none,
  between: none,
  after: none,
  item: toMsgpack,
};
