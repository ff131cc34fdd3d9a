// A request for a page that can't be answered at once: from what is stored and stale, from a fetch that is under way, or from one of its own.
//
//   stale, may be used: answer, fetch in the background
//   else fetch, alone for all who want it → answer; on failure the stale page, if it may be used

import { type Asked, answer, tell } from './answer.ts';
import { codingOf } from './bodies.ts';
import type { CacheStatus, Forwarded, NotAsked } from './cache-status.ts';
import { type Fetched, isUsableOnError, type PageFetch } from './fetch-page.ts';
import type { Elsewhere, Flight, Flights } from './flights.ts';
import type { HotPage } from './hot-pages.ts';
import { isLoop, isSameVariant } from './key.ts';
import type { PageResult } from './page-metrics.ts';
import type { PageStore } from './page-store.ts';
import type { RefreshPace } from './refresh-pace.ts';
import { errorResponse, failureResponse, passedResponse } from './responses.ts';
import type { Shield } from './shield.ts';
import { beforeSilence } from './silence.ts';
import type { Site } from './types.ts';
import { isInPreferredLanguage } from './variants.ts';

export interface Lookup extends PageFetch {
  readonly asked: Asked;
}

export interface LookupsParts {
  readonly store: PageStore;
  readonly shield: Shield;
  readonly flights: Flights;
  readonly pace: RefreshPace;
  readonly count: (site: Site, result: PageResult) => void;
}

export class Lookups {
  readonly #store: PageStore;
  readonly #shield: Shield;
  readonly #flights: Flights;
  readonly #pace: RefreshPace;
  readonly #count: LookupsParts['count'];

  constructor({ store, shield, flights, pace, count }: LookupsParts) {
    this.#store = store;
    this.#shield = shield;
    this.#flights = flights;
    this.#pace = pace;
    this.#count = count;
  }

  /** What is stored could not be sent to this client, or its bytes are gone: as if it were not there. */
  async orFetch(answered: Promise<Response | undefined> | undefined, lookup: Lookup): Promise<Response> {
    const found = await answered;
    if (!found) return this.#fetch({ ...lookup, stale: undefined }, 'request');
    this.#count(lookup.site, 'hit');
    return found;
  }

  /** From what is stored, and from the origin as far as need be. */
  serve(lookup: Lookup, nowMs: number): Promise<Response> {
    const { stale, number, mode } = lookup;
    const landed = this.#flights.landed(lookup);
    if (landed && landed.times.freshUntilMs > nowMs) return this.#answerStale(lookup, landed, {}, nowMs);
    if (!stale) return this.#fetch(lookup, 'uri-miss');
    if (stale.times.revalidateUntilMs > nowMs) {
      if (!this.#pace.isSpent(stale.times, nowMs)) this.#refresh(lookup);
      return this.#answerStale(lookup, stale, {}, nowMs);
    }
    if (isUsableOnError(stale, nowMs) && !this.#shield.isOpen(number, mode)) {
      // It may be this request's turn to see whether the origin is back; the client does not wait for that.
      this.#refresh(lookup);
      return this.#answerStale(
        lookup,
        stale,
        { failure: mode === 'on' ? 'outage_drill' : 'destination_unavailable' },
        nowMs,
      );
    }
    return this.#fetch(lookup, 'stale');
  }

  #refresh(lookup: Lookup): void {
    const nowMs = Date.now();
    if (this.#shield.rests(lookup.number, lookup.mode, nowMs) || this.#flights.under(lookup)) return;
    this.#pace.begun(nowMs);
    const { fetched } = this.#flights.start({ ...lookup, background: true });
    fetched.then(letGo, () => {});
  }

