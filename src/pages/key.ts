// What makes two requests ask for the same page, and what of a request the origin gets to see. The two belong together: nothing that is not
// part of the key reaches the origin, so that nobody can make it answer something else under another's key (cache poisoning). The one
// exception is a rule with `headers: all`, whose origin is trusted to name in Vary what it looked at.

import { parsePreferences } from '../semantics/index.ts';
import type { Rule, Site } from './types.ts';

export interface KeyedRequest {
  /** Identifies the page but for what Vary names. No longer than `maxKeyLength`. */
  readonly key: string;
  /** Site, path and query: what a purge by URL names. */
  readonly url: string;
  /** Path and query as the origin gets them. */
  readonly target: string;
  /** Request headers for the origin; lower-case names. */
  readonly forward: Headers;
}

/** In UTF-16 units; longer ones end in a hash. Below what a primary key may have. */
export const maxKeyLength = 800;

/** Undefined: the request carries cookies the rule sends past the cache. */
export function keyOf(
  site: Site,
  rule: Rule,
  path: string,
  search: string,
  headers: Headers,
): KeyedRequest | undefined {
  const cookies = cookiesOf(headers.get('cookie'));
  const known = cookies.filter(([name]) => rule.cookies.includes(name));
  if (rule.otherCookies === 'bypass' && cookies.some(([name]) => !rule.cookies.includes(name) && !isForAnalytics(name)))
    return undefined;
  const normal = normalPath(path);
  const query = queryOf(search, rule.query);
  const target = query === '' ? normal : `${normal}?${query}`;
  const segments = segmentsOf(rule, headers);
  const host = site.host === undefined && site.hostHeader === 'client' ? hostAndPortOf(headers) : '';
  const parts = [
    ...(host === '' ? [] : [`host=${host}`]),
    ...segments.map(({ part }) => part),
    ...known.toSorted().map(([name, value]) => `cookie:${name}=${encodeURIComponent(value)}`),
    ...(rule.headers === 'all'
      ? []
      : rule.headers.flatMap((name) => {
          const value = headers.get(name);
          return value === null ? [] : [`${name}=${encodeURIComponent(normalised(name, value))}`];
        })),
  ];
  const url = `${site.id}${target.slice(site.path.length)}`;
  // No URL has a space in it, and no part: the address ends at the first.
  let forward: Headers | undefined;
  return {
    key: bounded(parts.length === 0 ? url : [url, ...parts].join(' ')),
    url: bounded(url),
    target,
    // Most pages are at hand, and their origin is not asked.
    get forward() {
      forward ??= forwarded(site, rule, headers, known, segments);
      return forward;
    },
  };
}

function bounded(text: string): string {
  if (text.length <= maxKeyLength) return text;
  const hash = new Bun.CryptoHasher('sha256').update(text).digest('base64url');
  return `${text.slice(0, maxKeyLength - 60)} sha256:${hash}`;
}

export function hostOf(headers: Headers): string {
  return hostAndPortOf(headers).replace(/:\d+$/, '');
}

/** As an origin sees it that is told of it: a port could lead its links elsewhere. */
function hostAndPortOf(headers: Headers): string {
  // A name may end in a dot, which leads to the same (RFC 3986 §3.2.2).
  return (headers.get('host') ?? '')
    .toLowerCase()
    .replace(/:(80|443)$/, '')
    .replace(/\.(?=:\d+$|$)/, '');
}

/** A request has none (RFC 9112 §3.2.1), and where it has one all the same, an origin does not get to see it. */
function withoutFragment(text: string): string {
  return text.replace(/#.*$/s, '');
}

/** Percent-encoding that is not needed is undone, the rest in capitals (RFC 3986 §6.2.2). */
export function normalPath(path: string): string {
  if (!/[%#]/.test(path)) return path;
  return withoutFragment(path).replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : `%${hex.toUpperCase()}`;
  });
}

/** The parameters that count, sorted by name; those of one name stay in their order. */
export function queryOf(search: string, allowed: Rule['query']): string {
  if (search.length < 2 || allowed.length === 0) return '';
  const isAllowed = (name: string) => (allowed === 'all' ? !isForMarketing(name) : allowed.includes(name));
  return withoutFragment(search)
    .slice(1)
    .split('&')
    .map((pair) => [parameterName(pair), pair] as const)
    .filter(([name, pair]) => pair !== '' && isAllowed(name))
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, pair]) => pair.replaceAll(' ', '%20'))
    .join('&');
}

