// What the node did, stretch by stretch: rows that the runtime keeps in a table of its own.

import { assert, ZerohopError } from '../../base/index.ts';
import type { Condition } from '../../query/index.ts';
import type { Databases, Table } from '../../tables/index.ts';
import { appValues, type MetricsSnapshot, mergeSnapshots, metricName } from '../../telemetry/index.ts';
import { type Body, isObject, list, optionalFlag, text } from './fields.ts';
import { timeOf } from './log-operations.ts';
import type { Operation } from './types.ts';

export interface AnalyticsOperationsOptions {
  readonly databases: Databases;
  /** Of the rows. */
  readonly table: Table | undefined;
  /** Of every thread, as of now. */
  readonly snapshots: () => Promise<readonly MetricsSnapshot[]>;
}

/** Rows of one answer. */
const mostRows = 10_000;

type Row = Readonly<Record<string, unknown>>;

export function analyticsOperations({ databases, table, snapshots }: AnalyticsOperationsOptions): Operation[] {
  assert(table, 'the table of analytics is declared before the node starts');
  const families = async () => mergeSnapshots(await snapshots());
  return [
    {
      name: 'list_metrics',
      access: 'super_user',
      async run({ body }) {
        const types = body.metric_types === undefined ? ['builtin'] : list(body, 'metric_types');
        const all = await families();
        const builtIn = all.filter(({ name }) => name !== appValues).map(({ name }) => metricName(name));
        const names = [
          ...(types.includes('builtin') ? builtIn : []),
          ...(types.includes('custom') ? recordedIn(all) : []),
        ];
        return [...new Set(names)].sort();
      },
    },
    {
      name: 'describe_metric',
      access: 'super_user',
      async run({ body }) {
        const metric = text(body, 'metric');
        const all = await families();
        const wanted = recordedIn(all).includes(metric) ? appValues : undefined;
        const family = all.find(({ name }) => (wanted === undefined ? metricName(name) === metric : name === wanted));
        if (family === undefined)
          throw new ZerohopError('NOT_FOUND', `There is no metric ${metric}: see list_metrics.`);
        const [newest] = rowsOf(databases, table, metric, 0, Number.MAX_SAFE_INTEGER, 1);
        const attributes = Object.entries(newest ?? {}).map(([name, value]) => ({ name, type: typeof value }));
        return { metric, type: family.kind, description: family.help, attributes };
      },
    },
    {
      name: 'get_analytics',
      access: 'super_user',
      async run({ body }) {
        const from = timeOf(body, 'start_time') ?? 0;
        const until = timeOf(body, 'end_time') ?? Number.MAX_SAFE_INTEGER;
        const rows = rowsOf(databases, table, text(body, 'metric'), from, until, mostRows);
        const fits = (body.conditions === undefined ? [] : list(body, 'conditions')).map(conditionOf);
        const isCoalesced = optionalFlag(body, 'coalesce_time') ?? false;
        return rows
          .filter((row) => fits.every((fit) => fit(row)))
          .map((row) => (isCoalesced ? coalesced(row) : row))
          .map(selectionOf(body));
      },
    },
  ];
}

/** Names that code of the app recorded values under. */
function recordedIn(families: MetricsSnapshot): string[] {
  const family = families.find(({ name }) => name === appValues);
  return (family?.series ?? []).map(({ labels }) => labels.metric ?? '');
}

/** Newest first. */
function rowsOf(databases: Databases, table: Table, metric: string, from: number, until: number, limit: number): Row[] {
  const conditions: Condition[] = [
    { attribute: ['metric'], comparator: 'equals', value: metric },
    { attribute: ['time'], comparator: 'between', value: [from, until] },
  ];
  const transaction = databases.transaction();
  try {
    const sort = [{ attribute: ['time'], descending: true }];
    const { rows } = transaction.search(table, { conditions: { operator: 'and', conditions }, sort, limit });
    return Array.from(rows, ({ json }) => {
      const { id, metric, time, period, values } = JSON.parse(json) as Row & { values: Row };
      return { id, metric, time, period, ...values };
    });
  } finally {
    transaction.abort();
  }
}

/** Rows of the same stretch have the same time on every node. */
function coalesced(row: Row): Row {
  const [time, period] = [Number(row.time), Number(row.period)];
  return { ...row, time: Math.floor(time / period) * period };
}

function selectionOf(body: Body): (row: Row) => Row {
  if (body.get_attributes === undefined) return (row) => row;
  const names = list(body, 'get_attributes').map(String);
  if (names.includes('*')) return (row) => row;
  return (row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
}

function conditionOf(given: unknown): (row: Row) => boolean {
  if (!isObject(given))
    throw new ZerohopError('INVALID_QUERY', 'A condition is an object: {"attribute", "comparator", "value"}.');
  const name = String(given.attribute ?? given.search_attribute);
  const value = given.value ?? given.search_value;
  const comparator = given.comparator ?? given.search_type ?? 'equals';
  switch (comparator) {
    case 'equals':
      return (row) => row[name] === value;
    case 'not_equal':
      return (row) => row[name] !== value;
    case 'greater_than':
      return (row) => Number(row[name]) > Number(value);
    case 'greater_than_equal':
      return (row) => Number(row[name]) >= Number(value);
    case 'less_than':
      return (row) => Number(row[name]) < Number(value);
    case 'less_than_equal':
      return (row) => Number(row[name]) <= Number(value);
    case 'contains':
      return (row) => String(row[name] ?? '').includes(String(value));
    default:
      throw new ZerohopError(
        'INVALID_QUERY',
        '"comparator" is equals, not_equal, greater_than, greater_than_equal, less_than, less_than_equal or contains.',
      );
  }
}
