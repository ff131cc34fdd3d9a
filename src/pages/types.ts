// The nouns of the page cache: a site in front of an origin, the rules for its pages, and a page as stored.

import type { User } from '../security/index.ts';

/** What is cached for one host name or path, and where it comes from. */
export interface Site {
  /** Host and path prefix: 'shop.example.com', '*', '*' + '/blog'. Begins every key of its pages. */
  readonly id: string;
  /** Lower case, without port. Undefined: any host. */
  readonly host: string | undefined;
  /** '' or '/blog', without a slash at the end. */
  readonly path: string;
  /** 'https://origin.example.com', perhaps with a path; without a slash at the end. */
  readonly origin: string;
  /** Whose name the origin sees in Host. */
  readonly hostHeader: 'origin' | 'client';
  /** Headers that every request to the origin has; lower-case names. */
  readonly send: readonly (readonly [name: string, value: string])[];
  readonly timeoutMs: { readonly connect: number; readonly firstByte: number; readonly total: number };
  readonly limit: OriginLimit;
  /** Larger bodies are passed on and not stored, in bytes. */
  readonly maxBodyBytes: number;
  /** Most variants by Vary of one address. */
  readonly maxVariants: number;
  /** The first that matches counts; a path that none matches is passed on and not stored. */
  readonly rules: readonly Rule[];
  readonly warm: WarmSettings | undefined;
  readonly render: RenderSettings | undefined;
}

/** What is fetched before anybody asks for it, and how fast. */
export interface WarmSettings {
  /** Addresses of sitemaps, or of indexes of them: on the site or its origin, by path or in full, or elsewhere. */
  readonly sitemaps: readonly string[];
  /** Addresses of pages, in full or by path. */
  readonly urls: readonly string[];
  /** A file with one such address per line, in the app's folder. */
  readonly list: string | undefined;
  /** From the beginning of one round to that of the next; undefined: one round, and then when it is asked for. */
  readonly everyMs: number | undefined;
  /** Requests to the origin at once, and in a second. */
  readonly concurrency: number;
  readonly perSecond: number;
}

/** Which pages a browser renders before they are stored, and how. */
export interface RenderSettings extends RenderHow {
  readonly matches: (path: string) => boolean;
  /** Address of the site as visitors have it: 'https://shop.example.com'. Undefined: made of its host, or its origin. */
  readonly base: string | undefined;
  /** How long the origin's own page stands in for one that could not be rendered, in ms. */
  readonly fallbackTtlMs: number;
}

/** What the browser has to know; plain data. */
export interface RenderHow {
  readonly scripts: 'strip' | 'keep';
  /** Of a page in the browser; also how long one waits for its turn. */
  readonly timeoutMs: number;
  /** Pages of the site that are rendered at once. */
  readonly concurrency: number;
  /** Path of the browser. Undefined: looked for. */
  readonly executable: string | undefined;
  /** Hosts, beside the site's own, that its pages may ask: 'api.example.com', '10.0.0.7:8080'. */
  readonly allow: readonly string[];
  /** Whether images, fonts and media are loaded. */
  readonly assets: boolean;
}

/** Why a page was not rendered. `incomplete`: its site did not answer all it asked. `left`: it went to another address. */
export type RenderFailure = 'timeout' | 'overloaded' | 'browser' | 'incomplete' | 'left';

export interface OriginLimit {
  /** Requests to the origin at the same time. */
  readonly concurrent: number;
  /** Requests waiting for one of those to end. */
  readonly queued: number;
  /** Failures in a row before the origin is left alone. */
  readonly failures: number;
  /** How long it is left alone, in ms; doubled each time a probe fails, up to eight times as long. */
  readonly openMs: number;
  /** How long a failed fetch of a page answers for others of the same page, in ms. */
  readonly backoffMs: number;
}

export interface Rule {
  /** As written: '/product/**'. */
  readonly match: string;
  readonly matches: (path: string) => boolean;
  /** False: passed on with everything the client sent, never stored. */
  readonly store: boolean;
  /** Replaces what the origin says of freshness, but for `private` and `no-store`. */
  readonly ttlMs: number | undefined;
  /** Freshness of 404, 410, 301, 308 for which nobody says any. */
  readonly negativeTtlMs: number | undefined;
  readonly staleWhileRevalidateMs: number | undefined;
  readonly staleIfErrorMs: number | undefined;
  /** Whether pages without any lifetime get one from their age (RFC 9111 §4.2.2). */
  readonly heuristic: boolean;
  /** Parameters that are part of the key and reach the origin. */
  readonly query: 'all' | readonly string[];
  /** Cookies that are part of the key and reach the origin. */
  readonly cookies: readonly string[];
  /** What a request with other cookies gets: the page without them, or past the cache. */
  readonly otherCookies: 'drop' | 'bypass';
  /** Request headers that reach the origin. `all`: the origin is trusted to name in Vary what it looks at. */
  readonly headers: 'all' | readonly string[];
  /** Kinds of clients that get pages of their own. */
  readonly segments: { readonly device: boolean; readonly languages: readonly string[] };
  /** What happens to a page that sets cookies. */
  readonly setCookie: 'refuse' | 'strip' | 'keep';
  readonly tags: readonly string[];
}

/** One response of an origin, kept. Times in ms since 1970. */
export interface Page {
  readonly key: string;
  /** Site id, path and query: what a purge by URL names. */
  readonly url: string;
  readonly site: string;
  readonly status: number;
  /** What a client gets besides Age, Cache-Status and what belongs to the coding; lower-case names. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly tags: readonly string[];
  readonly times: PageTimes;
  readonly body: PageBody | null;
}

/** Computed once, when the page is stored; the hit path compares. */
export interface PageTimes {
  /** When its age was zero. */
  readonly bornMs: number;
  readonly storedMs: number;
  readonly freshUntilMs: number;
  /** Until then it may be served stale while it is fetched anew. */
  readonly revalidateUntilMs: number;
  /** Until then it may be served stale when the origin fails. */
  readonly errorUntilMs: number;
  /** Until then it is kept. */
  readonly keepUntilMs: number;
}

export type Coding = 'identity' | 'gzip' | 'br' | 'zstd';

/** Bodies are stored by their hash, so that equal ones are stored once. */
export interface PageBody {
  readonly id: string;
  /** How the bytes are stored. */
  readonly stored: Coding;
  /** How the origin sent them. `other`: a coding we don't know, sent on as it came. */
  readonly sent: Coding | 'other';
  /** Bytes as the origin sent them. */
  readonly size: number;
}

/** A request as this floor needs it; that of the HTTP door fits. */
export interface PageRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly ip: string;
  /** Who is asking; read only where it matters. */
  readonly user: User | null;
  /** 'http' or 'https'. */
  readonly protocol: string;
}