function parameterName(pair: string): string {
  const name = pair.split('=', 1)[0] ?? '';
  if (!/[%+]/.test(name)) return name;
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}

/** Parameters that campaigns add and no page depends on. They are dropped even where all others count. */
export function isForMarketing(name: string): boolean {
  return marketing.test(name);
}

const marketing =
  /^(utm_.+|_ga|_gl|gclid|gclsrc|gad_.+|gbraid|wbraid|dclid|srsltid|fbclid|msclkid|ttclid|twclid|igshid|li_fat_id|yclid|epik|mc_cid|mc_eid|_kx|_bta_tid|_bta_c|trk_.+|_hsenc|_hsmi|mkt_tok|vero_id|rb_clickid|s_kwcid|ef_id)$/;

/** Cookies that only scripts in browsers read. */
function isForAnalytics(name: string): boolean {
  return /^(_ga(_.+)?|_gid|_gat(_.+)?|_gcl_.+|_fbp|_fbc|_hj.+|_uet.+|_pin_.+|_tt_.+|_ttp|ajs_.+|optimizely.+|__utm.+|_clck|_clsk)$/.test(
    name,
  );
}

export function cookiesOf(header: string | null): (readonly [name: string, value: string])[] {
  if (header === null) return [];
  return header.split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at).trim();
    return at < 0 || name === '' ? [] : [[name, pair.slice(at + 1).trim()] as const];
  });
}

/** Never sent on: they belong to one connection (RFC 9110 §7.6.1) or are made anew for the origin. */
const connectionHeaders: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'expect',
];
/** What this cache answers itself for a page. */
const ownHeaders: readonly string[] = [
  'cdn-loop',
  'accept-encoding',
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
  'range',
  'cookie',
];

/** What no configuration can say of requests to an origin. */
export const madeHeaders: ReadonlySet<string> = new Set([
  ...connectionHeaders,
  ...ownHeaders,
  'via',
  'x-forwarded-host',
  'x-forwarded-for',
]);

function forwarded(
  site: Site,
  rule: Rule,
  headers: Headers,
  cookies: readonly (readonly [string, string])[],
  segments: readonly Segment[],
): Headers {
  const forward = new Headers();
  if (rule.headers === 'all') {
    for (const [name, value] of withoutConnection(headers)) if (!ownHeaders.includes(name)) forward.set(name, value);
    const cookie = headers.get('cookie');
    if (cookie !== null) forward.set('cookie', cookie);
  } else {
    for (const name of rule.headers) {
      const value = headers.get(name);
      if (value !== null) forward.set(name, normalised(name, value));
    }
    // Its own answer to who is asking; a response to it is stored only when it says that all may have it (RFC 9111 §3.5).
    const authorization = headers.get('authorization');
    if (authorization !== null) forward.set('authorization', authorization);
    if (cookies.length > 0)
      forward.set(
        'cookie',
        cookies
          .toSorted()
          .map((pair) => pair.join('='))
          .join('; '),
      );
  }
  if (!forward.has('accept')) forward.set('accept', '*/*');
  if (!forward.has('user-agent')) forward.set('user-agent', 'Mozilla/5.0 (compatible; Zerohop)');
  forward.set('accept-encoding', 'zstd, br, gzip');
  for (const { sent } of segments) for (const [name, value] of sent) forward.set(name, value);
  addHost(site, headers, forward);
  return forward;
}

/** Host and what tells the origin of it. Part of the key, or the same for all. */
export function addHost(site: Site, headers: Headers, forward: Headers): void {
  if (site.hostHeader === 'client') forward.set('host', site.host ?? hostAndPortOf(headers));
  for (const name of ['forwarded', 'x-forwarded-host']) forward.delete(name);
  if (site.host !== undefined) forward.set('x-forwarded-host', site.host);
  forward.set('via', '1.1 zerohop');
  for (const [name, value] of site.send) forward.set(name, value);
  const passedOn = forward.get('cdn-loop');
  forward.set('cdn-loop', [...(passedOn === null ? [] : [passedOn]), loopMarkOf(site)].join(', '));
}

/** What a request has in CDN-Loop (RFC 8586) that this cache, on whatever node, has sent for the same site. */
function loopMarkOf({ id, origin }: Site): string {
  return `zerohop;site=${Bun.hash.xxHash32(`${id} ${origin}`).toString(36)}`;
}

