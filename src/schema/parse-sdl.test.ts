import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ZerohopError } from '../base/index.ts';
import { parseSdl, parseSdlFiles } from './parse-sdl.ts';
import type { Attribute, TableDefinition } from './types.ts';

function table(text: string): TableDefinition {
  const [first] = parseSdl(text, 'schema.graphql').tables;
  if (!first) throw new Error('no table');
  return first;
}

function attribute(text: string, name: string): Attribute {
  const found = table(text).attributes.find((attribute) => attribute.name === name);
  if (!found) throw new Error(`no attribute ${name}`);
  return found;
}

function message(text: string): string {
  try {
    parseSdl(text, 's.graphql');
  } catch (error) {
    if (error instanceof ZerohopError && error.code === 'INVALID_SCHEMA') return error.message;
    throw error;
  }
  return 'accepted';
}

describe('tables', () => {
  test('a type with no fields is a table with an id', () => {
    expect(table('type MyTopic @table @export')).toEqual({
      database: 'data',
      name: 'MyTopic',
      primaryKey: 'id',
      attributes: [
        {
          name: 'id',
          type: { kind: 'scalar', scalar: 'ID' },
          required: false,
          indexed: false,
          unique: false,
          fulltext: false,
          hidden: false,
        },
      ],
      sealed: false,
      replicate: true,
      audit: true,
      exportName: 'MyTopic',
      hidden: false,
    });
  });

  const settings: [string, Partial<TableDefinition>][] = [
    ['@table(table: "my table", database: "shop")', { name: 'my table', database: 'shop' }],
    ['@table(expiration: 3600)', { expirationMs: 3_600_000, evictionMs: 0, scanIntervalMs: 900_000 }],
    ['@table(expiration: 60, eviction: 20)', { expirationMs: 60_000, evictionMs: 20_000, scanIntervalMs: 20_000 }],
    ['@table(expiration: 0.5)', { expirationMs: 500, scanIntervalMs: 1000 }],
    ['@table(expiration: 60, scanInterval: 5)', { scanIntervalMs: 5000 }],
    ['@table(replicateTo: 2)', { copies: 2 }],
    ['@table(replicate: false, audit: false)', { replicate: false, audit: false }],
    ['@table @export(name: "my-table") @sealed @hidden', { exportName: 'my-table', sealed: true, hidden: true }],
  ];
  for (const [directives, expected] of settings) {
    test(directives, () => expect(table(`type T ${directives} { id: ID }`)).toMatchObject(expected));
  }

  test('a table where only records say when they expire is swept every minute', () => {
    const definition = table('type T @table { until: Long @expiresAt }');
    expect(definition).toMatchObject({ evictionMs: 0, scanIntervalMs: 60_000 });
    expect(definition.expirationMs).toBeUndefined();
  });

  test('descriptions of types and fields', () => {
    const definition = table('"""Things we sell."""\ntype T @table { "Its name." name: String }');
    expect(definition.description).toBe('Things we sell.');
    expect(definition.attributes[1]?.description).toBe('Its name.');
  });

  test('an empty file, comments alone and declarations for editors', () => {
    expect(parseSdl('', 'a').tables).toEqual([]);
    expect(parseSdl('\uFEFF# nothing\n\n', 'a').tables).toEqual([]);
    expect(parseSdl('scalar Long\ndirective @table(table: String) on OBJECT', 'a').tables).toEqual([]);
  });

  const keys: [string, string][] = [
    ['{ name: String }', 'id'],
    ['{ id: Int name: String }', 'id'],
    ['{ sku: String @primaryKey name: String }', 'sku'],
    ['{ sku: ID! @primaryKey @indexed @unique id: String }', 'sku'],
  ];
  for (const [fields, expected] of keys) {
    test(`primary key of ${fields}`, () => {
      const definition = table(`type T @table ${fields}`);
      expect(definition.primaryKey).toBe(expected);
      expect(definition.attributes.find((a) => a.name === expected)).toMatchObject({ indexed: false, unique: false });
    });
  }
});

