// Random records and random queries: the SQL finds what the oracle finds, in the same order, page by page.

import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Json, ZerohopError } from '../base/index.ts';
import { parseQueryString } from './parse-query-string.ts';
import { plan } from './plan.ts';
import { runPlan } from './run-plan.ts';
import { lookup, nowMs, openTestDatabase, product, type Rows, type TestRow } from './testing/database.ts';
import { Oracle } from './testing/oracle.ts';
import type { Comparator, Condition, ConditionGroup, Query, SortKey } from './types.ts';

const texts = [
  '',
  'a',
  'A',
  'ab',
  'abc',
  'b',
  'b%',
  '_',
  'ü',
  '\ud7ff',
  '\ue000',
  '😀',
  '😀a',
  '\u{10ffff}',
  "it's",
  'x"y',
  'a\0b',
];
const text = fc.constantFrom(...texts);
const small = fc.integer({ min: -3, max: 3 });
const float = fc.constantFrom(-1.5, -1, 0, 0.1, 0.30000000000000004, 1, 1e21, 123456.789, 5e-324);
const date = fc.constantFrom('2024-01-05T20:07:27.955Z', '2024-01-05T00:00:00.000Z', '1999-12-31T23:59:59.999Z');
const big = fc.constantFrom(-(10n ** 20n), -12n, -2n, 0n, 7n, 10n, 10n ** 20n, 10n ** 20n + 1n);
const any = fc.oneof(text, small, fc.boolean(), fc.constant(null));
const word = fc.constantFrom('red', 'reddish', 'shoe', 'blue');
const productId = fc.constantFrom('p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7');
const brandId = fc.constantFrom('b1', 'b2', 'b3', 'b4');
const labelId = fc.integer({ min: 1, max: 4 });

function maybe<T>(value: fc.Arbitrary<T>) {
  return fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) });
}

const fate = {
  deleted: fc.constantFrom(false, false, false, false, true),
  expires: fc.constantFrom(undefined, undefined, nowMs, nowMs + 1),
};

