// The rare cases of the single writer: what is refused half-way, what has expired, what no type can hold, names that collide.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HybridClock } from '../base/index.ts';
import { parseSdl } from '../schema/index.ts';
import { Connection } from '../storage/index.ts';
import { Store } from './store.ts';
import type { Change, CommitOutcome } from './types.ts';

let folder = '';
let now = 1_700_000_000_000;
let store: Store;
const clock = { nowMs: () => now };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-edges-'));
  now = 1_700_000_000_000;
  store = new Store({
    path: join(folder, 'data.db'),
    nodeId: 'node-a',
    clock,
    versions: new HybridClock(clock, 60_000),
    blobExists: () => false,
  });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const define = (sdl: string): void => store.applySchema(parseSdl(sdl, 's').tables);
const put = (table: string, id: string | number | null, record: object, more: object = {}): Change => ({
  op: 'put',
  table,
  id,
  body: JSON.stringify(id === null ? record : { id, ...record }),
  expires: null,
  ...more,
});
const add = (id: string | number, amounts: Record<string, number>): Change => ({
  op: 'patch',
  table: 'T',
  id,
  patch: { set: {}, add: amounts },
});
const commit = (...changes: Change[]): CommitOutcome =>
  store.commit([{ database: 'data', changes }])[0] as CommitOutcome;
const code = (outcome: CommitOutcome): string => (outcome.ok ? 'ok' : outcome.error.code);
const column = (sql: string): unknown[] => store.connection.all(sql).map(([value]) => value);
const figures = (table: string) => store.figures().find((one) => one.table === table);

describe('a unique value whose holder has expired', () => {
  beforeEach(() => define('type T @table { id: ID @primaryKey  code: String @unique  big: BigInt @unique }'));

  test('goes to a record that has expired itself, and both are counted once', () => {
    commit(put('T', 'a', { code: 'A' }, { expires: now + 10 }), put('T', 'b', { code: 'B' }, { expires: now + 10 }));
    now += 20;
    expect(code(commit(put('T', 'a', { code: 'B' })))).toBe('ok');
    expect(column('SELECT _id FROM T WHERE _body IS NOT NULL')).toEqual(['a']);
    expect(column('SELECT _body FROM T WHERE _body IS NOT NULL')).toEqual(['{"id":"a","code":"B"}']);
    expect(figures('T')?.count).toBe(1);
    commit({ op: 'delete', table: 'T', id: 'a' });
    expect(figures('T')).toEqual({ table: 'T', count: 0, digest: '0000000000000000' });
  });

  test('is the only one that goes, and is refused while another holds it', () => {
    for (const id of ['a', 'b', 'c']) commit(put('T', id, { code: id, big: 12 }, { expires: now + 10 }));
    expect(column('SELECT _id FROM T')).toEqual(['a']);
    commit(put('T', 'd', { code: 'd' }, { expires: now + 10 }));
    now += 20;
    expect(code(commit(put('T', 'e', { code: 'e', big: 12 })))).toBe('ok');
    expect(column('SELECT _id FROM T WHERE _body IS NOT NULL ORDER BY _id')).toEqual(['d', 'e']);
    expect(code(commit(put('T', 'f', { code: 'f', big: 12 })))).toBe('NOT_UNIQUE');
  });

  test('comes back when the transaction is refused', () => {
    commit(put('T', 'a', { code: 'A' }, { expires: now + 10 }));
    const before = figures('T');
    now += 20;
    expect(code(commit(put('T', 'b', { code: 'A' }), put('T', 'c', {}, { if: { exists: true } })))).toBe('NOT_FOUND');
    expect([figures('T'), column('SELECT _id FROM T'), column('SELECT lsn FROM _log')]).toEqual([before, ['a'], [1]]);
  });
});

describe('what no type can hold is refused, and nothing of it is written', () => {
  test.each([
    ['Int', 2 ** 31 - 2, [1, 1], ['ok', 'VALIDATION_FAILED']],
    ['Long', Number.MAX_SAFE_INTEGER - 1, [1, 1], ['ok', 'VALIDATION_FAILED']],
    ['Float', 1e308, [1e307, 1e308], ['ok', 'VALIDATION_FAILED']],
  ])('%s', (type, start, amounts, codes) => {
    define(`type T @table { id: ID @primaryKey  n: ${type} }`);
    commit(put('T', 'a', { n: start }));
    expect(amounts.map((n) => code(commit(add('a', { n }))))).toEqual(codes);
    expect(column('SELECT n FROM T')).toEqual([start + (amounts[0] ?? 0)]);
  });

  test('a record that patches make too large', () => {
    define('type T @table { id: ID @primaryKey }');
    const text = 'x'.repeat(9 * 1024 * 1024);
    const patch = (name: string): Change => ({
      op: 'patch',
      table: 'T',
      id: 'a',
      patch: { set: { [name]: text }, add: {} },
    });
    commit(put('T', 'a', {}));
    expect(['b', 'c'].map((name) => code(commit(patch(name))))).toEqual(['ok', 'BODY_TOO_LARGE']);
  });

  test.each([
    ['Int', 2 ** 31 - 1],
    ['Long', Number.MAX_SAFE_INTEGER],
  ])('an id after the last %s', (type, last) => {
    define(`type T @table { id: ${type} @primaryKey }`);
    commit(put('T', last - 1, {}));
    expect([1, 2].map(() => code(commit(put('T', null, {}))))).toEqual(['ok', 'CONFLICT']);
    expect(column('SELECT _id FROM T ORDER BY 1')).toEqual([last - 1, last]);
  });
});