/** Whether the origin leads back to this cache. */
export function isLoop(site: Site, headers: Headers): boolean {
  const marks = headers.get('cdn-loop')?.split(',') ?? [];
  return marks.some((mark) => mark.trim() === loopMarkOf(site));
}

/** Without the headers of the connection, and without those that Connection names. */
export function* withoutConnection(headers: Headers): Generator<[string, string]> {
  const named = (headers.get('connection') ?? '').split(',').map((name) => name.trim().toLowerCase());
  for (const [name, value] of headers)
    if (!connectionHeaders.includes(name) && !named.includes(name)) yield [name, value];
}

interface Segment {
  /** Of the key. */
  readonly part: string;
  /** What the origin gets to see of it. */
  readonly sent: readonly (readonly [name: string, value: string])[];
}

/** The kinds of client the rule tells apart, which also go to the origin, in one form for each. */
function segmentsOf({ segments }: Rule, headers: Headers): Segment[] {
  const found: Segment[] = [];
  if (segments.device) {
    const device = deviceOf(headers.get('user-agent') ?? '');
    const sent = [['x-device', device] as const, ['user-agent', userAgents[device]] as const];
    found.push({ part: `device=${device}`, sent });
  }
  if (segments.languages.length > 0) {
    const language = languageOf(headers.get('accept-language'), segments.languages);
    found.push({ part: `language=${language}`, sent: [['accept-language', language]] });
  }
  return found;
}

export type Device = 'desktop' | 'mobile' | 'tablet';

/** Request headers for each of the segments a rule has: what clients of all kinds would send. */
export function segmentHeaders({ segments }: Rule): readonly Headers[] {
  const devices = segments.device ? Object.values(userAgents) : [undefined];
  const languages = segments.languages.length > 0 ? segments.languages : [undefined];
  return devices.flatMap((device) =>
    languages.map((language) => {
      const headers = new Headers();
      if (device !== undefined) headers.set('user-agent', device);
      if (language !== undefined) headers.set('accept-language', language);
      return headers;
    }),
  );
}

const userAgents: Readonly<Record<Device, string>> = {
  desktop: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  mobile:
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
  tablet:
    'Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/604.1',
};

export function deviceOf(userAgent: string): Device {
  if (/ipad|tablet|android(?!.*mobile)/i.test(userAgent)) return 'tablet';
  return /mobi|iphone|ipod|android/i.test(userAgent) ? 'mobile' : 'desktop';
}

/** The offered language the client likes most (RFC 4647 §3.4: a range also stands for what it begins); the first without a match. */
export function languageOf(acceptLanguage: string | null, offered: readonly string[]): string {
  const ranges = parsePreferences(acceptLanguage ?? '').toSorted((a, b) => b.quality - a.quality);
  for (const { name, quality } of ranges) {
    if (quality === 0) continue;
    const found = offered.find((tag) => {
      const lower = tag.toLowerCase();
      return name === '*' || lower === name || lower.startsWith(`${name}-`) || name.startsWith(`${lower}-`);
    });
    if (found !== undefined) return found;
  }
  return offered[0] ?? '';
}

/** One form for values of a request header that mean the same. */
export function normalised(name: string, value: string): string {
  if (name === 'accept-language') {
    return parsePreferences(value)
      .toSorted((a, b) => b.quality - a.quality || (a.name < b.name ? -1 : 1))
      .map((range) => (range.quality === 1 ? range.name : `${range.name};q=${range.quality}`))
      .join(', ');
  }
  return value
    .trim()
    .replace(/\s*,\s*/g, ', ')
    .replace(/\s+/g, ' ');
}

/**
 * What sets a variant apart: the values of the request headers that Vary names, in one form. Accept-Encoding is left out, as codings are made
 * here; so are headers the origin never sees.
 */
export function variantOf(names: readonly string[], forward: Headers): string {
  return names.map((name) => `${name}=${encodeURIComponent(normalised(name, forward.get(name) ?? '\0'))}`).join('&');
}

/** Whether two requests get the same variant. */
export function isSameVariant(names: readonly string[], a: Headers, b: Headers): boolean {
  return variantOf(names, a) === variantOf(names, b);
}

/** The headers a response varies by, as far as they reached the origin. */
export function varyNames(vary: string | null, rule: Rule): string[] {
  const names = new Set(
    (vary ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
  const seen = (name: string) =>
    name !== '' && name !== 'accept-encoding' && (rule.headers === 'all' || name === 'authorization');
  return [...names].filter(seen).toSorted();
}
