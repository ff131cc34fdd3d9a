// One address made warm: its page is fetched, in every segment its rule has, unless it is fresh.

import type { NotAsked } from './cache-status.ts';
import type { Fetched } from './fetch-page.ts';
import type { Elsewhere, Flights } from './flights.ts';
import { type KeyedRequest, keyOf, segmentHeaders } from './key.ts';
import type { PageStore } from './page-store.ts';
import { routeOf } from './route.ts';
import type { Rule, Site } from './types.ts';

export type Warmed = 'fresh' | 'fetched' | 'renewed' | 'not stored' | 'foreign';

/** The origin did not answer as it should. `page`: perhaps for this page alone. `busy`: it asks for time. `gone`: it can't be asked. */
export interface WarmTrouble {
  readonly extent: 'page' | 'busy' | 'gone';
  readonly why: string;
  readonly retryAfterMs: number | undefined;
}

export interface WarmPageParts {
  readonly store: PageStore;
  readonly flights: Flights;
  readonly sites: readonly Site[];
  readonly site: Site;
  readonly number: number;
  /** Waits until the origin may be asked; false: it is not to be asked any more. */
  readonly clearance: () => Promise<boolean>;
  /** Told the key of each page that is fresh now. */
  readonly warmed: (key: string) => void;
}

/** An address on a site or its origin, as the site has it. */
export interface SiteTarget {
  readonly host: string;
  readonly path: string;
  readonly search: string;
}

/** Undefined: it is elsewhere. A path is one of the site. */
export function targetOn(site: Site, address: string): SiteTarget | undefined {
  const origin = new URL(site.origin);
  const url = URL.parse(address, `http://${site.host ?? origin.host}/`);
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  const isOrigins = !address.startsWith('/') && url.host === origin.host;
  if (!isOrigins && site.host !== undefined && url.hostname !== site.host) return undefined;
  const prefix = origin.pathname.replace(/\/$/, '');
  const isInside = isOrigins && prefix !== '' && url.pathname.startsWith(`${prefix}/`);
  const path = isInside ? url.pathname.slice(prefix.length) : url.pathname;
  return { host: site.host ?? url.host, path, search: url.search };
}

/** Undefined: it was told to stop. */
export async function warmPage(parts: WarmPageParts, address: string): Promise<Warmed | WarmTrouble | undefined> {
  const { site } = parts;
  const target = targetOn(site, address);
  const route = target && routeOf(parts.sites, target.host.replace(/:\d+$/, ''), target.path);
  if (!target || route?.site !== site) return 'foreign';
  if (!route.rule?.store) return 'not stored';
  let result: Warmed = 'fresh';
  for (const headers of segmentHeaders(route.rule)) {
    headers.set('host', target.host);
    const warmed = await warmSegment(parts, route.rule, target, headers);
    if (warmed === undefined || typeof warmed === 'object') return warmed;
    if (warmed !== 'fresh') result = warmed;
  }
  return result;
}

async function warmSegment(
  parts: WarmPageParts,
  rule: Rule,
  { path, search }: SiteTarget,
  headers: Headers,
): Promise<Warmed | WarmTrouble | undefined> {
  const keyed = keyOf(parts.site, rule, path, search, headers);
  if (!keyed) return 'not stored';
  const outcome = await warmKey(parts, rule, keyed);
  if (outcome === 'fresh' || outcome === 'fetched' || outcome === 'renewed') parts.warmed(keyed.key);
  return outcome;
}

async function warmKey(
  { store, flights, site, number, clearance }: WarmPageParts,
  rule: Rule,
  keyed: KeyedRequest,
): Promise<Warmed | WarmTrouble | undefined> {
  const isFresh = () => (store.peek(keyed)?.times.freshUntilMs ?? 0) > Date.now();
  if (isFresh()) return 'fresh';
  if (!(await clearance())) return undefined;
  const mode = store.mode(site.id);
  const asked = { site, number, rule, keyed, mode, stale: store.peek(keyed), background: false };
  const flight = flights.under(asked);
  if (flight) {
    await flight.fetched;
    return isFresh() ? 'fetched' : 'not stored';
  }
  return await outcomeOf(await flights.start(asked).fetched);
}

async function outcomeOf(fetched: Fetched | Elsewhere): Promise<Warmed | WarmTrouble> {
  switch (fetched.kind) {
    case 'page':
      return (await fetched.stored) ? 'fetched' : 'not stored';
    case 'renewed':
      return (await fetched.stored) ? 'renewed' : 'not stored';
    case 'stored elsewhere':
      return 'fetched';
    case 'private':
      await fetched.response.body?.cancel();
      return 'not stored';
    case 'error':
      return troubleOfStatus(fetched.status, fetched.headers);
    case 'error elsewhere':
      return troubleOfStatus(fetched.status, undefined);
    case 'failed':
      return troubleOfFailure(fetched.failure);
  }
}

export function troubleOfFailure(failure: NotAsked): WarmTrouble {
  const extent = ofOnePage.has(failure) ? 'page' : failure === 'connection_limit_reached' ? 'busy' : 'gone';
  const why = failure === 'outage_drill' ? 'the origin is switched off' : failure.replaceAll('_', ' ');
  return { extent, why, retryAfterMs: undefined };
}

const ofOnePage: ReadonlySet<string> = new Set([
  'http_response_timeout',
  'connection_terminated',
  'http_protocol_error',
  'proxy_internal_error',
]);

export function troubleOfStatus(status: number, headers: Headers | undefined): WarmTrouble {
  const retryAfter = headers?.get('retry-after') ?? '';
  const retryAfterMs = /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined;
  return { extent: status === 429 || status === 503 ? 'busy' : 'page', why: `it answers ${status}`, retryAfterMs };
}