describe('attributes', () => {
  const cases: [string, Partial<Attribute>][] = [
    ['a: Int', { type: { kind: 'scalar', scalar: 'Int' }, required: false }],
    ['a: BigInt!', { type: { kind: 'scalar', scalar: 'BigInt' }, required: true }],
    ['a: [ID]', { type: { kind: 'list', of: { kind: 'scalar', scalar: 'ID' }, itemRequired: false } }],
    [
      'a: [String!]! @indexed',
      {
        type: { kind: 'list', of: { kind: 'scalar', scalar: 'String' }, itemRequired: true },
        required: true,
        indexed: true,
      },
    ],
    ['a: Any @indexed', { indexed: true, unique: false }],
    ['a: String @unique', { indexed: true, unique: true }],
    ['a: String @fulltext @hidden', { fulltext: true, hidden: true }],
    ['a: Long! @createdTime', { role: 'createdTime', required: true }],
    ['a: Date @updatedTime', { role: 'updatedTime' }],
    ['a: Float @expiresAt', { role: 'expiresAt' }],
    ['a: String! @computed', { computed: { version: 1 }, required: false }],
    ['b: Float a: Float @computed(from: "b * 2", version: 3)', { computed: { from: 'b * 2', version: 3 } }],
    ['class: Int a: Int @computed(from: "record.class + 1") @indexed', { indexed: true }],
    ['constructor: Int a: Int', { type: { kind: 'scalar', scalar: 'Int' } }],
  ];
  for (const [fields, expected] of cases) {
    test(fields, () => expect(attribute(`type T @table { ${fields} }`, 'a')).toMatchObject(expected));
  }

  test('a type without @table is a nested object', () => {
    const text =
      'type T @table { address: Address! } type Address @sealed { street: String! @hidden lines: [[String]] geo: Geo } type Geo { lat: Float }';
    expect(attribute(text, 'address')).toMatchObject({
      required: true,
      type: {
        kind: 'object',
        name: 'Address',
        sealed: true,
        attributes: [
          { name: 'street', required: true, hidden: true },
          { name: 'lines', type: { kind: 'list', of: { kind: 'list' } } },
          { name: 'geo', type: { kind: 'object', name: 'Geo', sealed: false } },
        ],
      },
    });
  });

  test('recursion is unrolled four times, then Any', () => {
    const text = 'type T @table { c: Comment } type Comment { text: String replies: [Comment!]! }';
    let type = attribute(text, 'c').type;
    let depth = 0;
    while (type.kind === 'object') {
      depth++;
      const replies = type.attributes[1];
      if (replies?.type.kind !== 'list') throw new Error('no list');
      type = replies.type.of;
    }
    expect(depth).toBe(4);
    expect(type).toEqual({ kind: 'scalar', scalar: 'Any' });
  });
});

describe('relationships', () => {
  const shop = `
    type Product @table { id: ID brandId: ID @indexed networkIds: [ID] @indexed code: String
      brand: Brand @relationship(from: brandId)
      brand2: Brand! @relationship(from: "brandId")
      networks: [Network!]! @relationship(from: networkIds)
      parents: [Product] @relationship(to: networkIds)
      same: [Brand] @relationship(from: code, to: code)
      detail: Detail @relationship(from: id)
    }
    type Network @table { id: ID products: [Product] @relationship(to: "networkIds") }`;
  const brands = `
    type Brand @table(table: "brands") { id: ID code: String products: [Product] @relationship(to: brandId) }
    type Detail @table { id: ID }`;

  test('across files, by table name', () => {
    const { tables } = parseSdlFiles([
      { name: 'shop.graphql', text: shop },
      { name: 'brands.graphql', text: brands },
    ]);
    const of = (tableName: string, name: string) =>
      tables.find((t) => t.name === tableName)?.attributes.find((a) => a.name === name);
    expect(of('Product', 'brand')).toMatchObject({
      type: { kind: 'relation', table: 'brands', many: false },
      relationship: { from: 'brandId' },
      required: false,
    });
    expect(of('Product', 'brand2')?.relationship).toEqual({ from: 'brandId' });
    expect(of('Product', 'networks')?.type).toEqual({ kind: 'relation', table: 'Network', many: true });
    expect(of('Product', 'same')?.relationship).toEqual({ from: 'code', to: 'code' });
    expect(of('brands', 'products')?.relationship).toEqual({ to: 'brandId' });
  });
});

