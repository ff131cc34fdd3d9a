// Jobs that load many records. One that can't be written is counted and told of; the others are written.

import { readFile, stat } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { limits, ZerohopError } from '../../base/index.ts';
import { type AppNode, type ListAction, writeRecords } from '../../resources/index.ts';
import type { ScalarType } from '../../schema/index.ts';
import { administrator } from '../../security/index.ts';
import type { Table } from '../../tables/index.ts';
import { type Body, isObject, optionalText, text } from './fields.ts';
import type { Job, JobHands, JobKind } from './jobs.ts';
import { s3File, s3Key } from './s3-file.ts';
import { tableNamed } from './table-named.ts';

/** Records written in one transaction. */
const batchRecords = 500;
/** Errors of records that a job keeps; more are counted. */
const keptErrors = 100;
/** How long a download may take. */
const downloadMs = 10 * 60_000;

const loads = [
  'csv_data_load',
  'csv_file_load',
  'csv_url_load',
  'json_data_load',
  'ndjson_data_load',
  'import_from_s3',
] as const;

export function loadKinds(node: AppNode): [string, JobKind][] {
  return loads.map((type) => [
    type,
    {
      check(body) {
        tableNamed(node.databases, body);
        actionOf(body);
        if (type === 'import_from_s3') formatOf(s3Key(body));
        else sourceField(type, body);
      },
      run: (job, hands) => load(node, job, hands),
    },
  ]);
}

async function load(node: AppNode, begun: Job, { body, save }: JobHands): Promise<Job> {
  let job = begun;
  const table = tableNamed(node.databases, body);
  const records = await recordsOf(job.type, body, table);
  while (job.position < records.length) {
    job = await writeBatch(node, job, table, records.slice(job.position, job.position + batchRecords));
    await save(job);
  }
  return { ...job, message: `successfully loaded ${job.written} of ${records.length} records` };
}

async function writeBatch(node: AppNode, job: Job, table: Table, records: readonly unknown[]): Promise<Job> {
  const call = { node, table, user: administrator };
  const action = actionOf(job.body);
  const position = job.position + records.length;
  try {
    const { done } = await writeRecords(call, action, records);
    return { ...job, position, written: job.written + done.length };
  } catch (error) {
    if (!isRecordsFault(error)) throw error;
  }
  let { written, failed } = job;
  const errors = [...job.errors];
  for (const [index, record] of records.entries()) {
    try {
      written += (await writeRecords(call, action, [record])).done.length;
    } catch (error) {
      if (!isRecordsFault(error)) throw error;
      failed++;
      if (errors.length < keptErrors) errors.push({ row: job.position + index + 1, error: error.message });
    }
  }
  return { ...job, position, written, failed, errors };
}

function isRecordsFault(error: unknown): error is ZerohopError {
  return (
    error instanceof ZerohopError &&
    error.code !== 'SHUTTING_DOWN' &&
    error.code !== 'OVERLOADED' &&
    error.code !== 'STORAGE_FULL'
  );
}

function actionOf(body: Body): ListAction {
  const action = optionalText(body, 'action') ?? 'insert';
  if (action === 'insert' || action === 'update' || action === 'upsert') return action;
  throw new ZerohopError('INVALID_REQUEST', '"action" is insert, update or upsert.');
}

function sourceField(type: string, body: Body): string {
  return text(body, type === 'csv_file_load' ? 'file_path' : type === 'csv_url_load' ? 'csv_url' : 'data');
}

type Format = 'csv' | 'json' | 'ndjson';

function formatOf(key: string): Format {
  const format = (['csv', 'ndjson', 'json'] as const).find((one) => key.toLowerCase().endsWith(`.${one}`));
  if (format !== undefined) return format;
  throw new ZerohopError('INVALID_REQUEST', `The key ${key} ends neither in .csv nor .json nor .ndjson.`);
}

async function recordsOf(type: string, body: Body, table: Table): Promise<readonly unknown[]> {
  if (type === 'import_from_s3') {
    const key = s3Key(body);
    return parsed(await objectText(body, key), formatOf(key), table);
  }
  const source = sourceField(type, body);
  if (type === 'csv_file_load') {
    if ((await stat(source)).size > limits.operationBytes) throw tooLarge(source);
    return fromCsv(await readFile(source, 'utf8'), table);
  }
  if (type === 'csv_url_load') return fromCsv(await download(source), table);
  return parsed(source, type === 'csv_data_load' ? 'csv' : type === 'ndjson_data_load' ? 'ndjson' : 'json', table);
}

function parsed(source: string, format: Format, table: Table): readonly unknown[] {
  if (format === 'csv') return fromCsv(source, table);
  if (format === 'ndjson') return source.split('\n').flatMap((line) => (line.trim() ? [JSON.parse(line)] : []));
  const records: unknown = JSON.parse(source);
  return Array.isArray(records) ? records : [records];
}

async function objectText(body: Body, key: string): Promise<string> {
  const file = s3File(body);
  if ((await file.stat()).size > limits.operationBytes) throw tooLarge(key);
  return file.text();
}

async function download(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(downloadMs) });
  if (!response.ok) throw new ZerohopError('INVALID_REQUEST', `${url} answered ${response.status}.`);
  const parts: string[] = [];
  const decoder = new TextDecoder();
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > limits.operationBytes) throw tooLarge(url);
    parts.push(decoder.decode(part, { stream: true }));
  }
  return parts.join('');
}

function tooLarge(source: string): ZerohopError {
  return new ZerohopError(
    'BODY_TOO_LARGE',
    `${source} has more than ${limits.operationBytes} bytes: load it in parts.`,
  );
}

/** The first line names the attributes. An empty field is no value. */
function fromCsv(data: string, { definition }: Table): readonly unknown[] {
  const scalars = new Map(
    definition.attributes.map(({ name, type }) => [name, type.kind === 'scalar' ? type.scalar : 'Any']),
  );
  const rows: unknown[] = parse(data, { columns: true, bom: true, skip_empty_lines: true, relax_column_count: true });
  return rows.map((row) =>
    isObject(row)
      ? Object.fromEntries(
          Object.entries(row).flatMap(([name, value]) =>
            value === '' ? [] : [[name, typed(String(value), scalars.get(name) ?? 'Any')]],
          ),
        )
      : row,
  );
}

const asText: ReadonlySet<ScalarType> = new Set(['ID', 'String', 'Date', 'Bytes', 'Blob', 'BigInt']);

function typed(value: string, scalar: ScalarType): unknown {
  if (asText.has(scalar)) return value;
  if (/^-?(0|[1-9]\d{0,14})(\.\d+)?$/.test(value)) return Number(value);
  return value === 'true' ? true : value === 'false' ? false : value;
}
