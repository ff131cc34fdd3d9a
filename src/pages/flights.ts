// One fetch per page however many want it: in this thread they share it as it flows; in other threads they wait for it to be stored.

import type { NotAsked } from './cache-status.ts';
import { type Fetched, type FetchParts, fetchPage, type PageFetch } from './fetch-page.ts';
import type { HotPage } from './hot-pages.ts';
import { isSameVariant, type KeyedRequest } from './key.ts';
import { longestRenderMs, mayBeRendered } from './render-page.ts';
import { ended, type SharedState } from './shared-state.ts';
import { failureOfOutcome, outcomeOfFailure } from './shield.ts';
import { variantKey } from './variants.ts';

/** How a fetch ended that another thread made, or that ended a moment ago. */
export type Elsewhere =
  /** `name`: of the fetch, as `PageStore.flightKey` gives it. */
  | { readonly kind: 'stored elsewhere'; readonly name: string }
  | { readonly kind: 'failed'; readonly failure: NotAsked }
  | { readonly kind: 'error elsewhere'; readonly status: number };

export interface Flight {
  readonly fetched: Promise<Fetched | Elsewhere>;
  /** What the leader's origin saw: those who saw other things may need another variant. */
  readonly forward: Headers;
  /** Of the site when it began: a purge since then makes it one that nobody joins. */
  readonly mark: number | null;
  /** The origin has answered. */
  landed: boolean;
  /** What came of it, when all of it is here, until it is in the store. */
  page: { readonly hot: HotPage; readonly vary: readonly string[] } | undefined;
}

/** How long it is remembered that a page may not be stored: those who want it then don't wait for each other, in ms. */
const notStorableMs = 10_000;
/** Longer than any fetch takes: after it a page is fetched by another, in ms. */
const leaseSlackMs = 5_000;

export class Flights {
  readonly #parts: FetchParts;
  readonly #state: SharedState;
  readonly #flights = new Map<string, Flight>();

  constructor(parts: FetchParts, state: SharedState) {
    this.#parts = parts;
    this.#state = state;
  }

  /** The fetch that is under way in this thread, if no purge came since it began. */
  under(asked: Pick<PageFetch, 'keyed' | 'site'>): Flight | undefined {
    const { store } = this.#parts;
    return this.#join(store.flightKey(asked.keyed), store.mark(asked.site.id));
  }

