// What a thread keeps of pages in memory, bounded in bytes. Who is asked for once is not taken in ("TinyLFU": Einziger, Friedman, Manes, 2017); who is in
// stays for as long as it was asked for since its turn to go came last (second chance). What is served once leaves nothing behind that lives long:
// what does costs the garbage collector time that visitors wait.
//
//   asked for ──▶ known by the doorkeeper ──asked for again──▶ in memory ⟲ its turn, was asked for
//                                                                └──its turn──▶ gone

import { assert } from '../base/index.ts';
import { parseRow, type VariantList } from './page-rows.ts';
import type { Coding, Page, PageTimes } from './types.ts';

/** A page with its body in the codings that were asked for. */
export interface HotPage {
  readonly key: string;
  readonly times: PageTimes;
  readonly page: Page;
  readonly forms: Forms;
}

export type Forms = Partial<Record<Coding, Blob>>;

/** A page that was just made, for those who wait for it. */
export function newPage(page: Page, forms: Forms): HotPage {
  return { key: page.key, times: page.times, page, forms };
}

/** The one that was read last: who reads one reads it several times. */
let lastRead: { readonly of: KeptPage; readonly page: Page } | undefined;

/**
 * A page that stays in memory: of few objects, as the garbage collector goes through all of them again and again. What is not needed to send it
 * is read when it is asked for.
 */
export class KeptPage implements HotPage {
  readonly key: string;
  readonly times: PageTimes;
  readonly forms: Forms = {};
  /** What clients get who ask for all of it, for each of a few values of Accept-Encoding. */
  plain: PlainAnswer | undefined;
  readonly #json: string;

  /** @param json of its row */
  constructor(json: string, page: Page) {
    this.key = page.key;
    this.times = page.times;
    this.#json = json;
    lastRead = { of: this, page };
  }

  get page(): Page {
    if (lastRead?.of === this) return lastRead.page;
    const row = parseRow({ body: this.#json });
    assert(row.kind === 'page', 'the row of a page is that of a page');
    lastRead = { of: this, page: row.page };
    return row.page;
  }
}

/** Why a page is served: it is fresh; it is stale, and is or will be fetched anew; or the origin is not asked. */
export type Serving = 'fresh' | 'stale' | 'destination_unavailable' | 'outage_drill';

/** An answer that is the same for one second. */
export interface PlainAnswer {
  /** Accept-Encoding of those who get it. */
  readonly accept: string;
  readonly blob: Blob;
  /** As of `second`. */
  readonly headers: Headers;
  /** What caches closer to the origin said of themselves: Cache-Status and Proxy-Status, or ''. */
  readonly cachesBefore: string;
  readonly proxiesBefore: string;
  second: number;
  serving: Serving;
  /** For another value of Accept-Encoding. */
  next: PlainAnswer | undefined;
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
  readonly version: number;
  /** What conditions on the row compare. */
  readonly tag: number;
  /** Either a page, or a list of variants. */
  readonly hot: KeptPage | undefined;
  readonly list: VariantList | undefined;
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
    row: Pick<HotRow, 'key' | 'number' | 'version' | 'tag' | 'hot' | 'list' | 'untilMs' | 'bytes' | 'usedMs'>,
  ) {
    this.key = row.key;
    this.number = row.number;
    this.version = row.version;
    this.tag = row.tag;
    this.hot = row.hot;
    this.list = row.list;
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

/** Keys that are known to have been asked for: a power of two, twice what the default memory has of small pages. */
const doorkept = 2 ** 17;
/** Part of the memory from which on it is as good as full. */
const fullPart = 0.9;

export class HotPages {
  readonly #maxBytes: number;
  readonly #queue = new Queue();
  readonly #rows = new Map<string, HotRow>();
  readonly #numbers = new Map<number, HotRow>();
  /** Hashes of keys, at places they say themselves: the last to come has the place. */
  readonly #asked = new Uint32Array(doorkept);

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#rows.size;
  }

  get bytes(): number {
    return this.#queue.bytes;
  }

  /** Whether who comes in now drives others out, or soon will. */
  get isFull(): boolean {
    return this.bytes > this.#maxBytes * fullPart;
  }

  get(key: string): HotRow | undefined {
    return this.#rows.get(key);
  }

  /** Keys of pages that were asked for, those that came in last first. */
  usedKeys(most: number): readonly string[] {
    const keys: string[] = [];
    for (let row = this.#queue.last; row && keys.length < most; row = row.before) if (row.isUsed) keys.push(row.key);
    return keys;
  }

  /** Whether a page that is not there and is asked for now was asked for before, and is to come in. */
  welcomes(key: string): boolean {
    const hash = Bun.hash.xxHash32(key);
    const place = hash & (doorkept - 1);
    if (this.#asked[place] === hash) return true;
    this.#asked[place] = hash;
    return false;
  }

  /** Takes in a page that is not there. */
  add(row: HotRow): void {
    this.#queue.push(row);
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

  /** Forgets the page in a row: it has changed. Who asked for the old one asks for the new one. */
  forget(number: number): void {
    const row = this.#numbers.get(number);
    if (!row) return;
    this.#remove(row);
    if (row.isUsed) this.welcomes(row.key);
  }

  clear(): void {
    for (const row of this.#rows.values()) this.#remove(row);
  }

  #remove(row: HotRow): void {
    row.queue?.remove(row);
    this.#rows.delete(row.key);
    this.#numbers.delete(row.number);
    row.letGo();
  }

  #makeRoom(): void {
    while (this.bytes > this.#maxBytes) {
      const row = this.#queue.first;
      if (!row) return;
      if (row.isUsed) {
        row.isUsed = false;
        this.#queue.remove(row);
        this.#queue.push(row);
      } else this.#remove(row);
    }
  }
}

/** Rows in the order in which their turn comes. */
class Queue {
  bytes = 0;
  first: HotRow | undefined;
  last: HotRow | undefined;

  push(row: HotRow): void {
    row.queue = this;
    row.before = this.last;
    if (this.last) this.last.after = row;
    else this.first = row;
    this.last = row;
    this.bytes += row.bytes;
  }

  remove(row: HotRow): void {
    if (row.before) row.before.after = row.after;
    else this.first = row.after;
    if (row.after) row.after.before = row.before;
    else this.last = row.before;
    row.before = undefined;
    row.after = undefined;
    row.queue = undefined;
    this.bytes -= row.bytes;
  }
}
