// Runs a Query within a transaction: lays out the tables as the transaction sees them, plans, and reads from its snapshot.

import type { JsonObject } from '../base/index.ts';
import { explainPlan, type Plan, plan, type Query, runPlan, type SqlReader, type TableLayout } from '../query/index.ts';
import { quoted } from '../storage/index.ts';
import type { OverlayTable } from './overlay.ts';
import type { DatabaseReader } from './reader.ts';
import { type Snapshot, usable } from './snapshots.ts';
import type { LiveTable } from './table.ts';
import type { SearchResult } from './types.ts';

export interface SearchContext {
  readonly snapshot: Snapshot;
  readonly reader: DatabaseReader;
  readonly nowMs: number;
  readonly scanRows: number;
  /** Another table of the same database, for relationships. */
  readonly table: (name: string) => LiveTable | undefined;
  /** The table with the transaction's staged writes; undefined when it has none. */
  readonly overlayOf: (table: LiveTable) => OverlayTable | undefined;
}

export function searchTable(context: SearchContext, table: LiveTable, query: Query): SearchResult {
  return runPlan(planFor(context, table, query), readerOf(context.snapshot), {
    compute: (definition, attribute, { id, version, body }) => {
      const owner = context.table(definition.name);
      return owner?.compute(attribute, owner.decode({ id, version, expires: null, body }));
    },
  });
}

export function explainTable(context: SearchContext, table: LiveTable, query: Query): JsonObject {
  return explainPlan(planFor(context, table, query), readerOf(context.snapshot));
}

function planFor(context: SearchContext, table: LiveTable, query: Query): Plan {
  const layouts = new Map<string, TableLayout>();
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

function readerOf(snapshot: Snapshot): SqlReader {
  return {
    all: (sql, parameters) => usable(snapshot).all(sql, parameters),
    iterate: (sql, parameters) => usable(snapshot).iterate(sql, parameters),
  };
}