test('a transaction that is refused or changes nothing takes no number', () => {
  define('type T @table { id: ID @primaryKey  n: Int }');
  const refused = [add('none', { n: 1 }), put('T', 'a', {}, { if: { exists: true } })];
  for (const change of refused) commit(change);
  commit({ op: 'delete', table: 'T', id: 'none' });
  commit({ op: 'index', table: 'T', id: 'none', tag: 1, computed: {} });
  commit();
  commit(put('T', 'a', {}));
  expect(column('SELECT seq FROM _log')).toEqual([1]);
});

test('a damaged record refuses only who writes it', () => {
  define('type T @table { id: ID @primaryKey  n: Int }');
  commit(put('T', 'a', { n: 1 }), put('T', 'b', { n: 1 }));
  store.connection.run(`UPDATE T SET _merge = '{"w":1}' WHERE _id = 'a'`);
  const outcomes = store.commit(['a', 'b'].map((id) => ({ database: 'data', changes: [add(id, { n: 1 })] })));
  expect(outcomes.map(code)).toEqual(['CORRUPT_DATA', 'ok']);
});

describe('names', () => {
  test('of attributes that are also those of internal objects', () => {
    const names = ['expires', 'deleted', 'row', 'value', 'rowid', 'Name', 'name', '_body', '_expires', '_deleted'];
    define(`type T @table { id: ID @primaryKey ${names.map((name) => `${name}: String @indexed`).join(' ')} }`);
    expect(code(commit(put('T', 'a', Object.fromEntries(names.map((name) => [name, `=${name}`])))))).toBe('ok');
    expect(store.connection.all('SELECT Name, "name~2", x_body, deleted FROM T')).toEqual([
      ['=Name', '=name', '=_body', '=deleted'],
    ]);
  });

  test('of lists and texts that are also those of full-text tables', () => {
    define(`type T @table {
      id: ID @primaryKey  fulltext: [String] @indexed  fulltext_data: [String] @indexed  rank: String @fulltext  rowid: String @fulltext }`);
    expect(code(commit(put('T', 'a', { fulltext: ['x'], fulltext_data: ['y'], rank: 'first', rowid: 'z' })))).toBe(
      'ok',
    );
    expect(column(`SELECT rowid FROM "T$fulltext" WHERE "T$fulltext" MATCH 'first AND z'`)).toEqual([1]);
  });

  test('of tables that look like those of another table', () => {
    const others = ['A$b', 'A#c', 'a', 'sqlite_x', 'SQLITE_y', '_log', 'x"y.z\'', 'A~2'];
    const others2 = others.map((name, i) => `type O${i} @table(table: ${JSON.stringify(name)}) { id: ID @primaryKey }`);
    define(`${others2.join('\n')} type A @table { id: ID @primaryKey  b: [String] @indexed  c: String @indexed }`);
    for (const name of others) expect(code(commit(put(name, 'x', {})))).toBe('ok');
    commit(put('A', 'x', { b: ['v'], c: 'w' }));
    define('type A @table { id: ID @primaryKey  b: String }');
    expect(store.figures().map(({ table, count }) => [table, count])).toEqual(
      [...others, 'A'].map((name) => [name, 1]),
    );
    for (const name of others) expect(code(commit({ op: 'delete', table: name, id: 'x' }))).toBe('ok');
  });
});

test('every checkpoint, not the first alone, waits for a reader 10 ms at most', () => {
  define('type T @table { id: ID @primaryKey }');
  const reader = new Connection(join(folder, 'data.db'), { readonly: true });
  const timeout = () => column('PRAGMA busy_timeout');
  for (let round = 0; round < 3; round++) {
    reader.run('BEGIN');
    reader.all('SELECT count(*) FROM T');
    commit(put('T', `r${round}`, {}));
    expect(store.checkpoint()).toBe(false);
    expect(timeout()).toEqual([5000]);
    reader.run('COMMIT');
  }
  expect(store.checkpoint()).toBe(true);
  reader.close();
});

test('the log is trimmed from its start, without gaps, and keeps its newest entry', () => {
  define('type T @table { id: ID @primaryKey }');
  for (let i = 0; i < 10; i++) {
    commit(put('T', `t${i}`, {}));
    now += 1000;
  }
  const trim = (beforeMs: number, limit: number) => [
    store.trim(beforeMs * 1000, limit),
    column('SELECT min(lsn) FROM _log')[0],
  ];
  const start = now - 10_000;
  expect(trim(start, 100)).toEqual([0, 1]);
  expect(trim(start + 2500, 100)).toEqual([3, 4]);
  expect(trim(now, 2)).toEqual([2, 6]);
  expect(trim(now, 100)).toEqual([4, 10]);
  expect(trim(now, 100)).toEqual([0, 10]);
});
