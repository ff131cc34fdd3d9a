// Results of queries a thread ran recently, each with what it depends on. One is good as long as the log names nothing since it was read that
// would change it. Bounded in two generations, like the record cache.

import type { WatchedResult } from './read-set.ts';
import type { SearchRow } from './types.ts';

export interface CachedResult {
  readonly rows: readonly SearchRow[];
  readonly total: number | undefined;
  readonly newestVersion: number;
  /** Numbers of the tables it was read from. */
  readonly tables: readonly number[];
  /** What of these it depends on; null: any change of one counts. */
  readonly results: readonly WatchedResult[] | null;
  /** The log position it is exact at. */
  lsn: number;
  readonly bytes: number;
}

/** A larger result is not kept, in bytes of JSON. */
export const largestResultBytes = 256 * 1024;

export class QueryCache {
  readonly #maxResults: number;
  readonly #maxBytes: number;
  #young = new Map<string, CachedResult>();
  #old = new Map<string, CachedResult>();
  #youngBytes = 0;

  constructor(maxResults: number, maxBytes: number) {
    this.#maxResults = maxResults / 2;
    this.#maxBytes = maxBytes / 2;
  }

  /** @param stands whether a result is what the query would give now */
  get(key: string, stands: (result: CachedResult) => boolean): CachedResult | undefined {
    const young = this.#young.get(key);
    const result = young ?? this.#old.get(key);
    if (!result) return undefined;
    if (!stands(result)) {
      this.#young.delete(key);
      this.#old.delete(key);
      if (young) this.#youngBytes -= young.bytes;
      return undefined;
    }
    if (!young) this.set(key, result);
    return result;
  }

  set(key: string, result: CachedResult): void {
    const replaced = this.#young.get(key);
    if (replaced) this.#youngBytes -= replaced.bytes;
    this.#young.set(key, result);
    this.#youngBytes += result.bytes;
    if (this.#young.size <= this.#maxResults && this.#youngBytes <= this.#maxBytes) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
  }
}
