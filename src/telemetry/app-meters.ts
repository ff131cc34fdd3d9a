// What code of the app measures by itself (`server.recordAnalytics`), under names of its own: one family, told apart by labels.

import { type Histogram, ZerohopError } from '../base/index.ts';
import type { Labels } from './snapshot.ts';

/** The family; rows of analytics go by its label `metric`. */
export const appValues = 'zerohop_app_values';

/** Where values are kept: a `Metrics`, as far as this needs it. */
interface Meters {
  histogram(name: string, help: string, bounds: readonly number[], labels: Labels): Histogram;
}

/** 1, 2 and 5 of each power of ten: counts, sizes and times in any unit. */
const bounds = [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));

/** Longest text of a label; what is longer is cut. */
const labelCharacters = 250;

export class AppMeters {
  readonly #meters: Meters;

  constructor(meters: Meters) {
    this.#meters = meters;
  }

  /** True counts as 1 and false as 0, so that the mean is their share. Throws APPLICATION_ERROR. */
  record(value: unknown, metric: unknown, path: unknown, method: unknown, type: unknown): void {
    const number = typeof value === 'boolean' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isFinite(number) || typeof metric !== 'string' || metric === '') {
      throw new ZerohopError(
        'APPLICATION_ERROR',
        'recordAnalytics(value, metric, path, method, type) takes a number, true or false, and the name of a metric.',
      );
    }
    const labels = { metric: labelOf(metric), path: labelOf(path), method: labelOf(method), type: labelOf(type) };
    this.#meters.histogram(appValues, 'Values that code of the app recorded', bounds, labels).observe(number);
  }
}

function labelOf(value: unknown): string {
  return value === undefined || value === null ? '' : String(value).slice(0, labelCharacters);
}
