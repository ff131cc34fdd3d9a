// multipart/form-data (RFC 7578) as one record: fields are attributes, files the bytes of Blob and Bytes attributes. Files go to the
// blob store as they arrive, so their size is not limited by memory.

import { Readable } from 'node:stream';
import type { BusboyInstance } from '@fastify/busboy';
import { lazily, ZerohopError } from '../../base/index.ts';
import { createBlob, openBlob } from '../../resources/index.ts';
import type { TableDefinition } from '../../schema/index.ts';
import type { BlobStore } from '../../tables/index.ts';
import { typedRow } from './typed-text.ts';

export interface MultipartTarget {
  readonly definition: TableDefinition;
  readonly blobs: BlobStore;
}

export interface MultipartLimits {
  /** Of all that is kept in memory: fields, and files that go into no Blob attribute. */
  readonly bytes: number;
}

const maxParts = 1000;
const busboy = lazily((): typeof import('@fastify/busboy') => require('@fastify/busboy'));

/**
 * Reads the parts in order. A name that occurs again makes a list of its values. `target`: the table the record is for; without one, and
 * for attributes that hold no Blob, files are kept in memory.
 */
export async function readMultipart(
  body: ReadableStream<Uint8Array>,
  contentType: string,
  target: MultipartTarget | undefined,
  { bytes }: MultipartLimits,
): Promise<Record<string, unknown>> {
  const record: Record<string, unknown> = Object.create(null);
  const files: Promise<void>[] = [];
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  let kept = 0;
  const keep = (size: number) => {
    kept += size;
    if (kept > bytes) failed.reject(tooLarge(bytes));
  };
  const set = (name: string, value: unknown) => {
    const before = record[name];
    if (name in record) record[name] = Array.isArray(before) ? [...before, value] : [before, value];
    else record[name] = value;
  };
  const parser = parserFor(contentType, bytes);
  parser.on('field', (name, value, _nameCut, cut) => {
    keep(value.length);
    if (name === '__proto__') failed.reject(notAllowed(name));
    else if (cut) failed.reject(tooLarge(bytes));
    else set(name, value);
  });
  parser.on('file', (name, stream, fileName, _encoding, type) => {
    const wanted = attributeType(target?.definition, name);
    const value =
      target !== undefined && wanted === 'Blob'
        ? storeFile(stream, type, target.blobs)
        : keepFile(stream, { type, fileName, asBytes: wanted === 'Bytes' }, keep);
    files.push(value.then((file) => set(name, file)));
    files.at(-1)?.catch((error) => failed.reject(error));
  });
  parser.on('partsLimit', () => failed.reject(tooMany()));
  parser.on('error', (error) => failed.reject(malformed(error)));
  const ended = new Promise<void>((resolve) => parser.on('finish', () => resolve()));
  const source = Readable.from(chunksOf(body));
  source.on('error', (error) => failed.reject(error));
  source.pipe(parser);
  try {
    await Promise.race([ended, failed.promise]);
    await Promise.race([Promise.all(files), failed.promise]);
  } finally {
    source.destroy();
  }
  const fields = { ...record };
  return target ? typedRow(target.definition, fields) : fields;
}

function parserFor(contentType: string, bytes: number): BusboyInstance {
  try {
    const { Busboy } = busboy();
    return new Busboy({ headers: { 'content-type': contentType }, limits: { parts: maxParts, fieldSize: bytes } });
  } catch (error) {
    throw malformed(error);
  }
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Buffer> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function storeFile(stream: Readable, type: string, blobs: BlobStore): Promise<unknown> {
  const reference = await blobs.write(webStreamOf(stream), type);
  return openBlob(reference, blobs);
}

interface KeptFile {
  readonly type: string;
  readonly fileName: string;
  readonly asBytes: boolean;
}

async function keepFile(stream: Readable, file: KeptFile, keep: (size: number) => void): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) {
    keep(part.length);
    parts.push(part);
  }
  const bytes = new Uint8Array(Buffer.concat(parts));
  if (file.asBytes) return bytes;
  return file.fileName ? new File([bytes], file.fileName, { type: file.type }) : createBlob(bytes, { type: file.type });
}

function webStreamOf(stream: Readable): ReadableStream<Uint8Array> {
  const chunks = stream[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next: IteratorResult<Uint8Array> = await chunks.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
    },
    { highWaterMark: 0 },
  );
}

function attributeType(definition: TableDefinition | undefined, name: string): string | undefined {
  const type = definition?.attributes.find((attribute) => attribute.name === name)?.type;
  return type?.kind === 'scalar' ? type.scalar : undefined;
}

const tooLarge = (bytes: number) =>
  new ZerohopError(
    'BODY_TOO_LARGE',
    `Fields, and files that go into no Blob attribute, may have ${bytes} bytes together.`,
    {
      limit: bytes,
    },
  );
const tooMany = () => new ZerohopError('BODY_TOO_LARGE', `A form may have ${maxParts} parts.`, { limit: maxParts });
const notAllowed = (name: string) => new ZerohopError('INVALID_BODY', `The field name ${name} is not allowed.`);
const malformed = (error: unknown) =>
  new ZerohopError(
    'INVALID_BODY',
    `The body is not valid multipart/form-data: ${error instanceof Error ? error.message : error}`,
  );
