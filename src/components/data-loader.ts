// `dataLoader`: first records of tables, from files `{ database?, table, records }` in JSON or YAML.
//
// A record is written when it is new in its file, and patched when its file has changed it. What others created, changed or deleted is theirs
// and left alone. What was loaded is remembered, by hashes, in the table system.LoadedFile; a file that has not changed is not even parsed.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Json, ZerohopError } from '../base/index.ts';
import { type AppNode, RequestContext, runInScope, tableResource } from '../resources/index.ts';
import type { Attribute, ScalarType, TableDefinition } from '../schema/index.ts';
import { administrator } from '../security/index.ts';
import type { StoredRecord, Table } from '../tables/index.ts';
import { isOptions, type Options } from './app-config.ts';
import { filePatterns, findFiles } from './app-files.ts';

/** Records written in one transaction, and remembered in one row. */
const batchRecords = 2000;

const bookkeeping: TableDefinition = {
  database: 'system',
  name: 'LoadedFile',
  primaryKey: 'id',
  attributes: [
    attribute('id', 'ID', 'file#0, file#1, ...'),
    attribute('hash', 'String', 'Hash of the whole file, in its first row.'),
    attribute('records', 'Any', 'Id of a record → hash of its row in the file, hash of the body it was stored with.'),
  ],
  sealed: false,
  replicate: false,
  audit: false,
  hidden: true,
};

function attribute(name: string, scalar: ScalarType, description: string): Attribute {
  const type = { kind: 'scalar', scalar } as const;
  return {
    name,
    type,
    required: name === 'id',
    indexed: false,
    unique: false,
    fulltext: false,
    hidden: false,
    description,
  };
}

type Id = string | number;
type Remembered = Readonly<Record<string, readonly [row: string, body: string]>>;

interface DataFile {
  readonly database: string;
  readonly table: string;
  readonly records: readonly Options[];
}

export async function loadData(
  options: Options,
  folder: string,
  node: AppNode,
  report: (error: unknown, file: string) => void,
): Promise<void> {
  const files = findFiles(folder, filePatterns(options, 'dataLoader', folder));
  if (files.length === 0) return;
  if (node.databases.table('system', 'LoadedFile') === undefined) {
    await node.databases.applySchema([bookkeeping]);
  }
  for (const file of files) {
    try {
      await loadFile(file, readFileSync(join(folder, file), 'utf8'), node);
    } catch (error) {
      report(error, file);
    }
  }
}

async function loadFile(file: string, text: string, node: AppNode): Promise<void> {
  const hash = hashOf(text);
  if (rememberedHash(file, node) === hash) return;
  const before = readRemembered(file, node);
  const data = parseFile(file, text);
  const table = node.databases.table(data.database, data.table);
  if (table === undefined) {
    throw new ZerohopError(
      'INVALID_CONFIG',
      `${file}: there is no table ${data.database}.${data.table}. Declare it in the schema with @table.`,
    );
  }
  // Until all of the file is loaded its old hash is forgotten, so that an interrupted load goes on at the next start.
  const rows: Remembered[] = [];
  let written = 0;
  for (let start = 0; start < data.records.length; start += batchRecords) {
    const batch = await loadBatch(file, data.records.slice(start, start + batchRecords), table, before.records, node);
    written += batch.written;
    rows.push(batch.remembered);
  }
  await remember(file, hash, rows, before.rows, node);
  node.log.info(`${file}: ${written} of ${data.records.length} records loaded into ${data.table}`);
}

function parseFile(file: string, text: string): DataFile {
  const value: unknown = parseText(file, text);
  if (!isOptions(value) || typeof value.table !== 'string' || !Array.isArray(value.records)) {
    throw new ZerohopError('INVALID_CONFIG', `${file}: a data file is { database?, table, records: [...] }.`);
  }
  const { database = 'data', table, records } = value;
  if (typeof database !== 'string') throw new ZerohopError('INVALID_CONFIG', `${file}: "database" is a name.`);
  const wrong = records.findIndex((record) => !isOptions(record));
  if (wrong !== -1) throw new ZerohopError('INVALID_CONFIG', `${file}: records[${wrong}] is not an object.`);
  return { database, table, records };
}

