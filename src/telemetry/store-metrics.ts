// What the store and the tables measure. They lie below and can't import these; each declares the meters it wants, and these fit.

import type { Counter, Gauge, Histogram } from '../base/index.ts';
import type { MeterRegistry } from './meter-registry.ts';

export interface StoreMetrics {
  /** Transactions committed. */
  readonly commits: Counter;
  /** Records written by them. */
  readonly changes: Counter;
  /** Transactions per group commit. */
  readonly commitGroup: Histogram;
  /** Seconds of each commit, without the sync. */
  readonly commitSeconds: Histogram;
  /** Seconds of each sync of the write-ahead log. */
  readonly syncSeconds: Histogram;
  readonly checkpointSeconds: Histogram;
  readonly walBytes: Gauge;
  /** Transactions, and bytes of changes, waiting to be committed. */
  readonly queued: Gauge;
  readonly queuedBytes: Gauge;
  /** Transactions refused, by error code. */
  refused(code: string): void;
}

export interface TableMetrics {
  readonly cacheHits: Counter;
  readonly cacheMisses: Counter;
  readonly cachedRecords: Gauge;
  readonly cachedBytes: Gauge;
  readonly snapshotsOpen: Gauge;
}

const groupBounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
/** In seconds: from 50 microseconds to 10 seconds. */
const diskBounds = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5, 10];

export function storeMetrics(registry: MeterRegistry): StoreMetrics {
  return {
    commits: registry.counter('zerohop_commits_total', 'Transactions committed'),
    changes: registry.counter('zerohop_changes_total', 'Records written by committed transactions'),
    commitGroup: registry.histogram('zerohop_commit_group_transactions', 'Transactions per group commit', groupBounds),
    commitSeconds: registry.histogram('zerohop_commit_seconds', 'Time of a group commit before its sync', diskBounds),
    syncSeconds: registry.histogram('zerohop_sync_seconds', 'Time to sync the write-ahead log to disk', diskBounds),
    checkpointSeconds: registry.histogram('zerohop_checkpoint_seconds', 'Time of a checkpoint', diskBounds),
    walBytes: registry.gauge('zerohop_wal_bytes', 'Size of the write-ahead logs'),
    queued: registry.gauge('zerohop_write_queue_transactions', 'Transactions waiting to be committed'),
    queuedBytes: registry.gauge('zerohop_write_queue_bytes', 'Bytes of changes waiting to be committed'),
    refused: (code) =>
      registry.counter('zerohop_transactions_refused_total', 'Transactions refused, by error code', { code }).add(1),
  };
}

export function tableMetrics(registry: MeterRegistry): TableMetrics {
  return {
    cacheHits: registry.counter('zerohop_cache_hits_total', 'Reads answered from the cache of decoded records'),
    cacheMisses: registry.counter('zerohop_cache_misses_total', 'Reads not answered from that cache'),
    cachedRecords: registry.gauge('zerohop_cache_records', 'Records in that cache'),
    cachedBytes: registry.gauge('zerohop_cache_bytes', 'Bytes in that cache'),
    snapshotsOpen: registry.gauge('zerohop_snapshots_open', 'Read snapshots held by transactions'),
  };
}
