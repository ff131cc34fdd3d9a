// The connection alone, told nothing of what a statement names: no shadows are made, and the authorizer has to hold by itself.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection, SealedConnection, type SealedPlan } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'zerohop-sealed-'));
const path = join(folder, "it's 100% #1?.db");
const secret = 'z0123456789abcdef_';
const plan: SealedPlan = {
  secret,
  files: [{ schema: `${secret}0`, path }],
  views: [
    { name: `${secret}0_Dog`, select: `SELECT * FROM "${secret}0"."Dog"` },
    { name: 'Dog', select: `SELECT _id AS id, name FROM "${secret}0_Dog" WHERE hidden = 0` },
  ],
  named: [],
  valueBytes: 1_000_000,
  statementBytes: 100_000,
};
let sealed: SealedConnection;

beforeAll(async () => {
  const writer = new Connection(path, { readonly: false });
  writer.exec(`CREATE TABLE Dog (_row INTEGER PRIMARY KEY, _id UNIQUE, name, hidden);
    CREATE INDEX "Dog#name" ON Dog (name);
    CREATE TABLE _log (lsn); CREATE TABLE Other (_id); CREATE VIRTUAL TABLE words USING fts5(a);
    INSERT INTO Dog (_id, name, hidden) VALUES ('1', 'Rex', 0), ('2', 'Ivy', 1); INSERT INTO _log VALUES (7)`);
  writer.close();
  sealed = await SealedConnection.open(plan);
});
afterAll(() => {
  sealed.close();
  rmSync(folder, { recursive: true });
});

const all = (sql: string, parameters: readonly (string | number | null)[] = []) => [
  ...sealed.query(sql, parameters).rows,
];

test('what the views show is read', () => {
  expect(sealed.query('SELECT * FROM Dog', []).columns).toEqual(['id', 'name']);
  expect(all('SELECT * FROM Dog')).toEqual([['1', 'Rex']]);
  expect(all('SELECT count(*) FROM Dog')).toEqual([[1n]]);
  expect(all('SELECT value FROM Dog, json_each(?)', ['[1]'])).toEqual([[1n]]);
});

test('indexes are used through the views', () => {
  const planOf = (sql: string) =>
    all(`EXPLAIN QUERY PLAN ${sql}`)
      .map((row) => row[3])
      .join('\n');
  expect(planOf("SELECT name FROM Dog WHERE id = '1'")).toContain('USING INDEX sqlite_autoindex_Dog_1');
  expect(planOf("SELECT id FROM Dog WHERE name > 'R' ORDER BY name")).toEndWith('Dog USING INDEX Dog#name (name>?)');
});

describe('refused', () => {
  test.each([
    'SELECT * FROM _log',
    'SELECT count(*) FROM _log',
    'SELECT 1 FROM Other',
    'SELECT EXISTS (SELECT 1 FROM Other)',
    'WITH Dog AS (SELECT * FROM _log) SELECT * FROM Dog',
    'WITH x AS (SELECT lsn FROM _log) SELECT count(*) FROM x',
    "SELECT * FROM words WHERE words MATCH 'a'",
    'SELECT count(*) FROM words',
    'SELECT count(*) FROM words_data',
    'SELECT * FROM sqlite_schema',
    'SELECT count(*) FROM sqlite_schema',
    'SELECT name FROM temp.sqlite_schema',
    'SELECT count(*) FROM sqlite_temp_schema',
    'SELECT * FROM pragma_database_list',
    'SELECT count(*) FROM pragma_table_list',
    'SELECT count(*) FROM dbstat',
    'SELECT load_extension(1)',
    'PRAGMA query_only',
    'PRAGMA hard_heap_limit = 0',
    "ATTACH ':memory:' AS x",
    'CREATE TABLE x (a)',
    'CREATE TEMP VIEW x AS SELECT 1',
    'DROP VIEW temp.Dog',
    "INSERT INTO Dog VALUES ('3', 'x')",
    'INSERT INTO _log VALUES (1)',
    'DELETE FROM Other',
    'UPDATE Dog SET name = 1',
    'VACUUM',
    "VACUUM INTO '/tmp/zerohop-vacuum.db'",
    'REINDEX',
    'ANALYZE',
    'BEGIN',
    'SAVEPOINT a',
  ])('%s', (sql) => {
    expect(() => all(sql)).toThrow();
    expect(all('SELECT id FROM Dog')).toEqual([['1']]);
  });
});

test('even one who knows the secret reads nothing but what the views read', () => {
  expect(() => all(`SELECT * FROM "${secret}0"._log`)).toThrow('prohibited');
  expect(() => all(`SELECT hidden FROM "${secret}0".Dog`)).toThrow('prohibited');
});

test('sizes are limited', () => {
  expect(() => all('SELECT zeroblob(2000000)')).toThrow('too big');
  expect(() => all(`SELECT '${'x'.repeat(100_001)}'`)).toThrow();
  expect(() => all(`SELECT 1${' + 1'.repeat(300)}`)).toThrow();
});