  async #answerStale(
    lookup: Lookup,
    stale: HotPage,
    why: { readonly failure?: NotAsked | number; readonly collapsed?: boolean },
    nowMs: number,
  ): Promise<Response> {
    const { asked } = lookup;
    const { failure, collapsed } = why;
    const status: CacheStatus = {
      outcome: 'hit',
      ttl: (stale.times.freshUntilMs - nowMs) / 1000,
      ...(collapsed && { collapsed }),
      ...(failure !== undefined && { detail: 'stale-if-error' }),
    };
    const told = { status, ...(failure !== undefined && { failure }) };
    const answered = await answer(this.#store, stale, asked, told, nowMs);
    if (answered) this.#count(lookup.site, stale.times.freshUntilMs > nowMs ? 'hit' : 'stale');
    return answered ?? this.#fetch({ ...lookup, stale: undefined }, 'request');
  }

  async #fetch(lookup: Lookup, why: Forwarded): Promise<Response> {
    const { keyed, asked, site } = lookup;
    if (isLoop(site, asked.headers)) return failureResponse('proxy_loop_detected', { outcome: why });
    // What is stored is in a coding this client does not take and that may not be changed.
    if (why === 'request') keyed.forward.set('accept-encoding', asked.headers.get('accept-encoding') ?? 'identity');
    const flight = why === 'request' ? undefined : this.#flights.under(lookup);
    // What is one person's is shared with nobody, unless the origin has said that all may have it.
    const isOwn = why === 'request' || (keyed.forward.has('authorization') && !flight?.landed);
    if (isOwn) return this.#tell(lookup, await this.#inTime(lookup, this.#flights.alone(lookup)), why, false);
    if (!flight) {
      // It may have come into the store since it was looked for there.
      const found = this.#freshNow(lookup);
      if (found) return found;
      const fetched = await this.#inTime(lookup, this.#flights.start(lookup).fetched);
      return this.#tell(lookup, fetched, why, false);
    }
    return this.#join(lookup, flight, why);
  }

  /** As long as it takes; but where a stored page may stand in for an error, until the origin has been silent for too long: undefined. */
  async #patiently<T>({ stale, site, number }: Lookup, fetched: Promise<T>): Promise<T | undefined> {
    if (!isUsableOnError(stale, Date.now())) return fetched;
    return beforeSilence(fetched, () => this.#shield.silentMs(number), site.timeoutMs.connect);
  }

  /** As `#patiently`, of a fetch of this request's own. */
  async #inTime(lookup: Lookup, fetched: Promise<Fetched | Elsewhere>): Promise<Fetched | Elsewhere> {
    const came = await this.#patiently(lookup, fetched);
    if (came === undefined) fetched.then(letGo, () => {});
    return came ?? hanging;
  }

  /** Waits for a fetch that another request began. */
  async #join(lookup: Lookup, flight: Flight, why: Forwarded, isOfVariant = false): Promise<Response> {
    const { keyed } = lookup;
    const hadLanded = flight.landed;
    const fetched = await this.#patiently(lookup, flight.fetched);
    if (fetched === undefined) return this.#tell(lookup, hanging, why, true);
    if (hadLanded && isOver(fetched, Date.now())) {
      await fetched.stored;
      return this.serve({ ...lookup, stale: this.#store.find(keyed) }, Date.now());
    }
    const isVariant = fetched.kind === 'page' && !isSameVariant(fetched.vary, flight.forward, keyed.forward);
    if (isVariant && !isOfVariant) {
      const isSpoken = isInPreferredLanguage(fetched.vary, fetched.headers, flight.forward, keyed.forward);
      const spoken = isSpoken ? await fetched.hot : undefined;
      const nowMs = Date.now();
      if (spoken && spoken.times.freshUntilMs > nowMs)
        return this.#answerStale(lookup, spoken, { collapsed: true }, nowMs);
      const other = this.#flights.underVariant(lookup, fetched.vary);
      if (other) return this.#join(lookup, other, why, true);
      return (
        this.#freshNow(lookup) ??
        this.#tell(
          lookup,
          await this.#inTime(lookup, this.#flights.startVariant(lookup, fetched.vary).fetched),
          why,
          false,
        )
      );
    }
    if (fetched.kind === 'private' || fetched.kind === 'renewed' || isVariant) {
      if (fetched.kind === 'renewed') await fetched.stored;
      // It may be in the store by now, as the variant we want or for all.
      return (
        this.#freshNow(lookup) ??
        this.#tell(lookup, await this.#inTime(lookup, this.#flights.alone(lookup)), why, false)
      );
    }
    const isOfAnother = keyed.forward.has('authorization') && fetched.kind !== 'page';
    if (isOfAnother) return this.#tell(lookup, await this.#inTime(lookup, this.#flights.alone(lookup)), why, false);
    return this.#tell(lookup, fetched, why, true);
  }

  /** From the store, where another fetch has put it meanwhile. */
  #freshNow(lookup: Lookup): Promise<Response> | undefined {
    const found = this.#store.find(lookup.keyed);
    const nowMs = Date.now();
    if (!found || found.times.freshUntilMs <= nowMs) return undefined;
    return this.#answerStale(lookup, found, { collapsed: true }, nowMs);
  }

  /** What a fetch brought, as this client's answer. */
  async #tell(lookup: Lookup, fetched: Fetched | Elsewhere, why: Forwarded, collapsed: boolean): Promise<Response> {
    const { asked, stale } = lookup;
    const nowMs = Date.now();
    // What another fetch came to a moment ago counts as waiting for it.
    const isShared = collapsed || fetched.kind === 'error elsewhere';
    const base: CacheStatus = { outcome: why, ...(isShared && { collapsed: true }) };
    if (fetched.kind === 'page' || fetched.kind === 'renewed' || fetched.kind === 'private')
      this.#count(lookup.site, 'miss');
    switch (fetched.kind) {
      case 'page':
        return this.#tellPage(lookup, fetched, base);
      case 'renewed': {
        const ttl = (fetched.hot.times.freshUntilMs - nowMs) / 1000;
        const { detail } = fetched;
        const how = detail === undefined ? { forwardedStatus: 304 } : { detail };
        const status: CacheStatus = { ...base, ...how, ttl, stored: true };
        const answered = await answer(this.#store, fetched.hot, asked, { status }, nowMs);
        return answered ?? this.#fetch({ ...lookup, stale: undefined }, 'request');
      }
      case 'private': {
        const { response, reason } = fetched;
        if (response.status === 200 && asked.method === 'GET' && asked.headers.has('range')) {
          const part = await this.#askForPart(lookup);
          if (part) {
            void response.body?.cancel();
            return passedResponse(part, asked.method, {
              ...base,
              forwardedStatus: part.status,
              detail: `not stored: ${reason}`,
            });
          }
        }
        const status: CacheStatus = { ...base, forwardedStatus: response.status, detail: `not stored: ${reason}` };
        return passedResponse(response, asked.method, status);
      }
      case 'stored elsewhere': {
        const found = this.#freshNow(lookup);
        if (found) return found;
        // It has shown by what the page varies: it was another variant.
        if (this.#store.flightKey(lookup.keyed) !== fetched.name) return this.#fetch(lookup, why);
        return this.#tell(lookup, await this.#inTime(lookup, this.#flights.alone(lookup)), why, false);
      }
      case 'error':
      case 'error elsewhere': {
        if (stale && isUsableOnError(stale, nowMs))
          return this.#answerStale(lookup, stale, { failure: fetched.status, collapsed }, nowMs);
        this.#count(lookup.site, 'error');
        return errorResponse(fetched, asked.method, { ...base, forwardedStatus: fetched.status });
      }
      case 'failed': {
        const { failure } = fetched;
        if (stale && isUsableOnError(stale, nowMs))
          return this.#answerStale(lookup, stale, { failure, collapsed }, nowMs);
        this.#count(lookup.site, 'error');
        return failureResponse(failure, base);
      }
    }
  }

  /** Of what is not stored, the origin makes the parts; undefined: it does not answer. */
  async #askForPart({ site, number, mode, keyed, asked }: Lookup): Promise<Response | undefined> {
    const headers = new Headers(keyed.forward);
    // Parts are of the bytes as they are.
    headers.set('accept-encoding', 'identity');
    for (const name of ['range', 'if-range']) {
      const value = asked.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    const request = { method: 'GET', target: keyed.target, headers, isPassed: true };
    const answer = await this.#shield.ask(site, number, mode, request);
    if (!answer.ok) return undefined;
    answer.unhurried();
    return answer.response;
  }

  async #tellPage(lookup: Lookup, fetched: Extract<Fetched, { kind: 'page' }>, base: CacheStatus): Promise<Response> {
    const { asked } = lookup;
    const { status, body, receivedMs, freshMs, detail } = fetched;
    const how = { forwardedStatus: status, ttl: freshMs / 1000, stored: true, ...(detail !== undefined && { detail }) };
    const told = { status: { ...base, ...how } };
    const length = Number(fetched.headers.get('content-length') ?? Number.NaN);
    if (!canFlow(fetched, asked) || length <= 0) {
      const hot = await fetched.hot;
      const answered = hot && (await answer(this.#store, hot, asked, told, Date.now()));
      if (answered) return answered;
      // It does not take the bytes as they came; asked in its own words, the origin may have others.
      if (hot && base.outcome !== 'request') return this.#fetch({ ...lookup, stale: undefined }, 'request');
    }
    const headers = new Headers(fetched.headers);
    headers.set('age', String(Math.max(0, Math.floor((receivedMs - fetched.bornMs) / 1000))));
    tell(headers, told);
    const hasBody = asked.method !== 'HEAD' && ![204, 205, 304].includes(status);
    return new Response(hasBody ? body.stream() : null, { status, headers });
  }
}

/** What is made of an origin that may answer later. */
const hanging = { kind: 'failed', failure: 'http_response_timeout' } as const;

/** A page that was fresh for those who waited for it, and is not for who comes after it came. */
function isOver(
  fetched: Fetched | Elsewhere,
  nowMs: number,
): fetched is Extract<Fetched, { kind: 'page' | 'renewed' }> {
  if (fetched.kind === 'page') return fetched.receivedMs + fetched.freshMs <= nowMs;
  return fetched.kind === 'renewed' && fetched.hot.times.freshUntilMs <= nowMs;
}

/** Whether the bytes can go to the client as they come: it asks for all of them, in the coding they have. */
function canFlow({ headers }: Extract<Fetched, { kind: 'page' }>, { method, headers: asked }: Asked): boolean {
  if (method !== 'GET' || ['range', 'if-none-match', 'if-modified-since'].some((name) => asked.has(name))) return false;
  const coding = codingOf(headers.get('content-encoding'));
  if (coding === 'identity' || coding === 'other') return true;
  return (asked.get('accept-encoding') ?? '').includes(coding);
}

/** Nobody reads it: what is only for one is given up. */
function letGo(fetched: Fetched | Elsewhere): void {
  if (fetched.kind === 'private') void fetched.response.body?.cancel();
}
