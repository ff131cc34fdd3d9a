// The SQL objects of a table: columns, indexes, side tables, full text and the triggers that keep the latter two exact. Pure text;
// apply-schema.ts compares it with what a file has. The same objects in the temp schema make a transaction's overlay.

import type { Attribute, ScalarType, TableDefinition } from '../schema/index.ts';
import { columnExpression, elementExpression } from './encode.ts';
import { quoted, type TableNames } from './names.ts';

export interface SqlObject {
  readonly kind: 'table' | 'index' | 'trigger' | 'fulltext' | 'list';
  readonly name: string;
  readonly sql: string;
  /** Fills a list or fulltext object from the rows there are. */
  readonly fill?: string;
}

/** `schema` is 'main' or 'temp'. */
export function tableSql(definition: TableDefinition, names: TableNames, schema = 'main'): string {
  const columns = [...names.columns].flatMap(([attribute, column]) =>
    column === '_id' ? [] : [columnSql(attributeOf(definition, attribute), column)],
  );
  return `CREATE TABLE ${schema}.${quoted(names.table)} (${[
    '_row INTEGER PRIMARY KEY',
    '_id NOT NULL UNIQUE',
    '_version INTEGER NOT NULL',
    '_origin INTEGER NOT NULL',
    '_seq INTEGER NOT NULL',
    '_expires INTEGER',
    '_merge TEXT',
    '_computed TEXT',
    '_body TEXT',
    ...columns,
  ].join(', ')})`;
}

/** The definition of one generated column. */
export function columnSql(attribute: Attribute, column: string): string {
  const source = attribute.computed ? '_computed' : '_body';
  return `${quoted(column)} GENERATED ALWAYS AS (${columnValueSql(attribute, source)}) VIRTUAL`;
}

/** What the column of `attribute` holds for the JSON text that the SQL expression `source` gives. */
export function columnValueSql(attribute: Attribute, source: string): string {
  return columnExpression(scalarOf(attribute), source, jsonPath(attribute.name));
}

/** The JSON path of an attribute as a SQL string. */
export function jsonPath(attribute: string): string {
  return `'$.${JSON.stringify(attribute).replaceAll("'", "''")}'`;
}

/** Indexes, side tables, full text and triggers of a table. */
export function tableObjects(definition: TableDefinition, names: TableNames, schema = 'main'): SqlObject[] {
  return [
    ...indexObjects(definition, names, schema),
    ...listObjects(definition, names, schema),
    ...fulltextObjects(definition, names, schema),
  ];
}

function indexObjects(definition: TableDefinition, names: TableNames, schema: string): SqlObject[] {
  const table = quoted(names.table);
  const objects: SqlObject[] = [];
  const index = (suffix: string, columns: string, where = '', unique = '') => {
    const name = `${names.table}#${suffix}`;
    objects.push({
      kind: 'index',
      name,
      sql: `CREATE ${unique}INDEX ${schema}.${quoted(name)} ON ${table} (${columns})${where}`,
    });
  };
  if (schema === 'main') {
    // No attribute's column starts with "_".
    index('_expires', '_expires', ' WHERE _expires IS NOT NULL');
    index('_deleted', '_version', ' WHERE _body IS NULL');
  }
  for (const attribute of definition.attributes) {
    const column = names.columns.get(attribute.name);
    if (column === undefined || column === '_id') continue;
    if (attribute.indexed || attribute.unique) index(column, `${quoted(column)}, _id`);
    if (attribute.unique && schema === 'main')
      index(`${column}#unique`, quoted(column), ' WHERE _body IS NOT NULL AND _seq > 0', 'UNIQUE ');
  }
  // Records from other nodes whose value another record here has already: they are kept, outside the unique index.
  if (schema === 'main' && definition.attributes.some(({ unique }) => unique))
    index('_clash', '_seq', ' WHERE _seq < 0');
  return objects;
}

