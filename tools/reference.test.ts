import { expect, test } from 'bun:test';
import { errorTable } from '../src/base/index.ts';
import { errorDifferences, withTables } from './reference.ts';

test('a table stands between its marks, whatever stood there', () => {
  const page = 'a\n<!-- t -->\nold\n<!-- /t -->\nb';
  const wanted = 'a\n<!-- t -->\n\nnew\n\n<!-- /t -->\nb';
  expect(withTables(page, { t: 'new' })).toBe(wanted);
  expect(withTables(wanted, { t: 'new' })).toBe(wanted);
  expect(() => withTables('a', { t: 'new' })).toThrow('has no <!-- t -->');
});

test('differences between the page of errors and the codes are named', () => {
  const rows = Object.entries(errorTable).map(([code, { status }]) => `| \`${code}\` | ${status} | x |`);
  expect(errorDifferences(rows.join('\n'))).toEqual([]);
  expect(errorDifferences(rows.filter((row) => !row.includes('`CONFLICT`')).join('\n'))).toEqual([
    'CONFLICT is missing',
  ]);
  expect(errorDifferences(rows.join('\n').replace('`CONFLICT` | 409', '`CONFLICT` | 400'))).toEqual([
    'CONFLICT has the status 409',
  ]);
  expect(errorDifferences(`${rows.join('\n')}\n| \`GONE\` | 410 | x |`)).toEqual(['there is no error GONE']);
});
