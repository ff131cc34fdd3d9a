// What all threads of a node know together, in shared memory: who fetches which page, how the last fetch of it went, how many requests each
// origin has, and whether it is left alone. Nothing here outlives the process.
//
//   flights   see SharedFlights
//   sites     requests under way per thread; failures in a row; until when the origin is left alone, and who probes it

import { assert, type Lead, limits, SharedFlights, sharedFlightsBytes } from '../base/index.ts';

const sitesMost = 64;
const threadsMost = 64;
/** Number of the thread that renders, where that is none of those that serve. */
export const rendererThread = threadsMost - 1;
/** Int32 per site: failures, times opened, changes (to wait on), one unused, then requests under way per thread. */
const siteInts = 4 + threadsMost;

const int32s = sitesMost * siteInts;
/** Int64 per site, ms since 1970: open until, probe until. */
const int64s = sitesMost * 2;

assert(sharedFlightsBytes + int64s * 8 + int32s * 4 <= limits.sharedPagesBytes, 'what threads share of pages fits');

/** How a flight ended. 1000 and more: the origin failed in this way (see `shield.ts`); 100 to 599: it answered with this status. */
export const ended = { stored: 1, notStorable: 2 } as const;

export class SharedState {
  readonly #flights: SharedFlights;
  readonly #ints: Int32Array;
  readonly #times: BigInt64Array;
  readonly #thread: number;

  /** @param thread number of this thread, from 0; its own counts start anew */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(limits.sharedPagesBytes), thread = 0) {
    this.#flights = new SharedFlights(buffer);
    this.#times = new BigInt64Array(buffer, sharedFlightsBytes, int64s);
    this.#ints = new Int32Array(buffer, sharedFlightsBytes + int64s * 8, int32s);
    this.#thread = thread;
    for (let site = 0; site < sitesMost; site++) Atomics.store(this.#ints, this.#underWay(site, thread), 0);
  }

  /** As those of SharedFlights, of a page. */
  tryLead(key: string, nowMs: number, leaseMs: number, knownMs: (outcome: number) => number | undefined): Lead {
    return this.#flights.tryLead(key, nowMs, leaseMs, knownMs);
  }

  end(slot: number, outcome: number, nowMs: number): void {
    this.#flights.end(slot, outcome, nowMs);
  }

  forget(key: string): void {
    this.#flights.forget(key);
  }

  /** Takes a place among the requests to an origin; false: `most` are under way. */
  enter(site: number, most: number): boolean {
    Atomics.add(this.#ints, this.#underWay(site, this.#thread), 1);
    if (this.underWay(site) <= most) return true;
    this.leave(site);
    return false;
  }

  leave(site: number): void {
    const at = this.#underWay(site, this.#thread);
    // A thread that replaced this one has begun to count anew.
    if (Atomics.sub(this.#ints, at, 1) <= 0) Atomics.add(this.#ints, at, 1);
    Atomics.add(this.#ints, this.#site(site) + 2, 1);
    Atomics.notify(this.#ints, this.#site(site) + 2, 1);
  }

  underWay(site: number): number {
    let sum = 0;
    for (let thread = 0; thread < threadsMost; thread++) sum += Atomics.load(this.#ints, this.#underWay(site, thread));
    return sum;
  }

  /** Resolves when a request has ended, or after `timeoutMs`. */
  async whenLeft(site: number, timeoutMs: number): Promise<void> {
    const at = this.#site(site) + 2;
    const waiting = Atomics.waitAsync(this.#ints, at, Atomics.load(this.#ints, at), timeoutMs);
    if (waiting.async) await waiting.value;
  }

  /** Whether an origin may be asked: `probe`: this one request, to see whether it is back. */
  gate(site: number, nowMs: number, probeMs: number): 'open' | 'probe' | 'closed' {
    const openUntil = Number(Atomics.load(this.#times, siteTime(site)));
    if (openUntil === 0) return 'open';
    if (nowMs < openUntil) return 'closed';
    const probing = Atomics.load(this.#times, siteTime(site) + 1);
    if (Number(probing) > nowMs) return 'closed';
    const until = BigInt(Math.ceil(nowMs + probeMs));
    return Atomics.compareExchange(this.#times, siteTime(site) + 1, probing, until) === probing ? 'probe' : 'closed';
  }

  /** Whether the origin is left alone, and it is not time for a probe either. */
  rests(site: number, nowMs: number): boolean {
    const openUntil = Number(Atomics.load(this.#times, siteTime(site)));
    return openUntil !== 0 && (nowMs < openUntil || Number(Atomics.load(this.#times, siteTime(site) + 1)) > nowMs);
  }

  /** Whether the origin is left alone, without asking for the probe. */
  isClosed(site: number): boolean {
    return Atomics.load(this.#times, siteTime(site)) !== 0n;
  }

  succeeded(site: number): void {
    Atomics.store(this.#ints, this.#site(site), 0);
    Atomics.store(this.#ints, this.#site(site) + 1, 0);
    Atomics.store(this.#times, siteTime(site), 0n);
    Atomics.store(this.#times, siteTime(site) + 1, 0n);
  }

  /** What was to show whether the origin is back has shown nothing: another may. */
  withdrawn(site: number): void {
    Atomics.store(this.#times, siteTime(site) + 1, 0n);
  }

  /** @param openMs how long to leave it alone the first time; twice that the next, up to eight times */
  failed(site: number, weight: number, most: number, openMs: number, nowMs: number): void {
    const failures = Atomics.add(this.#ints, this.#site(site), weight) + weight;
    if (failures < most) return;
    const openUntil = Number(Atomics.load(this.#times, siteTime(site)));
    // Those under way when it was closed end one after the other: they count once.
    if (openUntil > nowMs) return;
    const times = Atomics.add(this.#ints, this.#site(site) + 1, 1);
    Atomics.store(this.#times, siteTime(site), BigInt(Math.ceil(nowMs + openMs * 2 ** Math.min(times, 3))));
    Atomics.store(this.#times, siteTime(site) + 1, 0n);
  }

  #site(site: number): number {
    return site * siteInts;
  }

  #underWay(site: number, thread: number): number {
    return this.#site(site) + 4 + thread;
  }
}

function siteTime(site: number): number {
  return site * 2;
}
