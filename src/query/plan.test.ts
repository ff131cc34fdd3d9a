// What random queries don't reach: the scan rule, the use of indexes, cursors of others, full text, overlays, explain.

import { describe, expect, test } from 'bun:test';
import { ZerohopError } from '../base/index.ts';
import { namesOf } from '../storage/index.ts';
import { encodeCursor } from './cursor.ts';
import { matchExpression } from './fulltext-sql.ts';
import type { TableLayout } from './layout.ts';
import { parseQueryString } from './parse-query-string.ts';
import { plan } from './plan.ts';
import { explainPlan, runPlan } from './run-plan.ts';
import { lookup, nowMs, openTestDatabase, product, tables } from './testing/database.ts';

const db = openTestDatabase();
db.fill({
  Product: [
    { body: { id: 'p1', title: 'The red shoe', name: 'a', stock: 1 } },
    { body: { id: 'p2', title: 'red red red', name: 'b', stock: 2 } },
    { body: { id: 'p3', title: 'Blue SHOES, reddish', name: 'a', stock: 3 } },
    { body: { id: 'p4', title: 'red', name: 'c' }, deleted: true },
    { body: { id: 'p5', title: 'red', name: 'c' }, expires: nowMs },
  ],
});

/** Layouts that say all tables are large. */
function large(name: string): TableLayout | undefined {
  const definition = tables.find((candidate) => candidate.name === name);
  return definition && { definition, names: namesOf(definition, name), rowCount: 1_000_000, mayExpire: true };
}

/** Product is large, the others are small. */
function largeProduct(name: string): TableLayout | undefined {
  const layout = large(name);
  return layout && { ...layout, rowCount: name === 'Product' ? 1_000_000 : 10 };
}

function planned(text: string, catalog = large) {
  const layout = catalog('Product');
  if (!layout) throw new Error('no Product');
  return plan(parseQueryString(text, product, lookup), layout, catalog, { nowMs, scanRows: 10_000 });
}

function ids(text: string): (string | number)[] {
  const made = plan(parseQueryString(text, product, lookup), db.layout('Product'), db.catalog, {
    nowMs,
    scanRows: 10_000,
  });
  return [...runPlan(made, db.connection).rows].map((row) => row.id);
}