describe('mistakes', () => {
  const cases: [string, string][] = [
    ['type T @table {', 's.graphql:1:16: Syntax Error'],
    [`type T @table { a: ${'['.repeat(60_000)}`, 's.graphql:1:1: '],
    [
      'type T @tabel { id: ID }',
      's.graphql:1:8: Unknown directive @tabel. Did you mean @table? Allowed here: @table, @export',
    ],
    ['type T @table(size: 3) { id: ID }', 's.graphql:1:15: @table has no argument "size". Allowed: table, database'],
    ['type T @sealed(a: 1) { id: ID }', '@sealed has no argument "a". It takes none.'],
    ['type T @table @table { id: ID }', '1:15: @table is given twice'],
    ['type T @table(audit: "yes") { id: ID }', 'takes true or false'],
    ['type T @table(expiration: "60") { id: ID }', 'takes a number'],
    ['type T @table(expiration: 0) { id: ID }', '"expiration" is a time in seconds, more than 0'],
    ['type T @table(eviction: -1) { id: ID }', '"eviction" is a time in seconds, at least 0'],
    ['type T @table(replicateTo: 0) { id: ID }', '1:15: "replicateTo" is how many nodes hold each record'],
    ['type T @table(replicateTo: 1.5) { id: ID }', 'a whole number from 1 to 64'],
    ['type T @table(replicateTo: 2, replicate: false) { id: ID }', 'leave out "replicateTo"'],
    ['type T @table(replicateTo: 2) { a: String @unique }', '"replicateTo" and "a"'],
    ['type T @table(replicateTo: 2) { a: Blob }', '"replicateTo" and "a"'],
    ['type T @table { x: ID b: B @relationship(from: x) } type B @table(replicateTo: 2)', '"B" has "replicateTo"'],
    ['type T @table(table: 5) { id: ID }', 'takes a string in quotes'],
    ['type T @table(table: "a/b") { id: ID }', 'table name "a/b" is not possible'],
    ['type T @table(database: "../x") { id: ID }', 'database name "../x" is not possible'],
    ['type T @table(database: "system") { id: ID }', '"system" belongs to the runtime'],
    ['type T @export { id: ID }', '@export needs @table'],
    ['type T @table @export(name: "a/b") { id: ID }', 'can not be an export name'],
    ['type A @table @export(name: "x")\ntype B @table @export(name: "x")', '2:6: Two tables are exported as "x"'],
    ['type A @table\ntype A @table', '2:6: The type "A" is defined twice'],
    ['type A @table\ntype B @table(table: "A")', 'The table "A" of database "data" is defined twice'],
    ['type Int @table', '"Int" is a built-in type'],
    ['enum E { A }', 'Only object types'],
    ['{ query }', 'Only object types'],
    ['scalar Money', 'no scalar type "Money"'],
    ['interface I { a: Int } ', 'Only object types'],
    ['type T implements I @table { a: Int }', 'can not implement'],
    ['type T @table {\n  id: ID\n  a: Strin\n}', 's.graphql:3:6: Unknown type "Strin"'],
    ['type T @table { a: string }', 'Did you mean String?'],
    ['type T @table { a: Int a: Int }', 'defined twice'],
    ['type T @table { __proto__: Int }', 'can not be called'],
    ['type T @table { a(x: Int): Int }', 'can not have arguments'],
    ['type T @table { a: Int @enumerable }', 'Unknown directive @enumerable'],
    ['type T @table { a: Int @sealed }', '@sealed belongs on a type'],
    ['type T @indexed { a: Int }', '@indexed belongs on a field'],
    ['type T @table { a: ID @primaryKey b: ID @primaryKey }', '"a" is the primary key already'],
    ['type T @table { a: Float @primaryKey }', 'The primary key "a" is of type'],
    ['type T @table { id: [ID] }', 'The primary key "id" is of type'],
    ['type T @table { id: ID @computed }', 'can not have @computed'],
    ['type T @table { a: [Float] @indexed(type: "HNSW") }', 'not supported yet'],
    ['type T @table { a: [Float] @embed(source: "b") }', '@embed is not supported yet'],
    ['type T @table { a: Bytes @indexed }', '@indexed is possible on scalars'],
    ['type T @table { a: O @indexed } type O { b: Int }', '@indexed is possible on scalars'],
    ['type T @table { a: [String] @unique }', '@unique is possible on scalars only'],
    ['type T @table { a: Int @fulltext }', '@fulltext is possible on fields of type String only'],
    ['type T @table { a: Long @createdTime b: Long @createdTime }', 'Two fields of one table have @createdTime'],
    ['type T @table { a: Long @createdTime @updatedTime }', 'can not be on one field'],
    ['type T @table { a: Int @expiresAt }', 'its field is of type Long, Float, Date or Any'],
    ['type T @table { a: Int @computed(from: "1 +") }', 'is not JavaScript'],
    ['type T @table { a: Int @computed(from: "1); (2") }', 'is not JavaScript'],
    ['type T @table { a: Int @computed(version: 1.5) }', '"version" is a whole number'],
    ['type T @table { a: Int @computed @unique }', '@unique and @computed can not be'],
    ['type T @table { a: O } type O { b: Int @indexed }', '@indexed belongs on a field of a @table type'],
    ['type T @table { a: O } type O { b: Blob }', 'A Blob is only possible'],
    ['type T @table { a: O } type O { o: O! }', 'A required "O" inside "O" has no end'],
    ['type T @table { b: B } type B @table', '"B" is a table: say how'],
    ['type T @table { b: B @relationship } type B @table', 'takes (from: attribute), (to: attribute) or both'],
    ['type T @table { b: B @relationship(from: x) } type B @table', '1:22: The table "T" has no attribute "x"'],
    ['type T @table { b: B @relationship(from: x) }', 'leads to a table; "B" is none'],
    ['type T @table { b: O @relationship(from: x) } type O { a: Int }', 'leads to a table; "O" is none'],
    ['type T @table { x: [ID] b: B @relationship(from: x) } type B @table', 'is [B], because "x" is a list'],
    ['type T @table { x: ID b: [B] @relationship(from: x) } type B @table', 'is B, because "x" is a single value'],
    ['type T @table { b: B @relationship(to: x) } type B @table { x: ID }', 'its type is [B]'],
    ['type T @table { b: [B] @relationship(to: y) } type B @table { x: ID }', 'The table "B" has no attribute "y"'],
    ['type T @table { x: Int b: B @relationship(from: x) } type B @table', '(Int) can never equal "B.id" (ID)'],
    ['type T @table { x: ID b: B @relationship(from: x) @indexed } type B @table', 'a relationship is not stored'],
    ['type T @table { x: ID b: B @relationship(from: x) } type B @table(database: "d")', 'is in another database'],
    ['type T @table { x: ID b: [[B]] @relationship(from: x) } type B @table', 'not a list of lists'],
    ['type T @table { b: B @relationship(from: b) } type B @table', '"T.b" can not link tables'],
  ];
  for (const [text, expected] of cases) {
    test(text.slice(0, 100), () => {
      expect(message(text)).toContain(expected);
      expect(message(text)).toMatch(/^s\.graphql:\d+:\d+: /);
    });
  }

  test('many types that contain each other are refused, not unrolled for ever', () => {
    const names = Array.from({ length: 12 }, (_, n) => `N${n}`);
    const types = names.map((name) => `type ${name} { ${names.map((other) => `f${other}: ${other}`).join(' ')} }`);
    expect(message(`type T @table { a: N0 } ${types.join('\n')}`)).toContain('more than 10000 fields');
  });

  test('any text is a schema or an INVALID_SCHEMA error', () => {
    const words =
      'type T A @table @export @indexed @relationship ( ) { } [ ] ! : , "x" from to id ID Int Blob 1 -1 true @computed # """';
    const soup = fc
      .array(fc.constantFrom(...words.split(' '), '\n'), { maxLength: 60 })
      .map((parts) => parts.join(' '));
    fc.assert(
      fc.property(fc.oneof(soup, fc.string()), (text) => {
        message(text);
      }),
    );
  });
});
