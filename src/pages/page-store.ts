// Pages kept: rows of the database `pages`, and in each thread the hot ones in memory, bounded in bytes. A page from memory is exact: those whose
// rows the log names are forgotten first.

import { assert, ZerohopError } from '../base/index.ts';
import { tagOf } from '../records/index.ts';
import type { Databases, Followed, RowRecord, Table } from '../tables/index.ts';
import { recode } from './bodies.ts';
import { type HotPage, HotPages, HotRow, KeptPage, newPage, type RowHolder } from './hot-pages.ts';
import type { KeyedRequest } from './key.ts';
import { database, type PageRow, parseRow, tableDefinitions, usedStepMs } from './page-rows.ts';
import { type LookedUp, type PageTables, type PutHow, putPage } from './put-page.ts';
import type { Servable } from './readiness.ts';
import type { OutageMode } from './shield.ts';
import type { Coding, Page, Site } from './types.ts';
import { inPreferredLanguage, variantKey } from './variants.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Memory a page takes besides its row and its bodies, about. */
const pageBytes = 1_200;

export interface PageStoreOptions {
  readonly databases: Databases;
  /** Bytes of pages this thread keeps in memory. */
  readonly hotBytes: number;
}

/** A page, or a list of variants. */
type FoundRow = Pick<HotRow, 'hot' | 'list'> | { readonly hot: HotPage; readonly list: undefined };

export class PageStore {
  readonly #options: PageStoreOptions;
  readonly #tables: PageTables;
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

  get tables(): PageTables {
    return this.#tables;
  }

  get hotPages(): number {
    return this.#hot.size;
  }

  get hotBytes(): number {
    return this.#hot.bytes;
  }

  /** Nothing is looked for any more. */
  close(): void {
    this.#followed.end();
    this.#hot.clear();
  }

  /** Whether pages that come into memory now drive others out, or soon will. */
  get isFull(): boolean {
    return this.#hot.isFull;
  }

  /** Keys of pages in memory that were asked for. */
  usedKeys(most: number): readonly string[] {
    return this.#hot.usedKeys(most);
  }

  /** Brings into memory what is stored for a key; returns the pages that were not there. That is no use of them. */
  bringIn(key: string): readonly HotPage[] {
    const known = this.#known(key, Date.now());
    const record = known ? undefined : this.#options.databases.peek(this.#tables.page, key);
    const row = known ?? (record && this.#keep(key, record, parseRow(record)));
    if (row?.list) return row.list.variants.flatMap((variant) => this.bringIn(variant.key));
    return !known && row?.hot ? [row.hot] : [];
  }

  /** The page for a key, and where there are variants, the one that fits what the origin would see. */
  find(keyed: Pick<KeyedRequest, 'key' | 'forward'>): HotPage | undefined {
    const { key } = keyed;
    const first = this.#row(key);
    if (first?.list === undefined) return first?.hot;
    const { vary, variants } = first.list;
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
    return own?.row.kind === 'page' ? newPage(own.row.page, {}) : undefined;
  }

  /** What there is for a key, from memory or not; that it was looked at is no use of it. */
  #look(key: string): LookedUp | undefined {
    const known = this.#known(key, Date.now());
    if (known) return { row: rowIn(known), version: known.version, tag: known.tag };
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

  #row(key: string): FoundRow | undefined {
    const nowMs = Date.now();
    const known = this.#known(key, nowMs);
    if (known) return this.#used(known, nowMs);
    const record = this.#options.databases.peek(this.#tables.page, key);
    if (!record) return undefined;
    const row = parseRow(record);
    const isTouched = row.kind === 'page' && row.usedMs < nowMs - usedStepMs;
    if (isTouched) this.#touch(row.page, tagOf(record), nowMs);
    if (this.#hot.welcomes(key)) return this.#keep(key, record, isTouched ? { ...row, usedMs: nowMs } : row);
    return row.kind === 'page' ? { hot: newPage(row.page, {}), list: undefined } : { hot: undefined, list: row.list };
  }

  /** From memory, as it is in the store now. */
  #known(key: string, nowMs: number): HotRow | undefined {
    this.#followed.catchUp();
    const known = this.#hot.get(key);
    return known && known.untilMs > nowMs ? known : undefined;
  }

  #used(row: HotRow, nowMs: number): HotRow {
    if (row.hot && row.usedMs < nowMs - usedStepMs) {
      row.usedMs = nowMs;
      this.#touch(row.hot, row.tag, nowMs);
    }
    row.isUsed = true;
    return row;
  }

  #keep(key: string, { row: number, version, expires, ...record }: RowRecord, row: PageRow): HotRow {
    const made = new HotRow({
      key,
      number,
      version,
      tag: tagOf({ version, ...record }),
      hot: row.kind === 'page' ? new KeptPage(record.body, row.page) : undefined,
      list: row.kind === 'variants' ? row.list : undefined,
      untilMs: expires ?? Number.POSITIVE_INFINITY,
      bytes: pageBytes + record.body.length,
      usedMs: row.kind === 'page' ? row.usedMs : Number.POSITIVE_INFINITY,
    });
    this.#hot.forget(number);
    this.#hot.add(made);
    return made;
  }

  /** Writes down that the page is used: what is unused for longest is evicted first. */
  #touch({ key, times }: Pick<HotPage, 'key' | 'times'>, tag: number, nowMs: number): void {
    const transaction = this.#options.databases.transaction();
    const options = { expiresAt: Math.ceil(times.keepUntilMs), if: { versions: [tag] } };
    transaction.patch(this.#tables.page, key, { usedMs: nowMs }, options);
    // Gone or replaced meanwhile, or a busy node: it is used again, or it is not.
    transaction.commit().catch(() => {});
  }

  /** The body in a coding, if it is in memory or stored so. */
  formAtHand(hot: HotPage, coding: Coding): Blob | undefined {
    const { body } = hot.page;
    if (body === null) return emptyBlob;
    const known = hot.forms[coding];
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
    const row = this.#hot.get(hot.key);
    if (row?.hot === hot && !hot.forms[coding]) {
      hot.forms[coding] = blob;
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

  /** See `putPage`. */
  put(page: Page, bytes: Bytes | undefined, how: PutHow): Promise<boolean> {
    const { databases } = this.#options;
    return putPage({ databases, tables: this.#tables, look: (key) => this.#look(key) }, page, bytes, how);
  }
}

const emptyBlob = new Blob([]);

function rowIn({ hot, list, usedMs }: HotRow): PageRow {
  if (list) return { kind: 'variants', list };
  assert(hot, 'a row has a page or a list of variants');
  return { kind: 'page', page: hot.page, usedMs };
}