function rowsOf(
  id: fc.Arbitrary<string | number>,
  members: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<TestRow[]> {
  const row = fc.record({ body: fc.record({ id, ...members }, { requiredKeys: ['id'] }), ...fate }).map((made) => {
    const body = made.body as TestRow['body'];
    const bigint = (body as Record<string, unknown>).big;
    // The oracle compares the bigint; the stored text has its digits.
    const written = JSON.stringify(body, (_, value: unknown) => (typeof value === 'bigint' ? 'BIG' : value));
    const { expires, deleted } = made;
    return { body, deleted, text: written.replace('"BIG"', String(bigint)), ...(expires !== undefined && { expires }) };
  });
  return fc.uniqueArray(row, { selector: (made) => made.body.id, maxLength: 7 });
}

const database: fc.Arbitrary<Rows> = fc.record({
  Product: rowsOf(productId, {
    name: maybe(text),
    title: fc.array(word, { maxLength: 3 }).map((all) => all.join(' ')),
    price: maybe(float),
    rating: maybe(small),
    stock: small,
    active: maybe(fc.boolean()),
    made: maybe(date),
    big: maybe(big),
    extra: any,
    tags: maybe(fc.array(text, { maxLength: 3 })),
    sizes: maybe(fc.array(small, { maxLength: 3 })),
    address: maybe(fc.record({ city: maybe(text), zip: small }, { requiredKeys: [] })),
    items: maybe(fc.array(fc.record({ sku: maybe(text), n: small }, { requiredKeys: ['n'] }), { maxLength: 2 })),
    brandId: maybe(brandId),
    labelIds: maybe(fc.array(labelId, { maxLength: 3 })),
    peerIds: maybe(fc.array(productId, { maxLength: 3 })),
  }),
  Brand: rowsOf(brandId, { name: maybe(text), country: maybe(text), parentId: maybe(brandId) }),
  Label: rowsOf(labelId, { name: maybe(text) }),
  Review: rowsOf(fc.integer({ min: 1, max: 9 }), {
    productId: maybe(productId),
    stars: maybe(small),
    code: maybe(text),
  }),
});

const textual: readonly Comparator[] = ['starts_with', 'contains', 'ends_with'];
const ordered: readonly Comparator[] = ['greater_than', 'greater_than_equal', 'less_than', 'less_than_equal'];

/** Paths with values worth comparing. */
const paths: readonly (readonly [path: string, values: fc.Arbitrary<Json | bigint>, isText: boolean])[] = [
  ['id', productId, true],
  ['name', text, true],
  ['price', float, false],
  ['rating', small, false],
  ['stock', small, false],
  ['active', fc.boolean(), false],
  ['made', date, true],
  ['big', big, false],
  ['extra', fc.oneof(text, small, fc.boolean()), false],
  ['tags', text, true],
  ['sizes', small, false],
  ['address.city', text, true],
  ['address.zip', small, false],
  ['items.sku', text, true],
  ['items.n', small, false],
  ['upper', text, true],
  ['brand.name', text, true],
  ['brand.country', text, true],
  ['brand.id', brandId, true],
  ['brand.parent.name', text, true],
  ['brand.products.price', float, false],
  ['labels.name', text, true],
  ['labels.products.stock', small, false],
  ['reviews.stars', small, false],
  ['peers.name', text, true],
  ['peers.tags', text, true],
  ['peerOf.stock', small, false],
  ['peerOf.peers.brand.name', text, true],
  ['codeReviews.stars', small, false],
  ['reviews.product.brand.country', text, true],
];

const condition: fc.Arbitrary<Condition> = fc.constantFrom(...paths).chain(([path, value, isText]) => {
  const attribute = path.split('.');
  const plain = (item: Json | bigint): Json => (typeof item === 'bigint' ? String(item) : item);
  const made = (comparator: Comparator, of: fc.Arbitrary<Json | bigint>) =>
    of.map((item) => ({ attribute, comparator, value: item }));
  const options = [
    fc.constantFrom<Comparator>('equals', 'not_equal').chain((comparator) => made(comparator, maybe(value))),
    fc.constantFrom(...ordered).chain((comparator) => made(comparator, value)),
    made(
      'between',
      fc.tuple(value, value).map(([low, high]) => [plain(low), plain(high)]),
    ),
    made(
      'in',
      fc
        .array(maybe(value), { minLength: 1, maxLength: 3 })
        .map((all) => all.map((item) => (item === null ? null : plain(item)))),
    ),
  ];
  if (isText) options.push(fc.constantFrom(...textual).chain((comparator) => made(comparator, text)));
  return fc.oneof(...options);
});

const fulltext: fc.Arbitrary<Condition> = fc
  .constantFrom('red', 'red shoe', 'red*', 'blue sh*')
  .map((value) => ({ attribute: ['title'], comparator: 'ft', value }));

const group: fc.Arbitrary<ConditionGroup> = fc.letrec<{ group: ConditionGroup; node: Condition | ConditionGroup }>(
  (tie) => ({
    node: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      { weight: 6, arbitrary: condition },
      { weight: 1, arbitrary: fulltext },
      { weight: 2, arbitrary: tie('group') },
    ),
    group: fc.record({
      operator: fc.constantFrom('and', 'or'),
      conditions: fc.array(tie('node'), { minLength: 1, maxLength: 3 }),
    }),
  }),
).group;

const sortKey: fc.Arbitrary<SortKey> = fc.record({
  attribute: fc
    .constantFrom(
      'id',
      'name',
      'price',
      'rating',
      'stock',
      'active',
      'extra',
      'made',
      'address.zip',
      'brand.name',
      'brand.parent.country',
    )
    .map((path) => path.split('.')),
  descending: fc.boolean(),
});

const db = openTestDatabase();
/** Tells the oracle's `in` and `between` on `big` the numbers that their digits mean. */
function forOracle(query: Query): Query {
  const node = (item: Condition | ConditionGroup): Condition | ConditionGroup => {
    if (!('comparator' in item)) return { ...item, conditions: item.conditions.map(node) };
    if (item.attribute[0] !== 'big' || !Array.isArray(item.value)) return item;
    const value = item.value.map((digits) => (digits === null ? null : BigInt(String(digits))));
    return { ...item, value: value as unknown as Json };
  };
  const conditions = query.conditions && node(query.conditions);
  return conditions && 'operator' in conditions ? { ...query, conditions } : query;
}

