// The page cache of one thread: what happens to a request for a page.
//
//   the URL is known and its page in memory: answer
//   route → purge? → unsafe method, no rule, cookies: pass on
//         → look up → fresh: answer
//                   → else as in lookups.ts

import type { Logger, Tracer } from '../base/index.ts';
import type { Databases } from '../tables/index.ts';
import { type Asked, answer } from './answer.ts';
import type { Forwarded } from './cache-status.ts';
import type { FetchParts } from './fetch-page.ts';
import { Flights } from './flights.ts';
import type { HotPage, Serving } from './hot-pages.ts';
import { hostOf, isLoop, keyOf } from './key.ts';
import { Lookups } from './lookups.ts';
import { type PageResult, type PagesMeters, type SiteMetrics, siteMetrics } from './page-metrics.ts';
import { PageStore } from './page-store.ts';
import { passOn } from './pass.ts';
import { answerAgain } from './plain-answers.ts';
import { answerPurge } from './purge-request.ts';
import { Readiness, type ReadinessReport, type Share } from './readiness.ts';
import { RefreshPace } from './refresh-pace.ts';
import type { Renderer } from './render-job.ts';
import { failureResponse } from './responses.ts';
import { routeOf } from './route.ts';
import type { SharedState } from './shared-state.ts';
import { Shield } from './shield.ts';
import { type KnownWay, ShortWay } from './short-way.ts';
import type { PageRequest, Rule, Site } from './types.ts';

export interface PagesOptions {
  readonly sites: readonly Site[];
  readonly databases: Databases;
  readonly state: SharedState;
  readonly log: Logger;
  /** Bytes of pages this thread keeps in memory. */
  readonly hotBytes: number;
  readonly chance?: () => number;
  readonly meters: PagesMeters;
  readonly tracer?: Tracer | undefined;
  /** Undefined: no site has its pages rendered. */
  readonly renderer?: Renderer | undefined;
}

export class Pages {
  readonly store: PageStore;
  readonly shield: Shield;
  readonly #sites: readonly Site[];
  readonly #metrics: readonly SiteMetrics[];
  readonly #parts: FetchParts;
  readonly #flights: Flights;
  readonly #readiness: Readiness;
  readonly #shortWay: ShortWay;
  readonly #pace = new RefreshPace();
  readonly #lookups: Lookups;