describe('on a large table', () => {
  const refused: readonly (readonly [string, string, string?])[] = [
    ['rating=5', 'Product.rating'],
    ['name=ct=a', 'Product.name', 'No index serves'],
    ['name!=a', 'Product.name', 'No index serves'],
    ['sizes=5', 'Product.sizes'],
    ['address.city=x', 'Product.address', 'No index reaches into'],
    ['tags=null', 'Product.tags', 'No index serves'],
    ['name=a|rating=5', 'Product.rating'],
    ['name=a|[rating=5&address.zip=1]', 'Product.rating'],
    ['sort(rating)', 'Product.rating'],
    ['sort(rating)&limit(5)', 'Product.rating'],
    ['rating=5&sort(name)', 'Product.rating'],
    ['rating=5&limit(5)', 'Product.rating'],
    ['brand.country=x', 'Brand.country'],
    ['labels.name=x', 'Label.name'],
    ['codeReviews.code=x', 'Review.code'],
  ];

  test.each(refused)('%s needs %s', (text, attribute, remedy = 'Mark') => {
    let error: unknown;
    try {
      planned(text);
    } catch (thrown) {
      error = thrown;
    }
    if (!(error instanceof ZerohopError)) throw new Error(`not refused: ${error}`);
    expect([error.code, error.fields.attribute]).toEqual(['UNINDEXED_QUERY', attribute]);
    expect(error.message).toMatch(new RegExp(`${remedy} .*${attribute}`));
  });

  test.each(refused)('%s is allowed with allowFullScan', (text) => {
    const query = { ...parseQueryString(text, product, lookup), allowFullScan: true };
    expect(plan(query, db.layout('Product'), db.catalog, { nowMs, scanRows: 0 }).statements).toHaveLength(1);
  });

  const searched: readonly (readonly [string, string])[] = [
    ['id=p1', 'SEARCH t0 USING INDEX sqlite_autoindex_Product_1 (_id=?)'],
    ['id=in=p1,p2', 'SEARCH t0 USING INDEX sqlite_autoindex_Product_1 (_id=?)'],
    ['id=sw=p', 'SEARCH t0 USING INDEX sqlite_autoindex_Product_1 (_id>? AND _id<?)'],
    ['name=a&rating=5', 'SEARCH t0 USING INDEX Product#name (name=?)'],
    ['name=null', 'SEARCH t0 USING INDEX Product#name (name=?)'],
    ['name!=null', 'SEARCH t0 USING INDEX Product#name (name>?)'],
    ['name=sw=a&limit(5)', 'SEARCH t0 USING INDEX Product#name (name>? AND name<?)'],
    ['price=gt=1&lt=2', 'SEARCH t0 USING INDEX Product#price (price>? AND price<?)'],
    ['big=gt=5&limit(5)', 'SEARCH t0 USING INDEX Product#big (big>?)'],
    ['extra==5', 'SEARCH t0 USING INDEX Product#extra (extra=?)'],
    ['upper=A', 'SEARCH t0 USING INDEX Product#upper (upper=?)'],
    ['tags=a', 'SEARCH Product$tags USING COVERING INDEX Product$tags#value, row (value=?)'],
    ['title=ft=red', 'SCAN Product$fulltext VIRTUAL TABLE INDEX 0:M1'],
    ['name=a|price=1', 'SEARCH t0 USING INDEX Product#price (price=?)'],
    ['brand.name=x', 'SEARCH t0 USING INDEX Product#brandId (brandId=?)'],
    ['brand.name=x', 'SEARCH t1 USING INDEX Brand#name (name=?)'],
    ['brand.id=x', 'SEARCH t0 USING INDEX Product#brandId (brandId=?)'],
    ['reviews.stars=5', 'SEARCH t0 USING INDEX sqlite_autoindex_Product_1 (_id=?)'],
    ['reviews.stars=5', 'SEARCH t1 USING INDEX Review#stars (stars=?)'],
    // With rows found already, related records are looked up by their key.
    ['name=a&reviews.stars=5', 'SEARCH t1 EXISTS USING INDEX Review#productId (productId=?)'],
    ['name=a&brand.name=x', 'SEARCH t1 EXISTS USING INDEX sqlite_autoindex_Brand_1 (_id=?)'],
    ['sort(-price)&limit(5)', 'SCAN t0 USING INDEX Product#price'],
    ['rating=5&sort(price)&limit(5)', 'SCAN t0 USING INDEX Product#price'],
    ['sort(price)', 'SCAN t0 USING INDEX Product#price'],
    ['limit(5)', 'SCAN t0 USING INDEX sqlite_autoindex_Product_1'],
  ];

  test.each(searched)('%s: %s', (text, step) => {
    const steps = explainPlan(planned(text), db.connection).statements;
    expect(JSON.stringify(steps)).toContain(step);
    if (!text.startsWith('sort') && !text.includes('sort(') && text !== 'limit(5)') {
      expect(JSON.stringify(steps)).not.toContain('SCAN t0');
    }
  });

  const unsorted = [
    'name=a&limit(5)',
    'price=gt=1&limit(5)',
    'name=sw=a&limit(2,5)',
    'upper=sw=A%7C&limit(5)',
    'sort(-price)',
    'limit(5)',
    'price=gt=1&sort(-price)&cursor()&limit(5)',
  ];

  test.each(unsorted)('%s needs no sorting', (text) => {
    expect(JSON.stringify(explainPlan(planned(text), db.connection).statements)).not.toContain('TEMP B-TREE');
  });

  test('a later page is found by the index', () => {
    const cursor = encodeCursor('Product:-price,-$id', [5, 'p1']);
    const made = planned(`sort(-price)&limit(5)&cursor(${cursor})`);
    const steps = made.statements.map(({ sql, parameters }) =>
      db.connection
        .all(`EXPLAIN QUERY PLAN ${sql}`, parameters)
        .map((row) => row[3])
        .join(' '),
    );
    expect(steps).toEqual([
      'SEARCH t0 USING INDEX Product#price (price=? AND _id<?)',
      'SEARCH t0 USING INDEX Product#price (price<?)',
      'SEARCH t0 USING INDEX Product#price (price=?)',
    ]);
  });

  test('a small related table may be looked through', () => {
    expect(planned('brand.country=x', largeProduct).statements).toHaveLength(1);
    expect(planned('labels.name=x', largeProduct).statements).toHaveLength(1);
    expect(() => planned('codeReviews.code=x', largeProduct)).not.toThrow();
  });
});

