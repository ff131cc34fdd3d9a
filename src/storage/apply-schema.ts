// Brings a database file to a set of table definitions, in one transaction, without dropping data: bodies are never rewritten.
//
//   _catalog   name · physical table name · definition as JSON · next integer id · count and digest of live records
//   _peers     origin · its newest transaction in here · newest version seen of it · its newest transaction no longer whole in the log
//   _marks     every so many log entries: what was in here by then, so that a reader of the log need not start at its beginning
//   _copies    how far copies of whole databases from other nodes have come
//
// What exists is compared with what ddl.ts wants by its SQL text, so a changed expression or index is simply another text.

import { ZerohopError } from '../base/index.ts';
import { evolve, type SchemaChange, type TableDefinition } from '../schema/index.ts';
import { changeNode } from './change-node.ts';
import { type Connection, uniqueViolation } from './connection.ts';
import { columnSql, type SqlObject, tableObjects, tableSql } from './ddl.ts';
import { namesOf, physicalTableName, quoted, type TableNames } from './names.ts';

/** The change of a file's internal tables is a new number here and a step in `prepareFile`. */
const formatVersion = 3;

export interface CatalogEntry {
  readonly definition: TableDefinition;
  readonly names: TableNames;
  /** Small integer that `_log` calls the table by. */
  readonly number: number;
}

/** Creates the internal tables of a new file. `nodeId` becomes origin 1, also of a file that another node had. Refuses a file of a newer format. */
export function prepareFile(connection: Connection, nodeId: string): void {
  const version = Number(connection.first('PRAGMA user_version')?.[0] ?? 0);
  if (version > formatVersion)
    throw new Error(`${connection.path} was written by a newer version of Zerohop. Update Zerohop to open it.`);
  if (version === formatVersion) return changeNode(connection, nodeId);
  if (version !== 0)
    throw new Error(`${connection.path} was written by a version of Zerohop before the first release. Move it away.`);
  connection.exec('BEGIN IMMEDIATE');
  connection.exec(`
    CREATE TABLE _catalog (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, physical TEXT NOT NULL UNIQUE, definition TEXT NOT NULL,
      next_id INTEGER NOT NULL DEFAULT 1, count INTEGER NOT NULL DEFAULT 0, digest_high INTEGER NOT NULL DEFAULT 0, digest_low INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE _origins (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
    CREATE TABLE _peers (origin INTEGER PRIMARY KEY, seq INTEGER NOT NULL, version INTEGER NOT NULL, trimmed INTEGER NOT NULL);
    CREATE TABLE _log (lsn INTEGER PRIMARY KEY, origin INTEGER NOT NULL, seq INTEGER NOT NULL, version INTEGER NOT NULL,
      tbl INTEGER NOT NULL, row INTEGER NOT NULL, op INTEGER NOT NULL);
    CREATE TABLE _marks (lsn INTEGER PRIMARY KEY, vector TEXT NOT NULL);
    CREATE TABLE _copies (source TEXT PRIMARY KEY, vector TEXT NOT NULL, position TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE _blobs (id TEXT PRIMARY KEY, refs INTEGER NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX "_blobs#unreferenced" ON _blobs (since) WHERE refs = 0;
    PRAGMA user_version = ${formatVersion}`);
  connection.run('INSERT INTO _origins (number, id) VALUES (1, ?)', [nodeId]);
  connection.exec('COMMIT');
}

/** Whether a file has its internal tables: not yet while the writer is making it. */
export function isPrepared(connection: Connection): boolean {
  return connection.first('PRAGMA user_version')?.[0] !== 0;
}

export function readCatalog(connection: Connection): CatalogEntry[] {
  return connection
    .all('SELECT number, physical, definition FROM _catalog ORDER BY number')
    .map(([number, physical, text]) => {
      const definition = JSON.parse(String(text)) as TableDefinition;
      return { definition, names: namesOf(definition, String(physical)), number: Number(number) };
    });
}

