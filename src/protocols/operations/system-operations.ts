// Operations on the node itself: its configuration, what it runs on, and the log of changes.

import { statfsSync, statSync } from 'node:fs';
import { cpus, freemem, hostname, loadavg, networkInterfaces, platform, release, totalmem, uptime } from 'node:os';
import { join } from 'node:path';
import { ZerohopError } from '../../base/index.ts';
import { type Config, changeSettings } from '../../config/index.ts';
import { Connection, quoted, readCatalog } from '../../storage/index.ts';
import type { Databases } from '../../tables/index.ts';
import { asRequest, type Body, list, optionalCount, optionalText } from './fields.ts';
import { timeOf } from './log-operations.ts';
import { tableNamed } from './table-named.ts';
import type { Operation } from './types.ts';

export interface SystemOptions {
  readonly config: Config;
  /** Where set_configuration writes; undefined: the node was started without a place for one. */
  readonly configFile: string | undefined;
  /** The data folder. */
  readonly folder: string;
  readonly databases: Databases;
  readonly version: string;
  readonly nodeId: string;
  /** Something was set that counts after a restart. */
  readonly configured: () => void;
}

/** Entries of the log that one answer may have. */
const auditEntries = 10_000;
const parts = ['system', 'time', 'cpu', 'memory', 'disk', 'network', 'table_size', 'process'] as const;

export function systemOperations(options: SystemOptions): Operation[] {
  return [
    { name: 'get_configuration', access: 'super_user', run: async () => withoutSecrets(options.config) },
    {
      name: 'set_configuration',
      access: 'super_user',
      async run({ body }) {
        const { operation: _, impersonate: __, replicated: ___, ...changes } = body;
        if (options.configFile === undefined)
          throw new ZerohopError('CONFLICT', 'This node was started without a configuration file.');
        if (Object.keys(changes).length === 0)
          throw new ZerohopError('INVALID_REQUEST', 'Give keys and values: {"http_port": 8080}.');
        const { configFile } = options;
        const changed = await asRequest(async () => changeSettings(configFile, changes));
        options.configured();
        return {
          message: 'Configuration successfully set. You must restart Zerohop for new config settings to take effect.',
          changed,
          file: options.configFile,
        };
      },
    },
    {
      name: 'system_information',
      access: 'super_user',
      async run({ body }) {
        const wanted = body.attributes === undefined ? parts : list(body, 'attributes');
        const all = informationOf(options);
        const unknown = wanted.find((one) => !parts.some((part) => part === one));
        if (unknown !== undefined)
          throw new ZerohopError('INVALID_REQUEST', `"attributes" are of ${parts.join(', ')}; not ${String(unknown)}.`);
        return Object.fromEntries(parts.filter((part) => wanted.includes(part)).map((part) => [part, all[part]]));
      },
    },
    {
      name: 'read_audit_log',
      access: 'super_user',
      run: async ({ body }) => readAudit(options, body),
    },
    {
      name: 'read_transaction_log',
      access: 'super_user',
      async run({ body }) {
        const [from = 0, to = Number.MAX_SAFE_INTEGER / 1000] = [timeOf(body, 'from'), timeOf(body, 'to', 'until')];
        return readAudit(options, { ...body, search_type: 'timestamp', search_values: [from, to] });
      },
    },
  ];
}

function withoutSecrets(value: unknown, name = ''): unknown {
  if (/secret|password/i.test(name) && value !== '') return '(set)';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner, key)]));
}

function informationOf({
  folder,
  version,
  nodeId,
  databases,
}: SystemOptions): Readonly<Record<(typeof parts)[number], unknown>> {
  const disk = statfsSync(folder);
  const { rss, heapUsed } = process.memoryUsage();
  return {
    system: {
      platform: platform(),
      release: release(),
      hostname: hostname(),
      bun: Bun.version,
      zerohop: version,
      node: nodeId,
    },
    time: { now: new Date().toISOString(), uptime: uptime(), process_uptime: process.uptime() },
    cpu: { count: cpus().length, model: cpus()[0]?.model ?? '', load: loadavg() },
    memory: { total: totalmem(), free: freemem(), rss, heap_used: heapUsed },
    disk: { folder, size: disk.blocks * disk.bsize, available: disk.bavail * disk.bsize },
    network: networkInterfaces(),
    table_size: [...databases.all].flatMap(([database, tables]) =>
      [...tables.values()].map((table) => ({
        database,
        table: table.definition.name,
        record_count: table.recordCount(),
        database_bytes: statSync(join(folder, `${database}.db`), { throwIfNoEntry: false })?.size ?? 0,
      })),
    ),
    process: { pid: process.pid },
  };
}

/** Newest last. The log keeps which record changed and when, not what it was before, nor who changed it. */
function readAudit({ folder, databases }: SystemOptions, body: Body): unknown {
  const { database, name } = tableNamed(databases, body).definition;
  const limit = Math.min(optionalCount(body, 'limit') ?? 1000, auditEntries);
  const type = optionalText(body, 'search_type');
  const values = body.search_values === undefined ? [] : list(body, 'search_values');
  if (type !== undefined && type !== 'timestamp' && type !== 'hash_value')
    throw new ZerohopError('INVALID_REQUEST', '"search_type" is timestamp or hash_value.');
  if (type === 'timestamp' && !values.every((one) => typeof one === 'number' && Number.isFinite(one)))
    throw new ZerohopError('INVALID_REQUEST', 'The "search_values" of timestamp are from and to, in ms since 1970.');
  const connection = new Connection(join(folder, `${database}.db`), { readonly: true });
  try {
    const entry = readCatalog(connection).find(({ definition }) => definition.name === name);
    if (entry === undefined) return [];
    const [from = 0, to = Number.MAX_SAFE_INTEGER / 1000] = type === 'timestamp' ? values.map(Number) : [];
    const wanted = type === 'hash_value' ? ' AND t._id IN (SELECT value FROM json_each(?4))' : '';
    const rows = connection.all(
      `SELECT l.op, l.version, t._id, t._body FROM _log l LEFT JOIN ${quoted(entry.names.table)} t ON t._row = l.row
       WHERE l.tbl = ?1 AND l.version BETWEEN ?2 AND ?3${wanted} ORDER BY l.lsn DESC LIMIT ?${wanted === '' ? 4 : 5}`,
      [entry.number, from * 1000, to * 1000, ...(wanted === '' ? [] : [JSON.stringify(values)]), limit],
    );
    return rows.reverse().map(([op, version, id = null, text = null]) => ({
      operation: operationNames[Number(op)] ?? 'other',
      timestamp: Number(version) / 1000,
      hash_values: id === null ? [] : [id],
      // As it is now.
      records: text === null ? [] : [JSON.parse(String(text)) as unknown],
    }));
  } finally {
    connection.close();
  }
}

/** As the store's log has them. */
const operationNames: Readonly<Record<number, string>> = { 1: 'put', 2: 'patch', 3: 'delete', 4: 'expire', 5: 'index' };
