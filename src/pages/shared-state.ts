// What all threads of a node know together, in shared memory: who fetches which page, how the last fetch of it went, how many requests each
// origin has, and whether it is left alone. Nothing here outlives the process.
//
//   flights   a table of slots by the key's hash: lock, hash of the last key, its outcome and when.
//             free ─tryLead→ led ─end(outcome)→ free; whoever leads and dies loses the lock at its deadline
//   sites     requests under way per thread; failures in a row; until when the origin is left alone, and who probes it

const slots = 4096;
/** Int32 per slot: lock (0 free, 1 led), two halves of the key's hash, outcome. */
const slotInts = 4;
const sitesMost = 64;
const threadsMost = 64;
/** Number of the thread that renders, where that is none of those that serve. */
export const rendererThread = threadsMost - 1;
/** Int32 per site: failures, times opened, changes (to wait on), one unused, then requests under way per thread. */
const siteInts = 4 + threadsMost;

const flightInts = slots * slotInts;
const int32s = flightInts + sitesMost * siteInts;
/** Int64 (ms since 1970): per slot deadline and end of the last flight; per site open until, probe until. */
const int64s = slots * 2 + sitesMost * 2;

export const sharedStateBytes = int32s * 4 + int64s * 8;

/** How a flight ended. 1000 and more: the origin failed in this way (see `shield.ts`); 100 to 599: it answered with this status. */
export const ended = { stored: 1, notStorable: 2 } as const;

export type Lead =
  | { readonly kind: 'lead'; readonly slot: number }
  /** Another thread fetches it; resolves with how that ended, or undefined when it is worth asking again. */
  | { readonly kind: 'wait'; readonly outcome: Promise<number | undefined> }
  /** It was fetched a moment ago, and this came of it. */
  | { readonly kind: 'known'; readonly outcome: number };

export class SharedState {
  readonly #ints: Int32Array;
  readonly #times: BigInt64Array;
  readonly #thread: number;

  /** @param thread number of this thread, from 0; its own counts start anew */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(sharedStateBytes), thread = 0) {
    this.#times = new BigInt64Array(buffer, 0, int64s);
    this.#ints = new Int32Array(buffer, int64s * 8, int32s);
    this.#thread = thread;
    for (let site = 0; site < sitesMost; site++) Atomics.store(this.#ints, this.#underWay(site, thread), 0);
  }

  /**
   * Asks to be the one who fetches `key`.
   * @param leaseMs after which another may take over
   * @param known how long an outcome counts: `undefined` → it does not
   */
  tryLead(key: string, nowMs: number, leaseMs: number, knownMs: (outcome: number) => number | undefined): Lead {
    const [slot, high, low] = placeOf(key);
    const at = slot * slotInts;
    const isSameKey = () => Atomics.load(this.#ints, at + 1) === high && Atomics.load(this.#ints, at + 2) === low;
    if (isSameKey() && Atomics.load(this.#ints, at) === 0) {
      const outcome = Atomics.load(this.#ints, at + 3);
      const counts = knownMs(outcome);
      if (counts !== undefined && nowMs < Number(Atomics.load(this.#times, slot * 2 + 1)) + counts)
        return { kind: 'known', outcome };
    }
    const isFree = Atomics.compareExchange(this.#ints, at, 0, 1) === 0;
    if (isFree || this.#takeOver(slot, nowMs)) {
      Atomics.store(this.#times, slot * 2, BigInt(Math.ceil(nowMs + leaseMs)));
      Atomics.store(this.#ints, at + 1, high);
      Atomics.store(this.#ints, at + 2, low);
      Atomics.store(this.#ints, at + 3, 0);
      return { kind: 'lead', slot };
    }
    return { kind: 'wait', outcome: this.#wait(slot, leaseMs, isSameKey) };
  }

  /** From one that did not come back: only one of those who try wins the new deadline. */
  #takeOver(slot: number, nowMs: number): boolean {
    const deadline = Atomics.load(this.#times, slot * 2);
    if (deadline === 0n || Number(deadline) > nowMs) return false;
    return Atomics.compareExchange(this.#times, slot * 2, deadline, deadline + 60_000n) === deadline;
  }

  async #wait(slot: number, leaseMs: number, isSameKey: () => boolean): Promise<number | undefined> {
    const at = slot * slotInts;
    const wasSame = isSameKey();
    const waiting = Atomics.waitAsync(this.#ints, at, 1, leaseMs);
    if (waiting.async) await waiting.value;
    // Keys share slots: what ended may have been another's.
    const outcome = Atomics.load(this.#ints, at + 3);
    return wasSame && isSameKey() && outcome !== 0 ? outcome : undefined;
  }

  end(slot: number, outcome: number, nowMs: number): void {
    const at = slot * slotInts;
    Atomics.store(this.#ints, at + 3, outcome);
    Atomics.store(this.#times, slot * 2 + 1, BigInt(Math.floor(nowMs)));
    Atomics.store(this.#times, slot * 2, 0n);
    Atomics.store(this.#ints, at, 0);
    Atomics.notify(this.#ints, at);
  }

  /** Forgets how fetches of `key` went. */
  forget(key: string): void {
    const [slot, high, low] = placeOf(key);
    const at = slot * slotInts;
    if (Atomics.load(this.#ints, at + 1) === high && Atomics.load(this.#ints, at + 2) === low)
      Atomics.store(this.#times, slot * 2 + 1, 0n);
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
    return flightInts + site * siteInts;
  }

  #underWay(site: number, thread: number): number {
    return this.#site(site) + 4 + thread;
  }
}

function siteTime(site: number): number {
  return slots * 2 + site * 2;
}

function placeOf(key: string): [slot: number, high: number, low: number] {
  const hash = Bun.hash.xxHash64(key);
  return [Number(hash % BigInt(slots)), Number(BigInt.asIntN(32, hash >> 32n)), Number(BigInt.asIntN(32, hash))];
}