function listObjects(definition: TableDefinition, names: TableNames, schema: string): SqlObject[] {
  return [...names.lists].flatMap(([name, list]) => {
    const attribute = attributeOf(definition, name);
    const type = attribute.type.kind === 'list' ? attribute.type.of : attribute.type;
    const scalar: ScalarType = type.kind === 'scalar' ? type.scalar : 'Any';
    const source = attribute.computed ? '_computed' : '_body';
    const each = (row: string) => `json_each(${row}.${source}, ${jsonPath(name)}) AS element`;
    const values = elementExpression(scalar, 'element');
    const table = `${schema}.${quoted(list)}`;
    return [
      {
        kind: 'list' as const,
        name: list,
        sql: `CREATE TABLE ${table} (value, row INTEGER NOT NULL)`,
        fill: `INSERT INTO ${table} SELECT ${values}, record._row FROM ${schema}.${quoted(names.table)} AS record, ${each('record')} WHERE record._body IS NOT NULL`,
      },
      ...['value, row', 'row'].map((columns) => ({
        kind: 'index' as const,
        name: `${list}#${columns}`,
        sql: `CREATE INDEX ${schema}.${quoted(`${list}#${columns}`)} ON ${quoted(list)} (${columns})`,
      })),
      ...triggers(
        names.table,
        list,
        schema,
        `INSERT INTO ${quoted(list)} SELECT ${values}, NEW._row FROM ${each('NEW')}`,
        `DELETE FROM ${quoted(list)} WHERE row = OLD._row`,
        `(OLD.${source} -> ${jsonPath(name)}) IS NOT (NEW.${source} -> ${jsonPath(name)})`,
      ),
    ];
  });
}

function fulltextObjects(definition: TableDefinition, names: TableNames, schema: string): SqlObject[] {
  if (names.fulltext === null) return [];
  const columns = definition.attributes.flatMap((attribute) => {
    const column = attribute.fulltext ? names.columns.get(attribute.name) : undefined;
    return column === undefined ? [] : [quoted(column)];
  });
  const table = quoted(names.fulltext);
  const from = (row: string) => columns.map((column) => `${row}.${column}`).join(', ');
  return [
    {
      kind: 'fulltext',
      name: names.fulltext,
      sql: `CREATE VIRTUAL TABLE ${schema}.${table} USING fts5(${columns.join(', ')}, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')`,
      fill: `INSERT INTO ${schema}.${table} (rowid, ${columns.join(', ')}) SELECT record._row, ${from('record')} FROM ${schema}.${quoted(names.table)} AS record WHERE record._body IS NOT NULL`,
    },
    ...triggers(
      names.table,
      names.fulltext,
      schema,
      `INSERT INTO ${table} (rowid, ${columns.join(', ')}) SELECT NEW._row, ${from('NEW')} WHERE NEW._body IS NOT NULL`,
      `DELETE FROM ${table} WHERE rowid = OLD._row`,
      [
        '(OLD._body IS NULL) <> (NEW._body IS NULL)',
        ...columns.map((column) => `OLD.${column} IS NOT NEW.${column}`),
      ].join(' OR '),
    ),
  ];
}

/**
 * Triggers that keep `target` in step with a table's rows. A tombstone's columns are null and its lists empty.
 * @param changed SQL condition: an update touches what `target` holds
 */
function triggers(
  table: string,
  target: string,
  schema: string,
  add: string,
  remove: string,
  changed: string,
): SqlObject[] {
  const trigger = (suffix: string, event: string, steps: string, condition = ''): SqlObject => {
    const name = `${target}#${suffix}`;
    return {
      kind: 'trigger',
      name,
      sql: `CREATE TRIGGER ${schema}.${quoted(name)} AFTER ${event} ON ${quoted(table)} ${condition}BEGIN ${steps}; END`,
    };
  };
  return [
    trigger('insert', 'INSERT', add),
    trigger('delete', 'DELETE', remove),
    trigger('update', 'UPDATE', `${remove}; ${add}`, `WHEN ${changed} `),
  ];
}

function attributeOf(definition: TableDefinition, name: string): Attribute {
  const attribute = definition.attributes.find((candidate) => candidate.name === name);
  if (!attribute) throw new Error(`Bug: ${definition.name} has no attribute ${name}`);
  return attribute;
}

function scalarOf(attribute: Attribute): ScalarType {
  return attribute.type.kind === 'scalar' ? attribute.type.scalar : 'Any';
}
