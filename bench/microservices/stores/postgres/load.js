// node load.js SERVER-URL separate|together DATA-FOLDER
//
// Makes the databases of the shop on an empty server and fills them from the same files the unified shop is filled from: one per service
// (separate), or one for all (together). Resolves when everything is indexed and analysed.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';

const key = 'text COLLATE "C"';

/** Table → file, columns with what they are in the file, indexes. */
const tables = {
  category: {
    file: 'categories.json',
    columns: {
      id: ['id', `${key} PRIMARY KEY`],
      name: ['name', 'text NOT NULL'],
      department: ['department', 'text NOT NULL'],
      description: ['description', 'text NOT NULL'],
      picture: ['picture', 'text NOT NULL'],
      position: ['position', 'int NOT NULL'],
      product_count: ['productCount', 'int NOT NULL'],
    },
    indexes: ['(position)'],
  },
  product: {
    file: 'products.json',
    columns: {
      id: ['id', `${key} PRIMARY KEY`],
      name: ['name', 'text NOT NULL'],
      brand: ['brand', 'text NOT NULL'],
      category: ['category', `${key} NOT NULL`],
      description: ['description', 'text NOT NULL'],
      colour: ['colour', 'text NOT NULL'],
      // json, not jsonb: the attributes have an order.
      attributes: ['attributes', 'json NOT NULL'],
      picture: ['picture', 'text NOT NULL'],
      price: ['price', 'int NOT NULL'],
      rating: ['rating', 'float8 NOT NULL'],
      rating_count: ['ratingCount', 'int NOT NULL'],
      added_at: ['addedAt', 'timestamptz NOT NULL'],
      featured: ['featured', 'int'],
    },
    indexes: [
      '(category, rating DESC, rating_count DESC, id DESC)',
      '(category, price, id)',
      '(category, (lower(name) COLLATE "C"), id)',
      '(featured) WHERE featured IS NOT NULL',
    ],
  },
  inventory: {
    file: 'inventory.json',
    columns: {
      id: ['id', `${key} PRIMARY KEY`],
      quantity: ['quantity', 'int NOT NULL CHECK (quantity >= 0)'],
      warehouse: ['warehouse', 'text NOT NULL'],
    },
    indexes: [],
  },
  pricing: {
    file: 'pricing.json',
    columns: {
      id: ['id', `${key} PRIMARY KEY`],
      currency: ['currency', 'text NOT NULL'],
      cents: ['cents', 'int NOT NULL'],
      list_cents: ['listCents', 'int NOT NULL'],
      discount_percent: ['discountPercent', 'int NOT NULL'],
    },
    indexes: ['(discount_percent DESC, id DESC)'],
  },
  review: {
    file: 'reviews.json',
    columns: {
      id: ['id', `${key} PRIMARY KEY`],
      product: ['product', `${key} NOT NULL`],
      author: ['author', 'text NOT NULL'],
      stars: ['stars', 'int NOT NULL'],
      title: ['title', 'text NOT NULL'],
      text: ['text', 'text NOT NULL'],
      verified: ['verified', 'boolean NOT NULL'],
      written_at: ['writtenAt', 'timestamptz NOT NULL'],
    },
    indexes: ['(product, written_at DESC, id)'],
  },
};

/** @type {Record<string, Record<string, (keyof typeof tables)[]>>} */
const layouts = {
  separate: {
    catalog: ['category', 'product'],
    inventory: ['inventory'],
    pricing: ['pricing'],
    reviews: ['review'],
  },
  together: { shop: ['category', 'product', 'inventory', 'pricing', 'review'] },
};

const [server, layout, folder] = process.argv.slice(2);
const databases = layouts[layout ?? ''];
if (!server || !databases || !folder) throw new Error('node load.js SERVER-URL separate|together DATA-FOLDER');

for (const [database, names] of Object.entries(databases)) {
  await connected(server, (client) => client.query(`CREATE DATABASE ${database}`));
  const url = new URL(server);
  url.pathname = `/${database}`;
  await connected(url.href, async (client) => {
    for (const name of names) await fill(client, name);
    await client.query('VACUUM ANALYZE');
  });
}

/** @param {string} url @param {(client: pg.Client) => Promise<unknown>} work */
async function connected(url, work) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await work(client).finally(() => client.end());
}

/** @param {pg.Client} client @param {keyof typeof tables} name */
async function fill(client, name) {
  const { file, columns, indexes } = tables[name];
  const { records } = JSON.parse(await readFile(join(folder ?? '', file), 'utf8'));
  const entries = Object.entries(columns);
  await client.query(`CREATE TABLE ${name} (${entries.map(([column, [, type]]) => `${column} ${type}`).join(', ')})`);
  const values = entries.map(([column, [property = '', type = '']]) => {
    const value = `r->>'${property}'`;
    return type.startsWith('timestamptz')
      ? `to_timestamp((${value})::float8 / 1000) AS ${column}`
      : `(${value})::${type.split(' ')[0]} AS ${column}`;
  });
  await client.query(`INSERT INTO ${name} SELECT ${values.join(', ')} FROM json_array_elements($1::json) AS r`, [
    JSON.stringify(records),
  ]);
  for (const index of indexes) await client.query(`CREATE INDEX ON ${name} ${index}`);
}
