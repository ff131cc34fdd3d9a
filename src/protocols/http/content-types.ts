// Which content types there are. One table per node, which app code may add to: `contentTypes.set('application/x', { ... })`.

import { ZerohopError } from '../../base/index.ts';
import { chooseType } from './accept.ts';
import { checkDecoded } from './check-decoded.ts';
import { csvFraming, parseCsv } from './csv.ts';
import {
  cborFraming,
  jsonFraming,
  msgpackFraming,
  ndjsonFraming,
  parseCbor,
  parseJson,
  parseMsgpack,
  parseNdjson,
  toCbor,
  toJson,
  toMsgpack,
} from './formats.ts';
import type { Chunk, Framing } from './framing.ts';

/** What app code may give; all parts are optional. */
export interface ContentType {
  /** How gladly it is sent, 0 to 1; 1 when absent. */
  readonly q?: number;
  serialize?(data: unknown): Chunk;
  /** Writes a sequence piece by piece; without it the sequence is collected for `serialize`. */
  serializeStream?(data: Iterable<unknown> | AsyncIterable<unknown>): Iterable<Chunk> | AsyncIterable<Chunk>;
  /** Takes text for text types, bytes for others. */
  deserialize?(body: string | Uint8Array): unknown;
  deserializeStream?(body: ReadableStream<Uint8Array>): unknown;
}

/** A content type that is built in: sequences are written with a framing. */
interface BuiltIn extends ContentType {
  readonly text: boolean;
  framing?(columns?: readonly string[]): Framing;
}

/** One that responses can be written in. */
export interface Writer {
  readonly type: string;
  readonly quality: number;
  /** Sets its entity tags apart; '' for JSON. */
  readonly suffix: string;
  serialize(data: unknown): Chunk;
  readonly framing?: ((columns?: readonly string[]) => Framing) | undefined;
  readonly serializeStream?: ContentType['serializeStream'] | undefined;
}

const builtIn: Readonly<Record<string, BuiltIn>> = {
  'application/json': {
    q: 1,
    text: true,
    serialize: toJson,
    framing: () => jsonFraming,
    deserialize: fromText(parseJson),
  },
  'application/cbor': {
    q: 0.9,
    text: false,
    serialize: toCbor,
    framing: () => cborFraming,
    deserialize: fromBytes(parseCbor),
  },
  'application/msgpack': {
    q: 0.8,
    text: false,
    serialize: toMsgpack,
    framing: () => msgpackFraming,
    deserialize: fromBytes(parseMsgpack),
  },
  'application/x-msgpack': {
    q: 0.8,
    text: false,
    serialize: toMsgpack,
    framing: () => msgpackFraming,
    deserialize: fromBytes(parseMsgpack),
  },
  'application/x-ndjson': {
    q: 0.7,
    text: true,
    serialize: (data) => `${toJson(data)}\n`,
    framing: () => ndjsonFraming,
    deserialize: fromText(parseNdjson),
  },
  'application/ndjson': {
    q: 0.7,
    text: true,
    serialize: (data) => `${toJson(data)}\n`,
    framing: () => ndjsonFraming,
    deserialize: fromText(parseNdjson),
  },
  'text/csv': { q: 0.5, text: true, serialize: oneCsvRow, framing: csvFraming, deserialize: fromText(parseCsv) },
};

/** File name extension → type: `/Product/42.csv`. */
export const extensions: Readonly<Record<string, string>> = {
  json: 'application/json',
  cbor: 'application/cbor',
  msgpack: 'application/x-msgpack',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
};

export class ContentTypes {
  readonly #types = new Map<string, ContentType>(Object.entries(builtIn));
  #writers: readonly Writer[] = [];

  constructor() {
    this.#list();
  }

  set(type: string, handler: ContentType): this {
    this.#types.set(type.toLowerCase(), handler);
    this.#list();
    return this;
  }

  get(type: string): ContentType | undefined {
    return this.#types.get(type.toLowerCase());
  }

  has(type: string): boolean {
    return this.#types.has(type.toLowerCase());
  }

  /** The best one for an Accept header. Throws NOT_ACCEPTABLE. */
  choose(accept: string | null): Writer {
    const chosen = chooseType(accept, this.#writers);
    if (chosen) return chosen;
    throw new ZerohopError(
      'NOT_ACCEPTABLE',
      `${accept} can not be produced. Accept one of ${this.#writers.map((writer) => writer.type).join(', ')}.`,
    );
  }

  /** Decodes a whole body. Undefined: the type is not known. Throws INVALID_BODY that says where. */
  decode(type: string, body: Uint8Array): { readonly value: unknown } | undefined {
    const handler = this.#types.get(type);
    if (!handler?.deserialize) return undefined;
    const asText = 'text' in handler ? handler.text === true : type.startsWith('text/');
    try {
      return { value: checkDecoded(handler.deserialize(asText ? decodeText(body) : body)) };
    } catch (error) {
      if (error instanceof ZerohopError) throw error;
      throw new ZerohopError('INVALID_BODY', `The body is not valid ${type}: ${reasonOf(error)}`);
    }
  }

  #list(): void {
    this.#writers = [...this.#types].flatMap(([type, handler]) => {
      const serialize = handler.serialize;
      if (!serialize) return [];
      return [
        {
          type,
          quality: handler.q ?? 1,
          suffix: type === 'application/json' ? '' : type.slice(type.indexOf('/') + 1).replaceAll(/[^a-z]+/g, '-'),
          serialize: (data) => serialize.call(handler, data),
          framing: 'framing' in handler ? (handler as BuiltIn).framing : undefined,
          serializeStream: handler.serializeStream?.bind(handler),
        },
      ] satisfies Writer[];
    });
  }
}

function fromText(parse: (text: string) => unknown): (body: string | Uint8Array) => unknown {
  return (body) => parse(typeof body === 'string' ? body : decodeText(body));
}

function fromBytes(parse: (bytes: Uint8Array) => unknown): (body: string | Uint8Array) => unknown {
  return (body) => parse(typeof body === 'string' ? new TextEncoder().encode(body) : body);
}

function decodeText(body: Uint8Array): string {
  return strictUtf8.decode(body);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function oneCsvRow(data: unknown): string {
  const rows = Array.isArray(data) ? data : [data];
  const framing = csvFraming([...new Set(rows.flatMap((row) => (isObject(row) ? Object.keys(row) : [])))]);
  return framing.before + rows.map((row) => framing.item(row)).join('');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return 'it is nested too deeply or a length in it is wrong';
  return error instanceof Error ? error.message : String(error);
}
