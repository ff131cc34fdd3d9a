import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { elements, pickMembers } from './json-slices.ts';
import type { SqlReader } from './layout.ts';
import { parseQueryString } from './parse-query-string.ts';
import { plan } from './plan.ts';
import { queryFromObject } from './query-from-object.ts';
import { runPlan } from './run-plan.ts';
import { brand, lookup, nowMs, openTestDatabase, product, type Rows } from './testing/database.ts';
import type { Query } from './types.ts';

const rows: Rows = {
  Product: [
    {
      body: { id: 'p1', name: 'a', brandId: 'b1', labelIds: [3, 1, 9, 3], address: { city: 'x', zip: 1, more: true } },
      text: '{"id":"p1","name":"a","big":123456789012345678901234567890,"price":1.0,"brandId":"b1","labelIds":[3,1,9,3],"address":{"city":"x","zip":1,"more":true},"items":[{"sku":"s","n":9007199254740993},null]}',
    },
    { body: { id: 'p2', name: 'b', brandId: 'gone', labelIds: [], extra: { a: { b: 1 } } } },
    { body: { id: 'p3', name: null, brandId: null, address: null } },
    { body: { id: 'p4' }, deleted: true },
  ],
  Brand: [
    { body: { id: 'b1', name: 'B', parentId: 'b2' } },
    { body: { id: 'b2', name: 'C' }, text: '{ "id": "b2" , "name" : "C" }' },
    { body: { id: 'b3', name: 'D' }, expires: nowMs },
  ],
  Label: [{ body: { id: 1, name: 'one' } }, { body: { id: 2 } }, { body: { id: 3, name: 'three' } }],
  Review: [
    { body: { id: 7, productId: 'p1', stars: 5, code: 'a' } },
    { body: { id: 5, productId: 'p1', stars: 1, code: 'b' } },
    { body: { id: 6, productId: 'p2', stars: 1 }, deleted: true },
  ],
};

const db = openTestDatabase();
db.fill(rows);

function textsOf(query: Query, reader: SqlReader = db.connection, table = 'Product'): string[] {
  const made = plan(query, db.layout(table), db.catalog, { nowMs, scanRows: 100 });
  const compute = (definition: { name: string }, name: string, record: { body: string }) =>
    definition.name === 'Product' && name === 'live' ? `live ${JSON.parse(record.body).id}` : undefined;
  return [...runPlan(made, reader, { compute }).rows].map((row) => row.json);
}

const selections: readonly (readonly [string, string[]])[] = [
  ['select(name)', ['"a"', '"b"', 'null']],
  ['select(name,)', ['{"name":"a"}', '{"name":"b"}', '{"name":null}']],
  ['select([id,name,price])', ['["p1","a",1.0]', '["p2","b",null]', '["p3",null,null]']],
  ['select(id,big)', ['{"id":"p1","big":123456789012345678901234567890}', '{"id":"p2"}', '{"id":"p3"}']],
  ['select($id,$updatedtime)', [0, 1, 2].map((i) => `{"$id":"p${i + 1}","$updatedtime":${nowMs + i}}`)],
  ['select(address{city,zip},)', ['{"address":{"city":"x","zip":1}}', '{}', '{"address":null}']],
  ['select(items{n},)', ['{"items":[{"n":9007199254740993},null]}', '{}', '{}']],
  ['select(extra{a{b}},)', ['{}', '{"extra":{"a":{"b":1}}}', '{}']],
  // §27 check 8
  [
    'select(upper,live)',
    ['{"upper":"A","live":"live p1"}', '{"upper":"B","live":"live p2"}', '{"upper":null,"live":"live p3"}'],
  ],
  // §27 check 9: without a match the property is omitted.
  ['select(name,brand{name})', ['{"name":"a","brand":{"name":"B"}}', '{"name":"b"}', '{"name":null}']],
  ['select(brand{name,parent},)', ['{"brand":{"name":"B","parent":{ "id": "b2" , "name" : "C" }}}', '{}', '{}']],
  // §27 check 10: in the order of the ids.
  ['select(labels{name},)', ['{"labels":[{"name":"three"},{"name":"one"},{"name":"three"}]}', '{"labels":[]}', '{}']],
  ['select(reviews{id},)', ['{"reviews":[{"id":5},{"id":7}]}', '{"reviews":[]}', '{"reviews":[]}']],
  ['select(codeReviews{id},)', ['{"codeReviews":[{"id":7}]}', '{"codeReviews":[{"id":5}]}', '{"codeReviews":[]}']],
  [
    'select(reviews{product{brand{products{id}}}},)',
    [
      '{"reviews":[{"product":{"brand":{"products":[{"id":"p1"}]}}},{"product":{"brand":{"products":[{"id":"p1"}]}}}]}',
      '{"reviews":[]}',
      '{"reviews":[]}',
    ],
  ],
];

