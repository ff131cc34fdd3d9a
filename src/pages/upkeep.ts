// What keeps the stored pages within their budget, in small steps: bodies no page has any more are removed, and when the rest takes too much,
// the pages that were unused for longest. By one thread of a node.

import { type Logger, ZerohopError } from '../base/index.ts';
import { type Id, tagOf } from '../records/index.ts';
import type { SearchRow, Table } from '../tables/index.ts';
import type { PageStore } from './page-store.ts';

export interface UpkeepOptions {
  readonly store: PageStore;
  readonly diskBytes: number;
  readonly log: Pick<Logger, 'error'>;
}

/** Bodies that are looked at in a step: a thread that serves does nothing else meanwhile. */
const stepBodies = 64;
/** Pages that are evicted together. */
const stepPages = 50;
/** How long it is until the next step, and from one round of all bodies to the next, in ms. */
const stepMs = 10;
const restMs = 60_000;

export class PageUpkeep {
  readonly #options: UpkeepOptions;
  #timer: Timer | undefined;
  #stopped = false;
  /** Of the last whole round. */
  #storedBytes = 0;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  get storedBytes(): number {
    return this.#storedBytes;
  }

  start(): void {
    const rounds = async (): Promise<void> => {
      try {
        await this.round(stepMs);
      } catch (error) {
        this.#options.log.error('Stored pages could not be tidied up', { error });
      }
      if (!this.#stopped) this.#timer = setTimeout(rounds, restMs).unref();
    };
    this.#timer = setTimeout(rounds, restMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Looks at every body once, then evicts. @param pauseMs between steps */
  async round(pauseMs = 0): Promise<void> {
    const { store, diskBytes } = this.#options;
    const { databases, tables } = store;
    const by = { table: tables.page, attribute: 'bodyId' };
    let stored = 0;
    for (let after: number | undefined = 0; after !== undefined && !this.#stopped; ) {
      const { ids, bytes, next } = databases.unnamed(tables.body, by, after, stepBodies);
      stored += bytes - sum(await Promise.all(ids.map((id) => this.#removeBody(id))));
      after = next;
      await Bun.sleep(pauseMs);
    }
    this.#storedBytes = stored;
    if (stored > diskBytes) await this.#evict(stored - diskBytes);
  }

  /** Pages that were unused for longest, and their bodies, until as many bytes are free. */
  async #evict(excess: number): Promise<void> {
    const { store } = this.#options;
    for (let freed = 0; freed < excess && !this.#stopped; ) {
      const rows = this.#longestUnused();
      if (rows.length === 0) return;
      // Several share a sync of the disk; but no more go than have to.
      const going: SearchRow[] = [];
      const bodies = new Set<string>();
      for (let least = freed; least < excess && going.length < rows.length; ) {
        const row = rows[going.length];
        if (!row) break;
        going.push(row);
        const { bodyId } = JSON.parse(row.json) as { bodyId: string | null };
        if (bodyId === null || bodies.has(bodyId)) continue;
        bodies.add(bodyId);
        least += Buffer.byteLength(store.databases.peek(store.tables.body, bodyId)?.body ?? '');
      }
      await Promise.all(going.map((row) => removeRow(store, store.tables.page, row)));
      const unused = [...bodies].filter((body) => !this.#isUsed(body));
      freed += sum(await Promise.all(unused.map((body) => this.#removeBody(body))));
    }
  }

  #longestUnused(): readonly SearchRow[] {
    const { store } = this.#options;
    const transaction = store.databases.transaction();
    try {
      const condition = { attribute: ['usedMs'], comparator: 'greater_than' as const, value: 0 };
      const found = transaction.search(store.tables.page, {
        conditions: { operator: 'and', conditions: [condition] },
        sort: [{ attribute: ['usedMs'], descending: false }],
        limit: stepPages,
      });
      return [...found.rows];
    } finally {
      transaction.abort();
    }
  }

  #isUsed(body: string): boolean {
    const { store } = this.#options;
    const transaction = store.databases.transaction();
    try {
      const condition = { attribute: ['bodyId'], comparator: 'equals' as const, value: body };
      const query = { conditions: { operator: 'and' as const, conditions: [condition] }, limit: 1 };
      return [...transaction.search(store.tables.page, query).rows].length > 0;
    } finally {
      transaction.abort();
    }
  }

  /** Bytes that are free now. */
  async #removeBody(id: Id): Promise<number> {
    const { store } = this.#options;
    const body = store.databases.peek(store.tables.body, id);
    if (!body) return 0;
    await removeRow(store, store.tables.body, body);
    return Buffer.byteLength(body.body);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** Unless it has changed. */
async function removeRow(
  store: PageStore,
  table: Table,
  row: Pick<SearchRow, 'id' | 'version' | 'tag'>,
): Promise<void> {
  const transaction = store.databases.transaction();
  transaction.delete(table, row.id, { if: { versions: [tagOf(row)] } });
  try {
    await transaction.commit();
  } catch (error) {
    if (!(error instanceof ZerohopError) || error.code !== 'PRECONDITION_FAILED') throw error;
  }
}
