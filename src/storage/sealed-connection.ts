// A connection for statements that somebody else wrote: it reads what a list of views shows, and nothing beside them, whatever the statement
// says. Nothing of the statement's text is looked at for that; these hold it:
//
//   authorizer  SQLite asks it for each table, column, function and command while it compiles. A column of a database file may be
//               read on behalf of a view with a secret name only. Everything that is not on a list here is refused.
//   secrets     SQLite calls a common table expression an accessor as it does a view, so views that read files are named by chance, anew
//               for each connection; so are the attached files. Nobody can write these names.
//   shadows     a bare name is looked for in the attached files too: each that a statement might mean is covered by an empty view, so
//               that what is hidden and what does not exist give the same error.
//   read only   files are opened so; the main database is empty and in memory.
//   limits      of the size of values and of statements. There is none of time and memory: whoever runs it ends the process.

/// <reference path="./node-sqlite.d.ts" />

import type { DatabaseSync } from 'node:sqlite';
import { quoted } from './names.ts';

/** Plain data, to cross to the process that runs it. */
export interface SealedPlan {
  /** Begins the name of whatever a statement must not name. */
  readonly secret: string;
  /** Database files by the name they are attached under, which begins with the secret. */
  readonly files: readonly { readonly schema: string; readonly path: string }[];
  /** In the order they are made. Those that read files have names that begin with the secret. */
  readonly views: readonly { readonly name: string; readonly select: string }[];
  /** All names a statement has, in lower case. */
  readonly named: readonly string[];
  /** Longest value and record. */
  readonly valueBytes: number;
  readonly statementBytes: number;
}

/** What a statement was refused for. */
export interface Denial {
  readonly kind: 'table' | 'function' | 'command';
  readonly name: string;
}

export interface SealedRows {
  readonly columns: readonly string[];
  readonly rows: Iterable<readonly SealedValue[]>;
}

export type SealedValue = string | number | bigint | null | Uint8Array;

export class SealedConnection {
  readonly #database: DatabaseSync;
  readonly #views: ReadonlySet<string>;
  readonly #secret: string;
  /** What a bare name must not lead to, in lower case. */
  readonly #hidden: ReadonlySet<string>;
  #denial: Denial | undefined;

  private constructor(database: DatabaseSync, plan: SealedPlan, hidden: ReadonlySet<string>) {
    this.#database = database;
    this.#secret = plan.secret;
    this.#views = new Set(plan.views.map(({ name }) => name));
    this.#hidden = hidden;
  }

