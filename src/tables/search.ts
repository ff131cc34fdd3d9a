// Runs a Query within a transaction: lays out the tables as the transaction sees them, plans, and reads from its snapshot.

import { type JsonObject, stringifyExact, ZerohopError } from '../base/index.ts';
import {
  explainPlan,
  type Plan,
  plan,
  type Query,
  runPlan,
  type SqlReader,
  type TableLayout,
  type Watch,
} from '../query/index.ts';
import { quoted } from '../storage/index.ts';
import { type CachedResult, largestResultBytes } from './query-cache.ts';
import { bytesOf, type ReadSet, type WatchedResult } from './read-set.ts';
import type { DatabaseReader } from './reader.ts';
import { type Snapshot, usable } from './snapshots.ts';
import type { LiveTable } from './table.ts';
import type { OverlayTable } from './twins.ts';
import type { SearchResult } from './types.ts';

export interface SearchContext {
  readonly snapshot: Snapshot;
  readonly reader: DatabaseReader;
  readonly nowMs: number;
  readonly scanRows: number;
  /** Whether the transaction has staged writes in this database. */
  readonly hasOwnWrites: boolean;
  readonly reads: ReadSet | undefined;
  /** Whether the transaction still reads from `snapshot`. */
  readonly isHeld: () => boolean;
  /** Another table of the same database, for relationships. */
  readonly table: (name: string) => LiveTable | undefined;
  /** The table with the transaction's staged writes; undefined when it has none. */
  readonly overlayOf: (table: LiveTable) => OverlayTable | undefined;
}

export function searchTable(context: SearchContext, table: LiveTable, query: Query): SearchResult {
  if (context.reader.snapshots.isOutdated(context.snapshot))
    throw new ZerohopError('SNAPSHOT_EXPIRED', 'The schema has changed since the transaction began. Run it again.');
  const key = cacheKey(context, table, query);
  const cached = key === undefined ? undefined : findCached(context, key);
  if (cached) {
    if (context.reads) noteReads(context, context.reads, cached);
    return resultOf(cached);
  }
  const layouts = new Map<string, TableLayout>();
  // What a function of the app returns may change without a change of any table.
  let isComputed = false;
  const watches: (Watch | null)[] = [];
  const result = runPlan(planFor(context, table, query, layouts), readerOf(context), {
    ...(key !== undefined && { watched: (watch) => watches.push(watch) }),
    compute: (definition, attribute, { id, version, body }) => {
      isComputed = true;
      const owner = context.table(definition.name);
      return owner?.compute(attribute, owner.decode({ id, version, expires: null, body }));
    },
  });
  if (key === undefined && !context.reads) return result;
  const tables = numbersOf(context, layouts);
  // What may expire changes without an entry in the log.
  const mayExpire = [...layouts.values()].some((layout) => layout.mayExpire);
  if (mayExpire) context.reads?.giveUp();
  if (key === undefined) {
    context.reads?.noteTables(context.reader, context.snapshot.lsn, tables);
    return result;
  }
  const rows = [...result.rows];
  const { total } = result;
  const lsn = context.snapshot.lsn;
  const results = resultsOf(context, watches);
  const bytes = rows.reduce((sum, { json }) => sum + 3 * json.length + 100, 500) + bytesOf(results ?? []);
  const kept: CachedResult = { rows, total, newestVersion: result.newestVersion(), tables, results, lsn, bytes };
  if (context.reads) noteReads(context, context.reads, kept);
  if (bytes <= largestResultBytes && !isComputed && !mayExpire) context.reader.queries.set(key, kept);
  return resultOf(kept);
}

function noteReads({ reader, snapshot }: SearchContext, reads: ReadSet, { tables, results }: CachedResult): void {
  if (results === null) reads.noteTables(reader, snapshot.lsn, tables);
  else reads.noteResults(reader, snapshot.lsn, results);
}

/** Most rows a result is followed by. */
const followedRows = 2_000;

