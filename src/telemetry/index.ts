// What a node tells of itself: meters, analytics, the log, traces.

export { type AnalyticsRow, analyticsOf, metricName } from './analytics.ts';
export { AppMeters, appValues } from './app-meters.ts';
export { HttpMetrics, RouteMetrics } from './http-metrics.ts';
export { LogFile, type LogLine, logFileIn, readLogFile, releaseLogFile } from './log-file.ts';
export { createLogger, type LogOptions } from './logger.ts';
export { Metrics } from './metrics.ts';
export { measureProcess, measureThread } from './process-metrics.ts';
export { prometheusContentType, renderPrometheus } from './prometheus.ts';
export {
  type FamilySnapshot,
  type Labels,
  type MetricsSnapshot,
  mergeSnapshots,
  type NumberSeries,
  withoutGauges,
} from './snapshot.ts';
export type { StoreMetrics, TableMetrics } from './store-metrics.ts';
export { TracedStore } from './traced-store.ts';
export { openTracing } from './tracing.ts';
export type { Tracing, TracingOptions } from './tracing-options.ts';
