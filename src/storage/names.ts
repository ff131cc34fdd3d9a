// How a table and its attributes are called inside the SQLite file. SQLite ignores case and has columns of its own
// here, so a name that would collide gets a suffix. Pure: the same definition always gives the same names.

import type { Attribute, AttributeType, TableDefinition } from '../schema/index.ts';

/** Columns every table has. The body is JSON text, null for a tombstone. `_computed` holds indexed computed attributes as JSON. */
export const systemColumns = [
  '_row',
  '_id',
  '_version',
  '_origin',
  '_seq',
  '_expires',
  '_merge',
  '_computed',
  '_body',
] as const;

export interface TableNames {
  /** Physical table name, unquoted. */
  readonly table: string;
  /** Attribute → its generated column, for scalars (the primary key maps to `_id`) and indexed computed scalars. */
  readonly columns: ReadonlyMap<string, string>;
  /** Attribute → side table `(value, row)`, for indexed lists and indexed computed lists. */
  readonly lists: ReadonlyMap<string, string>;
  /** FTS5 table over all @fulltext attributes (one column each, named as in `columns`; rowid = `_row`), or null. */
  readonly fulltext: string | null;
}

/** What FTS5 calls columns and tables of its own. */
const fulltextColumns: ReadonlySet<string> = new Set(['rank', 'rowid']);
const fulltextTables = ['', '_data', '_idx', '_content', '_docsize', '_config'];

/** @param tableName the physical name the catalog gave the table: see `physicalTableName` */
export function namesOf(definition: TableDefinition, tableName: string): TableNames {
  const columns = new Map<string, string>();
  const lists = new Map<string, string>();
  const taken = new Set<string>(systemColumns);
  if (definition.attributes.some(({ fulltext, name }) => fulltext && fulltextColumns.has(name.toLowerCase())))
    for (const column of fulltextColumns) taken.add(column);
  const takenLists = new Set(fulltextTables.map((suffix) => `${tableName}$fulltext${suffix}`.toLowerCase()));
  for (const attribute of definition.attributes) {
    if (attribute.name === definition.primaryKey) columns.set(attribute.name, '_id');
    else if (isColumn(attribute)) columns.set(attribute.name, freeName(attribute.name, taken));
    else if (attribute.indexed && isList(attribute.type))
      lists.set(attribute.name, freeName(`${tableName}$${attribute.name}`, takenLists));
  }
  const fulltext = definition.attributes.some((attribute) => attribute.fulltext) ? `${tableName}$fulltext` : null;
  return { table: tableName, columns, lists, fulltext };
}

/**
 * A free physical name for a new table: its own in letters, digits and `_`, unless that is reserved or differs from a taken one in
 * case only. Names of a table's own objects have other characters, so that no table is ever taken for one of them.
 */
export function physicalTableName(name: string, taken: ReadonlySet<string>): string {
  return freeName(name.replace(/[^A-Za-z0-9_]/g, '_'), new Set(taken));
}

/** Quotes a name for SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function isColumn(attribute: Attribute): boolean {
  if (attribute.computed && !attribute.indexed) return false;
  return attribute.type.kind === 'scalar' && attribute.type.scalar !== 'Blob' && attribute.type.scalar !== 'Bytes';
}

export function isList(type: AttributeType): boolean {
  return type.kind === 'list' && type.of.kind === 'scalar';
}

function freeName(name: string, taken: Set<string>): string {
  const own = /^(_|sqlite_)/i.test(name) ? `x${name}` : name;
  let free = own;
  for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${own}~${n}`;
  taken.add(free.toLowerCase());
  return free;
}
