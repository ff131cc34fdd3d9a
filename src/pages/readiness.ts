// If the origin failed this second: what share of recent requests would be served, and which of the busiest pages would not. Kept in constant
// memory, whatever the traffic: of every minute of the last hour and every hour of the last day a fair sample, and the busiest addresses
// counted as in Metwally et al., "Efficient computation of frequent and top-k elements in data streams" (2005).

/** Whether a page could be served without its origin. */
export type Servable = 'fresh' | 'stale' | 'no';

export interface Share {
  readonly requests: number;
  /** 0 to 1. */
  readonly fresh: number;
  readonly stale: number;
}

export interface ReadinessReport {
  readonly hour: Share;
  readonly day: Share;
  /** The busiest first; `requests` is at most too high by what the least busy one counted has. */
  readonly missing: readonly { readonly key: string; readonly requests: number }[];
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

interface Bucket {
  since: number;
  count: number;
  readonly sample: string[];
}

/** Buckets in a ring, each with a reservoir of what was asked for in its time. */
class SampledTimes {
  readonly #lengthMs: number;
  readonly #samples: number;
  readonly #chance: () => number;
  readonly #ring: Bucket[];

  constructor(buckets: number, lengthMs: number, samples: number, chance: () => number) {
    this.#lengthMs = lengthMs;
    this.#samples = samples;
    this.#chance = chance;
    this.#ring = Array.from({ length: buckets }, () => ({ since: -1, count: 0, sample: [] }));
  }

  add(key: string, nowMs: number, times: number): void {
    const since = Math.floor(nowMs / this.#lengthMs);
    const bucket = this.#ring[since % this.#ring.length];
    if (!bucket) return;
    if (bucket.since !== since) {
      bucket.since = since;
      bucket.count = 0;
      bucket.sample.length = 0;
    }
    for (let left = times; left > 0; left--) {
      bucket.count++;
      if (bucket.sample.length < this.#samples) bucket.sample.push(key);
      else {
        const place = Math.floor(this.#chance() * bucket.count);
        if (place < this.#samples) bucket.sample[place] = key;
      }
    }
  }

  /** @param most samples that are looked at, about, of all buckets */
  share(nowMs: number, servable: (key: string) => Servable, most: number): Share {
    const oldest = Math.floor(nowMs / this.#lengthMs) - this.#ring.length;
    const recent = this.#ring.filter(({ since, count }) => since > oldest && count > 0);
    const requests = recent.reduce((sum, { count }) => sum + count, 0);
    const sums: Record<Servable, number> = { fresh: 0, stale: 0, no: 0 };
    const each = Math.ceil(most / recent.length);
    for (const { count, sample } of recent) {
      // Those at the front of a sample came early.
      const step = Math.max(1, sample.length / each);
      const looked = Array.from(
        { length: Math.min(each, sample.length) },
        (_, at) => sample[Math.floor(at * step)] ?? '',
      );
      for (const key of looked) sums[servable(key)] += count / looked.length / requests;
    }
    return { requests, fresh: sums.fresh, stale: sums.stale };
  }
}

/** Space-Saving: the busiest keys, with counts that are never too low. */
class BusiestKeys {
  readonly #most: number;
  readonly #counts = new Map<string, number>();
  /** Who makes room, the least busy last; as they were when it was made. */
  #leaving: (readonly [string, number])[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  add(key: string, times: number): void {
    const known = this.#counts.get(key);
    if (known !== undefined) return void this.#counts.set(key, known + times);
    if (this.#counts.size < this.#most) return void this.#counts.set(key, times);
    const [least, count] = this.#leave();
    this.#counts.delete(least);
    this.#counts.set(key, count + times);
  }

  /** One that is among the least busy. To find the very least each time would mean to look at all of them. */
  #leave(): readonly [string, number] {
    for (;;) {
      const last = this.#leaving.pop();
      if (last === undefined) this.#leaving = this.sorted();
      // Not asked for since.
      else if (this.#counts.get(last[0]) === last[1]) return last;
    }
  }

  /** As counted before. */
  restore(counts: readonly (readonly [string, number])[]): void {
    for (const [key, count] of counts) this.#counts.set(key, count + (this.#counts.get(key) ?? 0));
    const least = this.sorted().slice(this.#most);
    for (const [key] of least) this.#counts.delete(key);
  }

  /** Halves all counts, so that what was busy once makes room. */
  fade(): void {
    for (const [key, count] of this.#counts) {
      if (count < 2) this.#counts.delete(key);
      else this.#counts.set(key, Math.floor(count / 2));
    }
  }

  sorted(): (readonly [string, number])[] {
    return [...this.#counts].toSorted((a, b) => b[1] - a[1]);
  }
}

/** Samples that a report looks at for each share: enough for an error of about one in a hundred. */
const reported = 1_500;

export interface ReadinessOptions {
  /** From 0 to 1. */
  readonly chance: () => number;
  readonly samples?: number;
  readonly busiest?: number;
}

export class Readiness {
  readonly #minutes: SampledTimes;
  readonly #hours: SampledTimes;
  readonly #busiest: BusiestKeys;
  #fadedMs = 0;

  constructor({ chance, samples = 100, busiest = 500 }: ReadinessOptions) {
    this.#minutes = new SampledTimes(60, minuteMs, samples, chance);
    this.#hours = new SampledTimes(24, hourMs, samples * 4, chance);
    this.#busiest = new BusiestKeys(busiest);
  }

  asked(key: string, nowMs: number, times = 1): void {
    this.#minutes.add(key, nowMs, times);
    this.#hours.add(key, nowMs, times);
    if (nowMs - this.#fadedMs > hourMs) {
      this.#fadedMs = nowMs;
      this.#busiest.fade();
    }
    this.#busiest.add(key, times);
  }

  /** The busiest pages with the requests for them; at most as many as were kept. */
  busiest(): readonly (readonly [key: string, requests: number])[] {
    return this.#busiest.sorted();
  }

  /** What `busiest` gave before a restart. */
  restore(busiest: readonly (readonly [key: string, requests: number])[]): void {
    this.#busiest.restore(busiest);
  }

  /** Of the last hour, from about `most` samples. */
  recent(nowMs: number, servable: (key: string) => Servable, most: number): Share {
    return this.#minutes.share(nowMs, servable, most);
  }

  report(nowMs: number, servable: (key: string) => Servable, most = 20): ReadinessReport {
    // The busiest keys are in many samples; to look one up takes a read of the disk.
    const looked = new Map<string, Servable>();
    const once = (key: string): Servable => {
      const known = looked.get(key) ?? servable(key);
      looked.set(key, known);
      return known;
    };
    return {
      hour: this.#minutes.share(nowMs, once, reported),
      day: this.#hours.share(nowMs, once, reported),
      missing: this.#busiest
        .sorted()
        .filter(([key]) => once(key) === 'no')
        .slice(0, most)
        .map(([key, requests]) => ({ key, requests })),
    };
  }
}
