// What keeps the stored pages within their budget, in small steps: bodies no page has any more are removed, and when the rest takes too much,
// the pages that were unused for longest. By one thread of a node.

import { type Logger, ZerohopError } from '../base/index.ts';
import { tagOf } from '../records/index.ts';
import type { SearchRow, Table } from '../tables/index.ts';
import type { PageStore } from './page-store.ts';

export interface UpkeepOptions {
  readonly store: PageStore;
  readonly diskBytes: number;
  readonly log: Pick<Logger, 'error'>;
}

/** Rows per step, and how long it is until the next step, in ms; how long a round of all bodies is followed by none. */
const stepRows = 500;
const stepMs = 100;
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
    let bytes = 0;
    for (let cursor: string | null = ''; cursor !== null && !this.#stopped; ) {
      const step = this.#readBodies(cursor);
      const orphans = step.rows.filter(({ id }) => !this.#isUsed(String(id)));
      await Promise.all(orphans.map((row) => removeRow(store, store.tables.body, row)));
      const gone = new Set(orphans);
      for (const row of step.rows) if (!gone.has(row)) bytes += (JSON.parse(row.json) as { size: number }).size;
      cursor = step.next;
      if (pauseMs > 0) await Bun.sleep(pauseMs);
    }
    this.#storedBytes = bytes;
    if (bytes > diskBytes) await this.#evict(bytes - diskBytes);
  }

  #readBodies(cursor: string): { readonly rows: readonly SearchRow[]; readonly next: string | null } {
    const { store } = this.#options;
    const transaction = store.databases.transaction();
    try {
      const select = { shape: 'objects' as const, attributes: [{ name: 'size' }] };
      const found = transaction.search(store.tables.body, { cursor, limit: stepRows, select });
      return { rows: [...found.rows], next: found.nextCursor() };
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

  /** Pages that were unused for longest, and their bodies, until as many bytes are free. */
  async #evict(excess: number): Promise<void> {
    const { store } = this.#options;
    for (let freed = 0; freed < excess && !this.#stopped; ) {
      const transaction = store.databases.transaction();
      let rows: SearchRow[];
      try {
        const condition = { attribute: ['usedMs'], comparator: 'greater_than' as const, value: 0 };
        const found = transaction.search(store.tables.page, {
          conditions: { operator: 'and', conditions: [condition] },
          sort: [{ attribute: ['usedMs'], descending: false }],
          limit: stepRows,
        });
        rows = [...found.rows];
      } finally {
        transaction.abort();
      }
      if (rows.length === 0) return;
      for (const row of rows) {
        if (freed >= excess) break;
        await removeRow(store, store.tables.page, row);
        freed += await this.#removeBodyOf(row);
      }
    }
  }

  /** Bytes that are free now. */
  async #removeBodyOf({ json }: SearchRow): Promise<number> {
    const { store } = this.#options;
    const { bodyId } = JSON.parse(json) as { bodyId: string | null };
    const body = bodyId === null || this.#isUsed(bodyId) ? undefined : store.databases.peek(store.tables.body, bodyId);
    if (!body) return 0;
    await removeRow(store, store.tables.body, body);
    return (JSON.parse(body.body) as { size: number }).size;
  }
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