describe('cursors', () => {
  const order = 'Product:+price,+$id';
  const wrong: readonly (readonly [string, string])[] = [
    ['abc', 'damaged'],
    ['a b', 'damaged'],
    [Buffer.from('[1,2]').toString('base64url'), 'damaged'],
    [encodeCursor(order, [1]), 'damaged'],
    [Buffer.from(JSON.stringify([order, [1, { a: 1 }]])).toString('base64url'), 'damaged'],
    [encodeCursor('Product:-price,-$id', [1, 'p1']), 'another'],
    [encodeCursor('Brand:+price,+$id', [1, 'p1']), 'another'],
  ];

  test.each(wrong)('%s is refused', (cursor, part) => {
    let error: unknown;
    try {
      planned(`sort(price)&cursor(${encodeURIComponent(cursor)})`);
    } catch (thrown) {
      error = thrown;
    }
    if (!(error instanceof ZerohopError)) throw new Error(`not refused: ${error}`);
    expect([error.code, error.message]).toEqual(['INVALID_CURSOR', expect.stringContaining(part)]);
  });

  test('without a limit all the rest is one page', () => {
    const layout = db.layout('Product');
    const cursor = encodeCursor('Product:+$id', ['p1']);
    const made = plan({ cursor }, layout, db.catalog, { nowMs, scanRows: 10 });
    const result = runPlan(made, db.connection);
    expect([...result.rows].map((row) => row.id)).toEqual(['p2', 'p3']);
    expect(result.nextCursor()).toBeNull();
    expect(result.newestVersion()).toBe((nowMs + 2) * 1000);
  });

  test('a page longer than a chunk ends where it should', () => {
    const other = openTestDatabase();
    other.fill({
      Product: Array.from({ length: 700 }, (_, i) => ({
        body: { id: `p${String(i).padStart(3, '0')}`, stock: i % 7 },
      })),
    });
    const seen: unknown[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query = { ...parseQueryString('sort(-stock)&limit(300)', product, lookup), cursor };
      const result = runPlan(
        plan(query, other.layout('Product'), other.catalog, { nowMs, scanRows: 10_000 }),
        other.connection,
      );
      seen.push(...[...result.rows].map((row) => row.id));
      cursor = result.nextCursor();
    }
    expect(seen).toHaveLength(700);
    expect(new Set(seen).size).toBe(700);
  });
});

describe('full text', () => {
  const found: readonly (readonly [string, string[]])[] = [
    ['title=ft=red', ['p1', 'p2']],
    ['title=ft=RED%20shoe', ['p1']],
    ['title=ft=red*', ['p1', 'p2', 'p3']],
    ['title=ft=%22red%20shoe%22', ['p1']],
    ['title=ft=%22shoe%20red%22', []],
    ['title=ft=%22red%20sho%22*', ['p1']],
    ['title=ft=red&sort(-$score)', ['p2', 'p1']],
    ['title=ft=red&sort($score)', ['p1', 'p2']],
    ['title=ft=red&title=ft=shoe&sort(-$score)&select($score)', ['p1']],
    ['title=ft=red|name=a', ['p1', 'p2', 'p3']],
  ];

  test.each(found)('%s', (text, expected) => {
    const hits = ids(text);
    expect(text.includes('sort') ? hits : hits.sort()).toEqual(expected);
  });

  test('a score is a number, higher for better', () => {
    const made = plan(
      parseQueryString('title=ft=red&sort(-$score)&select($id,$score)', product, lookup),
      db.layout('Product'),
      db.catalog,
      {
        nowMs,
        scanRows: 10,
      },
    );
    const scores = [...runPlan(made, db.connection).rows].map((row) => JSON.parse(row.json).$score);
    expect(scores).toHaveLength(2);
    expect(scores[0]).toBeGreaterThan(scores[1]);
  });

  test('pages by score', () => {
    const first = runPlan(
      plan(
        parseQueryString('title=ft=red*&sort(-$score)&limit(2)&cursor()', product, lookup),
        db.layout('Product'),
        db.catalog,
        { nowMs, scanRows: 10 },
      ),
      db.connection,
    );
    const seen = [...first.rows].map((row) => row.id);
    expect(ids(`title=ft=red*&sort(-$score)&limit(2)&cursor(${first.nextCursor()})`)).toHaveLength(1);
    expect(seen).toHaveLength(2);
  });

  const expressions: readonly (readonly [string, string])[] = [
    ['red AND (blue) OR col:x NEAR/2 ^y', '{"t"} : ("red" "AND" "(blue)" "OR" "col:x" "NEAR/2" "^y")'],
    ['"open', '{"t"} : ("open")'],
    ['a"b"c', '{"t"} : ("a" "b" "c")'],
    ['-- * "" x', '{"t"} : ("x")'],
    ['re* * d', '{"t"} : ("re" * "d")'],
  ];

  test.each(expressions)('%s is no syntax', (text, expression) => {
    expect(matchExpression(text, 't', 't')).toBe(expression);
  });

  test('as many words as a URL holds', () => {
    expect(ids(`title=ft=${Array(4000).fill('x').join('%20')}`)).toEqual([]);
  });

  test('text without words is refused', () => {
    expect(() => planned('title=ft=--')).toThrow('no word to look for');
  });
});

