import { expect, test } from 'bun:test';
import { ZerohopError } from '../base/index.ts';
import { parseQueryString } from './parse-query-string.ts';
import { queryFromObject } from './query-from-object.ts';
import { lookup, product } from './testing/database.ts';

const from = (object: unknown) => queryFromObject(object, product, lookup);

const pairs: readonly (readonly [unknown, string])[] = [
  [{}, ''],
  [{ conditions: [] }, ''],
  [{ conditions: [{ attribute: 'name', value: 'a' }] }, 'name=a'],
  [{ conditions: { attribute: 'name', value: 'a' } }, 'name=a'],
  [{ conditions: [{ search_attribute: 'name', search_type: 'starts_with', search_value: 'a' }] }, 'name=sw=a'],
  [{ conditions: [{ attribute: 'price', comparator: 'lt', value: 5 }] }, 'price=lt=5'],
  [{ conditions: [{ attribute: 'price', comparator: 'less_than', value: '5' }] }, 'price=lt=5'],
  [{ conditions: [{ attribute: 'name', value: 5 }] }, 'name=5'],
  [{ conditions: [{ attribute: null, value: 'x' }] }, 'id=x'],
  [{ conditions: [{ attribute: 'made', comparator: 'ge', value: new Date(0) }] }, 'made=ge=0'],
  [{ conditions: [{ attribute: 'big', comparator: 'gt', value: 10n ** 20n }] }, 'big=gt=100000000000000000000'],
  [{ conditions: [{ attribute: 'id', comparator: 'in', value: ['a', 'b'] }] }, 'id=in=a,b'],
  [{ conditions: [{ attribute: 'id', value: ['a', 5] }] }, 'id=a/5'],
  [{ conditions: [{ attribute: 'id', comparator: 'in', value: [['a', 'x/y'], 'b'] }] }, 'id=in=a/x%252Fy,b'],
  [{ conditions: [{ attribute: ['brand', 'name'], value: 'x' }] }, 'brand.name=x'],
  [
    {
      operator: 'or',
      conditions: [
        { attribute: 'name', value: 'a' },
        {
          operator: 'AND',
          conditions: [
            { attribute: 'stock', value: 1 },
            { attribute: 'active', value: true },
          ],
        },
      ],
    },
    'name=a|[stock=1&active=true]',
  ],
  [
    { sort: { attribute: 'price', descending: true, next: { attribute: ['brand', 'name'] } } },
    'sort(-price,brand.name)',
  ],
  [{ limit: 20, offset: 40 }, 'limit(40,60)'],
  [{ select: 'name' }, 'select(name)'],
  [{ select: ['name'] }, 'select(name,)'],
  [{ select: Object.assign(['name', 'price'], { asArray: true }) }, 'select([name,price])'],
  [{ select: ['id', { name: 'brand', select: ['name'] }] }, 'select(id,brand{name})'],
  [{ cursor: '', total: true, explain: true, enforceExecutionOrder: true }, 'cursor()&total()&explain()'],
];

test.each(pairs.map(([object, text]) => [text, object] as const))('object for %s', (text, object) => {
  expect(from(object)).toEqual(parseQueryString(text, product, lookup));
});

test('what a URL can not say', () => {
  expect(
    from({ conditions: [{ attribute: 'price', comparator: 'between', value: [1, 2] }], allowFullScan: true }),
  ).toEqual({
    conditions: { operator: 'and', conditions: [{ attribute: ['price'], comparator: 'between', value: [1, 2] }] },
    allowFullScan: true,
  });
  expect(from({ select: [{ name: 'brand', select: 'name' }] }).select?.attributes[0]?.selection?.shape).toBe('values');
});

