// The short way to pages in memory: what a URL led to before (site, rule, key) is kept, so that it is not worked out again for each request. It is
// taken only where nothing of a request but its host and URL tells pages apart.

import type { Counter } from '../base/index.ts';
import type { HotRow } from './hot-pages.ts';
import type { Readiness } from './readiness.ts';
import type { PageRequest, Rule, Site } from './types.ts';

/** Where a URL leads. */
export interface KnownWay {
  readonly site: Site;
  /** Of the site. */
  readonly number: number;
  readonly key: string;
  /** The page, while it is in memory. */
  row: HotRow | undefined;
  readonly hits: Counter;
  readonly staleHits: Counter;
  /** A request with cookies goes another way. */
  readonly cookieless: boolean;
  /** Requests that `readiness` was not told of yet. */
  asked: number;
}

/** URLs that are kept. */
const most = 20_000;
/** Longer URLs are not kept, in UTF-16 units. */
const longest = 512;
/** How long requests are counted before they are told of, in ms, and of how many URLs. */
const countMs = 100;
const countMost = 20_000;

export class ShortWay {
  readonly #readiness: Readiness;
  /** Whether sites or keys depend on the host that is asked for. */
  readonly #byHost: boolean;
  readonly #known = new Map<string, KnownWay>();
  readonly #counted: KnownWay[] = [];
  #tellMs = 0;

  constructor(sites: readonly Site[], readiness: Readiness) {
    this.#readiness = readiness;
    this.#byHost = sites.some(({ host, hostHeader }) => host !== undefined || hostHeader === 'client');
  }

  get size(): number {
    return this.#known.size;
  }

  find(request: PageRequest): KnownWay | undefined {
    if (request.method !== 'GET') return undefined;
    const known = this.#known.get(this.#nameOf(request));
    if (known?.cookieless && request.headers.has('cookie')) return undefined;
    return known;
  }

  /** As `find`, of a request as it came. @param url path and query */
  findByUrl(raw: Request, url: string): KnownWay | undefined {
    // The host stands in the URL already, as it was asked for but for upper case and default ports, which go the longer way.
    const known = this.#known.get(this.#byHost ? raw.url.slice('http://'.length) : url);
    if (!known || raw.method !== 'GET' || (known.cookieless && raw.headers.has('cookie'))) return undefined;
    return known;
  }

  /** What a GET led to, for the next. */
  keep(request: PageRequest, rule: Rule, way: Omit<KnownWay, 'row' | 'asked' | 'cookieless'>): void {
    if (request.method !== 'GET' || request.url.length > longest || !isByUrlAlone(rule)) return;
    const name = this.#nameOf(request);
    if (this.#known.size >= most || this.#known.has(name)) this.#forget(name);
    this.#known.set(name, { ...way, row: undefined, cookieless: rule.otherCookies === 'bypass', asked: 0 });
  }

  /** One way, or where there are too many, all. */
  #forget(name: string): void {
    const gone = this.#known.size >= most ? this.#known.values() : [this.#known.get(name)];
    for (const way of gone) way?.row?.letGo();
    if (this.#known.size >= most) this.#known.clear();
  }

  /** Counts a request. */
  count(known: KnownWay, nowMs: number): void {
    if (known.asked++ === 0) this.#counted.push(known);
    if (nowMs >= this.#tellMs || this.#counted.length >= countMost) this.tell(nowMs);
  }

  /** Tells `readiness` of what was counted. */
  tell(nowMs: number): void {
    this.#tellMs = nowMs + countMs;
    for (const known of this.#counted) {
      this.#readiness.asked(known.key, nowMs, known.asked);
      known.asked = 0;
    }
    this.#counted.length = 0;
  }

  #nameOf({ url, headers }: PageRequest): string {
    return this.#byHost ? `${headers.get('host') ?? ''}${url}` : url;
  }
}

/** Whether host and URL make the key. */
function isByUrlAlone({ headers, cookies, segments }: Rule): boolean {
  const isFree = headers === 'all' || headers.length === 0;
  return isFree && cookies.length === 0 && !segments.device && segments.languages.length === 0;
}
