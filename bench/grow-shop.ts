// Adds products to the shop's data until there are as many as asked for, spread evenly over its categories, each with stock and price,
// through the runtime's own write path. The shop must have loaded its own products, and must not be running.
//
//   bun grow-shop.ts FOLDER PRODUCTS

import { join } from 'node:path';
import type { Table } from '../src/tables/index.ts';
import { openStore } from './open-store.ts';

const [path, wanted] = process.argv.slice(2);
if (path === undefined || wanted === undefined) throw new Error('Usage: grow-shop.ts FOLDER PRODUCTS');

/** Products in one transaction. */
const atOnce = 500;

type Records = readonly { readonly name?: string; readonly featured?: number }[];
const shopData = join(import.meta.dirname, '../apps/store/data');
const recordsOf = async (file: string): Promise<Records> => (await Bun.file(join(shopData, file)).json()).records;
const [products, inventory, pricing] = await Promise.all(
  ['products.json', 'inventory.json', 'pricing.json'].map(recordsOf),
);

await using opened = openStore(path);
const { databases } = opened;

const tables = { Product: table('Product'), Inventory: table('Inventory'), Pricing: table('Pricing') };
const transaction = databases.transaction();
for (let number = tables.Product.recordCount() + 1; number <= Number(wanted); ) {
  for (let last = Math.min(number + atOnce - 1, Number(wanted)); number <= last; number++) addProduct(number);
  await transaction.commit();
}
transaction.abort();

/** The shop's products over and over, with other ids, names, prices and ratings. */
function addProduct(number: number): void {
  const id = `p-${String(number).padStart(4, '0')}`;
  const at = number % 1200;
  const cents = 500 + ((number * 7919) % 40_000);
  const rating = 1 + ((number * 31) % 401) / 100;
  const name = `${products?.[at]?.name} ${number}`;
  const { featured: _, ...product } = products?.[at] ?? {};
  transaction.put(tables.Product, id, { ...product, id, name, price: cents, rating, ratingCount: number % 900 });
  transaction.put(tables.Inventory, id, { ...inventory?.[at], id });
  transaction.put(tables.Pricing, id, { ...pricing?.[at], id, cents, listCents: cents, discountPercent: 0 });
}

function table(name: string): Table {
  const found = databases.table('data', name);
  if (!found) throw new Error(`${path} has no table ${name}: start the shop on it first.`);
  return found;
}