function idsOf(
  query: Query,
  scanRows: number,
): { ids: (string | number)[]; next: string | null; total: number | undefined } {
  const layout = db.layout('Product');
  const result = runPlan(
    plan({ ...query, allowFullScan: true }, layout, db.catalog, { nowMs, scanRows }),
    db.connection,
  );
  const ids = [...result.rows].map((row) => row.id);
  return { ids, next: result.nextCursor(), total: result.total };
}

test('SQL finds what the oracle finds', () => {
  fc.assert(
    fc.property(
      database,
      fc.array(group, { minLength: 4, maxLength: 4 }),
      fc.constantFrom(0, 1000),
      (rows, groups, scanRows) => {
        db.fill(rows);
        const oracle = new Oracle(rows);
        for (const conditions of groups) {
          const expected = oracle.search(product, forOracle({ conditions })).map((record) => record.id);
          const found = idsOf({ conditions, total: true }, scanRows);
          expect(found.ids.sort()).toEqual(expected.sort() as string[]);
          expect(found.total).toBe(expected.length);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('selected relationships are what the oracle finds by their keys', () => {
  const selection = ['brand', 'labels', 'reviews', 'codeReviews', 'peers', 'peerOf'];
  fc.assert(
    fc.property(database, (rows) => {
      db.fill(rows);
      const oracle = new Oracle(rows);
      const query = parseQueryString(`select(id,${selection.join('{id},')}{id})`, product, lookup);
      const made = plan(query, db.layout('Product'), db.catalog, { nowMs, scanRows: 1000 });
      const found = [...runPlan(made, db.connection).rows].map((row) => JSON.parse(row.json));
      const expected = oracle.search(product, {}).map((record) => ({
        id: record.id,
        ...Object.fromEntries(selection.flatMap((name) => oracle.selected(product, record, name))),
      }));
      expect(found).toEqual(expected);
    }),
    { numRuns: 150 },
  );
});

test('any text is a query that runs, or a refusal', () => {
  db.fill({ Product: [{ body: { id: 'p1', name: 'a', extra: { a: 1 }, title: 'red' } }] });
  const piece = fc.constantFrom(
    ...['name', 'title', 'price', 'brand.name', 'extra', 'tags', 'id', 'reviews.stars', '.a', '.', '%22', "'", '%00'],
    ...[
      '=',
      '==',
      '!=',
      '=gt=',
      '=in=',
      '=ct=',
      '=ft=',
      '&',
      '|',
      '(',
      ')',
      '[',
      ']',
      '%5B',
      '%5D',
      '*',
      ',',
      '1',
      'null',
      'a',
    ],
    ...[
      'limit(1)',
      'limit(',
      'select(',
      'select(name,brand{id})',
      'sort(-',
      'sort(name,-price)',
      'sort(-$score)',
      'cursor()',
      'total()',
    ],
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('')),
      (text) => {
        try {
          const made = plan(parseQueryString(text, product, lookup), db.layout('Product'), db.catalog, {
            nowMs,
            scanRows: 1000,
          });
          expect([...runPlan(made, db.connection).rows].length).toBeLessThanOrEqual(1);
        } catch (error) {
          if (!(error instanceof ZerohopError)) throw error;
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('pages follow each other without gap or overlap', () => {
  fc.assert(
    fc.property(
      database,
      fc.option(group, { nil: undefined }),
      fc.array(sortKey, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 4 }),
      (rows, conditions, sort, limit) => {
        db.fill(rows);
        const query: Query = { sort, ...(conditions && { conditions }) };
        const expected = new Oracle(rows).search(product, forOracle(query)).map((record) => record.id);
        const paged: unknown[] = [];
        for (let cursor: string | null = ''; cursor !== null; ) {
          const page = idsOf({ ...query, cursor, limit }, 1000);
          paged.push(...page.ids);
          cursor = page.next;
          expect(paged.length).toBeLessThanOrEqual(expected.length);
        }
        expect(paged).toEqual(expected);
        expect(idsOf({ ...query, offset: 1, limit }, 1000).ids).toEqual(expected.slice(1, 1 + limit) as string[]);
      },
    ),
    { numRuns: 150 },
  );
});
