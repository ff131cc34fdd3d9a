import { describe, expect, test } from 'bun:test';
import { parseSdl } from '../schema/index.ts';
import { queryFromObject } from './known-queries.ts';
import { queryFromObject as checkedQuery } from './query-from-object.ts';

const [definition] = parseSdl(
  'type T @table { id: ID @primaryKey  a: Any @indexed  s: String @indexed  d: Date @indexed }',
  's',
).tables;
if (!definition) throw new Error('no table');
const lookup = () => undefined;
const asArrays = Object.assign(['id', 's'], { asArray: true });

describe('an equal object gives the same query, another one never does', () => {
  const condition = (value: unknown) => ({ conditions: [{ attribute: 'a', value }] });
  const objects: readonly object[] = [
    {},
    { limit: 1 },
    { limit: 11 },
    { offset: 1 },
    condition('1'),
    condition(1),
    condition(true),
    condition('true'),
    condition(null),
    condition('z'),
    condition('s1:x'),
    condition('x'),
    { conditions: [{ attribute: 'a', comparator: 'in', value: [1, 23] }] },
    { conditions: [{ attribute: 'a', comparator: 'in', value: [12, 3] }] },
    { conditions: [{ attribute: 'd', value: new Date(0) }] },
    { conditions: [{ attribute: 'd', value: '1970-01-01T00:00:00.000Z' }] },
    { select: ['id', 's'] },
    { select: asArrays },
    { select: 'id' },
    { sort: { attribute: 's' } },
    { sort: { attribute: 's', descending: true } },
  ];
  for (const object of objects) {
    test(Bun.inspect(object), () => {
      const expected = checkedQuery(object, definition, lookup);
      for (let time = 0; time < 2; time++) expect(queryFromObject(object, definition, lookup)).toEqual(expected);
    });
  }

  test('what is wrong is refused every time', () => {
    for (let time = 0; time < 2; time++) expect(() => queryFromObject({ limt: 1 }, definition, lookup)).toThrow('limt');
    queryFromObject({ limit: 1 }, definition, lookup);
    expect(() => queryFromObject({ limit: 1, rowFilter: () => true }, definition, lookup)).toThrow('rowFilter');
  });
});