function parseText(file: string, text: string): unknown {
  try {
    return file.endsWith('.json') ? JSON.parse(text) : parse(text);
  } catch (error) {
    throw new ZerohopError(
      'INVALID_CONFIG',
      `${file}: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
    );
  }
}

/** Writes what is new or changed, together or not at all. */
async function loadBatch(file: string, records: readonly Options[], table: Table, before: Remembered, node: AppNode) {
  const { database, name, primaryKey } = table.definition;
  const writer = tableResource(database, name, node);
  const context = new RequestContext(node, { user: administrator });
  const remembered: Record<string, readonly [string, string]> = {};
  let written = 0;
  try {
    await runInScope(node, context, async () => {
      for (const record of records) {
        const id = idOf(record[primaryKey], file, primaryKey);
        const row = hashOf(JSON.stringify(record));
        const known = before[String(id)];
        const stored = context.transaction.get(table, id);
        const step = decide(record, row, known, stored, table);
        if (step === 'put') await writer.put(id, record);
        if (step === 'patch') await writer.patch(id, record);
        if (step !== 'leave') written++;
        const now = step === 'put' || step === 'patch' ? context.transaction.get(table, id) : stored;
        if (step === 'leave' ? known : now)
          remembered[String(id)] = step === 'leave' && known ? known : [row, hashOf(now?.body ?? '')];
      }
    });
    await context.transaction.commit();
  } finally {
    context.release();
  }
  return { written, remembered };
}

/**
 * What to do with a row of the file.
 *   put     it is new, here and in the file
 *   patch   the file has changed it, and nobody else
 *   adopt   it is there as the file has it, though not remembered: an earlier load was interrupted
 *   leave   it is as it was loaded, or is somebody else's by now
 */
function decide(
  record: Options,
  row: string,
  known: readonly [row: string, body: string] | undefined,
  stored: StoredRecord | undefined,
  table: Table,
): 'put' | 'patch' | 'adopt' | 'leave' {
  if (known === undefined) {
    if (stored === undefined) return 'put';
    return holds(stored, record, table) ? 'adopt' : 'leave';
  }
  if (known[0] === row || stored === undefined || hashOf(stored.body) !== known[1]) return 'leave';
  return 'patch';
}

/** Whether the stored record has every value of the file's row. */
function holds(stored: StoredRecord, record: Options, table: Table): boolean {
  const body = JSON.parse(stored.body) as Record<string, Json>;
  return Object.entries(record).every(
    ([name, value]) => name === table.definition.primaryKey || Bun.deepEquals(body[name], value),
  );
}

function idOf(id: unknown, file: string, primaryKey: string): Id {
  if (typeof id === 'string' || typeof id === 'number') return id;
  throw new ZerohopError(
    'INVALID_CONFIG',
    `${file}: every record needs its "${primaryKey}", so that it is found again at the next start.`,
  );
}

interface Before {
  readonly rows: number;
  readonly records: Remembered;
}

/** The hash of the file as it was last loaded whole. Alone, as it is all that most starts need. */
function rememberedHash(file: string, node: AppNode): unknown {
  const table = node.databases.table('system', 'LoadedFile');
  const stored = table && node.databases.getLatest(table, rowId(file, 0));
  return stored && table?.decode(stored).hash;
}

function readRemembered(file: string, node: AppNode): Before {
  const table = node.databases.table('system', 'LoadedFile');
  const records: Record<string, readonly [string, string]> = {};
  let rows = 0;
  for (;;) {
    const stored = table && node.databases.getLatest(table, rowId(file, rows));
    if (!table || !stored) return { rows, records };
    const row = table.decode(stored);
    Object.assign(records, row.records);
    rows++;
  }
}

async function remember(
  file: string,
  hash: string,
  rows: readonly Remembered[],
  rowsBefore: number,
  node: AppNode,
): Promise<void> {
  const table = node.databases.table('system', 'LoadedFile');
  if (table === undefined) throw new Error('Bug: system.LoadedFile is missing');
  const transaction = node.databases.transaction();
  const all = rows.length === 0 ? [{}] : rows;
  for (const [index, records] of all.entries()) {
    transaction.put(table, rowId(file, index), index === 0 ? { hash, records } : { records });
  }
  for (let index = all.length; index < rowsBefore; index++) transaction.delete(table, rowId(file, index));
  await transaction.commit();
}

function rowId(file: string, index: number): string {
  return `${file}#${index}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
