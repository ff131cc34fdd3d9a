// Loads of many records that go on by themselves: a job is a row of the database `system` that says how far it is, so that it goes on
// after a restart. A record that can't be written is counted and told of; the others are written.

import { readFile, stat } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { assert, type Logger, limits, ZerohopError } from '../../base/index.ts';
import { type AppNode, type ListAction, writeRecords } from '../../resources/index.ts';
import type { ScalarType } from '../../schema/index.ts';
import { administrator } from '../../security/index.ts';
import type { Table } from '../../tables/index.ts';
import { type Body, isObject, optionalText, text } from './fields.ts';
import { tableNamed } from './table-named.ts';
import type { Operation } from './types.ts';

/** Records written in one transaction. */
const batchRecords = 500;
/** Errors of records that a job keeps; more are counted. */
const keptErrors = 100;
/** How long a download may take. */
const downloadMs = 10 * 60_000;

interface Job {
  readonly type: string;
  readonly user: string;
  readonly status: 'IN_PROGRESS' | 'COMPLETE' | 'ERROR';
  readonly message: string;
  readonly start_datetime: number;
  readonly end_datetime?: number;
  readonly body: Body;
  /** Records of the source that are dealt with. */
  readonly position: number;
  readonly written: number;
  readonly failed: number;
  readonly errors: readonly { readonly row: number; readonly error: string }[];
}

const loads = ['csv_data_load', 'csv_file_load', 'csv_url_load', 'json_data_load', 'ndjson_data_load'] as const;

/** @param table of jobs
 * @returns the operations, once jobs that were under way when the node ended have been taken up */
export function jobOperations(node: AppNode, table: Table | undefined, log: Logger): Operation[] {
  assert(table, 'the table of jobs is declared before the node starts');
  const jobs = new Jobs(node, table, log);
  jobs.resume();
  return [
    ...loads.map(
      (name): Operation => ({
        name,
        access: 'super_user',
        async run({ body, user }) {
          tableNamed(node.databases, body);
          actionOf(body);
          sourceField(name, body);
          const id = await jobs.begin(name, body, user?.username ?? '');
          return { message: `Starting job with id ${id}`, job_id: id };
        },
      }),
    ),
    {
      name: 'get_job',
      access: 'super_user',
      async run({ body }) {
        const id = text(body, 'id', 'job_id');
        const job = jobs.get(id);
        if (job === undefined) throw new ZerohopError('NOT_FOUND', `There is no job ${id}.`);
        return [shown(id, job)];
      },
    },
    {
      name: 'search_jobs_by_start_date',
      access: 'super_user',
      async run({ body }) {
        const [from, to] = [timeOf(body, 'from_date'), timeOf(body, 'to_date')];
        return jobs.startedBetween(from, to).map(([id, job]) => shown(id, job));
      },
    },
  ];
}

class Jobs {
  readonly #node: AppNode;
  readonly #table: Table;
  readonly #log: Logger;

  constructor(node: AppNode, table: Table, log: Logger) {
    this.#node = node;
    this.#table = table;
    this.#log = log;
  }

  get(id: string): Job | undefined {
    const stored = this.#node.databases.getLatest(this.#table, id);
    return stored && (JSON.parse(stored.body) as { job: Job }).job;
  }

  startedBetween(from: number, to: number): [string, Job][] {
    const transaction = this.#node.databases.transaction();
    try {
      const value = [from, to];
      const conditions = [{ attribute: ['start_datetime'], comparator: 'between', value }] as const;
      const query = { conditions: { operator: 'and', conditions }, limit: 1000 } as const;
      return Array.from(transaction.search(this.#table, query).rows, ({ id, json }) => [
        String(id),
        (JSON.parse(json) as { job: Job }).job,
      ]);
    } finally {
      transaction.abort();
    }
  }

