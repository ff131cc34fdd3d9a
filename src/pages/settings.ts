// `pages` of config.yaml → sites and rules, checked: what is not known is refused with its place, never ignored.

import { limits } from '../base/index.ts';
import { madeHeaders } from './key.ts';
import { readRender } from './render-settings.ts';
import {
  countOf,
  durationOf,
  type Fields,
  fieldsOf,
  flagOf,
  listOf,
  matcherOf,
  oneOf,
  sizeOf,
  textOf,
  wrong,
} from './settings-fields.ts';
import type { Rule, Site, WarmSettings } from './types.ts';

/** What `pages` says: the sites, and what all of them together may take. */
export interface PagesSettings {
  readonly sites: readonly Site[];
  /** Bytes of bodies on disk. */
  readonly diskBytes: number;
  /** Bytes of pages each thread keeps in memory. */
  readonly memoryBytes: number;
}

/** One site, a list of them, or `{ sites, disk, memory }`. */
export function readPages(value: unknown): PagesSettings {
  const whole = typeof value === 'object' && value !== null && 'sites' in value;
  const fields = whole ? fieldsOf(value, 'pages', ['sites', 'disk', 'memory']) : {};
  return {
    sites: readSites(whole ? fields.sites : value),
    diskBytes: sizeOf(fields, 'disk', 'pages') ?? limits.pageDiskBytes,
    memoryBytes: sizeOf(fields, 'memory', 'pages') ?? limits.hotPageBytes,
  };
}

export function readSites(value: unknown): readonly Site[] {
  const entries = Array.isArray(value) ? value : [value];
  const sites = entries.map((entry, index) => readSite(entry, entries.length === 1 ? 'pages' : `pages[${index}]`));
  const twice = sites.find((site, index) => sites.findIndex(({ id }) => id === site.id) < index);
  if (twice) throw wrong('pages', `${twice.id} stands there twice; put the rules of one site into one entry`);
  // The closest fit comes first: a named host before any host, a longer path before a shorter one.
  return sites.toSorted(
    (a, b) => Number(b.host !== undefined) - Number(a.host !== undefined) || b.path.length - a.path.length,
  );
}

function readSite(value: unknown, place: string): Site {
  const fields = fieldsOf(value, place, [
    'host',
    'path',
    'origin',
    'hostHeader',
    'send',
    'timeout',
    'limit',
    'maxBody',
    'maxVariants',
    'rules',
    'warm',
    'render',
  ]);
  const host = hostOf(fields, place);
  const path = pathOf(fields, place);
  const timeout = fieldsOf(fields.timeout ?? {}, `${place}.timeout`, ['connect', 'firstByte', 'total']);
  const limit = fieldsOf(fields.limit ?? {}, `${place}.limit`, ['concurrent', 'queued', 'failures', 'open', 'backoff']);
  return {
    id: `${host ?? '*'}${path}`,
    host,
    path,
    origin: originOf(fields, place),
    hostHeader: oneOf(fields, 'hostHeader', place, ['origin', 'client']) ?? 'origin',
    send: sendOf(fields, place),
    timeoutMs: {
      connect: durationOf(timeout, 'connect', `${place}.timeout`) ?? 1_000,
      firstByte: durationOf(timeout, 'firstByte', `${place}.timeout`) ?? 5_000,
      total: durationOf(timeout, 'total', `${place}.timeout`) ?? 30_000,
    },
    limit: {
      concurrent: countOf(limit, 'concurrent', `${place}.limit`) ?? 64,
      queued: countOf(limit, 'queued', `${place}.limit`) ?? 1_000,
      failures: countOf(limit, 'failures', `${place}.limit`) ?? 5,
      openMs: durationOf(limit, 'open', `${place}.limit`) ?? 2_000,
      backoffMs: durationOf(limit, 'backoff', `${place}.limit`) ?? 1_000,
    },
    maxBodyBytes: sizeOf(fields, 'maxBody', place) ?? 8 * 1024 * 1024,
    maxVariants: countOf(fields, 'maxVariants', place) ?? 16,
    rules: rulesOf(fields.rules, place),
    warm: fields.warm === undefined ? undefined : readWarm(fields.warm, `${place}.warm`),
    render: fields.render === undefined ? undefined : readRender(fields.render, `${place}.render`),
  };
}

/** As requests have it. What none can have would be a site that nobody ever reaches. */
function hostOf(fields: Fields, place: string): string | undefined {
  const host = textOf(fields, 'host', place)?.toLowerCase();
  if (host === undefined) return undefined;
  if (!host.includes('*') && URL.parse(`http://${host}/`)?.hostname === host) return host;
  throw wrong(
    `${place}.host`,
    `must be a name such as shop.example.com, without scheme, port, path or wildcard, not ${JSON.stringify(host)}`,
  );
}

