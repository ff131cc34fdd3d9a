// What of the databases a caller may read, as views: a table's columns are the attributes they may read, its rows the records that are there
// and that their role's rules let them see. Only tables that the statement may mean are made.

import { join } from 'node:path';
import { ZerohopError } from '../base/index.ts';
import { type ConditionGroup, filterSql, type TableLayout } from '../query/index.ts';
import {
  type AppNode,
  demandWhole,
  type Guard,
  guardFor,
  rulesOf,
  searchRecords,
  seenDefinition,
} from '../resources/index.ts';
import type { Attribute, TableDefinition } from '../schema/index.ts';
import { systemDatabase, type User } from '../security/index.ts';
import { type CatalogEntry, Connection, jsonPath, quoted, readCatalog, type TableNames } from '../storage/index.ts';
import type { Table } from '../tables/index.ts';

export interface View {
  readonly name: string;
  readonly select: string;
}

/** How a table looks to a statement that reads it. */
export interface VisibleTable {
  readonly table: Table;
  /** Of the view. */
  readonly name: string;
  /** As `name`, and with the version and the merge state of each record in the columns `versionColumn` and `mergeColumn`. */
  readonly versioned: string;
  readonly versionColumn: string;
  readonly mergeColumn: string;
}

export interface Visible {
  readonly secret: string;
  readonly files: readonly { readonly schema: string; readonly path: string }[];
  readonly views: readonly View[];
  find(database: string, table: string): VisibleTable | undefined;
}

/** Records that are looked at to learn which attributes a table without declared ones has. */
const sampledRecords = 500;
/** Attributes of such a table. */
const sampledAttributes = 200;
/** SQLite attaches no more: SQLITE_MAX_ATTACHED. */
const mostDatabases = 10;

/**
 * Keeps SQLite from merging a view with the statement around it (https://sqlite.org/optoverview.html#subquery_flattening, #pushdown): it would
 * ask conditions of the statement of records that the rules hide, if an index suggests that, and one that fails or takes long would tell of them.
 */
const barrier = ' LIMIT -1';

export interface VisibleOptions {
  readonly node: AppNode;
  /** The data folder. */
  readonly folder: string;
  readonly user: User | null;
  readonly nowMs: number;
  /** Where names without a database lead. */
  readonly database: string;
}

/**
 * The names that views have: a table of the statement's own database as it is called, one of another likewise if no table of the former has
 * that name, else with its database.
 */
export function viewName({ node, database }: VisibleOptions, of: string, table: string): string | undefined {
  const found = tableCalled(node, of, table);
  if (found === undefined) return undefined;
  const { name } = found.definition;
  return of === database || tableCalled(node, database, name) === undefined ? name : `${of}.${name}`;
}

/** SQL ignores case: the table of exactly this name, else one that differs in case. */
export function tableCalled(node: AppNode, database: string, name: string): Table | undefined {
  const tables = database === systemDatabase ? undefined : node.databases.all.get(database);
  const lower = name.toLowerCase();
  return tables?.get(name) ?? tables?.values().find(({ definition }) => definition.name.toLowerCase() === lower);
}

/** @param named what the statement names, in lower case */
export function visibleTables(options: VisibleOptions, named: readonly string[]): Visible {
  const { node, folder, database, user } = options;
  const secret = `z${Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex')}_`;
  const views = new Map<string, View>();
  const files: { schema: string; path: string }[] = [];
  const visible = new Map<string, VisibleTable>();
  const guard = guardFor(node, user);
  for (const [of, tables] of node.databases.all) {
    const isMeant = of === database || named.includes(of.toLowerCase());
    if (of === systemDatabase || !isMeant) continue;
    const meant = [...tables.values()].filter(
      ({ definition }) => named.includes(definition.name.toLowerCase()) && isReadable(guard, definition),
    );
    if (meant.length === 0) continue;
    if (files.length === mostDatabases)
      throw new ZerohopError('INVALID_QUERY', `A statement reads from ${mostDatabases} databases at most.`);
    const schema = `${secret}${files.length}`;
    const path = join(folder, `${of}.db`);
    files.push({ schema, path });
    const sources = new Sources(path, schema, views);
    for (const table of meant) {
      const name = viewName(options, of, table.definition.name) ?? table.definition.name;
      if (visible.has(name.toLowerCase())) continue;
      demandWhole(node, table, 'a statement');
      const columns = columnsOf(options, guard, table, sources);
      const rules = rulesFor(node, guard, table);
      const { from, where } = filterSql(
        rules,
        sources.layout(table.definition.name),
        (one) => sources.layout(one),
        options.nowMs,
      );
      const select = (more: readonly string[]) =>
        `SELECT ${[...columns, ...more].join(', ')} FROM ${from} WHERE ${where}${rules === undefined ? '' : barrier}`;
      const versioned = `${secret}v${visible.size}`;
      const versionColumn = `${secret}version`;
      const mergeColumn = `${secret}merge`;
      views.set(name.toLowerCase(), { name, select: select([]) });
      const state = [`_version AS ${quoted(versionColumn)}`, `_merge AS ${quoted(mergeColumn)}`];
      views.set(versioned, { name: versioned, select: select(state) });
      visible.set(name.toLowerCase(), { table, name, versioned, versionColumn, mergeColumn });
    }
  }
  return {
    secret,
    files,
    views: [...views.values()],
    find: (of, table) => visible.get((viewName(options, of, table) ?? '').toLowerCase()),
  };
}