/**
 * Creates or changes tables so that they fit `definitions`. Tables not named stay as they are.
 * @param changed called for each table that was changed, within the same transaction, to compute what an index lacks now
 */
export function applySchema(
  connection: Connection,
  definitions: readonly TableDefinition[],
  changed: (entry: CatalogEntry) => void,
): void {
  connection.exec('BEGIN IMMEDIATE');
  try {
    const existing = new Map(readCatalog(connection).map((entry) => [entry.definition.name, entry]));
    for (const definition of definitions) {
      const entry = existing.get(definition.name);
      const text = JSON.stringify(definition);
      if (entry && JSON.stringify(entry.definition) === text) continue;
      if (entry) {
        changeTableOrRefuse(connection, definition, entry);
        changed({ definition, names: namesOf(definition, entry.names.table), number: entry.number });
      } else createTable(connection, definition, existing);
      connection.run('UPDATE _catalog SET definition = ? WHERE name = ?', [text, definition.name]);
    }
    connection.exec('COMMIT');
  } catch (error) {
    connection.rollBack();
    throw error;
  }
}

function createTable(connection: Connection, definition: TableDefinition, existing: Map<string, CatalogEntry>): void {
  const taken = new Set(connection.all('SELECT lower(name) FROM sqlite_master').map(([name]) => String(name)));
  for (const entry of existing.values()) taken.add(entry.names.table.toLowerCase());
  const names = namesOf(definition, physicalTableName(definition.name, taken));
  connection.run(tableSql(definition, names));
  for (const object of tableObjects(definition, names)) connection.run(object.sql);
  // Another number than those of tables that were dropped and that the log may still name.
  connection.run(
    `INSERT INTO _catalog (number, name, physical, definition) VALUES (1 + max(
      ifnull((SELECT max(number) FROM _catalog), 0), ifnull((SELECT max(tbl) FROM _log), 0)), ?, ?, ?)`,
    [definition.name, names.table, JSON.stringify(definition)],
  );
  const number = Number(connection.first('SELECT number FROM _catalog WHERE name = ?', [definition.name])?.[0]);
  existing.set(definition.name, { definition, names, number });
}

function changeTableOrRefuse(connection: Connection, definition: TableDefinition, entry: CatalogEntry): void {
  try {
    changeTable(connection, definition, entry);
  } catch (error) {
    if (uniqueViolation(error) === undefined) throw error;
    const unique = definition.attributes.filter((attribute) => attribute.unique).map(({ name }) => name);
    throw new ZerohopError(
      'INVALID_SCHEMA',
      `${definition.name} has records with the same value of an attribute that is @unique now (${unique.join(', ')}). Make the values differ first.`,
    );
  }
}

function changeTable(connection: Connection, definition: TableDefinition, entry: CatalogEntry): void {
  const names = namesOf(definition, entry.names.table);
  const isPopulated =
    connection.first(`SELECT 1 FROM ${quoted(names.table)} WHERE _body IS NOT NULL LIMIT 1`) !== undefined;
  const changes = evolve(entry.definition, definition, isPopulated);
  const wanted = tableObjects(definition, names);
  const columns = columnChanges(definition, entry, names);
  const present = presentObjects(connection, names);
  const stale = staleObjects(present, wanted, columns.dropped);

  // Away with what is not wanted as it is: triggers and indexes first, as columns they use can't be dropped before.
  for (const type of ['trigger', 'index', 'table'])
    for (const [name, object] of present)
      if (object.type === type && stale.has(name))
        connection.run(`DROP ${type.toUpperCase()} IF EXISTS ${quoted(name)}`);
  const table = quoted(names.table);
  for (const column of columns.dropped) connection.run(`ALTER TABLE ${table} DROP COLUMN ${quoted(column)}`);
  for (const sql of columns.added) connection.run(`ALTER TABLE ${table} ADD COLUMN ${sql}`);
  // To be computed anew by whoever has the functions: the store, or the app.
  if (changes.some(outdatesComputed))
    connection.run(`UPDATE ${table} SET _computed = NULL WHERE _computed IS NOT NULL`);

  for (const object of wanted) {
    if (present.has(object.name) && !stale.has(object.name)) continue;
    connection.run(object.sql);
    if (object.fill) connection.run(object.fill);
  }
}

