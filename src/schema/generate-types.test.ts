import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateTypes } from './generate-types.ts';
import { parseSdl } from './parse-sdl.ts';

const schema = parseSdl(
  `
  """Things we sell. */ or not"""
  type Product @table @export {
    id: ID!
    "Its name."
    name: String!
    tags: [String!]
    price: Float
    sold: BigInt
    since: Date
    thumbnail: Bytes
    picture: Blob
    extra: Any
    size: Size!
    brandId: Int
    brand: Brand @relationship(from: brandId)
    label: String @computed(from: "name")
    createdAt: Long! @createdTime
  }
  type Size { width: Int! height: Int since: Date inner: [Size] }
  type Brand @table { id: Int products: [Product] @relationship(from: code, to: name) code: String }
  type Date2 @table(table: "Date") { key: Any @primaryKey }
  type Log @table(table: "access log", database: "logs") { id: ID text: String }
`,
  'schema.graphql',
);

const zerohop = `
export interface TableClass<Read, Insert> {
  get(id: string | number): Promise<Read | undefined>;
  create(record: Insert): Promise<Read>;
}
export interface Tables {}
export interface Databases { data: Tables }
export const tables: Tables;
export const databases: Databases;
`;

/** Every line after `// wrong` must be a type error, every other must not. */
const uses = `
import { databases, tables } from 'zerohop';
import type { Product, ProductInsert, Size } from './types.js';
const product: Product | undefined = await tables.Product.get('p-1');
const size: Size | undefined = product?.size;
const text: string | undefined = product?.size.inner?.[0]?.inner?.[0]?.width.toFixed();
const since: Date | null | undefined = product?.since;
const sold: bigint | null | undefined = product?.sold;
const brandId: number | undefined = product?.brand?.id;
const names: readonly Product[] | undefined = product?.brand?.products;
const created: number | undefined = product?.createdAt;
const insert: ProductInsert = { name: 'pen', size: { width: 1, since: 0 }, tags: ['a'], since: '2026-01-01', sold: 1, picture: 'x' };
await tables.Product.create(insert);
await tables.Date.create({ key: 5 });
const key: string | number | undefined = (await tables.Date.get(1))?.key;
const log: string | null | undefined = (await databases.logs['access log'].get('1'))?.text;
const other: typeof tables = databases.data;
export { brandId, created, key, log, names, other, since, size, sold, text };
// wrong
await tables.Product.create({ size: { width: 1 } });
// wrong
await tables.Product.create({ name: 'x', size: { width: 1 }, colour: 'red' });
// wrong
await tables.Product.create({ name: 5, size: { width: 1 } });
// wrong
tables.Produkt;
// wrong
if (product) product.name = 'quill';
// wrong
const number: number | undefined = product?.name;
`;

describe('generateTypes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-types-'));
  beforeAll(async () => {
    const files = {
      'types.d.ts': generateTypes(schema),
      'node_modules/zerohop/index.d.ts': zerohop,
      'node_modules/zerohop/package.json': '{"name":"zerohop","version":"1.0.0","types":"index.d.ts"}',
      'uses.ts': uses,
      'package.json': '{"type":"module"}',
      'tsconfig.json': JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          module: 'nodenext',
          target: 'esnext',
          lib: ['esnext', 'dom'],
          types: [],
        },
        include: ['*.ts'],
      }),
    };
    for (const [name, text] of Object.entries(files)) await Bun.write(join(folder, name), text);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the declarations type-check, accept right uses and refuse wrong ones', async () => {
    const tsc = resolve(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
    const run = Bun.spawnSync(['node', tsc, '-p', folder, '--pretty', 'false'], { cwd: folder });
    const lines = uses.split('\n');
    const expected = lines.flatMap((line, index) => (line === '// wrong' ? [index + 2] : []));
    const found = [...run.stdout.toString().matchAll(/^(.*)\((\d+),\d+\): error/gm)].map(
      ([, file, line]) => `${file}:${line}`,
    );
    expect(found, run.stdout.toString()).toEqual(expected.map((line) => `uses.ts:${line}`));
  });

  test('descriptions become comments and can not end them', () => {
    expect(generateTypes(schema)).toContain('/** Things we sell. *\\/ or not */\nexport interface Product {');
    expect(generateTypes(schema)).toContain('  /** Its name. */\n  readonly name: string;');
  });
});
