// Records that hold a body of a type nobody decodes, `{ contentType, data }`: given back as they came.

import { parseExact } from '../../base/index.ts';
import type { TableDefinition } from '../../schema/index.ts';
import { type BlobReference, isBlobReference } from '../../tables/index.ts';

export interface RawContent {
  readonly type: string;
  readonly data: string | Uint8Array<ArrayBuffer> | BlobReference;
}

/** The content of a record that has nothing but it, its key and its times; undefined for any other record. */
export function rawContent(body: string, definition: TableDefinition): RawContent | undefined {
  if (!body.includes('"contentType":')) return undefined;
  const record = parseExact(body);
  if (typeof record !== 'object' || record === null || !('contentType' in record) || !('data' in record))
    return undefined;
  const { contentType, data } = record;
  const isPlain = Object.keys(record).every(
    (name) => name === 'contentType' || name === 'data' || isKept(definition, name),
  );
  if (!isPlain || typeof contentType !== 'string' || !/^[\w.+-]+\/[\w.+-]+$/.test(contentType)) return undefined;
  if (isBlobReference(data)) return { type: contentType, data };
  if (typeof data !== 'string') return undefined;
  if (contentType.startsWith('text/')) return { type: contentType, data };
  return { type: contentType, data: new Uint8Array(Buffer.from(data, 'base64')) };
}

/** What the runtime adds by itself. */
function isKept({ primaryKey, attributes }: TableDefinition, name: string): boolean {
  return name === primaryKey || attributes.some((attribute) => attribute.name === name && attribute.role !== undefined);
}