interface PresentObject {
  readonly type: string;
  readonly sql: string;
}

/** Indexes, side tables and triggers of a table by name. */
function presentObjects(connection: Connection, names: TableNames): Map<string, PresentObject> {
  const rows = connection
    .all('SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL')
    .map((row) => row.map(String));
  return new Map(
    rows.flatMap(([type = '', name = '', sql = '']) => {
      if (!name.startsWith(`${names.table}#`) && !name.startsWith(`${names.table}$`)) return [];
      // FTS5 keeps its data in tables of its own, named after it.
      if (type === 'table' && /\$fulltext_(data|idx|content|docsize|config)$/.test(name)) return [];
      return [[name, { type, sql }] as const];
    }),
  );
}

/** The names of objects that are not wanted, or not as they are, or use a column that goes. */
function staleObjects(
  present: ReadonlyMap<string, PresentObject>,
  wanted: readonly SqlObject[],
  droppedColumns: readonly string[],
): Set<string> {
  const wantedSql = new Map(wanted.map((object) => [object.name, storedSql(object.sql)]));
  const fits = (name: string) => {
    const sql = present.get(name)?.sql;
    return (
      sql !== undefined && wantedSql.get(name) === sql && !droppedColumns.some((column) => sql.includes(quoted(column)))
    );
  };
  const stale = new Set<string>();
  const staleSides = new Set<string>();
  for (const name of new Set([...present.keys(), ...wantedSql.keys()])) {
    if (fits(name)) continue;
    stale.add(name);
    if (name.includes('$')) staleSides.add(sideOf(name));
  }
  // A side table holds what its triggers put there: if one of them is another, it is filled anew.
  for (const name of present.keys()) if (staleSides.has(sideOf(name))) stale.add(name);
  return stale;
}

/** The side table that an index or trigger belongs to. */
function sideOf(name: string): string {
  return name.split('#')[0] ?? name;
}

/** Whether values of indexed computed attributes are other ones now. An expression sees every attribute, decoded by its type. */
function outdatesComputed(change: SchemaChange): boolean {
  if (!('attribute' in change)) return false;
  const { kind, attribute } = change;
  return attribute.computed ? kind !== 'attributeRemoved' : kind !== 'indexChanged';
}

/** Columns that go, by name, and columns that come, as SQL; one that changes does both. */
function columnChanges(
  definition: TableDefinition,
  entry: CatalogEntry,
  names: TableNames,
): { readonly dropped: string[]; readonly added: string[] } {
  const sqlOf = (from: TableDefinition, of: TableNames) =>
    new Map(
      [...of.columns].flatMap(([name, column]) => {
        const attribute = from.attributes.find((candidate) => candidate.name === name);
        return attribute && column !== '_id' ? [[column, columnSql(attribute, column)] as const] : [];
      }),
    );
  const before = sqlOf(entry.definition, entry.names);
  const after = sqlOf(definition, names);
  return {
    dropped: [...before].flatMap(([column, sql]) => (after.get(column) === sql ? [] : [column])),
    added: [...after].flatMap(([column, sql]) => (before.get(column) === sql ? [] : [sql])),
  };
}

/** SQLite keeps the text of a statement without the schema name. */
function storedSql(sql: string): string {
  return sql.replace(/^(CREATE (?:UNIQUE )?(?:VIRTUAL )?(?:TABLE|INDEX|TRIGGER) )main\./, '$1');
}
