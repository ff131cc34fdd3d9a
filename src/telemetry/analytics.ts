// What a node did in a stretch of time, as rows to keep: the difference of two snapshots of its meters. Pure.
//
//   duration   requests of a route by method: count, mean and percentiles, in ms
//   success    how many of them were answered with a status below 400
//   <name>     what code of the app recorded under it
//   <meter>    any other by its name without `zerohop_`: counters by what they grew, gauges as they are, histograms likewise

import { appValues } from './app-meters.ts';
import type { FamilySnapshot, HistogramSeries, Labels, MetricsSnapshot, NumberSeries } from './snapshot.ts';
import { labelKey } from './snapshot.ts';

export interface AnalyticsRow {
  readonly metric: string;
  /** Numbers, and the labels of the meter. */
  readonly values: Readonly<Record<string, string | number>>;
}

const requests = 'zerohop_http_requests_total';
const latency = 'zerohop_http_request_seconds';
/** Rows of one stretch; a node with more routes leaves the rest out. */
const mostRows = 1_000;

export function analyticsOf(before: MetricsSnapshot, after: MetricsSnapshot): AnalyticsRow[] {
  const earlier = new Map(before.map((family) => [family.name, family]));
  const rows = after.flatMap((family) => {
    const past = earlier.get(family.name);
    if (family.name === requests) return successRows(family, past);
    return family.kind === 'histogram' ? spreadRows(family, past) : numberRows(family, past);
  });
  return rows.slice(0, mostRows);
}

/** Of a family, as operations call it. */
export function metricName(name: string): string {
  return name === latency ? 'duration' : name === requests ? 'success' : name.replace(/^zerohop_/, '');
}

function numberRows(family: FamilySnapshot, past: FamilySnapshot | undefined): AnalyticsRow[] {
  if (family.kind === 'histogram') return [];
  const values = family.kind === 'gauge' ? family.series : grown(family.series, past);
  return values.flatMap(({ labels, value }) =>
    family.kind === 'counter' && value === 0 ? [] : [{ metric: metricName(family.name), values: { ...labels, value } }],
  );
}

function grown(series: readonly NumberSeries[], past: FamilySnapshot | undefined): NumberSeries[] {
  const earlier = new Map(
    past === undefined || past.kind === 'histogram' ? [] : past.series.map((one) => [labelKey(one.labels), one.value]),
  );
  // A thread that was replaced began anew.
  return series.map(({ labels, value }) => ({
    labels,
    value: Math.max(0, value - (earlier.get(labelKey(labels)) ?? 0)),
  }));
}

/** Of each route and method. */
function successRows(family: FamilySnapshot, past: FamilySnapshot | undefined): AnalyticsRow[] {
  if (family.kind === 'histogram') return [];
  const byRoute = new Map<string, { path: string; method: string; count: number; total: number }>();
  for (const { labels, value } of grown(family.series, past)) {
    if (value === 0) continue;
    const { path, method } = routeOf(labels);
    const key = `${method} ${path}`;
    const one = byRoute.get(key) ?? { path, method, count: 0, total: 0 };
    byRoute.set(key, one);
    one.count += value;
    if (Number(labels.status?.charAt(0)) < 4) one.total += value;
  }
  return [...byRoute.values()].map((one) => ({ metric: 'success', values: { ...one, ratio: one.total / one.count } }));
}

/** Of histograms, statuses added up. Times are in ms. */
function spreadRows(family: FamilySnapshot, past: FamilySnapshot | undefined): AnalyticsRow[] {
  if (family.kind !== 'histogram') return [];
  const earlier = new Map(
    past?.kind === 'histogram' ? past.series.map((one) => [labelKey(one.labels), one] as const) : [],
  );
  const sums = new Map<string, { labels: Labels; counts: number[]; sum: number }>();
  for (const one of family.series) {
    const { status: _, ...rest } = one.labels;
    const labels = family.name === latency ? routeOf(rest) : rest;
    const key = labelKey(labels);
    const sum = sums.get(key) ?? { labels, counts: one.counts.map(() => 0), sum: 0 };
    sums.set(key, sum);
    const before = earlier.get(labelKey(one.labels));
    sum.sum += Math.max(0, one.sum - (before?.sum ?? 0));
    sum.counts = sum.counts.map((count, at) => count + Math.max(0, (one.counts[at] ?? 0) - (before?.counts[at] ?? 0)));
  }
  const scale = family.name.endsWith('_seconds') ? 1000 : 1;
  return [...sums.values()].flatMap(({ labels, counts, sum }) => {
    const count = counts.reduce((total, one) => total + one, 0);
    if (count === 0) return [];
    const at = (share: number) => percentile(family.bounds, { labels, counts, sum }, share) * scale;
    const spread = { mean: (sum / count) * scale, median: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) };
    const { metric = '', ...others } = labels;
    return family.name === appValues
      ? [{ metric, values: { ...others, count, ...spread } }]
      : [{ metric: metricName(family.name), values: { ...labels, count, ...spread } }];
  });
}

/** Within its bucket values are taken to be spread evenly; what is above the last bound counts as that. */
export function percentile(bounds: readonly number[], { counts }: HistogramSeries, share: number): number {
  const wanted = counts.reduce((total, one) => total + one, 0) * share;
  let below = 0;
  for (const [at, count] of counts.entries()) {
    if (count > 0 && below + count >= wanted) {
      const low = at === 0 ? 0 : (bounds[at - 1] ?? 0);
      const high = bounds[at] ?? low;
      return low + (high - low) * ((wanted - below) / count);
    }
    below += count;
  }
  return bounds.at(-1) ?? 0;
}

function routeOf({ route = '', method = '' }: Labels): { path: string; method: string } {
  return { path: route, method };
}