/** Null: it can't be told record by record what changes the result. */
function resultsOf(context: SearchContext, watches: readonly (Watch | null)[]): readonly WatchedResult[] | null {
  const results: WatchedResult[] = [];
  let rows = 0;
  for (const watch of watches) {
    const number = watch && context.table(watch.table)?.entry.number;
    if (watch === null || number === undefined || number === null) return null;
    const { members, test } = watch;
    rows += members.size;
    results.push({ table: number, members, test });
  }
  return rows <= followedRows ? results : null;
}

function numbersOf(context: SearchContext, layouts: ReadonlyMap<string, TableLayout>): number[] {
  return [...layouts.keys()].flatMap((name) => context.table(name)?.entry.number ?? []);
}

/** Longest list that is kept as a whole. */
const keptRows = 200;

/** What a result is kept under; undefined when it is not to be kept: a long or endless list, a page of a walk, or own writes in it. */
function cacheKey({ snapshot, hasOwnWrites }: SearchContext, table: LiveTable, query: Query): string | undefined {
  if (
    snapshot.state !== 'current' ||
    hasOwnWrites ||
    query.limit === undefined ||
    query.limit > keptRows ||
    query.cursor !== undefined
  )
    return undefined;
  let text = queryTexts.get(query);
  if (text === undefined) {
    text = stringifyExact(query);
    queryTexts.set(query, text);
  }
  return `${table.entry.number} ${text}`;
}

/** App code asks with the same Query objects again and again: see query/known-queries.ts. */
const queryTexts = new WeakMap<Query, string>();

function findCached({ snapshot, reader }: SearchContext, key: string): CachedResult | undefined {
  return reader.queries.get(key, (result) => reader.isCurrent(snapshot, result));
}

function resultOf({ rows, total, newestVersion }: CachedResult): SearchResult {
  return { rows, ...(total !== undefined && { total }), nextCursor: () => null, newestVersion: () => newestVersion };
}

export function explainTable(context: SearchContext, table: LiveTable, query: Query): JsonObject {
  return explainPlan(planFor(context, table, query, new Map()), readerOf(context));
}

/** @param layouts is given the tables the plan looked at */
function planFor(context: SearchContext, table: LiveTable, query: Query, layouts: Map<string, TableLayout>): Plan {
  const layoutOf = (of: LiveTable): TableLayout => {
    const { name } = of.definition;
    const known = layouts.get(name);
    if (known) return known;
    const layout = layoutIn(context, of);
    layouts.set(name, layout);
    return layout;
  };
  const catalog = (name: string): TableLayout | undefined => {
    const other = context.table(name);
    return other && layoutOf(other);
  };
  return plan(query, layoutOf(table), catalog, { nowMs: context.nowMs, scanRows: context.scanRows });
}

function layoutIn({ snapshot, overlayOf }: SearchContext, table: LiveTable): TableLayout {
  const { definition, names, number } = table.entry;
  const overlay = overlayOf(table);
  return {
    definition,
    names: overlay?.names ?? names,
    // Both are asked for only by some plans.
    get rowCount() {
      return Number(usable(snapshot).first('SELECT count FROM _catalog WHERE number = ?', [number])?.[0] ?? 0);
    },
    get mayExpire() {
      return (
        overlay !== undefined ||
        usable(snapshot).first(`SELECT 1 FROM ${quoted(names.table)} WHERE _expires IS NOT NULL LIMIT 1`) !== undefined
      );
    },
    ...(overlay && overlay.fulltextSources.length > 0 && { fulltextSources: overlay.fulltextSources }),
  };
}

function readerOf({ snapshot, isHeld }: SearchContext): SqlReader {
  const connection = () => {
    if (isHeld()) return usable(snapshot);
    throw new ZerohopError(
      'SNAPSHOT_EXPIRED',
      'The transaction let go of what this search was reading from. Read its rows before the commit, or search again.',
    );
  };
  return {
    all: (sql, parameters) => connection().all(sql, parameters),
    *iterate(sql, parameters) {
      for (const row of connection().iterate(sql, parameters)) {
        yield row;
        connection();
      }
    },
  };
}