  #join(name: string, mark: number | null): Flight | undefined {
    const flight = this.#flights.get(name);
    return flight?.mark === mark ? flight : undefined;
  }

  /** What a fetch has brought for this request, whole, though it is not in the store yet. */
  landed(asked: Pick<PageFetch, 'keyed' | 'site'>): HotPage | undefined {
    const flight = this.#flights.size === 0 ? undefined : this.under(asked);
    if (!flight?.page) return undefined;
    const { hot, vary } = flight.page;
    return isSameVariant(vary, flight.forward, asked.keyed.forward) ? hot : undefined;
  }

  /** Whether one of this name is there, whatever came since it began. */
  has(name: string): boolean {
    return this.#flights.has(name);
  }

  get size(): number {
    return this.#flights.size;
  }

  /** Starts a fetch; others of the same page join it until it has ended. */
  start(asked: PageFetch): Flight {
    const { store } = this.#parts;
    const name = store.flightKey(asked.keyed);
    return this.#add(name, asked.keyed, store.mark(asked.site.id), this.#lead(asked, name));
  }

  /** As `under`, where a fetch has shown by what the page varies. */
  underVariant({ keyed, site }: PageFetch, vary: readonly string[]): Flight | undefined {
    return this.#join(variantKey(keyed.key, vary, keyed.forward), this.#parts.store.mark(site.id));
  }

  startVariant(asked: PageFetch, vary: readonly string[]): Flight {
    const name = variantKey(asked.keyed.key, vary, asked.keyed.forward);
    return this.#add(name, asked.keyed, this.#parts.store.mark(asked.site.id), this.#lead(asked, name));
  }

  /** A fetch nobody shares while it is under way. */
  async alone(asked: PageFetch): Promise<Fetched> {
    const mark = this.#parts.store.mark(asked.site.id);
    const fetched = await fetchPage(this.#parts, asked);
    this.adopt(asked.keyed, mark, fetched);
    return fetched;
  }

  /** What is on its way into the store is for all from here on. @param mark from before it was asked for */
  adopt(keyed: KeyedRequest, mark: number | null, fetched: Fetched): void {
    if (fetched.kind === 'page' || fetched.kind === 'renewed')
      this.#add(this.#parts.store.flightKey(keyed), keyed, mark, Promise.resolve(fetched));
  }

  #add(name: string, { forward }: KeyedRequest, mark: number | null, fetched: Flight['fetched']): Flight {
    const flight: Flight = { fetched, forward, mark, landed: false, page: undefined };
    this.#flights.set(name, flight);
    const forget = () => {
      if (this.#flights.get(name) === flight) this.#flights.delete(name);
    };
    fetched.then((result) => {
      flight.landed = true;
      void keepWhole(flight, result);
      return whenOver(result).then(forget);
    }, forget);
    return flight;
  }

  async #lead(asked: PageFetch, name: string): Promise<Fetched | Elsewhere> {
    const { site, mode } = asked;
    const knownMs = (outcome: number): number | undefined => {
      if (outcome === ended.notStorable) return notStorableMs;
      return outcome >= 500 && mode !== 'force' ? site.limit.backoffMs : undefined;
    };
    const leaseMs = site.timeoutMs.total + leaseSlackMs + (mayBeRendered(asked) ? longestRenderMs(site) : 0);
    for (;;) {
      const lead = this.#state.tryLead(name, Date.now(), leaseMs, knownMs);
      if (lead.kind === 'lead') return this.#fetch(asked, lead.slot);
      const outcome = lead.kind === 'known' ? lead.outcome : await lead.outcome;
      if (outcome === ended.notStorable) return fetchPage(this.#parts, asked);
      if (outcome !== undefined) return elsewhere(outcome, name);
    }
  }

  async #fetch(asked: PageFetch, slot: number): Promise<Fetched> {
    let result: Fetched;
    try {
      result = await fetchPage(this.#parts, asked);
    } catch (error) {
      this.#state.end(slot, 0, Date.now());
      throw error;
    }
    // Other threads have waited for what is in the store.
    outcomeOf(result, asked.background).then((outcome) => this.#state.end(slot, outcome, Date.now()));
    return result;
  }
}

async function keepWhole(flight: Flight, result: Fetched | Elsewhere): Promise<void> {
  if (result.kind === 'renewed') flight.page = { hot: result.hot, vary: [] };
  if (result.kind !== 'page') return;
  const hot = await result.hot;
  if (hot) flight.page = { hot, vary: result.vary };
}

function whenOver(result: Fetched | Elsewhere): Promise<unknown> {
  if (result.kind === 'page' || result.kind === 'renewed') return result.stored;
  return result.kind === 'error' ? result.body.whole : Promise.resolve();
}

async function outcomeOf(result: Fetched, background: boolean): Promise<number> {
  switch (result.kind) {
    case 'page':
    case 'renewed':
      return (await result.stored) ? ended.stored : 0;
    case 'private':
      return ended.notStorable;
    case 'error':
      return result.status;
    case 'failed':
      // That there was no room for a refresh says nothing to who waits for the page.
      if (result.failure === 'outage_drill' || result.failure === 'proxy_loop_detected') return 0;
      if (background && result.failure === 'connection_limit_reached') return 0;
      return outcomeOfFailure(result.failure);
  }
}

function elsewhere(outcome: number, name: string): Elsewhere {
  if (outcome === ended.stored) return { kind: 'stored elsewhere', name };
  const failure = failureOfOutcome(outcome);
  return failure === undefined ? { kind: 'error elsewhere', status: outcome } : { kind: 'failed', failure };
}
