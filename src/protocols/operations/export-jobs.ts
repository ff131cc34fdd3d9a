// Jobs that write what a search finds to a file of the node's machine or a bucket, and one that deletes old records. An export that was broken
// off begins anew: nothing shows under its name before it is whole.

import { rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { parseExact, ZerohopError } from '../../base/index.ts';
import { type AppNode, deleteRecords, searchRecords } from '../../resources/index.ts';
import { administrator } from '../../security/index.ts';
import type { Table } from '../../tables/index.ts';
import { type Body, isObject, optionalText, text } from './fields.ts';
import type { Job, JobHands, JobKind } from './jobs.ts';
import { timeOf } from './log-operations.ts';
import { s3File, s3Key } from './s3-file.ts';
import { tableNamed } from './table-named.ts';

/** Each record that a search operation finds, as JSON text. */
export type Search = (body: Body) => Promise<Iterable<string>>;

const searches = ['search_by_id', 'search_by_hash', 'search_by_value', 'search_by_conditions', 'sql'];
/** Bytes that are written at once, about. */
const chunkBytes = 256 * 1024;
/** Records deleted in one transaction. */
const batchRecords = 500;

export function exportKinds(node: AppNode, search: Search): [string, JobKind][] {
  return [
    [
      'export_local',
      {
        check(body) {
          checkExport(body);
          localPath(body, 'x');
        },
        run: (job, hands) => exportLocal(search, job, hands),
      },
    ],
    [
      'export_to_s3',
      {
        check(body) {
          checkExport(body);
          s3File(body);
        },
        run: (job, hands) => exportToS3(search, job, hands),
      },
    ],
    [
      'delete_records_before',
      {
        check(body) {
          creationOf(tableNamed(node.databases, body));
          dateOf(body);
        },
        run: (job, hands) => deleteBefore(node, job, hands),
      },
    ],
  ];
}

function checkExport(body: Body): void {
  formatOf(body);
  const { operation } = searchOf(body);
  if (typeof operation !== 'string' || !searches.includes(operation))
    throw new ZerohopError('INVALID_REQUEST', `The operation of "search_operation" is one of ${searches.join(', ')}.`);
}

function formatOf(body: Body): 'json' | 'csv' {
  const format = text(body, 'format');
  if (format === 'json' || format === 'csv') return format;
  throw new ZerohopError('INVALID_REQUEST', '"format" is json or csv.');
}

function searchOf({ search_operation: given }: Body): Body {
  if (isObject(given)) return given;
  throw new ZerohopError('INVALID_REQUEST', '"search_operation" is a search: {"operation": "search_by_value", …}.');
}

function localPath(body: Body, id: string): string {
  const name = optionalText(body, 'filename') ?? `export-${id}.${formatOf(body)}`;
  const path = text(body, 'path');
  if (`${path}${name}`.includes('\0') || name.includes('/'))
    throw new ZerohopError('INVALID_REQUEST', '"path" is a folder, and "filename" a name in it.');
  return join(resolve(path), name);
}

async function exportLocal(search: Search, job: Job, { id, body }: JobHands): Promise<Job> {
  const path = localPath(body, id);
  const folder = resolve(text(body, 'path'));
  const isFolder = await stat(folder).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new ZerohopError('NOT_FOUND', `There is no folder ${folder} on the node's machine.`);
  const next = `${path}.${id}.new`;
  const writer = Bun.file(next).writer();
  try {
    const written = await writeAll(writer, () => search(searchOf(body)), formatOf(body));
    await rename(next, path);
    return { ...job, written, message: `successfully exported ${written} records to ${path}` };
  } finally {
    await rm(next, { force: true });
  }
}

async function exportToS3(search: Search, job: Job, { body }: JobHands): Promise<Job> {
  const file = s3File(body);
  const writer = file.writer({ type: formatOf(body) === 'csv' ? 'text/csv' : 'application/json' });
  const written = await writeAll(writer, () => search(searchOf(body)), formatOf(body));
  return { ...job, written, message: `successfully exported ${written} records to ${s3Key(body)}` };
}

interface Writer {
  write(chunk: string): unknown;
  flush(): unknown;
  end(error?: Error): unknown;
}

/** Gives how many there were. */
async function writeAll(
  writer: Writer,
  find: () => Promise<Iterable<string>>,
  format: 'json' | 'csv',
): Promise<number> {
  let count = 0;
  let chunk = '';
  try {
    const columns = format === 'csv' ? columnsOf(await find()) : [];
    chunk = format === 'csv' ? csvLine(columns) : '[';
    for (const one of await find()) {
      chunk += format === 'csv' ? csvLine(fieldsOf(one, columns)) : `${count === 0 ? '\n' : ',\n'}${one}`;
      count++;
      if (chunk.length < chunkBytes) continue;
      writer.write(chunk);
      chunk = '';
      // Others have their turn.
      await writer.flush();
    }
    writer.write(format === 'csv' ? chunk : `${chunk}\n]\n`);
    await writer.end();
    return count;
  } catch (error) {
    await writer.end(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** All that any record has. */
function columnsOf(texts: Iterable<string>): string[] {
  const names = new Set<string>();
  for (const one of texts) for (const name of Object.keys(objectOf(one))) names.add(name);
  return [...names];
}

function fieldsOf(text: string, columns: readonly string[]): string[] {
  const record = objectOf(text);
  return columns.map((name) => {
    const value = record[name];
    if (value === null || value === undefined) return '';
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  });
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  const record: unknown = parseExact(text);
  return isObject(record) ? record : { value: record };
}

function csvLine(fields: readonly string[]): string {
  return stringify([[...fields]]);
}

/** What the table keeps of when its records were made. */
function creationOf({ definition }: Table): { readonly name: string; readonly isDate: boolean } {
  const attribute = definition.attributes.find(({ role }) => role === 'createdTime');
  if (attribute === undefined)
    throw new ZerohopError(
      'INVALID_REQUEST',
      `${definition.name} does not keep when its records were made: it has no attribute with @createdTime.`,
    );
  return { name: attribute.name, isDate: attribute.type.kind === 'scalar' && attribute.type.scalar === 'Date' };
}

function dateOf(body: Body): number {
  const ms = timeOf(body, 'date');
  if (ms !== undefined) return ms;
  throw new ZerohopError('INVALID_REQUEST', 'delete_records_before needs "date".');
}

async function deleteBefore(node: AppNode, begun: Job, { body, save }: JobHands): Promise<Job> {
  const table = tableNamed(node.databases, body);
  const { name: attribute, isDate } = creationOf(table);
  const { primaryKey } = table.definition;
  const date = dateOf(body);
  const value = isDate ? new Date(date).toISOString() : date;
  const call = { node, table, user: administrator };
  const query = {
    conditions: [{ attribute, comparator: 'less_than', value }],
    select: [primaryKey],
    limit: batchRecords,
    allowFullScan: true,
  };
  let job = begun;
  for (;;) {
    const ids = Array.from(searchRecords(call, query), (one) => idOf(objectOf(one)[primaryKey]));
    if (ids.length === 0) break;
    const { done } = await deleteRecords(call, ids);
    job = { ...job, written: job.written + done.length };
    await save(job);
  }
  return { ...job, message: `${job.written} records successfully deleted` };
}

function idOf(value: unknown): string | number {
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw new Error(`Bug: ${String(value)} is no id`);
}
