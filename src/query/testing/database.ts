// A small database in memory with every kind of attribute and relationship, for the tests of this folder.

import type { Json, JsonObject } from '../../base/index.ts';
import type { Attribute, AttributeType, ScalarType, TableDefinition } from '../../schema/index.ts';
import { Connection, namesOf, tableObjects, tableSql } from '../../storage/index.ts';
import type { LayoutLookup, TableLayout } from '../layout.ts';

export const nowMs = 1_700_000_000_000;

export function scalar(name: string, type: ScalarType, flags: Partial<Attribute> = {}): Attribute {
  return attribute(name, { kind: 'scalar', scalar: type }, flags);
}

export function list(name: string, type: ScalarType, flags: Partial<Attribute> = {}): Attribute {
  return attribute(name, { kind: 'list', of: { kind: 'scalar', scalar: type }, itemRequired: false }, flags);
}

export function relation(
  name: string,
  target: string,
  many: boolean,
  relationship: { readonly from?: string; readonly to?: string },
): Attribute {
  return attribute(name, { kind: 'relation', table: target, many }, { relationship });
}

export function attribute(name: string, type: AttributeType, flags: Partial<Attribute> = {}): Attribute {
  return { name, type, required: false, indexed: false, unique: false, fulltext: false, hidden: false, ...flags };
}

export function table(name: string, attributes: readonly Attribute[]): TableDefinition {
  return {
    database: 'data',
    name,
    primaryKey: 'id',
    attributes,
    sealed: false,
    replicate: true,
    audit: true,
    hidden: false,
  };
}

const indexed = { indexed: true };

function object(name: string, attributes: readonly Attribute[]): AttributeType {
  return { kind: 'object', name, attributes, sealed: false };
}

export const product = table('Product', [
  scalar('id', 'ID'),
  scalar('name', 'String', indexed),
  scalar('title', 'String', { fulltext: true }),
  scalar('price', 'Float', indexed),
  scalar('rating', 'Int'),
  scalar('stock', 'Int', { indexed: true, required: true }),
  scalar('active', 'Boolean', indexed),
  scalar('made', 'Date', indexed),
  scalar('big', 'BigInt', indexed),
  scalar('extra', 'Any', indexed),
  list('tags', 'String', indexed),
  list('sizes', 'Int'),
  attribute('address', object('Address', [scalar('city', 'String'), scalar('zip', 'Int')])),
  attribute('items', {
    kind: 'list',
    of: object('Item', [scalar('sku', 'String'), scalar('n', 'Int')]),
    itemRequired: false,
  }),
  scalar('brandId', 'ID', indexed),
  relation('brand', 'Brand', false, { from: 'brandId' }),
  list('labelIds', 'Int', indexed),
  relation('labels', 'Label', true, { from: 'labelIds' }),
  list('peerIds', 'ID'),
  relation('peers', 'Product', true, { from: 'peerIds' }),
  relation('peerOf', 'Product', true, { to: 'peerIds' }),
  relation('reviews', 'Review', true, { to: 'productId' }),
  relation('codeReviews', 'Review', true, { from: 'name', to: 'code' }),
  scalar('upper', 'String', { indexed: true, computed: { version: 1 } }),
  scalar('live', 'String', { computed: { version: 1 } }),
]);

export const brand = table('Brand', [
  scalar('id', 'ID'),
  scalar('name', 'String', indexed),
  scalar('country', 'String'),
  scalar('parentId', 'ID'),
  relation('parent', 'Brand', false, { from: 'parentId' }),
  relation('products', 'Product', true, { to: 'brandId' }),
]);

export const label = table('Label', [
  scalar('id', 'Int'),
  scalar('name', 'String'),
  relation('products', 'Product', true, { to: 'labelIds' }),
]);

export const review = table('Review', [
  scalar('id', 'Int'),
  scalar('productId', 'ID', indexed),
  scalar('stars', 'Int', indexed),
  scalar('code', 'String'),
  relation('product', 'Product', false, { from: 'productId' }),
]);

export const tables: readonly TableDefinition[] = [product, brand, label, review];

export const lookup = (name: string): TableDefinition | undefined =>
  tables.find((definition) => definition.name === name);

/** Rows of each table. `$deleted` and `$expires` are about the row, the rest is its body. */
export type Rows = Readonly<Record<string, readonly TestRow[]>>;

export interface TestRow {
  readonly body: JsonObject & { readonly id: string | number };
  /** Body as text when JSON.stringify can't write it. */
  readonly text?: string;
  readonly deleted?: boolean;
  readonly expires?: number;
}

export interface TestDatabase {
  readonly connection: Connection;
  readonly catalog: LayoutLookup;
  layout(table: string): TableLayout;
  fill(rows: Rows): void;
}

export function openTestDatabase(definitions: readonly TableDefinition[] = tables): TestDatabase {
  const connection = new Connection(':memory:', { readonly: false });
  const layouts = new Map<string, TableLayout>();
  for (const definition of definitions) {
    const names = namesOf(definition, definition.name);
    connection.exec(tableSql(definition, names));
    for (const { sql } of tableObjects(definition, names)) connection.exec(sql);
    layouts.set(definition.name, { definition, names, rowCount: 0, mayExpire: true });
  }
  const layout = (name: string) => {
    const found = layouts.get(name);
    if (!found) throw new Error(`no table ${name}`);
    return found;
  };
  return {
    connection,
    layout,
    catalog: (name) => layouts.get(name),
    fill(rows) {
      for (const definition of definitions) {
        const { name } = definition;
        connection.exec(`DELETE FROM "${name}"`);
        const all = rows[name] ?? [];
        for (const [i, row] of all.entries()) insert(connection, name, i, row);
        layouts.set(name, { ...layout(name), rowCount: all.length });
      }
    },
  };
}

function insert(connection: Connection, name: string, i: number, row: TestRow): void {
  connection.run(
    `INSERT INTO "${name}" (_id, _version, _origin, _seq, _expires, _computed, _body) VALUES (?, ?, 1, ?, ?, ?, ?)`,
    [
      row.body.id,
      (nowMs + i) * 1000,
      i,
      row.expires ?? null,
      row.deleted || name !== 'Product' ? null : JSON.stringify({ upper: computedUpper(row.body) }),
      row.deleted ? null : (row.text ?? JSON.stringify(row.body)),
    ],
  );
}

/** What the indexed computed attribute `upper` is. */
export function computedUpper(body: JsonObject): Json {
  return typeof body.name === 'string' ? body.name.toUpperCase() : null;
}