/** The tables of one file under names that nobody can guess, made as they are needed. */
class Sources {
  readonly #entries: ReadonlyMap<string, CatalogEntry>;
  readonly #schema: string;
  readonly #views: Map<string, View>;

  constructor(path: string, schema: string, views: Map<string, View>) {
    const connection = new Connection(path, { readonly: true });
    try {
      this.#entries = new Map(readCatalog(connection).map((entry) => [entry.definition.name, entry]));
    } finally {
      connection.close();
    }
    this.#schema = schema;
    this.#views = views;
  }

  /** Throws NOT_FOUND for a table that has been dropped meanwhile. */
  layout(table: string): TableLayout {
    const entry = this.#entries.get(table);
    if (entry === undefined) throw new ZerohopError('NOT_FOUND', `There is no table ${table}.`);
    const { columns, lists, table: physical } = entry.names;
    const names: TableNames = {
      table: this.#source(physical),
      columns,
      lists: new Map([...lists].map(([attribute, list]) => [attribute, this.#source(list)])),
      fulltext: null,
    };
    return { definition: entry.definition, names, rowCount: 0, mayExpire: true };
  }

  #source(physical: string): string {
    const name = `${this.#schema}_${physical}`;
    this.#views.set(name, { name, select: `SELECT * FROM ${quoted(this.#schema)}.${quoted(physical)}` });
    return name;
  }
}

/** Each column of the view, as SQL. */
function columnsOf(options: VisibleOptions, guard: Guard | undefined, table: Table, sources: Sources): string[] {
  const { names, definition: stored } = sources.layout(table.definition.name);
  const seen = seenDefinition(options.node, guard, table);
  const columns = new Map<string, string>();
  for (const attribute of seen.attributes) {
    const sql = sqlOf(attribute, names, stored);
    if (sql !== undefined) columns.set(attribute.name, sql);
  }
  if (takesAny(seen)) for (const name of sampled(options, table)) columns.set(name, columns.get(name) ?? inBody(name));
  return [...columns].map(([name, sql]) => `${sql} AS ${quoted(name)}`);
}

/** Undefined: it has no value of its own in the record, or one that only the application can compute. */
function sqlOf(attribute: Attribute, names: TableNames, stored: TableDefinition): string | undefined {
  const { name, type, computed } = attribute;
  if (type.kind === 'relation') return undefined;
  // Added since the catalog was read.
  if (computed && !stored.attributes.some((one) => one.name === name)) return undefined;
  const column = names.columns.get(name);
  const scalar = type.kind === 'scalar' ? type.scalar : undefined;
  // Columns hold these in ways of their own, to be compared.
  if (column !== undefined && scalar !== 'BigInt' && scalar !== 'Any') return quoted(column);
  if (computed) return column === undefined ? undefined : inBody(name, '_computed');
  if (scalar !== 'BigInt') return inBody(name);
  // 64 bits hold 18 digits for sure; what is longer would be rounded, and stays a text.
  const text = `(_body -> ${jsonPath(name)})`;
  return `CASE WHEN ${text} = 'null' THEN NULL WHEN length(${text}) <= 18 THEN CAST(${text} AS INTEGER) ELSE ${text} END`;
}

function inBody(name: string, source = '_body'): string {
  return `json_extract(${source}, ${jsonPath(name)})`;
}

/** A table that takes any attribute has those that its records have. */
export function takesAny({ sealed, attributes, primaryKey }: TableDefinition): boolean {
  return !sealed && attributes.every(({ name, role }) => name === primaryKey || role !== undefined);
}

function sampled({ node, user }: VisibleOptions, table: Table): string[] {
  const names = new Set<string>();
  for (const text of searchRecords({ node, table, user }, { limit: sampledRecords }))
    for (const name of Object.keys(JSON.parse(text) as object)) names.add(name);
  return [...names].slice(0, sampledAttributes);
}

function isReadable(guard: Guard | undefined, definition: TableDefinition): boolean {
  return guard === undefined || guard.grants.on(definition).read.allowed;
}

/** Names of a database's tables, for hints. */
export function readableTables(node: AppNode, user: User | null, database: string): string[] {
  const guard = guardFor(node, user);
  const tables = database === systemDatabase ? undefined : node.databases.all.get(database);
  return [...(tables?.values() ?? [])].flatMap(({ definition }) =>
    isReadable(guard, definition) ? definition.name : [],
  );
}

/** Throws FORBIDDEN where the rules are beyond a view. */
function rulesFor(node: AppNode, guard: Guard | undefined, table: Table): ConditionGroup | undefined {
  const rules = rulesOf(node, guard, table, 'read');
  if (rules !== undefined && usesFulltext(rules))
    throw new ZerohopError(
      'FORBIDDEN',
      `Which records of ${table.definition.name} you may read is decided by full text, which SQL can't do: use a search.`,
      { action: 'read' },
    );
  return rules;
}

function usesFulltext({ conditions }: ConditionGroup): boolean {
  return conditions.some((one) => ('comparator' in one ? one.comparator === 'ft' : usesFulltext(one)));
}