test.each(selections)('%s', (text, expected) => {
  expect(
    textsOf({ ...parseQueryString(text, product, lookup), sort: [{ attribute: ['id'], descending: false }] }),
  ).toEqual(expected);
});

test('nothing selected: the stored text, untouched', () => {
  expect(textsOf({}, db.connection, 'Brand')[1]).toBe('{ "id": "b2" , "name" : "C" }');
});

test('bare values of a related record', () => {
  const query = queryFromObject({ select: ['id', { name: 'brand', select: 'name' }], limit: 1 }, product, lookup);
  expect(textsOf(query)).toEqual(['{"id":"p1","brand":"B"}']);
});

test('the other side of a list of ids', () => {
  const label = lookup('Label');
  if (!label) throw new Error('no Label');
  expect(textsOf(parseQueryString('select(id,products{id})', label, lookup), db.connection, 'Label')).toEqual([
    '{"id":1,"products":[{"id":"p1"}]}',
    '{"id":2,"products":[]}',
    '{"id":3,"products":[{"id":"p1"}]}',
  ]);
});

test('one statement per relationship, however many rows', () => {
  const counted: string[] = [];
  const reader: SqlReader = {
    all: (sql, parameters) => {
      counted.push(sql);
      return db.connection.all(sql, parameters);
    },
    iterate: (sql, parameters) => db.connection.iterate(sql, parameters),
  };
  textsOf(
    parseQueryString('select(brand{parent{name}},labels,reviews{product{name}})&limit(3)', product, lookup),
    reader,
  );
  expect(counted).toHaveLength(6);
});

test('a relationship without an index on the far side is refused on a large table', () => {
  const small = { nowMs, scanRows: 1 };
  expect(() =>
    plan(parseQueryString('select(codeReviews)', product, lookup), db.layout('Product'), db.catalog, small),
  ).toThrow('Mark Review.code @indexed');
  expect(() =>
    plan(parseQueryString('select(name,products)', brand, lookup), db.layout('Brand'), db.catalog, small),
  ).not.toThrow();
});

describe('slices of JSON', () => {
  const spaced = fc
    .tuple(fc.json(), fc.constantFrom(0, 1, '\t', '\n '))
    .map(([json, space]) => [JSON.parse(json), space] as const);

  test('members are what JSON.parse finds', () => {
    const object = fc.dictionary(fc.oneof(fc.constantFrom('a', '"', '\\', 'é'), fc.string()), fc.jsonValue(), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(object, fc.constantFrom(0, 2), (value, space) => {
        const names = [...Object.keys(value).reverse(), 'surely absent'];
        const wanted = new Map(names.map((name, i) => [name, i] as const));
        const found = pickMembers(JSON.stringify(value, null, space), wanted);
        expect(found.map((text) => text && JSON.parse(text))).toEqual(
          names.map((name) => (name === 'surely absent' ? undefined : JSON.parse(JSON.stringify(value[name])))),
        );
      }),
    );
  });

  test('elements are what JSON.parse finds', () => {
    fc.assert(
      fc.property(fc.array(spaced.map(([value]) => value)), fc.constantFrom(0, 2), (value, space) => {
        expect(elements(JSON.stringify(value, null, space)).map((text) => JSON.parse(text))).toEqual(value);
      }),
    );
  });
});