  static async open(plan: SealedPlan): Promise<SealedConnection> {
    // Imported only where it is used: it would show in the time to start.
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(':memory:', {
      limits: {
        length: plan.valueBytes,
        sqlLength: plan.statementBytes,
        exprDepth: 200,
        compoundSelect: 100,
        likePatternLength: 1000,
        column: 1000,
        attach: plan.files.length,
        triggerDepth: 1,
      },
    });
    database.exec('PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA busy_timeout = 2000');
    const visible = new Set(plan.views.map(({ name }) => name.toLowerCase()));
    const hidden = new Set(
      database
        .prepare('PRAGMA module_list')
        .all()
        .map(({ name }) => String(name).toLowerCase()),
    );
    for (const { schema, path } of plan.files)
      database.prepare(`ATTACH ? AS ${quoted(schema)}`).run(`${Bun.pathToFileURL(path)}?mode=ro`);
    // From here on files are as they are now: none has a table that is not looked at below.
    database.exec('BEGIN');
    for (const { schema } of plan.files) {
      for (const { name } of database.prepare(`SELECT name FROM ${quoted(schema)}.sqlite_schema`).all()) {
        const lower = String(name).toLowerCase();
        if (!visible.has(lower)) hidden.add(lower);
        if (!plan.named.includes(lower) || visible.has(lower) || lower.startsWith('sqlite_')) continue;
        visible.add(lower);
        const nothing = quoted(plan.secret + String(name));
        database.exec(`CREATE TEMP VIEW ${quoted(String(name))} AS SELECT 1 FROM temp.${nothing}`);
      }
    }
    for (const { name, select } of plan.views) database.exec(`CREATE TEMP VIEW ${quoted(name)} AS ${select}`);
    const sealed = new SealedConnection(database, plan, hidden);
    database.exec('PRAGMA query_only = ON');
    database.setAuthorizer((...asked) => (sealed.#isAllowed(...asked) ? ok : deny));
    return sealed;
  }

  /** Throws what SQLite throws; `denial` then says whether something was refused. */
  query(sql: string, parameters: readonly (string | number | bigint | null)[]): SealedRows {
    this.#denial = undefined;
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    statement.setReadBigInts(true);
    return { columns: statement.columns().map(({ name }) => name), rows: arraysOf(statement.iterate(...parameters)) };
  }

  get denial(): Denial | undefined {
    return this.#denial;
  }

  close(): void {
    this.#database.close();
  }

  #isAllowed(
    action: number,
    first: string | null,
    second: string | null,
    schema: string | null,
    accessor: string | null,
  ): boolean {
    switch (action) {
      case actions.select:
      case actions.recursive:
        return true;
      case actions.function:
        return functions.has(second ?? '') || this.#denied('function', second);
      case actions.read:
        return this.#isReadable(first ?? '', second, schema, accessor) || this.#denied('table', first);
      default:
        return this.#denied('command', first);
    }
  }

  /** @param column '' stands for a table of which no column is read: its rows are counted */
  #isReadable(table: string, column: string | null, schema: string | null, accessor: string | null): boolean {
    if (schema === 'temp') return this.#views.has(table);
    if (tableFunctions.has(table.toLowerCase()) && (schema === 'main' || schema === null)) return true;
    // Of a common table expression, or of a table named without its database, no column is read.
    if (schema === null) return column === '' && !this.#isHidden(table.toLowerCase());
    // SQLite counts the rows of a flattened view on nobody's behalf. Who asks for it by a name of their own meets a view or a shadow.
    return schema?.startsWith(this.#secret) === true && (column === '' || accessor?.startsWith(this.#secret) === true);
  }

  #isHidden(table: string): boolean {
    return this.#hidden.has(table) || table.startsWith('sqlite_') || table.startsWith('pragma_');
  }

  #denied(kind: Denial['kind'], name: string | null): false {
    this.#denial ??= { kind, name: name ?? '' };
    return false;
  }
}

function* arraysOf(rows: Iterable<unknown>): Generator<readonly SealedValue[]> {
  for (const row of rows) if (Array.isArray(row)) yield row;
}

/** https://sqlite.org/c3ref/c_alter_table.html */
const actions = { read: 20, select: 21, function: 31, recursive: 33 } as const;
const ok = 0;
const deny = 1;

const tableFunctions: ReadonlySet<string> = new Set(['json_each', 'json_tree']);

/** Functions of values. Those that tell of the node, or reach beyond values, are not among them. */
const functions: ReadonlySet<string> = new Set(
  `abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char coalesce concat concat_ws cos cosh count cume_dist current_date
   current_time current_timestamp date datetime degrees dense_rank exp first_value floor format glob group_concat hex if ifnull iif instr
   json json_array json_array_insert json_array_length json_error_position json_extract json_group_array json_group_object json_insert
   json_object json_patch json_pretty json_quote json_remove json_replace json_set json_type json_valid jsonb jsonb_array
   jsonb_array_insert jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove
   jsonb_replace jsonb_set -> ->> julianday lag last_value lead length like likelihood likely ln log log10 log2 lower ltrim max median min
   mod nth_value ntile nullif octet_length percent_rank percentile percentile_cont percentile_disc pi pow power printf quote radians
   random randomblob rank replace round row_number rtrim sign sin sinh sqlite_version sqrt strftime string_agg substr substring sum
   tan tanh time timediff total trim trunc typeof unhex unicode unistr unixepoch unlikely upper zeroblob`.split(/\s+/),
);