/** Names and values as HTTP has them; those that are made for each request are not anybody's to say. */
function sendOf(fields: Fields, place: string): Site['send'] {
  const { send = {} } = fields;
  const isMap = typeof send === 'object' && send !== null && !Array.isArray(send);
  return (isMap ? Object.entries(send) : [['', '']]).map(([name, value]) => {
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof text !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[ -~]+$/.test(text))
      throw wrong(
        `${place}.send`,
        `must have headers such as { x-forwarded-proto: https }, not ${JSON.stringify(send)}`,
      );
    const lower = name.toLowerCase();
    if (madeHeaders.has(lower)) throw wrong(`${place}.send`, `can't say ${lower}: that is made for each request`);
    return [lower, text];
  });
}

function pathOf(fields: Fields, place: string): string {
  const path = textOf(fields, 'path', place) ?? '';
  if (/[*?#[\]{}\s]/.test(path))
    throw wrong(
      `${place}.path`,
      `must be what paths begin with, such as /blog, not ${JSON.stringify(path)}; patterns are for rules`,
    );
  return `/${path}`.replace(/\/{2,}/g, '/').replace(/\/$/, '');
}

/** @param place of `warm` in the configuration, or the name of what holds it */
export function readWarm(value: unknown, place: string): WarmSettings {
  const fields = fieldsOf(value, place, ['sitemap', 'urls', 'every', 'concurrency', 'perSecond']);
  const sitemap = typeof fields.sitemap === 'string' ? { sitemap: [fields.sitemap] } : fields;
  const list = typeof fields.urls === 'string' ? fields.urls : undefined;
  const settings: WarmSettings = {
    sitemaps: listOf(sitemap, 'sitemap', place) ?? [],
    urls: list === undefined ? (listOf(fields, 'urls', place) ?? []) : [],
    list,
    everyMs: durationOf(fields, 'every', place),
    concurrency: countOf(fields, 'concurrency', place) ?? 8,
    perSecond: countOf(fields, 'perSecond', place) ?? 50,
  };
  if (settings.everyMs !== undefined && settings.everyMs < warmLeastMs)
    throw wrong(`${place}.every`, `must be ${warmLeastMs / 1000}s or more`);
  for (const name of [...settings.sitemaps, ...settings.urls])
    if (!name.startsWith('/') && !/^https?:\/\/./i.test(name))
      throw wrong(place, `must name pages and sitemaps by path or address, not ${JSON.stringify(name)}`);
  if (list === '' || (settings.sitemaps.length + settings.urls.length === 0 && list === undefined))
    throw wrong(place, 'must have a sitemap or urls');
  return settings;
}

/** Shortest time from one round of warming to the next, in ms. */
const warmLeastMs = 1_000;

function originOf(fields: Fields, place: string): string {
  const text = textOf(fields, 'origin', place);
  const url = text === undefined ? null : URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '')
    throw wrong(`${place}.origin`, 'must be an address such as https://origin.example.com');
  return url.href.replace(/\/$/, '');
}

/** Without rules, every page is stored for as long as its origin says, and only as the origin tells it apart. */
function rulesOf(value: unknown, place: string): readonly Rule[] {
  if (value === undefined) return [readRule({ match: '/**', query: 'all', otherCookies: 'bypass' }, `${place}.rules`)];
  if (!Array.isArray(value) || value.length === 0)
    throw wrong(`${place}.rules`, 'must be a list of rules, each with a match');
  return value.map((rule, index) => readRule(rule, `${place}.rules[${index}]`));
}

const ruleFields = [
  'match',
  'store',
  'ttl',
  'negativeTtl',
  'staleWhileRevalidate',
  'staleIfError',
  'heuristic',
  'query',
  'cookies',
  'otherCookies',
  'headers',
  'device',
  'languages',
  'setCookie',
  'tags',
];

export function readRule(value: unknown, place: string): Rule {
  const fields = fieldsOf(value, place, ruleFields);
  const match = textOf(fields, 'match', place);
  if (!match?.startsWith('/')) throw wrong(`${place}.match`, 'must be a path or pattern such as /product/**');
  return {
    match,
    matches: matcherOf(match),
    store: flagOf(fields, 'store', place) ?? true,
    ttlMs: durationOf(fields, 'ttl', place),
    negativeTtlMs: durationOf(fields, 'negativeTtl', place),
    staleWhileRevalidateMs: durationOf(fields, 'staleWhileRevalidate', place),
    staleIfErrorMs: durationOf(fields, 'staleIfError', place),
    heuristic: flagOf(fields, 'heuristic', place) ?? false,
    query: fields.query === 'all' ? 'all' : (listOf(fields, 'query', place) ?? []),
    cookies: listOf(fields, 'cookies', place) ?? [],
    otherCookies: oneOf(fields, 'otherCookies', place, ['drop', 'bypass']) ?? 'drop',
    headers:
      fields.headers === 'all' ? 'all' : (listOf(fields, 'headers', place) ?? []).map((name) => name.toLowerCase()),
    segments: { device: flagOf(fields, 'device', place) ?? false, languages: listOf(fields, 'languages', place) ?? [] },
    setCookie: oneOf(fields, 'setCookie', place, ['refuse', 'strip', 'keep']) ?? 'refuse',
    tags: listOf(fields, 'tags', place) ?? [],
  };
}
