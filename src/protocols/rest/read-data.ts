// The body of a request as data for a verb, by its Content-Type.

import { ZerohopError } from '../../base/index.ts';
import { createBlob } from '../../resources/index.ts';
import type { BlobStore, Table } from '../../tables/index.ts';
import type { BodyReader, ContentTypes, HttpRequest } from '../http/index.ts';
import { readMultipart } from './multipart.ts';
import { typedRow } from './typed-text.ts';

export interface DataTarget {
  /** The table the data is for, if any. */
  readonly table: Table | undefined;
  /** The attribute it is for: `PUT /Product/42/picture`. */
  readonly property: string | undefined;
  readonly blobs: BlobStore | undefined;
}

export interface DataOptions {
  readonly bodies: BodyReader;
  readonly contentTypes: ContentTypes;
  readonly bodyBytes: number;
  /** Told the size of every body. */
  readonly received: (bytes: number) => void;
}

/**
 * Undefined: there is no body. JSON where no type is given. A type nobody knows becomes `{ contentType, data }`, with text for text types and
 * bytes for others. Throws INVALID_BODY, BODY_TOO_LARGE, REQUEST_TIMEOUT, UNSUPPORTED_MEDIA_TYPE.
 */
export async function readData(request: HttpRequest, target: DataTarget, options: DataOptions): Promise<unknown> {
  const header = request.headers.get('content-type') ?? 'application/json';
  const type = mediaType(header);
  const attribute = propertyType(target);
  if (attribute === 'Blob') return createBlob(options.bodies.stream(request.raw), { type: header });
  if (type === 'multipart/form-data') return readForm(request, header, target, options);
  const bytes = await options.bodies.read(request.raw);
  options.received(bytes.length);
  if (attribute === 'Bytes') return bytes;
  if (bytes.length === 0) return undefined;
  return decode(type, bytes, target, options.contentTypes);
}

function decode(
  type: string,
  bytes: Uint8Array<ArrayBuffer>,
  { table, property }: DataTarget,
  types: ContentTypes,
): unknown {
  const decoded = types.decode(type.endsWith('+json') ? 'application/json' : type, bytes);
  if (decoded !== undefined) {
    if (type !== 'text/csv' || table === undefined || !Array.isArray(decoded.value)) return decoded.value;
    return decoded.value.map((row) => typedRow(table.definition, row));
  }
  if (type === 'application/x-www-form-urlencoded') return decodeForm(bytes, table);
  if (!type.startsWith('text/')) return { contentType: type, data: bytes };
  const text = new TextDecoder().decode(bytes);
  // A record is an object; text alone is what app code and single attributes take.
  return type === 'text/plain' && (table === undefined || property !== undefined)
    ? text
    : { contentType: type, data: text };
}

function decodeForm(bytes: Uint8Array, table: Table | undefined): unknown {
  const text = new TextDecoder().decode(bytes);
  if (/^\s*[[{]/.test(text)) {
    throw new ZerohopError(
      'UNSUPPORTED_MEDIA_TYPE',
      'The body looks like JSON but its Content-Type is application/x-www-form-urlencoded. Send Content-Type: application/json.',
    );
  }
  const fields = Object.fromEntries(new URLSearchParams(text));
  return table ? typedRow(table.definition, fields) : fields;
}

function readForm(request: HttpRequest, header: string, target: DataTarget, options: DataOptions): Promise<unknown> {
  const { table, blobs } = target;
  const into = table && blobs ? { definition: table.definition, blobs } : undefined;
  return readMultipart(options.bodies.stream(request.raw), header, into, { bytes: options.bodyBytes });
}

/** 'Text/CSV; header=present' → 'text/csv'. Throws INVALID_HEADER. */
export function mediaType(header: string): string {
  const end = header.indexOf(';');
  const type = (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
  if (/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(type)) return type;
  throw new ZerohopError('INVALID_HEADER', `Content-Type must be like application/json, not ${header}.`, {
    header: 'Content-Type',
  });
}

function propertyType({ table, property }: DataTarget): string | undefined {
  if (table === undefined || property === undefined) return undefined;
  const type = table.definition.attributes.find(({ name }) => name === property)?.type;
  return type?.kind === 'scalar' ? type.scalar : undefined;
}
