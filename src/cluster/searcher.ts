// Queries of other nodes about the records this node holds, on connections for reading of their own.

import { limits, ZerohopError } from '../base/index.ts';
import type { Query } from '../query/index.ts';
import type { Id } from '../records/index.ts';
import type { FetchedRecord, StoreEngine } from '../store/index.ts';
import { LiveDatabases, type Table } from '../tables/index.ts';
import { askingLimits } from './asking.ts';

export class Searcher {
  readonly #databases: LiveDatabases;

  constructor(engine: StoreEngine) {
    this.#databases = new LiveDatabases({
      ...engine.files,
      client: engine,
      applySchema: async (tables) => engine.applySchema(tables),
      snapshotMs: limits.snapshotMs,
      scanRows: limits.scanRows,
    });
  }

  /** Whole records, in the order of the query; undefined: there is no such table here. */
  search(
    database: string,
    table: string,
    query: unknown,
  ): readonly (FetchedRecord & { readonly id: Id })[] | undefined {
    const found = this.#databases.table(database, table);
    if (!found) return undefined;
    if (typeof query !== 'object' || query === null) throw new ZerohopError('INVALID_QUERY', 'A query is missing.');
    const transaction = this.#databases.transaction();
    try {
      return Array.from(transaction.search(found, query as Query).rows, ({ json, memo: _memo, ...row }) => ({
        ...row,
        body: json,
      }));
    } finally {
      transaction.abort();
    }
  }

  /** Ids of all records that fit, in pages; each is read when it is asked for. Undefined: there is no such table here. */
  ids(database: string, table: string, query: unknown): Iterable<readonly Id[]> | undefined {
    const found = this.#databases.table(database, table);
    if (!found) return undefined;
    const { conditions, evenExpired, allowFullScan } = query as Query;
    const all: Query = {
      ...(conditions && { conditions }),
      ...(evenExpired && { evenExpired }),
      ...(allowFullScan && { allowFullScan }),
      select: { shape: 'values', attributes: [{ name: found.definition.primaryKey }] },
      limit: askingLimits.countedRecords,
    };
    return this.#pages(found, all);
  }

  *#pages(table: Table, query: Query): Generator<readonly Id[]> {
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { ids, next } = this.#page(table, { ...query, cursor });
      yield ids;
      cursor = next;
    }
  }

  #page(table: Table, query: Query): { readonly ids: readonly Id[]; readonly next: string | null } {
    const transaction = this.#databases.transaction();
    try {
      const page = transaction.search(table, query);
      return { ids: Array.from(page.rows, ({ id }) => id), next: page.nextCursor() };
    } finally {
      transaction.abort();
    }
  }

  /** Tables have changed. */
  refresh(): void {
    this.#databases.refresh();
  }

  close(): void {
    this.#databases.close();
  }
}
