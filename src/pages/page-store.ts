// Pages kept: rows of the database `pages`, and in each thread the hot ones in memory, bounded in bytes. A page from memory is exact: those whose
// rows the log names are forgotten first.

import { ZerohopError } from '../base/index.ts';
import { tagOf } from '../records/index.ts';
import { parsePreferences } from '../semantics/index.ts';
import type { Databases, Followed, RowRecord, Table, Transaction } from '../tables/index.ts';
import { recode } from './bodies.ts';
import { type HotPage, HotPages, HotRow, type RowHolder } from './hot-pages.ts';
import { type KeyedRequest, variantOf } from './key.ts';
import {
  database,
  type PageRow,
  parseRow,
  rowOfPage,
  rowOfVariants,
  tableDefinitions,
  type Variant,
} from './page-rows.ts';
import type { Servable } from './readiness.ts';
import type { OutageMode } from './shield.ts';
import type { Coding, Page, Site } from './types.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** How often a write is tried again when another came between. */
const attempts = 20;
/** How exactly it is known when a page was used, in ms: writing it down costs a commit. */
const usedStepMs = 6 * 3_600_000;
/** Memory a page takes besides its bodies, about. */
const pageBytes = 2_000;

export interface PageStoreOptions {
  readonly databases: Databases;
  /** Bytes of pages this thread keeps in memory. */
  readonly hotBytes: number;
}

