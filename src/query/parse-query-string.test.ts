import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { limits, ZerohopError } from '../base/index.ts';
import { parseQueryString } from './parse-query-string.ts';
import { lookup, product, scalar, table } from './testing/database.ts';
import type { Comparator, Condition, Query } from './types.ts';

const parse = (text: string, definition = product) => parseQueryString(text, definition, lookup);
const notes = table('Note', [scalar('id', 'Any')]);

function one(path: string, comparator: Comparator, value: Condition['value']): Query {
  return { conditions: { operator: 'and', conditions: [{ attribute: path.split('.'), comparator, value }] } };
}

function refusal(work: () => unknown): ZerohopError {
  try {
    work();
  } catch (error) {
    if (error instanceof ZerohopError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const singles: readonly (readonly [string, string, Comparator, Condition['value']])[] = [
  ['name=a', 'name', 'equals', 'a'],
  ['name===a', 'name', 'equals', 'a'],
  ['name==a', 'name', 'equals', 'a'],
  ['name!==a', 'name', 'not_equal', 'a'],
  ['name!=a', 'name', 'not_equal', 'a'],
  ['name=ne=a', 'name', 'not_equal', 'a'],
  ['name=', 'name', 'equals', ''],
  ['name=5', 'name', 'equals', '5'],
  ['name==5', 'name', 'equals', '5'],
  ['name=null', 'name', 'equals', null],
  ['name!=null', 'name', 'not_equal', null],
  ['name=string:null', 'name', 'equals', 'null'],
  ['name=string%3Anull', 'name', 'equals', 'string:null'],
  ['name==a*', 'name', 'starts_with', 'a'],
  ['name==a%2A', 'name', 'equals', 'a*'],
  ['name=a*', 'name', 'equals', 'a*'],
  ['name=sw=a', 'name', 'starts_with', 'a'],
  ['name=ct=a', 'name', 'contains', 'a'],
  ['name=ew=null', 'name', 'ends_with', 'null'],
  ['name=a+b', 'name', 'equals', 'a+b'],
  ['name=a%20%26b%7C%3D', 'name', 'equals', 'a &b|='],
  ['name=(x)[y]', 'name', 'equals', '(x)[y]'],
  ['name=%5Bx%5D', 'name', 'equals', '[x]'],
  ['name=in=a,b%2Cc', 'name', 'in', ['a', 'b,c']],
  ['title=ft=red%20shoe*', 'title', 'ft', 'red shoe*'],
  ['price=5', 'price', 'equals', 5],
  ['price=gt=5.5', 'price', 'greater_than', 5.5],
  ['price=ge=number:5', 'price', 'greater_than_equal', 5],
  ['price=lt=1e3', 'price', 'less_than', 1000],
  ['price=le=-1', 'price', 'less_than_equal', -1],
  ['stock=in=1,2,null', 'stock', 'in', [1, 2, null]],
  ['active=true', 'active', 'equals', true],
  ['active=boolean:false', 'active', 'equals', false],
  ['big=gt=100000000000000000000', 'big', 'greater_than', 100000000000000000000n],
  ['big=in=1,2', 'big', 'in', ['1', '2']],
  ['made=date:2024-01-05T20%3A07%3A27.955Z', 'made', 'equals', '2024-01-05T20:07:27.955Z'],
  ['made=gt=2024-01-05', 'made', 'greater_than', '2024-01-05T00:00:00.000Z'],
  ['made=0', 'made', 'equals', '1970-01-01T00:00:00.000Z'],
  ['made=sw=2024-01', 'made', 'starts_with', '2024-01'],
  ['stock=gt=date:1970-01-01T00%3A00%3A00.005Z', 'stock', 'greater_than', 5],
  // §27 check 18: only the operators that convert see numbers and booleans in an untyped attribute.
  ['extra=1', 'extra', 'equals', '1'],
  ['extra===true', 'extra', 'equals', 'true'],
  ['extra!==1', 'extra', 'not_equal', '1'],
  ['extra==1', 'extra', 'equals', 1],
  ['extra!=true', 'extra', 'not_equal', true],
  ['extra=lt=1', 'extra', 'less_than', 1],
  ['extra==007', 'extra', 'equals', '007'],
  ['extra=number:1', 'extra', 'equals', 1],
  ['extra==string:1', 'extra', 'equals', '1'],
  ['extra==http://x', 'extra', 'equals', 'http://x'],
  ['tags=fast', 'tags', 'equals', 'fast'],
  ['sizes=3', 'sizes', 'equals', 3],
  ['brand.name=Microsoft', 'brand.name', 'equals', 'Microsoft'],
  ['brand.parent.name=x', 'brand.parent.name', 'equals', 'x'],
  ['address.zip=7', 'address.zip', 'equals', 7],
  ['address=null', 'address', 'equals', null],
  ['items.n=7', 'items.n', 'equals', 7],
  ['extra.deep.er==7', 'extra.deep.er', 'equals', 7],
  ['upper=A', 'upper', 'equals', 'A'],
];

test.each(singles)('%s', (text, path, comparator, value) => {
  expect(parse(text)).toEqual(one(path, comparator, value));
});

test('a table that declares nothing but its key takes any name; its key finds assigned numbers', () => {
  expect(parse('a%2Eb.c==1', notes)).toEqual({
    conditions: { operator: 'and', conditions: [{ attribute: ['a.b', 'c'], comparator: 'equals', value: 1 }] },
  });
  expect(parse('id=1', notes)).toEqual(one('id', 'equals', 1));
  expect(parse('id=string:1', notes)).toEqual(one('id', 'equals', '1'));
  expect(refusal(() => parse('x=1', { ...notes, sealed: true })).code).toBe('UNKNOWN_ATTRIBUTE');
});

const same: readonly (readonly [string, string])[] = [
  // §27 check 17
  ['price=gt=100&lt=200', 'price=gt=100&price=lt=200'],
  ['price=le=5&ge=1', 'price=le=5&price=ge=1'],
  // §27 check 19
  ['stock=5|(price=gt=1&price=lt=2)', 'stock=5|[price=gt=1&price=lt=2]'],
  ['stock=5|%5Bprice=gt=1&price=lt=2%5D', 'stock=5|[price=gt=1&price=lt=2]'],
  ['%5bname=a|%5Bname=b&name=c%5D%5D', '[name=a|[name=b&name=c]]'],
  ['&name=a&&limit(1)&', 'name=a&limit(1)'],
  ['limit(1)&name=a|name=b', 'name=a|name=b&limit(1)'],
  ['select(name,brand%7Bname%7D)', 'select(name,brand{name})'],
  ['select(name,brand(name))', 'select(name,brand{name})'],
  ['sort%28-price%29', 'sort(-price)'],
  ['sort(+name,%2Bprice)', 'sort(name,price)'],
];

test.each(same)('%s is %s', (text, other) => {
  expect(parse(text)).toEqual(parse(other));
});

test('groups nest', () => {
  const { conditions } = parse('price=lt=100|[rating=5&[tags=fast|tags=scalable]&active=true]');
  expect(JSON.stringify(conditions, (key, value) => (key === 'attribute' ? value.join('.') : value))).toBe(
    JSON.stringify({
      operator: 'or',
      conditions: [
        { attribute: 'price', comparator: 'less_than', value: 100 },
        {
          operator: 'and',
          conditions: [
            { attribute: 'rating', comparator: 'equals', value: 5 },
            {
              operator: 'or',
              conditions: [
                { attribute: 'tags', comparator: 'equals', value: 'fast' },
                { attribute: 'tags', comparator: 'equals', value: 'scalable' },
              ],
            },
            { attribute: 'active', comparator: 'equals', value: true },
          ],
        },
      ],
    }),
  );
});

test('an attribute called as an operator is meant before a chained range', () => {
  const odd = table('Odd', [scalar('id', 'ID'), scalar('price', 'Int'), scalar('lt', 'Int')]);
  expect(parse('price=gt=1&lt=2', odd).conditions?.conditions[1]).toEqual({
    attribute: ['lt'],
    comparator: 'equals',
    value: 2,
  });
});

const functions: readonly (readonly [string, Query])[] = [
  ['', {}],
  ['limit(20)', { limit: 20 }],
  // §27 check 21
  ['limit(10,30)', { offset: 10, limit: 20 }],
  [
    'sort(-price,name,+brand.name)',
    {
      sort: [
        { attribute: ['price'], descending: true },
        { attribute: ['name'], descending: false },
        { attribute: ['brand', 'name'], descending: false },
      ],
    },
  ],
  // §27 check 20
  ['select(name)', { select: { shape: 'values', attributes: [{ name: 'name' }] } }],
  ['select(name,)', { select: { shape: 'objects', attributes: [{ name: 'name' }] } }],
  ['select([name,price])', { select: { shape: 'arrays', attributes: [{ name: 'name' }, { name: 'price' }] } }],
  [
    'select($id,brand{name,parent{name}},address{zip})',
    {
      select: {
        shape: 'objects',
        attributes: [
          { name: '$id' },
          {
            name: 'brand',
            selection: {
              shape: 'objects',
              attributes: [
                { name: 'name' },
                { name: 'parent', selection: { shape: 'objects', attributes: [{ name: 'name' }] } },
              ],
            },
          },
          { name: 'address', selection: { shape: 'objects', attributes: [{ name: 'zip' }] } },
        ],
      },
    },
  ],
  ['cursor()&total()&explain()', { cursor: '', total: true, explain: true }],
  ['cursor(abc)&limit(5)', { cursor: 'abc', limit: 5 }],
];

test.each(functions)('%s', (text, query) => {
  expect(parse(text)).toEqual(query);
});

const refusals: readonly (readonly [string, ZerohopError['code'], string])[] = [
  ['colour=red', 'UNKNOWN_ATTRIBUTE', 'Product has no attribute "colour"'],
  ['brand.colour=red', 'UNKNOWN_ATTRIBUTE', 'Brand has no attribute "colour"'],
  ['address.street=x', 'UNKNOWN_ATTRIBUTE', 'Address has no attribute "street"'],
  ['name.first=x', 'UNKNOWN_ATTRIBUTE', '"name" has no attributes'],
  ['lt=5', 'UNKNOWN_ATTRIBUTE', '"lt"'],
  ['price=gt=1|lt=5', 'UNKNOWN_ATTRIBUTE', '"lt"'],
  ['sort(colour)', 'UNKNOWN_ATTRIBUTE', '"colour"'],
  ['select(name,colour)', 'UNKNOWN_ATTRIBUTE', '"colour"'],
  ['select(brand{colour})', 'UNKNOWN_ATTRIBUTE', '"colour"'],
  ['select(address{street})', 'UNKNOWN_ATTRIBUTE', '"street"'],
  ['select(name{x})', 'UNKNOWN_ATTRIBUTE', '"name"'],
  ['name=like=x', 'INVALID_QUERY', '"like"'],
  ['name=a=b', 'INVALID_QUERY', '"a"'],
  ['name=1=2', 'INVALID_QUERY', '%3D'],
  ['name', 'INVALID_QUERY', '"name" is neither'],
  ['random()', 'INVALID_QUERY', 'no function "random"'],
  ['limit(x)', 'INVALID_QUERY', 'limit(x)'],
  ['limit(1,2,3)', 'INVALID_QUERY', 'limit(1,2,3)'],
  ['limit(5,1)', 'INVALID_QUERY', 'limit(5,1)'],
  ['limit()', 'INVALID_QUERY', 'limit()'],
  ['limit(1)&limit(2)', 'INVALID_QUERY', '"limit" stands twice'],
  ['total(1)', 'INVALID_QUERY', 'total()'],
  ['sort()', 'INVALID_QUERY', 'sort()'],
  ['sort(tags)', 'INVALID_QUERY', '"tags"'],
  ['sort(reviews.stars)', 'INVALID_QUERY', '"reviews.stars"'],
  ['sort(live)', 'INVALID_QUERY', '"live"'],
  ['sort($score)', 'INVALID_QUERY', '$score'],
  ['select()', 'INVALID_QUERY', 'lacks a name'],
  ['select(a,,b)', 'INVALID_QUERY', 'lacks a name'],
  ['select(brand{name)', 'INVALID_QUERY', 'lacks "}"'],
  ['select(name})', 'INVALID_QUERY', 'without its partner'],
  ['name=a|name=b&name=c', 'INVALID_QUERY', 'mixed'],
  ['name=a||name=b', 'INVALID_QUERY', 'missing'],
  ['name=a|', 'INVALID_QUERY', 'missing'],
  ['name=a|limit(5)', 'INVALID_QUERY', 'joined with "&"'],
  ['[name=a&limit(5)]', 'INVALID_QUERY', 'inside a group'],
  ['[name=a', 'INVALID_QUERY', '"]" is missing'],
  ['(name=a', 'INVALID_QUERY', '")" is missing'],
  ['name=a]', 'INVALID_QUERY', '%5D'],
  ['name=(a', 'INVALID_QUERY', '%28'],
  ['[]', 'INVALID_QUERY', 'empty'],
  ['[name=a]x', 'INVALID_QUERY', 'After a group'],
  ['name=%E0%A4', 'INVALID_QUERY', 'percent'],
  ['price=cheap', 'INVALID_QUERY', 'a number'],
  ['price=', 'INVALID_QUERY', 'a number'],
  ['price=Infinity', 'INVALID_QUERY', 'a number'],
  ['price=sw=1', 'INVALID_QUERY', 'text only'],
  ['price==1*', 'INVALID_QUERY', 'text only'],
  ['price=gt=null', 'INVALID_QUERY', 'null'],
  ['active=1', 'INVALID_QUERY', 'true or false'],
  ['big=1.5', 'INVALID_QUERY', 'whole number'],
  ['made=yesterday', 'INVALID_QUERY', 'date'],
  ['made=string:yesterday', 'INVALID_QUERY', 'date'],
  ['price=boolean:true', 'INVALID_QUERY', 'Float'],
  ['name=ft=x', 'INVALID_QUERY', '@fulltext'],
  ['brand=x', 'INVALID_QUERY', 'relationship'],
  ['address=x', 'INVALID_QUERY', 'null'],
  ['live=x', 'INVALID_QUERY', '@indexed'],
  ['cursor()&limit(0,5)', 'INVALID_QUERY', 'cursor'],
  ['cursor()&limit(0)', 'INVALID_QUERY', 'limit is 0'],
  ['cursor(%ff)', 'INVALID_QUERY', 'percent'],
  [
    Array(limits.queryConditions + 1)
      .fill('name=a')
      .join('&'),
    'INVALID_QUERY',
    `${limits.queryConditions}`,
  ],
  [`${'['.repeat(limits.queryDepth)}name=a${']'.repeat(limits.queryDepth)}`, 'INVALID_QUERY', `${limits.queryDepth}`],
  [`${Array(limits.queryDepth).fill('brand.products').join('.')}.name=a`, 'INVALID_QUERY', `${limits.queryDepth}`],
  [
    `select(brand{${'parent{'.repeat(limits.queryDepth)}name${'}'.repeat(limits.queryDepth + 1)})`,
    'INVALID_QUERY',
    `${limits.queryDepth}`,
  ],
];

test.each(refusals)('refuses %s', (text, code, part) => {
  const error = refusal(() => parse(text));
  expect([error.code, error.message]).toEqual([code, expect.stringContaining(part)]);
});

test('as many conditions and levels as the limits say are fine', () => {
  expect(parse(Array(limits.queryConditions).fill('name=a').join('&')).conditions?.conditions).toHaveLength(
    limits.queryConditions,
  );
  const depth = limits.queryDepth - 1;
  expect(parse(`${'['.repeat(depth)}name=a${']'.repeat(depth)}`).conditions).toBeDefined();
});

test('any text is a query or a refusal', () => {
  const piece = fc.constantFrom(
    'name',
    'price',
    'brand',
    '.',
    '=',
    '==',
    '!=',
    '&',
    '|',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '%5B',
    '%5D',
    '%',
    '*',
    ',',
    '1',
    'gt',
    'limit(',
    'select(',
    'sort(',
    'null',
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
      (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ZerohopError);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('any value comes through percent-encoded', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const text = `name=string:${encodeURIComponent(value)}`.replaceAll('(', '%28').replaceAll(')', '%29');
      expect(parse(text)).toEqual(one('name', 'equals', value));
    }),
  );
});
