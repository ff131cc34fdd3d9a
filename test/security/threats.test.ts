// Every threat of docs/SECURITY.md names a test that is there.

import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(resolve(root, 'docs/SECURITY.md'), 'utf8');

test('every threat names a test that is there', () => {
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| threat') && !line.startsWith('|--'));
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) {
    const [, file = '', name = ''] = /\| `([^`]+)`: (.+) \|$/.exec(row) ?? [];
    const text = file === '' ? '' : readFileSync(resolve(root, file), 'utf8');
    expect([row, text.includes(name)]).toEqual([row, true]);
  }
});