export class PageStore {
  readonly #options: PageStoreOptions;
  readonly #tables: {
    readonly page: Table;
    readonly body: Table;
    readonly site: Table;
    readonly purge: Table;
    readonly seen: Table;
    readonly warm: Table;
  };
  readonly #hot: HotPages;
  readonly #followed: Followed;
  /** By site. */
  readonly #modes = new Map<string, { readonly tag: number; readonly mode: OutageMode }>();

  /** The tables exist: see `PageStore.prepare`. */
  constructor(options: PageStoreOptions) {
    this.#options = options;
    const table = (name: string): Table => {
      const found = options.databases.table(database, name);
      if (!found) throw new ZerohopError('INVALID_SCHEMA', `The database ${database} has no table ${name}.`);
      return found;
    };
    this.#tables = {
      page: table('Page'),
      body: table('Body'),
      site: table('Site'),
      purge: table('Purge'),
      seen: table('Seen'),
      warm: table('Warm'),
    };
    const hot = new HotPages(options.hotBytes);
    this.#hot = hot;
    this.#followed = options.databases.follow(this.#tables.page, {
      row: (row) => hot.forget(row),
      everything: () => hot.clear(),
    });
  }

  /** Creates the tables and the sites' rows. By one thread, before the others open theirs. */
  static async prepare(databases: Databases, sites: readonly Site[]): Promise<void> {
    await databases.applySchema(tableDefinitions);
    const table = databases.table(database, 'Site');
    if (!table) return;
    const transaction = databases.transaction();
    for (const { id } of sites) {
      if (!databases.getLatest(table, id)) transaction.put(table, id, { id, purges: 0 });
    }
    await transaction.commit();
  }

  get databases(): Databases {
    return this.#options.databases;
  }

  get tables(): Readonly<Record<'page' | 'body' | 'site' | 'purge' | 'seen' | 'warm', Table>> {
    return this.#tables;
  }

  get hotPages(): number {
    return this.#hot.size;
  }

  get hotBytes(): number {
    return this.#hot.bytes;
  }

  /** The page for a key, and where there are variants, the one that fits what the origin would see. */
  find(keyed: Pick<KeyedRequest, 'key' | 'forward'>): HotPage | undefined {
    const { key } = keyed;
    const first = this.#row(key);
    if (first === undefined || first.row.kind === 'page') return first?.hot;
    const { vary, variants } = first.row.list;
    const { forward } = keyed;
    const exact = this.#row(variantKey(key, vary, forward));
    if (exact) return exact.hot;
    const spoken = vary.includes('accept-language') ? inPreferredLanguage(vary, variants, forward) : undefined;
    return spoken && this.#row(spoken.key)?.hot;
  }

  /** What tells the fetch of a page from others: its key, and where it is known by what it varies, the variant. */
  flightKey({ key, forward }: Pick<KeyedRequest, 'key' | 'forward'>): string {
    const row = this.#look(key)?.row;
    return row?.kind === 'variants' ? variantKey(key, row.list.vary, forward) : key;
  }

  /** As `find`, for who goes through many: takes no room in memory from pages that are asked for. */
  peek({ key, forward }: Pick<KeyedRequest, 'key' | 'forward'>): HotPage | undefined {
    const found = this.#look(key);
    const own = found?.row.kind === 'variants' ? this.#look(variantKey(key, found.row.list.vary, forward)) : found;
    return own?.row.kind === 'page' ? { page: own.row.page, version: own.version, forms: new Map() } : undefined;
  }

  /** What there is for a key, from memory or not; that it was looked at is no use of it. */
  #look(key: string): { readonly row: PageRow; readonly version: number; readonly tag: number } | undefined {
    const known = this.#known(key, Date.now());
    if (known) return known;
    const record = this.#options.databases.peek(this.#tables.page, key);
    return record && { row: parseRow(record), version: record.version, tag: tagOf(record) };
  }

  /** Whether some page of a key could be served without its origin. */
  servable(key: string, nowMs: number): Servable {
    const row = this.#look(key)?.row;
    if (!row) return 'no';
    const rows = row.kind === 'page' ? [row] : row.list.variants.map((variant) => this.#look(variant.key)?.row);
    const times = rows.flatMap((one) => (one?.kind === 'page' ? [one.page.times] : []));
    if (times.some(({ freshUntilMs }) => freshUntilMs > nowMs)) return 'fresh';
    return times.some(({ errorUntilMs }) => errorUntilMs > nowMs) ? 'stale' : 'no';
  }

  /** The page for a key, if it is in memory, as it is in the store, and for all whatever they send. Who asks again need not look it up. */
  atHand(holder: RowHolder & { readonly key: string }, nowMs: number): HotPage | undefined {
    this.#followed.catchUp();
    const known = holder.row ?? this.#hot.get(holder.key);
    if (!known || known.untilMs <= nowMs) return undefined;
    if (holder.row === undefined) known.handTo(holder);
    return known.hot && this.#used(known, nowMs).hot;
  }

  #row(key: string): HotRow | undefined {
    const nowMs = Date.now();
    const known = this.#known(key, nowMs);
    if (known) return this.#used(known, nowMs);
    const record = this.#options.databases.peek(this.#tables.page, key);
    return record && this.#keep(key, record);
  }

  /** From memory, as it is in the store now. */
  #known(key: string, nowMs: number): HotRow | undefined {
    this.#followed.catchUp();
    const known = this.#hot.get(key);
    return known && known.untilMs > nowMs ? known : undefined;
  }

  #used(row: HotRow, nowMs: number): HotRow {
    if (row.usedMs < nowMs - usedStepMs) this.#touch(row, nowMs);
    row.isUsed = true;
    return row;
  }

  #keep(key: string, { row: number, version, expires, ...record }: RowRecord): HotRow {
    const row = parseRow({ ...record, version, expires });
    const made = new HotRow({
      key,
      number,
      row,
      version,
      tag: tagOf({ version, ...record }),
      hot: row.kind === 'page' ? { page: row.page, version, forms: new Map(), plain: [] } : undefined,
      untilMs: expires ?? Number.POSITIVE_INFINITY,
      bytes: pageBytes,
      usedMs: row.kind === 'page' ? row.usedMs : Number.POSITIVE_INFINITY,
    });
    this.#hot.forget(number);
    this.#hot.add(made);
    return made;
  }

  /** Writes down that the page is used: what is unused for longest is evicted first. */
  #touch(row: HotRow, nowMs: number): void {
    row.usedMs = nowMs;
    if (row.row.kind !== 'page') return;
    const { key, times } = row.row.page;
    const transaction = this.#options.databases.transaction();
    const options = { expiresAt: Math.ceil(times.keepUntilMs), if: { versions: [row.tag] } };
    transaction.patch(this.#tables.page, key, { usedMs: row.usedMs }, options);
    // Gone or replaced meanwhile, or a busy node: it is used again, or it is not.
    transaction.commit().catch(() => {});
  }

  /** The body in a coding, if it is in memory or stored so. */
  formAtHand(hot: HotPage, coding: Coding): Blob | undefined {
    const { body } = hot.page;
    if (body === null) return emptyBlob;
    const known = hot.forms.get(coding);
    if (known || coding !== body.stored) return known;
    const bytes = this.#readBody(body.id);
    return bytes && this.#addForm(hot, coding, bytes);
  }

  /** The body in a coding, read and recoded as needed. Undefined: the bytes are gone. */
  async form(hot: HotPage, coding: Coding): Promise<Blob | undefined> {
    const { body } = hot.page;
    if (body === null) return emptyBlob;
    const known = this.formAtHand(hot, coding);
    if (known || coding === body.stored) return known;
    const stored = this.formAtHand(hot, body.stored);
    if (stored === undefined) return undefined;
    try {
      return this.#addForm(hot, coding, await recode(new Uint8Array(await stored.arrayBuffer()), body.stored, coding));
    } catch {
      // The origin named a coding that the bytes are not in: who does not take them as they are asks it himself.
      return undefined;
    }
  }

  #addForm(hot: HotPage, coding: Coding, bytes: Bytes): Blob {
    const blob = new Blob([bytes]);
    const row = this.#hot.get(hot.page.key);
    if (row?.hot === hot && !hot.forms.has(coding)) {
      hot.forms.set(coding, blob);
      this.#hot.grow(row, bytes.length);
    }
    return blob;
  }

  #readBody(id: string): Bytes | undefined {
    const record = this.#options.databases.peek(this.#tables.body, id);
    if (!record) return undefined;
    const { bytes } = JSON.parse(record.body) as { bytes: string };
    return Buffer.from(bytes, 'base64');
  }

  /** Whether the origin may be asked, as an operator has set it. */
  mode(site: string): OutageMode {
    const record = this.#options.databases.getLatest(this.#tables.site, site);
    if (!record) return 'auto';
    const tag = tagOf(record);
    const known = this.#modes.get(site);
    if (known?.tag === tag) return known.mode;
    const { outage } = JSON.parse(record.body) as { outage?: OutageMode };
    const mode = outage ?? 'auto';
    this.#modes.set(site, { tag, mode });
    return mode;
  }

  /** What a fetch that starts now has to hand to `put`. */
  mark(site: string): number | null {
    return this.#options.databases.getLatest(this.#tables.site, site)?.version ?? null;
  }

  /**
   * Stores a page with its bytes (undefined: those it has already). False: it was purged while it was fetched (`mark` is from before that) and
   * is not stored; or its bytes are gone.
   * @param vary headers the response varies by
   * @param forward what the origin saw
   */
  async put(
    page: Page,
    bytes: Bytes | undefined,
    how: {
      readonly vary: readonly string[];
      readonly forward: Headers;
      readonly maxVariants: number;
      readonly mark: number | null;
    },
  ): Promise<boolean> {
    let { mark } = how;
    if (bytes === undefined && page.body && !this.#options.databases.peek(this.#tables.body, page.body.id))
      return false;
    for (let attempt = 1; ; attempt++) {
      const site = this.#options.databases.getLatest(this.#tables.site, page.site);
      const now = site?.version ?? null;
      if (now !== mark && this.#wasPurged(page, mark)) return false;
      mark = now;
      const transaction = this.#options.databases.transaction();
      transaction.insist(this.#tables.site, page.site, site ? tagOf(site) : null);
      this.#stageBody(transaction, page, bytes);
      this.#stagePage(transaction, page, { ...how, mark });
      try {
        await transaction.commit();
        return true;
      } catch (error) {
        if (!isOvertaken(error) || attempt === attempts) throw error;
      }
    }
  }

  #stageBody(transaction: Transaction, { key, body }: Page, bytes: Bytes | undefined): void {
    if (body === null) return;
    const { databases } = this.#options;
    const stored = databases.peek(this.#tables.body, body.id);
    // Bodies that are there must not be collected meanwhile. On other nodes those that no page has may be gone already: they get them again.
    const before = stored && this.#look(key)?.row;
    const isUsed = before?.kind === 'page' && before.page.body?.id === body.id;
    if (stored && (isUsed || !bytes)) transaction.insist(this.#tables.body, body.id, tagOf(stored));
    else if (bytes)
      transaction.put(this.#tables.body, body.id, {
        id: body.id,
        size: bytes.length,
        bytes: Buffer.from(bytes).toString('base64'),
      });
  }

  #stagePage(
    transaction: Transaction,
    page: Page,
    {
      vary,
      forward,
      maxVariants,
      mark,
    }: {
      readonly vary: readonly string[];
      readonly forward: Headers;
      readonly maxVariants: number;
      readonly mark: number | null;
    },
  ): void {
    const table = this.#tables.page;
    const put = (made: Page) =>
      transaction.put(table, made.key, rowOfPage(made, mark), { expiresAt: Math.ceil(made.times.keepUntilMs) });
    const known = this.#look(page.key);
    const list = known?.row.kind === 'variants' ? known.row.list : undefined;
    if (vary.length === 0) {
      for (const variant of list?.variants ?? []) transaction.delete(table, variant.key);
      return void put(page);
    }
    const key = variantKey(page.key, vary, forward);
    put({ ...page, key });
    const isSame = list !== undefined && String(list.vary) === String(vary);
    const language = page.headers.find(([name]) => name === 'content-language')?.[1]?.toLowerCase();
    const variant: Variant = { key, ...(language !== undefined && { language }), rest: restOf(vary, forward) };
    if (isSame && list.variants.some((known) => known.key === key && known.language === language)) return;
    // Another writer may add a variant at the same time: neither may be forgotten.
    transaction.insist(table, page.key, known?.tag ?? null);
    const variants = isSame ? [...list.variants.filter((known) => known.key !== key), variant] : [variant];
    const tooMany = isSame ? variants.splice(0, variants.length - maxVariants) : (list?.variants ?? []);
    for (const gone of tooMany) if (gone.key !== key) transaction.delete(table, gone.key);
    transaction.put(table, page.key, rowOfVariants(page.key, page.url, page.site, { vary, variants }, mark));
  }

  /** Whether a purge since `mark` meant this page. */
  #wasPurged(page: Page, mark: number | null): boolean {
    const { databases } = this.#options;
    const transaction = databases.transaction();
    try {
      const found = transaction.search(this.#tables.purge, {
        sort: [{ attribute: ['id'], descending: true }],
        limit: maxPurges,
      });
      let seen = 0;
      for (const { version, json } of found.rows) {
        if (mark !== null && version <= mark) return false;
        const purge = JSON.parse(json) as { site: string; kind: string; value: string };
        if (purge.site === page.site && means(purge, page)) return true;
        seen++;
      }
      // More purges than can be looked at: one of them may have meant it.
      return seen === maxPurges;
    } finally {
      transaction.abort();
    }
  }
}

