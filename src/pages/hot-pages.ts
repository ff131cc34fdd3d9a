// What a thread keeps of pages in memory, bounded in bytes. A page that comes in is young; one that is asked for again while it is young stays, and so
// does one that comes back soon after it had to go. What was asked for once makes room for the others ("S3-FIFO": Yang et al., "FIFO queues are all
// you need for cache eviction", 2023).
//
//   new ──▶ young ──its turn, was asked for again──▶ lasting ⟲ its turn, was asked for
//             └──its turn──▶ gone, known for a while ──asked for──▶ lasting ──its turn──▶ gone

import type { PageRow } from './page-rows.ts';
import type { Coding, Page } from './types.ts';

/** A page in memory, with its body in the codings that were asked for. */
export interface HotPage {
  readonly page: Page;
  readonly version: number;
  readonly forms: Map<Coding, Blob>;
  /** What clients get who ask for all of it, for each of a few values of Accept-Encoding. */
  readonly plain?: PlainAnswer[];
}

/** Why a page is served: it is fresh; it is stale, and is or will be fetched anew; or the origin is not asked. */
export type Serving = 'fresh' | 'stale' | 'destination_unavailable' | 'outage_drill';

/** An answer that is the same for one second. */
export interface PlainAnswer {
  /** Accept-Encoding of those who get it. */
  readonly accept: string;
  readonly coding: Coding;
  readonly blob: Blob;
  readonly second: number;
  readonly serving: Serving;
  readonly init: { readonly headers: Headers };
}

/** Whoever finds a row again without looking it up; told when it is gone. */
export interface RowHolder {
  row: HotRow | undefined;
}

/** A row of the table of pages. */
export class HotRow {
  readonly key: string;
  /** Number of the row. */
  readonly number: number;
  readonly row: PageRow;
  readonly version: number;
  /** What conditions on the row compare. */
  readonly tag: number;
  readonly hot: HotPage | undefined;
  /** In ms since 1970; from then on it is as if it were not there. */
  readonly untilMs: number;
  bytes: number;
  /** Whether it was asked for since it came in, or since its turn to go came last. */
  isUsed = false;
  /** When its use was written down last. */
  usedMs: number;
  /** The last who asked for it. */
  holder: RowHolder | undefined;
  queue: Queue | undefined;
  before: HotRow | undefined;
  after: HotRow | undefined;

  constructor(
    row: Pick<HotRow, 'key' | 'number' | 'row' | 'version' | 'tag' | 'hot' | 'untilMs' | 'bytes' | 'usedMs'>,
  ) {
    this.key = row.key;
    this.number = row.number;
    this.row = row.row;
    this.version = row.version;
    this.tag = row.tag;
    this.hot = row.hot;
    this.untilMs = row.untilMs;
    this.bytes = row.bytes;
    this.usedMs = row.usedMs;
  }

  /** Is found by `holder` from now on, while it is in memory, and no more by who held it before. */
  handTo(holder: RowHolder): void {
    if (this.holder) this.holder.row = undefined;
    this.holder = holder;
    holder.row = this;
  }

  letGo(): void {
    if (this.holder) this.holder.row = undefined;
    this.holder = undefined;
  }
}

/** Part of the memory that young pages may take. */
const youngPart = 0.1;
/** Keys of pages that had to go while they were young are known for as long as so many others go. */
const goneMost = 50_000;

export class HotPages {
  readonly #maxBytes: number;
  readonly #young = new Queue();
  readonly #lasting = new Queue();
  readonly #rows = new Map<string, HotRow>();
  readonly #numbers = new Map<number, HotRow>();
  readonly #gone = new Set<string>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#rows.size;
  }

  get bytes(): number {
    return this.#young.bytes + this.#lasting.bytes;
  }

  get(key: string): HotRow | undefined {
    return this.#rows.get(key);
  }

  /** Takes in a page that is not there. */
  add(row: HotRow): void {
    (this.#gone.delete(row.key) ? this.#lasting : this.#young).push(row);
    this.#rows.set(row.key, row);
    this.#numbers.set(row.number, row);
    this.#makeRoom();
  }

  /** A page in here takes more memory. */
  grow(row: HotRow, bytes: number): void {
    row.bytes += bytes;
    if (row.queue) row.queue.bytes += bytes;
    this.#makeRoom();
  }

  /** Forgets the page in a row. */
  forget(number: number): void {
    const row = this.#numbers.get(number);
    if (!row) return;
    this.#remove(row);
    // It has changed: who asked for the old one asks for the new one.
    if (row.isUsed) this.#noteGone(row.key);
  }

  clear(): void {
    for (const row of this.#rows.values()) this.#remove(row);
    this.#gone.clear();
  }

  #remove(row: HotRow): void {
    row.queue?.remove(row);
    this.#rows.delete(row.key);
    this.#numbers.delete(row.number);
    row.letGo();
  }

  #makeRoom(): void {
    while (this.bytes > this.#maxBytes) {
      const isYoung = this.#young.bytes > this.#maxBytes * youngPart || this.#lasting.first === undefined;
      const queue = isYoung ? this.#young : this.#lasting;
      const row = queue.first;
      if (!row) return;
      if (row.isUsed) {
        row.isUsed = false;
        queue.remove(row);
        this.#lasting.push(row);
        continue;
      }
      this.#remove(row);
      if (isYoung) this.#noteGone(row.key);
    }
  }

  #noteGone(key: string): void {
    this.#gone.delete(key);
    this.#gone.add(key);
    if (this.#gone.size <= goneMost) return;
    for (const oldest of this.#gone) {
      this.#gone.delete(oldest);
      break;
    }
  }
}

/** Rows in the order in which their turn comes. */
class Queue {
  bytes = 0;
  first: HotRow | undefined;
  #last: HotRow | undefined;

  push(row: HotRow): void {
    row.queue = this;
    row.before = this.#last;
    if (this.#last) this.#last.after = row;
    else this.first = row;
    this.#last = row;
    this.bytes += row.bytes;
  }

  remove(row: HotRow): void {
    if (row.before) row.before.after = row.after;
    else this.first = row.after;
    if (row.after) row.after.before = row.before;
    else this.#last = row.before;
    row.before = undefined;
    row.after = undefined;
    row.queue = undefined;
    this.bytes -= row.bytes;
  }
}
