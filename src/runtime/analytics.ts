// Keeps what the node did, stretch by stretch, in a table of its own: what the operation get_analytics reads.

import type { Logger } from '../base/index.ts';
import type { Attribute, ScalarType, TableDefinition } from '../schema/index.ts';
import type { LiveDatabases } from '../tables/index.ts';
import { analyticsOf, type MetricsSnapshot, mergeSnapshots } from '../telemetry/index.ts';

export const analyticsTable: TableDefinition = {
  database: 'system',
  name: 'hdb_analytics',
  primaryKey: 'id',
  attributes: [
    attribute('id', 'ID'),
    attribute('metric', 'String', true),
    attribute('time', 'Long', true),
    attribute('period', 'Long'),
    attribute('values', 'Any'),
  ],
  sealed: true,
  expirationMs: 30 * 24 * 3600 * 1000,
  replicate: false,
  audit: false,
  hidden: true,
};

function attribute(name: string, scalar: ScalarType, indexed = false): Attribute {
  const type = { kind: 'scalar', scalar } as const;
  return { name, type, required: false, indexed, unique: false, fulltext: false, hidden: false };
}

export interface AnalyticsOptions {
  readonly databases: LiveDatabases;
  /** Of every thread. */
  readonly snapshots: () => Promise<readonly MetricsSnapshot[]>;
  readonly periodMs: number;
  readonly log: Logger;
}

/** Returns what ends it. */
export function keepAnalytics(options: AnalyticsOptions): () => void {
  let before: MetricsSnapshot | undefined;
  let isRunning = false;
  const timer = setInterval(async () => {
    // The one before may still wait for a thread.
    if (isRunning) return;
    isRunning = true;
    try {
      const after = mergeSnapshots(await options.snapshots());
      if (before !== undefined) await write(options, before, after);
      before = after;
    } catch (error) {
      options.log.debug('Analytics of a period are lost', { error });
    } finally {
      isRunning = false;
    }
  }, options.periodMs);
  timer.unref();
  return () => clearInterval(timer);
}

async function write(
  { databases, periodMs }: AnalyticsOptions,
  before: MetricsSnapshot,
  after: MetricsSnapshot,
): Promise<void> {
  const table = databases.table(analyticsTable.database, analyticsTable.name);
  const rows = analyticsOf(before, after);
  if (table === undefined || rows.length === 0) return;
  const time = Date.now();
  const transaction = databases.transaction();
  for (const [at, { metric, values }] of rows.entries())
    transaction.put(table, `${time}-${at}`, { id: `${time}-${at}`, metric, time, period: periodMs, values });
  await transaction.commit();
}