/** Purges that are looked through for one page. */
const maxPurges = 1_000;

const emptyBlob = new Blob([]);

function means({ kind, value }: { readonly kind: string; readonly value: string }, page: Page): boolean {
  if (kind === 'all') return true;
  return kind === 'tag' ? page.tags.includes(value) : page.url === value;
}

/**
 * The variant in the language the client likes most, though it said so in other words than who fetched it: the origin could do no better
 * (RFC 9111 §4.1 leaves the selection to us where it is known that the result is the same).
 */
function inPreferredLanguage(
  vary: readonly string[],
  variants: readonly Variant[],
  forward: Headers,
): Variant | undefined {
  const ranges = parsePreferences(forward.get('accept-language') ?? '').toSorted((a, b) => b.quality - a.quality);
  const [first, second] = ranges;
  if (!first || first.quality === 0 || first.quality === second?.quality) return undefined;
  const rest = restOf(vary, forward);
  return variants.find((variant) => variant.language === first.name && variant.rest === rest);
}

function restOf(vary: readonly string[], forward: Headers): string {
  const others = vary.filter((name) => name !== 'accept-language');
  return others.length === 0 ? '' : variantKey('', others, forward);
}

export function variantKey(key: string, vary: readonly string[], forward: Headers): string {
  const hash = new Bun.CryptoHasher('sha256').update(variantOf(vary, forward)).digest('base64url').slice(0, 22);
  return `${key} vary:${hash}`;
}

function isOvertaken(error: unknown): boolean {
  return error instanceof ZerohopError && error.code === 'PRECONDITION_FAILED';
}
