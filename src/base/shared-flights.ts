// Who of all threads does a thing that must be done once, and how it went, in shared memory: a table of slots by the key's hash.
//
//   free ─tryLead→ led ─end(outcome)→ free; whoever leads and dies loses the lead at its deadline
//
// Keys share slots: what is said of a slot counts for the key that had it last.

const slots = 4096;
/** Int32 per slot: lock (see below), two halves of the key's hash, outcome. */
const slotInts = 4;
const lock = { free: 0, led: 1, beingTaken: 2 } as const;
/** Int64 per slot, ms since 1970: deadline of the lead, end of the last flight. */
const slotTimes = 2;

const timeBytes = slots * slotTimes * 8;

export const sharedFlightsBytes = timeBytes + slots * slotInts * 4;

export type Lead =
  | { readonly kind: 'lead'; readonly slot: number }
  /** Another does it; resolves with how that ended, or undefined when it is worth asking again. `isSame`: it is the same key. */
  | { readonly kind: 'wait'; readonly isSame: boolean; readonly outcome: Promise<number | undefined> }
  /** It was done a moment ago, and this came of it. */
  | { readonly kind: 'known'; readonly outcome: number };

export class SharedFlights {
  readonly #ints: Int32Array;
  readonly #times: BigInt64Array;

  /** @param offset where its part of the buffer begins, in bytes; a multiple of 8 */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(sharedFlightsBytes), offset = 0) {
    this.#times = new BigInt64Array(buffer, offset, slots * slotTimes);
    this.#ints = new Int32Array(buffer, offset + timeBytes, slots * slotInts);
  }

  /**
   * Asks to be the one who does `key`.
   * @param leaseMs after which another may take over
   * @param knownMs how long an outcome counts: `undefined` → it does not
   */
  tryLead(key: string, nowMs: number, leaseMs: number, knownMs: (outcome: number) => number | undefined): Lead {
    const [slot, high, low] = placeOf(key);
    const at = slot * slotInts;
    const isSameKey = () => Atomics.load(this.#ints, at + 1) === high && Atomics.load(this.#ints, at + 2) === low;
    if (isSameKey() && Atomics.load(this.#ints, at) === lock.free) {
      const outcome = Atomics.load(this.#ints, at + 3);
      const counts = knownMs(outcome);
      if (counts !== undefined && nowMs < Number(Atomics.load(this.#times, slot * slotTimes + 1)) + counts)
        return { kind: 'known', outcome };
    }
    const isFree = Atomics.compareExchange(this.#ints, at, lock.free, lock.beingTaken) === lock.free;
    if (isFree || this.#takeOver(slot, nowMs)) {
      Atomics.store(this.#times, slot * slotTimes, BigInt(Math.ceil(nowMs + leaseMs)));
      Atomics.store(this.#ints, at + 1, high);
      Atomics.store(this.#ints, at + 2, low);
      Atomics.store(this.#ints, at + 3, 0);
      Atomics.store(this.#ints, at, lock.led);
      return { kind: 'lead', slot };
    }
    // Whoever takes it is at it: what key it has is known in the next instant.
    for (let spins = 0; spins < 10_000 && Atomics.load(this.#ints, at) === lock.beingTaken; spins++);
    const isSame = isSameKey();
    return { kind: 'wait', isSame, outcome: this.#wait(slot, leaseMs, isSame, isSameKey) };
  }

  /** From one that did not come back: only one of those who try wins the new deadline. */
  #takeOver(slot: number, nowMs: number): boolean {
    const at = slot * slotTimes;
    const deadline = Atomics.load(this.#times, at);
    if (deadline === 0n || Number(deadline) > nowMs) return false;
    return Atomics.compareExchange(this.#times, at, deadline, deadline + 60_000n) === deadline;
  }

  async #wait(slot: number, leaseMs: number, wasSame: boolean, isSameKey: () => boolean): Promise<number | undefined> {
    const at = slot * slotInts;
    const waiting = Atomics.waitAsync(this.#ints, at, lock.led, leaseMs);
    if (waiting.async) await waiting.value;
    const outcome = Atomics.load(this.#ints, at + 3);
    return wasSame && isSameKey() && outcome !== 0 ? outcome : undefined;
  }

  /** @param outcome 0: nothing worth knowing */
  end(slot: number, outcome: number, nowMs: number): void {
    const at = slot * slotInts;
    Atomics.store(this.#ints, at + 3, outcome);
    Atomics.store(this.#times, slot * slotTimes + 1, BigInt(Math.floor(nowMs)));
    Atomics.store(this.#times, slot * slotTimes, 0n);
    Atomics.store(this.#ints, at, lock.free);
    Atomics.notify(this.#ints, at);
  }

  /** Forgets how `key` went. */
  forget(key: string): void {
    const [slot, high, low] = placeOf(key);
    const at = slot * slotInts;
    if (Atomics.load(this.#ints, at + 1) === high && Atomics.load(this.#ints, at + 2) === low)
      Atomics.store(this.#times, slot * slotTimes + 1, 0n);
  }
}

function placeOf(key: string): [slot: number, high: number, low: number] {
  const hash = Bun.hash.xxHash64(key);
  return [Number(hash % BigInt(slots)), Number(BigInt.asIntN(32, hash >> 32n)), Number(BigInt.asIntN(32, hash))];
}
