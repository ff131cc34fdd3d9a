// What to do with a cached record that is asked for: pure, from the record, the request's directives and the time. RFC 9111 §4.2, §5.2.1; RFC 5861 §4.

/** A cached row, as far as it matters here. */
export interface CachedCopy {
  /** When it was stored, in ms since 1970. */
  readonly storedMs: number;
  /** When it becomes stale, in ms since 1970; null: never. 0: it was evicted or invalidated, and its content must not be used. */
  readonly staleMs: number | null;
}

/** Request directives that count for a cache of records, times in ms. */
export interface Directives {
  readonly noCache: boolean;
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
  readonly mustRevalidate: boolean;
  readonly maxAgeMs: number | undefined;
  readonly minFreshMs: number | undefined;
  /** Infinity where it has no value. */
  readonly maxStaleMs: number | undefined;
  readonly staleIfErrorMs: number | undefined;
}

export const noDirectives: Directives = {
  noCache: false,
  noStore: false,
  onlyIfCached: false,
  mustRevalidate: false,
  maxAgeMs: undefined,
  minFreshMs: undefined,
  maxStaleMs: undefined,
  staleIfErrorMs: undefined,
};

/** Directives that are not understood are left out (RFC 9111 §5.2.3). */
export function parseDirectives(header: string | null | undefined): Directives {
  if (!header) return noDirectives;
  const given = new Map<string, string | undefined>();
  for (const part of header.split(',')) {
    const [name = '', value] = part.split('=', 2);
    given.set(name.trim().toLowerCase(), value?.trim().replace(/^"(.*)"$/, '$1'));
  }
  const seconds = (name: string, bare?: number): number | undefined => {
    if (!given.has(name)) return undefined;
    const value = given.get(name);
    if (value === undefined || value === '') return bare;
    return /^\d+$/.test(value) ? Number(value) * 1000 : undefined;
  };
  return {
    noCache: given.has('no-cache'),
    noStore: given.has('no-store'),
    onlyIfCached: given.has('only-if-cached'),
    mustRevalidate: given.has('must-revalidate') || given.has('proxy-revalidate'),
    maxAgeMs: seconds('max-age'),
    minFreshMs: seconds('min-fresh'),
    maxStaleMs: seconds('max-stale', Number.POSITIVE_INFINITY),
    staleIfErrorMs: seconds('stale-if-error', Number.POSITIVE_INFINITY),
  };
}

export type Freshness =
  /** Serve it. */
  | 'fresh'
  /** Serve it although it is stale: the request says so. */
  | 'acceptable'
  /** Ask the source; while it is asked the copy may serve, if the app allows it, or when the source fails. */
  | 'stale'
  /** Ask the source; there is nothing to serve meanwhile. */
  | 'absent';

export function freshnessOf(copy: CachedCopy | undefined, asked: Directives, nowMs: number): Freshness {
  if (copy === undefined || copy.staleMs === 0) return 'absent';
  const leftMs = copy.staleMs === null ? Number.POSITIVE_INFINITY : copy.staleMs - nowMs;
  const ageMs = Math.max(0, nowMs - copy.storedMs);
  if (asked.noCache) return 'stale';
  if (asked.maxAgeMs !== undefined && ageMs > asked.maxAgeMs) return 'stale';
  if (leftMs > (asked.minFreshMs ?? 0)) return 'fresh';
  // RFC 9111 §5.2.2.2: what must be revalidated is never served stale.
  const isAcceptable = asked.maxStaleMs !== undefined && leftMs <= 0 && -leftMs <= asked.maxStaleMs;
  return isAcceptable && !asked.mustRevalidate ? 'acceptable' : 'stale';
}

/** How the source failed: it could not be reached or took too long, answered 5xx, or refused. */
export type SourceFailure = 'unreachable' | 'server' | 'refused';

/** Whether a copy may be served in place of a failure. */
export function mayServeOnError(
  copy: CachedCopy | undefined,
  asked: Directives,
  failure: SourceFailure,
  staleIfError: boolean,
  nowMs: number,
): boolean {
  if (copy === undefined || copy.staleMs === 0 || asked.mustRevalidate || failure === 'refused') return false;
  const staleForMs = copy.staleMs === null ? 0 : Math.max(0, nowMs - copy.staleMs);
  if (asked.staleIfErrorMs !== undefined) return staleForMs <= asked.staleIfErrorMs;
  return failure === 'unreachable' || staleIfError;
}
