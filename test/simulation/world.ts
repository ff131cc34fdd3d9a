// Simulated time: what is due next happens next, and time jumps there. Nothing in a simulation waits, and nothing happens by itself.

export class World {
  nowMs: number;
  #order = 0;
  #agenda: { readonly atMs: number; readonly order: number; readonly happen: () => void }[] = [];

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  after(ms: number, happen: () => void): void {
    const entry = { atMs: this.nowMs + ms, order: this.#order++, happen };
    // The agenda is a heap: the earliest first.
    const heap = this.#agenda;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (!parent || !isEarlier(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  /** Lets happen what is due, until `untilMs` or until `done` says so. */
  run(untilMs: number, done: () => boolean = () => false): boolean {
    while (!done()) {
      const next = this.#agenda[0];
      if (!next || next.atMs > untilMs) {
        this.nowMs = untilMs;
        return done();
      }
      this.#removeFirst();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.happen();
    }
    return true;
  }

  #removeFirst(): void {
    const heap = this.#agenda;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [first, second] = [heap[left], heap[left + 1]];
      if (!first) break;
      const [child, entry] = second && isEarlier(second, first) ? [left + 1, second] : [left, first];
      if (!isEarlier(entry, last)) break;
      heap[at] = entry;
      at = child;
    }
    heap[at] = last;
  }
}

function isEarlier(
  a: { readonly atMs: number; readonly order: number },
  b: { readonly atMs: number; readonly order: number },
): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
