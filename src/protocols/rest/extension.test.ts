import { describe, expect, test } from 'bun:test';
import { parseSdl } from '../../schema/index.ts';
import { splitExtension } from './extension.ts';

const known = { csv: 1, json: 1 };
const [plain, withCsv] = parseSdl(
  'type A @table { id: ID @primaryKey } type B @table { id: ID @primaryKey csv: String }',
  'test',
).tables;

describe('splitExtension', () => {
  const cases: readonly (readonly [string, { path: string; extension: string } | undefined])[] = [
    ['/42.csv', { path: '/42', extension: 'csv' }],
    ['/.csv', { path: '/', extension: 'csv' }],
    ['/a/.json', { path: '/a/', extension: 'json' }],
    ['/a.b.json', { path: '/a.b', extension: 'json' }],
    ['/42', undefined],
    ['/a.b', undefined],
    ['/a.CSV', undefined],
    ['/a.toString', undefined],
    ['/a.csv/b', undefined],
    ['', undefined],
    ['.csv', undefined],
    ['/taken.csv', undefined],
  ];
  for (const [path, expected] of cases) {
    test(`${path}`, () => {
      if (!plain) throw new Error('no table');
      expect(splitExtension(path, known, plain, (id) => id === 'taken.csv')).toEqual(expected);
    });
  }
  test('a declared attribute is meant, not an encoding', () => {
    if (!withCsv) throw new Error('no table');
    expect(splitExtension('/42.csv', known, withCsv, () => false)).toBeUndefined();
  });
});
