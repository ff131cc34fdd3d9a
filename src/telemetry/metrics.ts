// What one thread measures: the groups that are handed to the floors below and above, and whatever meters others make.

import { HttpMetrics } from './http-metrics.ts';
import { MeterRegistry } from './meter-registry.ts';
import { type StoreMetrics, storeMetrics, type TableMetrics, tableMetrics } from './store-metrics.ts';

export class Metrics extends MeterRegistry {
  /** Name of the thread: 'main', 'store', 'serve-1'. */
  readonly thread: string;
  readonly http: HttpMetrics = new HttpMetrics(this);
  readonly store: StoreMetrics = storeMetrics(this);
  readonly tables: TableMetrics = tableMetrics(this);

  constructor(thread: string) {
    super();
    this.thread = thread;
  }
}
