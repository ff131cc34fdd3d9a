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
  /** What clients get who ask for all of it, by their Accept-Encoding. */
  readonly plain?: Map<string, PlainAnswer>;
}

/** Why a page is served: it is fresh; it is stale, and is or will be fetched anew; or the origin is not asked. */
export type Serving = 'fresh' | 'stale' | 'destination_unavailable' | 'outage_drill';

/** An answer that is the same for one second. */
export interface PlainAnswer {
  readonly coding: Coding;
  readonly blob: Blob;
  readonly second: number;
  readonly serving: Serving;
  readonly init: { readonly headers: Headers };
}

/** A row of the table of pages. */
export interface HotRow {
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
  isUsed: boolean;
  /** When its use was written down last. */
  usedMs: number;
}

/** Part of the memory that young pages may take. */
const youngPart = 0.1;
/** Keys of pages that had to go while they were young are known for as long as so many others go. */
const goneMost = 50_000;

export class HotPages {
  readonly #maxBytes: number;
  readonly #young = new Ring();
  readonly #lasting = new Ring();
  readonly #numbers = new Map<number, HotRow>();
  readonly #gone = new Set<string>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#young.size + this.#lasting.size;
  }

  get bytes(): number {
    return this.#young.bytes + this.#lasting.bytes;
  }

  get(key: string): HotRow | undefined {
    return this.#lasting.get(key) ?? this.#young.get(key);
  }

  /** Takes in a page that is not there. */
  add(row: HotRow): void {
    (this.#gone.delete(row.key) ? this.#lasting : this.#young).add(row);
    this.#numbers.set(row.number, row);
    this.#makeRoom();
  }

  /** A page in here takes more memory. */
  grow(row: HotRow, bytes: number): void {
    row.bytes += bytes;
    (this.#lasting.get(row.key) === row ? this.#lasting : this.#young).bytes += bytes;
    this.#makeRoom();
  }

  /** Forgets the page in a row. */
  forget(number: number): void {
    const row = this.#numbers.get(number);
    if (!row) return;
    this.#numbers.delete(number);
    if (this.#lasting.get(row.key) === row) this.#lasting.remove(row);
    else this.#young.remove(row);
    // It has changed: who asked for the old one asks for the new one.
    if (row.isUsed) this.#noteGone(row.key);
  }

  clear(): void {
    this.#young.clear();
    this.#lasting.clear();
    this.#numbers.clear();
    this.#gone.clear();
  }

  #makeRoom(): void {
    while (this.bytes > this.#maxBytes) {
      const isYoung = this.#young.bytes > this.#maxBytes * youngPart || this.#lasting.size === 0;
      const ring = isYoung ? this.#young : this.#lasting;
      const row = ring.next();
      if (!row) return;
      ring.remove(row);
      if (row.isUsed) {
        row.isUsed = false;
        this.#lasting.add(row);
        continue;
      }
      this.#numbers.delete(row.number);
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
class Ring {
  bytes = 0;
  readonly #rows = new Map<string, HotRow>();
  /** One for all turns: a new one would have to skip what is gone since. */
  #turns = this.#rows.values();

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): HotRow | undefined {
    return this.#rows.get(key);
  }

  add(row: HotRow): void {
    this.#rows.set(row.key, row);
    this.bytes += row.bytes;
  }

  remove(row: HotRow): void {
    if (this.#rows.delete(row.key)) this.bytes -= row.bytes;
  }

  /** Whose turn it is. */
  next(): HotRow | undefined {
    const { value } = this.#turns.next();
    if (value) return value;
    this.#turns = this.#rows.values();
    return this.#turns.next().value;
  }

  clear(): void {
    this.#rows.clear();
    this.bytes = 0;
    this.#turns = this.#rows.values();
  }
}
