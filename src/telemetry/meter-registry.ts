// Makes meters and reads them. A meter is made once by whoever measures, kept, and called. Names follow Prometheus:
// `zerohop_…_total`, `_seconds`, `_bytes`.

import { assert, type Counter, type Gauge, type Histogram } from '../base/index.ts';
import { HistogramCell, NumberCell } from './cells.ts';
import { type FamilySnapshot, type Labels, labelKey, type MetricsSnapshot } from './snapshot.ts';

/** Series one family may have in a thread; values beyond go into one series whose labels all say `other`. */
export const maxSeries = 1_000;

/** Adds a family to the snapshot from numbers kept elsewhere. */
export type Collector = () => MetricsSnapshot;

interface Family {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly bounds: Float64Array;
  readonly series: Map<string, Series>;
}

interface Series {
  readonly labels: Labels;
  readonly cell: NumberCell | HistogramCell | Sample;
}

/** A number that is read when a snapshot is taken. */
class Sample {
  readonly read: () => number;
  constructor(read: () => number) {
    this.read = read;
  }
}

const noBounds = new Float64Array(0);

export class MeterRegistry {
  readonly #families = new Map<string, Family>();
  readonly #collectors: Collector[] = [];

  /** The counter of this name and these labels: the same one for the same labels. */
  counter(name: string, help: string, labels: Labels = {}): Counter {
    return this.#number('counter', name, help, labels);
  }

  gauge(name: string, help: string, labels: Labels = {}): Gauge {
    return this.#number('gauge', name, help, labels);
  }

  /** @param bounds upper bounds of the buckets, ascending; the same for all series of a name */
  histogram(name: string, help: string, bounds: readonly number[], labels: Labels = {}): Histogram {
    const family = this.#family('histogram', name, help, bounds);
    const cell = this.#series(family, labels, () => new HistogramCell(family.bounds)).cell;
    assert(cell instanceof HistogramCell, `${name} is not a histogram`);
    return cell;
  }

  /** A number kept elsewhere, read at each snapshot. Replaces the earlier reader of the same name and labels. */
  sample(kind: 'counter' | 'gauge', name: string, help: string, read: () => number, labels: Labels = {}): void {
    const series = this.#family(kind, name, help, []).series;
    series.set(labelKey(labels), { labels, cell: new Sample(read) });
  }

  /** Families kept elsewhere, asked for at each snapshot. */
  collect(collector: Collector): void {
    this.#collectors.push(collector);
  }

  snapshot(): MetricsSnapshot {
    const families = [...this.#families].flatMap(([name, family]) => snapshotOf(name, family));
    return [...families, ...this.#collectors.flatMap((collector) => collector())];
  }

  #number(kind: 'counter' | 'gauge', name: string, help: string, labels: Labels): NumberCell {
    const cell = this.#series(this.#family(kind, name, help, []), labels, () => new NumberCell()).cell;
    assert(cell instanceof NumberCell, `${name} is read elsewhere`);
    return cell;
  }

  #family(kind: Family['kind'], name: string, help: string, bounds: readonly number[]): Family {
    let family = this.#families.get(name);
    if (family === undefined) {
      family = { kind, help, bounds: bounds.length > 0 ? new Float64Array(bounds) : noBounds, series: new Map() };
      this.#families.set(name, family);
    }
    assert(family.kind === kind, `${name} is a ${family.kind}, not a ${kind}`);
    return family;
  }

  #series(family: Family, wanted: Labels, make: () => NumberCell | HistogramCell): Series {
    const known = family.series.get(labelKey(wanted));
    if (known !== undefined) return known;
    const full = family.series.size >= maxSeries;
    const labels = full ? Object.fromEntries(Object.keys(wanted).map((name) => [name, 'other'])) : wanted;
    const series = family.series.get(labelKey(labels)) ?? { labels, cell: make() };
    family.series.set(labelKey(labels), series);
    return series;
  }
}

function snapshotOf(name: string, { kind, help, bounds, series }: Family): FamilySnapshot[] {
  if (series.size === 0) return [];
  if (kind === 'histogram') {
    const histograms = [...series.values()].flatMap(({ labels, cell }) =>
      cell instanceof HistogramCell ? [cell.series(labels)] : [],
    );
    return [{ kind, name, help, bounds: [...bounds], series: histograms }];
  }
  const numbers = [...series.values()].flatMap(({ labels, cell }) => {
    if (cell instanceof HistogramCell) return [];
    return [{ labels, value: cell instanceof Sample ? cell.read() : cell.value }];
  });
  return [{ kind, name, help, series: numbers }];
}
