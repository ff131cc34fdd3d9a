// Snapshots as text that Prometheus reads (text format 0.0.4).

import { type FamilySnapshot, type HistogramSeries, type MetricsSnapshot, mergeSnapshots } from './snapshot.ts';

export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** The metrics of all threads as one page. The writer of the format is loaded at the first call. */
export async function renderPrometheus(snapshots: readonly MetricsSnapshot[]): Promise<string> {
  const { AggregatorRegistry } = await import('prom-client');
  return AggregatorRegistry.aggregate([mergeSnapshots(snapshots).map(toPromClient)]).metrics();
}

/** The form in which prom-client hands metrics from process to process. */
function toPromClient(family: FamilySnapshot): object {
  const { name, help, kind } = family;
  const values =
    family.kind === 'histogram' ? histogramValues(family.name, family.bounds, family.series) : family.series;
  return { name, help, type: kind, aggregator: 'first', values };
}

/** Buckets in that form are cumulative. */
function histogramValues(name: string, bounds: readonly number[], series: readonly HistogramSeries[]): object[] {
  return series.flatMap(({ labels, counts, sum }) => {
    let total = 0;
    const buckets = counts.map((count, index) => {
      total += count;
      return { labels: { le: bounds[index] ?? '+Inf', ...labels }, value: total, metricName: `${name}_bucket` };
    });
    return [
      ...buckets,
      { labels, value: sum, metricName: `${name}_sum` },
      { labels, value: total, metricName: `${name}_count` },
    ];
  });
}
