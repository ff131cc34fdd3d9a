// Which content types there are: those built in, and what the app adds: `contentTypes.set('application/x', { ... })`.

import { ZerohopError } from '../../base/index.ts';
import type { ContentType } from '../../resources/index.ts';
import { chooseType } from '../../semantics/index.ts';
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

/** A content type that is built in: sequences are written with a framing. */
interface BuiltIn {
  /** Preference among types the client accepts alike: 0 to 1. */
  readonly q: number;
  readonly serialize: (data: unknown) => Chunk;
  readonly framing: (columns?: readonly string[]) => Framing;
  readonly deserialize: (body: Uint8Array<ArrayBuffer>) => unknown;
}

/** One that responses can be written in. */
export interface Writer {
  readonly type: string;
  readonly quality: number;
  /** Sets its entity tags apart; '' for JSON. */
  readonly suffix: string;
  serialize(data: unknown): Chunk;
  readonly framing?: ((columns?: readonly string[]) => Framing) | undefined;
  readonly serializeStream?: ((data: Iterable<unknown> | AsyncIterable<unknown>) => AsyncIterable<Chunk>) | undefined;
}

const builtIn: Readonly<Record<string, BuiltIn>> = {
  'application/json': {
    q: 1,

    serialize: toJson,
    framing: () => jsonFraming,
    deserialize: fromText(parseJson),
  },
  'application/cbor': {
    q: 0.9,

    serialize: toCbor,
    framing: () => cborFraming,
    deserialize: parseCbor,
  },
  'application/msgpack': {
    q: 0.8,

    serialize: toMsgpack,
    framing: () => msgpackFraming,
    deserialize: parseMsgpack,
  },
  'application/x-msgpack': {
    q: 0.8,

    serialize: toMsgpack,
    framing: () => msgpackFraming,
    deserialize: parseMsgpack,
  },
  'application/x-ndjson': {
    q: 0.7,

    serialize: (data) => `${toJson(data)}\n`,
    framing: () => ndjsonFraming,
    deserialize: fromText(parseNdjson),
  },
  'application/ndjson': {
    q: 0.7,

    serialize: (data) => `${toJson(data)}\n`,
    framing: () => ndjsonFraming,
    deserialize: fromText(parseNdjson),
  },
  'text/csv': { q: 0.5, serialize: oneCsvRow, framing: csvFraming, deserialize: fromText(parseCsv) },
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
  readonly #added: ReadonlyMap<string, ContentType>;
  /** What `#added` held when `#writers` was made. */
  #listed: readonly (ContentType | string)[] = [];
  #writers: readonly Writer[] = writersOf(Object.entries(builtIn));

  /** @param added by the app; may grow while serving, and goes before what is built in */
  constructor(added: ReadonlyMap<string, ContentType> = new Map()) {
    this.#added = added;
  }

  /** The best one for an Accept header. Throws NOT_ACCEPTABLE. */
  choose(accept: string | null): Writer {
    if (this.#added.size > 0) this.#update();
    const chosen = chooseType(accept, this.#writers);
    if (chosen) return chosen;
    throw new ZerohopError(
      'NOT_ACCEPTABLE',
      `${accept} can not be produced. Accept one of ${this.#writers.map((writer) => writer.type).join(', ')}.`,
    );
  }

  /** Decodes a whole body. Undefined: the type is not known. Throws INVALID_BODY that says where. */
  decode(type: string, body: Uint8Array<ArrayBuffer>): { readonly value: unknown } | undefined {
    const handler = this.#added.get(type) ?? (Object.hasOwn(builtIn, type) ? builtIn[type] : undefined);
    if (!handler?.deserialize) return undefined;
    try {
      return { value: checkDecoded(handler.deserialize(body)) };
    } catch (error) {
      if (error instanceof ZerohopError) throw error;
      throw new ZerohopError('INVALID_BODY', `The body is not valid ${type}: ${reasonOf(error)}`);
    }
  }

  #update(): void {
    const listed = [...this.#added].flat();
    if (listed.length === this.#listed.length && listed.every((each, index) => each === this.#listed[index])) return;
    this.#listed = listed;
    this.#writers = writersOf([
      ...new Map<string, ContentType | BuiltIn>([...Object.entries(builtIn), ...this.#added]),
    ]);
  }
}

function writersOf(types: readonly (readonly [string, ContentType | BuiltIn])[]): Writer[] {
  return types.flatMap(([type, handler]) => {
    const { serialize } = handler;
    const serializeStream = 'serializeStream' in handler ? handler.serializeStream : undefined;
    if (!serialize) return [];
    return [
      {
        type: type.toLowerCase(),
        quality: handler.q ?? 1,
        suffix: type === 'application/json' ? '' : type.slice(type.indexOf('/') + 1).replaceAll(/[^a-z]+/g, '-'),
        serialize: (data) => serialize.call(handler, data),
        framing: 'framing' in handler ? handler.framing : undefined,
        serializeStream: serializeStream && ((data) => serializeStream.call(handler, data)),
      },
    ] satisfies Writer[];
  });
}

function fromText(parse: (text: string) => unknown): (body: Uint8Array) => unknown {
  return (body) => parse(decodeText(body));
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