const refusals: readonly (readonly [unknown, ZerohopError['code'], string])[] = [
  [null, 'INVALID_QUERY', 'object'],
  [{ where: 1 }, 'INVALID_QUERY', '"where"'],
  [{ vectorFilter: () => true }, 'INVALID_QUERY', '"vectorFilter"'],
  [{ operator: 'not' }, 'INVALID_QUERY', "'and' or 'or'"],
  [{ conditions: [{ attribute: 'colour', value: 1 }] }, 'UNKNOWN_ATTRIBUTE', '"colour"'],
  [{ conditions: [{ attribute: 'name', comparator: 'like', value: 1 }] }, 'INVALID_QUERY', '"like"'],
  [{ conditions: [{ attribute: 'name', comparator: 'toString', value: 1 }] }, 'INVALID_QUERY', '"toString"'],
  [{ conditions: [{ attribute: 'name', value: 'a', target: [1] }] }, 'INVALID_QUERY', '"target"'],
  [{ conditions: [{ attribute: 'name' }] }, 'INVALID_QUERY', 'no value'],
  [{ conditions: [{ attribute: 5, value: 1 }] }, 'INVALID_QUERY', 'attribute'],
  [{ conditions: [{ attribute: [], value: 1 }] }, 'INVALID_QUERY', 'attribute'],
  [{ conditions: [{ conditions: [] }] }, 'INVALID_QUERY', 'empty'],
  [{ conditions: ['name'] }, 'INVALID_QUERY', 'object'],
  [{ conditions: [{ attribute: 'price', comparator: 'between', value: [1] }] }, 'INVALID_QUERY', '[lowest, highest]'],
  [{ conditions: [{ attribute: 'price', comparator: 'between', value: [null, 1] }] }, 'INVALID_QUERY', 'null'],
  [{ conditions: [{ attribute: 'id', comparator: 'in', value: [] }] }, 'INVALID_QUERY', 'list'],
  [{ conditions: [{ attribute: 'id', comparator: 'in', value: 'a' }] }, 'INVALID_QUERY', 'list'],
  [{ conditions: [{ attribute: 'id', comparator: 'gt', value: ['a', 5] }] }, 'INVALID_QUERY', 'value: "a/"'],
  [
    {
      conditions: [
        {
          attribute: 'id',
          comparator: 'between',
          value: [
            ['a', 5],
            ['a', 10],
          ],
        },
      ],
    },
    'INVALID_QUERY',
    'keys of several parts are text',
  ],
  [{ conditions: [{ attribute: 'name', value: ['a', 5] }] }, 'INVALID_QUERY', 'String'],
  [{ conditions: [{ attribute: 'price', value: Number.NaN }] }, 'INVALID_QUERY', 'finite'],
  [{ conditions: [{ attribute: 'price', value: {} }] }, 'INVALID_QUERY', 'Float'],
  [{ conditions: [{ attribute: 'active', value: 'yes' }] }, 'INVALID_QUERY', 'true or false'],
  [{ limit: '5' }, 'INVALID_QUERY', 'limit'],
  [{ limit: -1 }, 'INVALID_QUERY', 'limit'],
  [{ offset: 1.5 }, 'INVALID_QUERY', 'offset'],
  [{ cursor: 5 }, 'INVALID_QUERY', 'cursor'],
  [{ cursor: '', offset: 5 }, 'INVALID_QUERY', 'cursor'],
  [{ total: 1 }, 'INVALID_QUERY', 'total'],
  [{ sort: { attribute: 'name', order: 'asc' } }, 'INVALID_QUERY', '"order"'],
  [{ sort: 'name' }, 'INVALID_QUERY', 'object'],
  [{ select: [] }, 'INVALID_QUERY', 'empty'],
  [{ select: [{ name: 'brand', fields: [] }] }, 'INVALID_QUERY', '"fields"'],
  [{ select: ['colour'] }, 'UNKNOWN_ATTRIBUTE', '"colour"'],
];

test.each(refusals.map(([object, code, part]) => [part, code, object] as const))(
  'refusal naming %s',
  (part, code, object) => {
    let error: unknown;
    try {
      from(object);
    } catch (thrown) {
      error = thrown;
    }
    if (!(error instanceof ZerohopError)) throw new Error(`not refused: ${error}`);
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(part)]);
  },
);