test('a transaction sees its own rows: views in place of the table, two full-text tables', () => {
  const own = openTestDatabase();
  own.fill({
    Product: [
      { body: { id: 'p1', title: 'red', name: 'a', stock: 1, tags: ['x'] } },
      { body: { id: 'p2', title: 'red', name: 'b', stock: 2, tags: ['x'] } },
    ],
  });
  const { connection } = own;
  const body = JSON.stringify({ id: 'p2', title: 'blue', name: 'staged', stock: 3, tags: ['y'] });
  connection.exec(`
    CREATE TEMP TABLE replaced (row INTEGER PRIMARY KEY);
    INSERT INTO replaced SELECT _row FROM main.Product WHERE _id = 'p2';
    CREATE TEMP TABLE staged AS SELECT * FROM main.Product WHERE _id = 'p2';
    UPDATE staged SET _body = '${body}', name = 'staged', stock = 3;
    CREATE TEMP VIEW overlay AS SELECT * FROM main.Product WHERE _row NOT IN (SELECT row FROM replaced) UNION ALL SELECT * FROM staged;
    CREATE TEMP TABLE stagedTags (value, row);
    INSERT INTO stagedTags SELECT 'y', row FROM replaced;
    CREATE TEMP VIEW overlayTags AS SELECT value, row FROM main."Product$tags" WHERE row NOT IN (SELECT row FROM replaced)
      UNION ALL SELECT value, row FROM stagedTags;
    CREATE VIRTUAL TABLE temp.stagedText USING fts5(title);
    INSERT INTO stagedText (rowid, title) SELECT row, 'blue' FROM replaced`);
  const base = own.layout('Product');
  const layout: TableLayout = {
    ...base,
    names: { ...base.names, table: 'overlay', lists: new Map([['tags', 'overlayTags']]) },
    fulltextSources: [
      { table: 'Product$fulltext', rowFilterSql: 'rowid NOT IN (SELECT row FROM replaced)' },
      { table: 'stagedText' },
    ],
  };
  const found = (text: string) =>
    [
      ...runPlan(
        plan(parseQueryString(text, product, lookup), layout, () => layout, { nowMs, scanRows: 10 }),
        connection,
      ).rows,
    ].map((row) => row.id);
  expect(found('name=staged')).toEqual(['p2']);
  expect(found('name=b')).toEqual([]);
  expect(found('tags=x')).toEqual(['p1']);
  expect(found('tags=y')).toEqual(['p2']);
  expect(found('title=ft=red')).toEqual(['p1']);
  expect(found('title=ft=blue&sort(-$score)')).toEqual(['p2']);
  expect(found('sort(-stock)&limit(1)')).toEqual(['p2']);
});

test('a table whose rows do not expire is asked nothing about it', () => {
  const layout = { ...db.layout('Product'), mayExpire: false };
  const made = plan({}, layout, () => layout, { nowMs, scanRows: 10 });
  expect(made.statements[0]?.sql).not.toMatch(/WHERE.*_expires/);
});

test('the same shape of query is the same SQL', () => {
  const sql = (text: string) => planned(text).statements.map((statement) => statement.sql);
  expect(sql('name=a&price=gt=1&id=in=1,2&limit(5)')).toEqual(sql('name=b&price=gt=2&id=in=3,4,5&limit(9)'));
});

test('names can not leave their quotes', () => {
  expect(ids(`${encodeURIComponent('extra.a"\'b')}=x`)).toEqual([]);
  expect(ids(`extra.${encodeURIComponent(`'"\\; DROP TABLE Product; --`)}=x`)).toEqual([]);
  expect(ids('name=a')).toEqual(['p1', 'p3']);
});

test('explain tells conditions in the order they are met, their indexes, and what SQLite does', () => {
  const text = 'rating=5&price=gt=1&name=a&sort(-stock)&limit(5)&total()';
  const explained = explainPlan(planned(text), db.connection);
  expect(explained).toMatchObject({
    table: 'Product',
    access: 'equal',
    conditions: {
      operator: 'and',
      conditions: [
        { attribute: 'name', comparator: 'equals', value: 'a', index: 'Product.name' },
        { attribute: 'price', comparator: 'greater_than', value: 1, index: 'Product.price' },
        { attribute: 'rating', comparator: 'equals', value: 5, index: null },
      ],
    },
    sort: [
      { attribute: 'stock', descending: true },
      { attribute: '$id', descending: true },
    ],
    sortIndex: null,
    limit: 5,
  });
  expect(JSON.parse(JSON.stringify(explained))).toEqual(explained as never);
});
