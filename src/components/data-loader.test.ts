import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appDatabases, openTestNode, type TableClass, type TestNodeParts } from '../resources/index.ts';
import { loadData } from './data-loader.ts';

let folder: string;
let node: TestNodeParts;
let Product: TableClass;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-data-'));
  node = await openTestNode(
    'type Product @table { id: ID @primaryKey  name: String  price: Int  updatedAt: Date @updatedTime }',
  );
  const { Product: found } = appDatabases(node).data ?? {};
  if (!found) throw new Error('no table');
  Product = found;
});
afterEach(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

/** Loads products.json with these rows, as a start does; gives what was reported. */
async function start(records: readonly object[], file = 'products.json'): Promise<string[]> {
  await Bun.write(join(folder, file), JSON.stringify({ table: 'Product', records }));
  const problems: string[] = [];
  await loadData({ files: ['*.json', '*.yaml'] }, folder, node, (error) => problems.push(String(error)));
  return problems;
}

async function products(): Promise<unknown[]> {
  return [...Product.search({ select: ['id', 'name', 'price'], sort: { attribute: 'id' }, allowFullScan: true })];
}

/** The last log line: how many of how many were written. */
const lastLine = () => node.lines.at(-1);

test('the first start loads all, the second writes nothing', async () => {
  const rows = [
    { id: 'a', name: 'A' },
    { id: 'b', name: 'B' },
  ];
  await start(rows);
  expect(lastLine()).toContain('2 of 2 records');
  const versions = (await Product.get('a'))?.getUpdatedTime();
  node.lines.length = 0;
  await start(rows);
  expect(node.lines).toEqual([]);
  expect((await Product.get('a'))?.getUpdatedTime()).toBe(versions ?? 0);
});

test('a changed row is patched, a new one added, the others are left alone', async () => {
  await start([
    { id: 'a', name: 'A', price: 1 },
    { id: 'b', name: 'B' },
  ]);
  await start([
    { id: 'a', name: 'A', price: 2 },
    { id: 'b', name: 'B' },
    { id: 'c', name: 'C' },
  ]);
  expect(lastLine()).toContain('2 of 3 records');
  expect(await products()).toMatchObject([{ id: 'a', price: 2 }, { id: 'b' }, { id: 'c' }]);
});

test('what users changed, created or deleted stays theirs', async () => {
  await Product.put({ id: 'own', name: 'Own' });
  await start([
    { id: 'a', name: 'A' },
    { id: 'b', name: 'B' },
    { id: 'own', name: 'File' },
  ]);
  await Product.patch('a', { name: 'Edited' });
  await Product.delete('b');
  await start([
    { id: 'a', name: 'A2' },
    { id: 'b', name: 'B2' },
    { id: 'own', name: 'File2' },
  ]);
  expect(lastLine()).toContain('0 of 3 records');
  expect(await products()).toMatchObject([
    { id: 'a', name: 'Edited' },
    { id: 'own', name: 'Own' },
  ]);
});

test('a change once made follows the file again', async () => {
  await start([{ id: 'a', name: 'A' }]);
  await start([{ id: 'a', name: 'A2' }]);
  await start([{ id: 'a', name: 'A3' }]);
  expect(await products()).toMatchObject([{ id: 'a', name: 'A3' }]);
});

test('a load that was interrupted goes on', async () => {
  // As if the node had died between writing the records and remembering the file.
  await Product.put({ id: 'a', name: 'A' });
  await start([
    { id: 'a', name: 'A' },
    { id: 'b', name: 'B' },
  ]);
  await start([
    { id: 'a', name: 'A2' },
    { id: 'b', name: 'B' },
  ]);
  expect(await products()).toMatchObject([
    { id: 'a', name: 'A2' },
    { id: 'b', name: 'B' },
  ]);
});

test('more records than one batch holds', async () => {
  const rows = Array.from({ length: 4500 }, (_, index) => ({ id: `p-${index}`, price: index }));
  await start(rows);
  expect(lastLine()).toContain('4500 of 4500');
  await start(rows.map((row) => (row.price === 4400 ? { ...row, price: -1 } : row)));
  expect(lastLine()).toContain('1 of 4500');
  await start(rows.slice(0, 10));
  await start([...rows.slice(0, 10), { id: 'p-9999', price: 1 }]);
  expect(lastLine()).toContain('1 of 11');
});

test('YAML files load too', async () => {
  await Bun.write(join(folder, 'more.yaml'), 'table: Product\nrecords:\n  - { id: y, name: Yaml }\n');
  await start([]);
  expect(await products()).toMatchObject([{ id: 'y', name: 'Yaml' }]);
});

test('a file that is wrong is reported and the others load', async () => {
  await Bun.write(join(folder, 'b.json'), '{ "table": "Nope", "records": [] }');
  await Bun.write(join(folder, 'c.json'), '{ "records": 5 }');
  await Bun.write(join(folder, 'd.json'), '{');
  await Bun.write(join(folder, 'e.json'), '{ "table": "Product", "records": [{ "name": "no id" }] }');
  const problems = await start([{ id: 'a' }], 'z.json');
  expect(problems).toEqual([
    expect.stringContaining('b.json: there is no table data.Nope'),
    expect.stringContaining('c.json: a data file is'),
    expect.stringContaining('d.json: '),
    expect.stringContaining('e.json: every record needs its "id"'),
  ]);
  expect(await products()).toMatchObject([{ id: 'a' }]);
});