  /** The tables exist: see `PageStore.prepare`. */
  constructor({
    sites,
    databases,
    state,
    log,
    hotBytes,
    meters,
    tracer,
    renderer,
    chance = Math.random,
  }: PagesOptions) {
    this.#sites = sites;
    this.#metrics = sites.map((site) => siteMetrics(meters, site));
    this.store = new PageStore({ databases, hotBytes });
    this.shield = new Shield(state, this.#metrics, tracer);
    const rendering = renderer && { renderer, metrics: this.#metrics, log };
    this.#parts = { store: this.store, shield: this.shield, log, chance, rendering };
    this.#flights = new Flights(this.#parts, state);
    const count = (site: Site, result: PageResult) => this.#count(site, result);
    const { store, shield } = this;
    this.#lookups = new Lookups({ store, shield, flights: this.#flights, pace: this.#pace, count });
    this.#readiness = new Readiness({ chance });
    this.#shortWay = new ShortWay(sites, this.#readiness);
  }

  get sites(): readonly Site[] {
    return this.#sites;
  }

  /** For what works on the pages besides answering. */
  get workings(): { readonly flights: Flights; readonly readiness: Readiness } {
    this.#shortWay.tell(Date.now());
    return { flights: this.#flights, readiness: this.#readiness };
  }

  /** Of the requests this thread got: a fair part of all. */
  readiness(nowMs: number): ReadinessReport {
    this.#shortWay.tell(nowMs);
    return this.#readiness.report(nowMs, (key) => this.store.servable(key, nowMs));
  }

  /** As `readiness`, of the last hour alone, from about `most` requests. */
  recentShare(nowMs: number, most: number): Share {
    this.#shortWay.tell(nowMs);
    return this.#readiness.recent(nowMs, (key) => this.store.servable(key, nowMs), most);
  }

  /** Undefined: the request is for none of the sites. */
  handle(request: PageRequest): Response | Promise<Response> | undefined {
    const known = this.#shortWay.find(request);
    return (known && this.#again(known, request.headers)) ?? this.#decide(request);
  }

  /** As `handle`, of what is in memory and was asked for before. */
  atOnce(raw: Request, url: string): Response | undefined {
    const known = this.#shortWay.findByUrl(raw, url);
    return known && this.#again(known, raw.headers);
  }

  /** A page from memory, where this request has no fetch to begin. */
  #again(known: KnownWay, headers: Headers): Response | undefined {
    const nowMs = Date.now();
    const hot = this.store.atHand(known, nowMs);
    const serving = hot && this.#servingOf(known, hot, nowMs);
    const answered = serving && answerAgain(hot, headers, serving, nowMs);
    if (!answered) return undefined;
    (serving === 'fresh' ? known.hits : known.staleHits).add(1);
    this.#shortWay.count(known, nowMs);
    return answered;
  }

  /** As `Lookups.serve` decides; undefined where there is more to do. */
  #servingOf({ site, number, key }: KnownWay, hot: HotPage, nowMs: number): Serving | undefined {
    const { times } = hot;
    const { freshUntilMs, revalidateUntilMs, errorUntilMs } = times;
    if (freshUntilMs > nowMs) return 'fresh';
    const mode = this.#mode(site);
    if (this.#flights.has(key)) return undefined;
    const mayWait = revalidateUntilMs > nowMs;
    if (mayWait && this.#pace.isSpent(times, nowMs)) return 'stale';
    if (!this.shield.rests(number, mode, nowMs)) return undefined;
    if (mayWait) return 'stale';
    if (errorUntilMs <= nowMs) return undefined;
    return mode === 'on' ? 'outage_drill' : 'destination_unavailable';
  }

  #decide(request: PageRequest): Response | Promise<Response> | undefined {
    const { url, headers, method } = request;
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const route = routeOf(this.#sites, hostOf(headers), path);
    if (!route) return undefined;
    const { site, rule } = route;
    const isRead = method === 'GET' || method === 'HEAD';
    if (method === 'PURGE') return answerPurge(this.store, site, rule, request);
    if (!isRead) return this.#pass(site, request, 'method');
    const keyed = rule?.store && keyOf(site, rule, path, mark < 0 ? '' : url.slice(mark), headers);
    if (!rule || !keyed) return this.#pass(site, request, 'bypass');
    const stale = this.store.find(keyed);
    const nowMs = Date.now();
    this.#readiness.asked(keyed.key, nowMs);
    // Not of a variant: what is forwarded chooses among them.
    if (stale?.key === keyed.key) this.#keepWay(request, site, rule, keyed.key);
    const asked: Asked = { method, headers };
    if (stale && stale.times.freshUntilMs > nowMs) {
      const ttl = (stale.times.freshUntilMs - nowMs) / 1000;
      const answered = answer(this.store, stale, asked, { status: { outcome: 'hit', ttl } }, nowMs);
      if (answered instanceof Response) {
        this.#count(site, 'hit');
        return answered;
      }
      return this.#lookups.orFetch(answered, {
        site,
        number: this.#number(site),
        rule,
        keyed,
        mode: this.#mode(site),
        stale,
        background: false,
        asked,
      });
    }
    return this.#lookups.serve(
      { site, number: this.#number(site), rule, keyed, mode: this.#mode(site), stale, background: false, asked },
      nowMs,
    );
  }

  #keepWay(request: PageRequest, site: Site, rule: Rule, key: string): void {
    const number = this.#number(site);
    const requests = this.#metrics[number]?.requests;
    if (requests)
      this.#shortWay.keep(request, rule, { site, number, key, hits: requests.hit, staleHits: requests.stale });
  }

  #count(site: Site, result: PageResult): void {
    this.#metrics[this.#number(site)]?.requests[result].add(1);
  }

  #number(site: Site): number {
    return this.#sites.indexOf(site);
  }

  #mode(site: Site) {
    return this.store.mode(site.id);
  }

  #pass(site: Site, request: PageRequest, outcome: Forwarded): Response | Promise<Response> {
    this.#count(site, 'pass');
    if (isLoop(site, request.headers)) return failureResponse('proxy_loop_detected', { outcome });
    const [number, mode] = [this.#number(site), this.#mode(site)];
    return passOn({ parts: this.#parts, flights: this.#flights, site, number, mode, request, outcome });
  }
}
