// One fetch per page however many want it: in this thread they share it as it flows; in other threads they wait for it to be stored.

import type { NotAsked } from './cache-status.ts';
import { type Fetched, type FetchParts, fetchPage, type PageFetch } from './fetch-page.ts';
import { ended, type SharedState } from './shared-state.ts';
import { failureOfOutcome, outcomeOfFailure } from './shield.ts';

/** How a fetch ended that another thread made, or that ended a moment ago. */
export type Elsewhere =
  | { readonly kind: 'stored elsewhere' }
  | { readonly kind: 'failed'; readonly failure: NotAsked }
  | { readonly kind: 'error elsewhere'; readonly status: number };

export interface Flight {
  readonly fetched: Promise<Fetched | Elsewhere>;
  /** What the leader's origin saw: those who saw other things may need another variant. */
  readonly forward: Headers;
  /** The origin has answered. */
  landed: boolean;
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

  /** The fetch of a page that is under way in this thread. */
  under(key: string): Flight | undefined {
    return this.#flights.get(key);
  }

  get size(): number {
    return this.#flights.size;
  }

  /** Starts a fetch; others of the same key join it until it has ended. */
  start(asked: PageFetch): Flight {
    const { keyed } = asked;
    const fetched = this.#lead(asked);
    const flight: Flight = { fetched, forward: keyed.forward, landed: false };
    this.#flights.set(keyed.key, flight);
    const forget = () => {
      if (this.#flights.get(keyed.key) === flight) this.#flights.delete(keyed.key);
    };
    fetched.then((result) => {
      flight.landed = true;
      return whenOver(result).then(forget);
    }, forget);
    return flight;
  }

  /** A fetch nobody shares. */
  alone(asked: PageFetch): Promise<Fetched> {
    return fetchPage(this.#parts, asked);
  }

  async #lead(asked: PageFetch): Promise<Fetched | Elsewhere> {
    const { site, keyed, mode } = asked;
    const knownMs = (outcome: number): number | undefined => {
      if (outcome === ended.notStorable) return notStorableMs;
      return outcome >= 500 && mode !== 'force' ? site.limit.backoffMs : undefined;
    };
    const leaseMs = site.timeoutMs.total + leaseSlackMs;
    for (;;) {
      const lead = this.#state.tryLead(keyed.key, Date.now(), leaseMs, knownMs);
      if (lead.kind === 'lead') return this.#fetch(asked, lead.slot);
      const outcome = lead.kind === 'known' ? lead.outcome : await lead.outcome;
      if (outcome === ended.notStorable) return fetchPage(this.#parts, asked);
      if (outcome !== undefined) return elsewhere(outcome);
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
    outcomeOf(result).then((outcome) => this.#state.end(slot, outcome, Date.now()));
    return result;
  }
}

function whenOver(result: Fetched | Elsewhere): Promise<unknown> {
  if (result.kind === 'page' || result.kind === 'renewed') return result.stored;
  return result.kind === 'error' ? result.body.whole : Promise.resolve();
}

async function outcomeOf(result: Fetched): Promise<number> {
  switch (result.kind) {
    case 'page':
    case 'renewed':
      return (await result.stored) ? ended.stored : 0;
    case 'private':
      return ended.notStorable;
    case 'error':
      return result.status;
    case 'failed':
      return result.failure === 'outage_drill' ? 0 : outcomeOfFailure(result.failure);
  }
}

function elsewhere(outcome: number): Elsewhere {
  if (outcome === ended.stored) return { kind: 'stored elsewhere' };
  const failure = failureOfOutcome(outcome);
  return failure === undefined ? { kind: 'error elsewhere', status: outcome } : { kind: 'failed', failure };
}
