// Records that hold a body of a type nobody decodes, `{ contentType, data }`: given back as they came.

import { parseExact } from '../../base/index.ts';
import type { TableDefinition } from '../../schema/index.ts';
import { type BlobReference, isBlobReference } from '../../tables/index.ts';

export interface RawContent {
  readonly type: string;
  readonly data: string | Uint8Array<ArrayBuffer> | BlobReference;
  /** What its source said of it, where it came from one. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** The content of a record that has nothing but it, its key and its times; undefined for any other record. */
export function rawContent(body: string, definition: TableDefinition): RawContent | undefined {
  if (!body.includes('"contentType":')) return undefined;
  const record = parseExact(body);
  if (typeof record !== 'object' || record === null || !('contentType' in record) || !('data' in record))
    return undefined;
  const { contentType, data } = record;
  const isPlain = Object.keys(record).every(
    (name) =>
      name === 'contentType' ||
      name === 'data' ||
      (name === 'headers' && definition.sourced === true) ||
      isKept(definition, name),
  );
  if (!isPlain || typeof contentType !== 'string' || !/^[\w.+-]+\/[\w.+-]+$/.test(contentType)) return undefined;
  const headers = headersIn(record);
  if (isBlobReference(data)) return { type: contentType, data, headers };
  if (typeof data !== 'string') return undefined;
  if (contentType.startsWith('text/')) return { type: contentType, data, headers };
  return { type: contentType, headers, data: new Uint8Array(Buffer.from(data, 'base64')) };
}

/** Of what a source said, that which describes the content and is as true of it here. */
const passedOn = ['content-disposition', 'content-language', 'content-location'];

function headersIn(record: object): readonly (readonly [string, string])[] {
  const headers: unknown = 'headers' in record ? record.headers : undefined;
  if (typeof headers !== 'object' || headers === null) return [];
  return Object.entries(headers).filter(
    (header): header is [string, string] => passedOn.includes(header[0]) && typeof header[1] === 'string',
  );
}

/** What the runtime adds by itself. */
function isKept({ primaryKey, attributes }: TableDefinition, name: string): boolean {
  return name === primaryKey || attributes.some((attribute) => attribute.name === name && attribute.role !== undefined);
}