  async begin(type: string, { operation: _, ...body }: Body, user: string): Promise<string> {
    const id = Bun.randomUUIDv7();
    const start_datetime = Date.now();
    const begun = { position: 0, written: 0, failed: 0, errors: [], message: 'under way' };
    await this.#save(id, { type, user, status: 'IN_PROGRESS', start_datetime, body, ...begun });
    this.#goOn(id);
    return id;
  }

  resume(): void {
    for (const [id, { status }] of this.startedBetween(0, Number.MAX_SAFE_INTEGER))
      if (status === 'IN_PROGRESS') this.#goOn(id);
  }

  /** Not awaited: whoever asks looks at the row. */
  #goOn(id: string): void {
    this.#run(id).catch((error: unknown) => this.#log.error(`The job ${id} could not be noted`, { error }));
  }

  async #run(id: string): Promise<void> {
    let job = this.get(id);
    if (job === undefined) return;
    try {
      const table = tableNamed(this.#node.databases, job.body);
      const records = await recordsOf(job, table);
      while (job.position < records.length) {
        job = await this.#batch(job, table, records.slice(job.position, job.position + batchRecords));
        await this.#save(id, job);
      }
      const message = `successfully loaded ${job.written} of ${records.length} records`;
      await this.#save(id, { ...job, status: 'COMPLETE', message, end_datetime: Date.now() });
    } catch (error) {
      // A node that stops takes the job up again.
      if (error instanceof ZerohopError && error.code === 'SHUTTING_DOWN') return;
      const message = error instanceof Error ? error.message : String(error);
      await this.#save(id, { ...job, status: 'ERROR', message, end_datetime: Date.now() });
    }
  }

  async #batch(job: Job, table: Table, records: readonly unknown[]): Promise<Job> {
    const call = { node: this.#node, table, user: administrator };
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

  async #save(id: string, job: Job): Promise<void> {
    const transaction = this.#node.databases.transaction();
    transaction.put(this.#table, id, { id, start_datetime: job.start_datetime, job });
    await transaction.commit();
  }
}

function isRecordsFault(error: unknown): error is ZerohopError {
  return (
    error instanceof ZerohopError &&
    error.code !== 'SHUTTING_DOWN' &&
    error.code !== 'OVERLOADED' &&
    error.code !== 'STORAGE_FULL'
  );
}

/** The body of the request is kept for going on, and shown without its data. */
function shown(id: string, { body: { data: _, ...request }, ...job }: Job): unknown {
  return { id, ...job, created_datetime: job.start_datetime, job_body: request };
}

function actionOf(body: Body): ListAction {
  const action = optionalText(body, 'action') ?? 'insert';
  if (action === 'insert' || action === 'update' || action === 'upsert') return action;
  throw new ZerohopError('INVALID_REQUEST', '"action" is insert, update or upsert.');
}

function sourceField(type: string, body: Body): string {
  return text(body, type === 'csv_file_load' ? 'file_path' : type === 'csv_url_load' ? 'csv_url' : 'data');
}

async function recordsOf({ type, body }: Job, table: Table): Promise<readonly unknown[]> {
  const source = sourceField(type, body);
  if (type === 'csv_file_load') {
    if ((await stat(source)).size > limits.operationBytes) throw tooLarge(source);
    return fromCsv(await readFile(source, 'utf8'), table);
  }
  if (type === 'csv_url_load') return fromCsv(await download(source), table);
  if (type === 'csv_data_load') return fromCsv(source, table);
  if (type === 'ndjson_data_load') return source.split('\n').flatMap((line) => (line.trim() ? [JSON.parse(line)] : []));
  const records: unknown = JSON.parse(source);
  return Array.isArray(records) ? records : [records];
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

function timeOf(body: Body, name: string): number {
  const ms = Date.parse(text(body, name));
  if (Number.isFinite(ms)) return ms;
  throw new ZerohopError('INVALID_REQUEST', `"${name}" is a time such as 2026-05-01T12:00:00Z.`);
}
