// Measurements as plain data: what crosses from thread to thread, and how those of several threads become one.

export type Labels = Readonly<Record<string, string>>;

export interface NumberSeries {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSeries {
  readonly labels: Labels;
  /** How many values fell into each bucket: one more than there are bounds, the last for all above. Not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export type FamilySnapshot =
  | {
      readonly kind: 'counter' | 'gauge';
      readonly name: string;
      readonly help: string;
      readonly series: readonly NumberSeries[];
    }
  | {
      readonly kind: 'histogram';
      readonly name: string;
      readonly help: string;
      /** Upper bounds of the buckets, ascending, each included in its bucket. */
      readonly bounds: readonly number[];
      readonly series: readonly HistogramSeries[];
    };

/** Everything one thread measured. */
export type MetricsSnapshot = readonly FamilySnapshot[];

/** Series of the same name and labels become one, their numbers added. The order of first appearance is kept. */
export function mergeSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const families = new Map<string, FamilySnapshot>();
  for (const family of snapshots.flat()) {
    const earlier = families.get(family.name);
    families.set(family.name, earlier === undefined ? family : mergeFamilies(earlier, family));
  }
  return [...families.values()];
}

/** What a thread that ended leaves behind: its counts go on counting, its gauges mean nothing any more. */
export function withoutGauges(snapshot: MetricsSnapshot): MetricsSnapshot {
  return snapshot.filter((family) => family.kind !== 'gauge');
}

function mergeFamilies(a: FamilySnapshot, b: FamilySnapshot): FamilySnapshot {
  if (a.kind === 'histogram' && b.kind === 'histogram') {
    return { ...a, series: mergeSeries([...a.series, ...b.series], addHistograms) };
  }
  if (a.kind === 'histogram' || b.kind === 'histogram') throw new Error(`Bug: ${a.name} is measured in two ways`);
  return { ...a, series: mergeSeries([...a.series, ...b.series], addNumbers) };
}

function mergeSeries<S extends { readonly labels: Labels }>(series: readonly S[], add: (a: S, b: S) => S): S[] {
  const merged = new Map<string, S>();
  for (const one of series) {
    const key = labelKey(one.labels);
    const earlier = merged.get(key);
    merged.set(key, earlier === undefined ? one : add(earlier, one));
  }
  return [...merged.values()];
}

const addNumbers = (a: NumberSeries, b: NumberSeries): NumberSeries => ({ ...a, value: a.value + b.value });

const addHistograms = (a: HistogramSeries, b: HistogramSeries): HistogramSeries => ({
  labels: a.labels,
  counts: a.counts.map((count, index) => count + (b.counts[index] ?? 0)),
  sum: a.sum + b.sum,
});

/** The same text for the same labels in whatever order. */
export function labelKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
