// Two and three stores on real files that exchange transactions by hand: what is merged, refused, copied and taken out.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HybridClock } from '../base/index.ts';
import { type Patch, tagOfRow } from '../records/index.ts';
import { parseSdl } from '../schema/index.ts';
import type { LogAnswer } from './log-reader.ts';
import type { RemoteBatch, RemoteCopy, RemoteOutcome, Vector } from './remote-types.ts';
import { Store } from './store.ts';
import type { Change } from './types.ts';

const sdl = `
type Item @table { id: ID @primaryKey  name: String @fulltext  code: String @unique  tags: [String] @indexed  count: Int
  upper: String @computed(from: "name && name.toUpperCase()") @indexed }
type Numbered @table { id: Int @primaryKey }
type Session @table(expiration: 60) { id: ID @primaryKey  owner: String }
type Private @table(replicate: false) { id: ID @primaryKey }
`;

let folder = '';
let now = 0;
let stores: Store[] = [];
const clock = { nowMs: () => now };

function open(nodeId: string, schema = sdl): Store {
  const store = new Store({
    path: join(folder, `${nodeId}.db`),
    nodeId,
    clock,
    versions: new HybridClock(clock, 60_000),
    clockDriftMs: 60_000,
    blobExists: () => false,
  });
  store.applySchema(parseSdl(schema, 'schema.graphql').tables);
  stores.push(store);
  return store;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-remote-'));
  now = 1_700_000_000_000;
  stores = [];
});
afterEach(() => {
  for (const store of stores) store.close();
  rmSync(folder, { recursive: true });
});

const put = (table: string, id: string | number, record: object = {}, expires: number | null = null): Change => ({
  op: 'put',
  table,
  id,
  body: JSON.stringify({ id, ...record }),
  expires,
});
const remove = (table: string, id: string): Change => ({ op: 'delete', table, id });
const patch = (table: string, id: string, change: Partial<Patch>): Change => ({
  op: 'patch',
  table,
  id,
  patch: { set: {}, add: {}, ...change },
});

function commit(store: Store, ...changes: Change[]): void {
  now++;
  const [outcome] = store.commit([{ database: 'data', changes }]);
  expect(outcome).toMatchObject({ ok: true });
}

const nobody: ReadonlySet<string> = new Set();
const ask = (store: Store, vector: Vector, limitBytes = 1e6, after = 0): LogAnswer =>
  store.readSince({ vector, except: nobody, after, limitBytes });

function batchOf(store: Store, vector: Vector, limitBytes = 1e6, after = 0): RemoteBatch {
  const answer = ask(store, vector, limitBytes, after);
  if (answer.kind !== 'batch') throw new Error('needs a copy');
  return answer.batch;
}

const send = (from: Store, to: Store): RemoteOutcome => to.applyRemote(batchOf(from, to.vector()));

function copy(from: Store, to: Store, limitBytes = 200): void {
  const vector = from.vector();
  let next: RemoteCopy['next'] | undefined;
  do {
    const part = from.readCopy(next ?? undefined, limitBytes);
    next = part.next;
    expect(to.applyCopy({ source: from.options.nodeId, vector, rows: part.rows, next })).toMatchObject({ ok: true });
  } while (next);
}

/** Every row of every table as it would be sent: the whole truth of a node. */
function truth(store: Store): unknown[] {
  return store
    .readCopy(undefined, 1e9)
    .rows.map(({ seq: _, computed: __, ...row }) => ({ ...row, body: row.body && JSON.parse(row.body) }))
    .sort((a, b) => (`${a.table}${a.id}` < `${b.table}${b.id}` ? -1 : 1));
}
const body = (store: Store, table: string, id: string | number): unknown =>
  JSON.parse(String(store.connection.first(`SELECT _body FROM "${table}" WHERE _id = ?`, [id])?.[0] ?? 'null'));

function expectSame(...all: Store[]): void {
  const [first, ...others] = all;
  if (!first) return;
  for (const other of others) {
    expect(truth(other)).toEqual(truth(first));
    expect(other.figures()).toEqual(first.figures());
    expect(other.vector()).toEqual(first.vector());
  }
}

/** What conditions on a record compare. */
function tag(store: Store, table: string, id: string): number {
  const [version, merge] = store.connection.first(`SELECT _version, _merge FROM "${table}" WHERE _id = ?`, [id]) ?? [];
  return tagOfRow(Number(version), typeof merge === 'string' ? merge : null);
}

describe('what was read before an earlier patch came in', () => {
  const rename = { table: 'Item', id: 'x', op: 'patch', patch: { set: { code: 'c' }, add: {} } } as const;
  const cases: readonly (readonly [what: string, after: (seen: number) => object])[] = [
    ['is no version to write on', (seen) => ({ changes: [{ ...rename, if: { versions: [seen] } }] })],
    ['is no row to write on', (seen) => ({ changes: [{ ...rename, if: { row: seen } }] })],
    ['is no version to delete', (seen) => ({ changes: [{ ...remove('Item', 'x'), if: { versions: [seen] } }] })],
    ['is no version to replace', (seen) => ({ changes: [{ ...put('Item', 'x'), if: { versions: [seen] } }] })],
    ['does not hold in a transaction', (seen) => ({ changes: [], reads: [['Item', 'x', seen]] })],
  ];
  for (const [what, made] of cases) {
    test(what, () => {
      const [a, b] = [open('a'), open('b')];
      commit(a, put('Item', 'x', { name: 'Shoe', count: 1 }));
      send(a, b);
      commit(a, patch('Item', 'x', { add: { count: 2 } }));
      commit(b, patch('Item', 'x', { set: { name: 'Boot' } }));
      const seen = tag(b, 'Item', 'x');
      const stays = b.connection.first('SELECT _version FROM Item');
      expect(send(a, b)).toMatchObject({ ok: true });
      expect(b.connection.first('SELECT _version FROM Item')).toEqual(stays ?? []);
      const write = (of: number) => b.commit([{ database: 'data', ...(made(of) as { changes: Change[] }) }]);
      expect(write(seen)).toMatchObject([{ ok: false, error: { code: 'PRECONDITION_FAILED' } }]);
      send(b, a);
      expect(tag(a, 'Item', 'x')).toBe(tag(b, 'Item', 'x'));
      expect(write(tag(a, 'Item', 'x'))).toMatchObject([{ ok: true }]);
    });
  }

  test('has no computed values to give', () => {
    const [a, b] = [open('a'), open('b')];
    commit(a, put('Item', 'x', { name: 'Shoe', count: 1 }));
    send(a, b);
    commit(a, patch('Item', 'x', { set: { name: 'Boot' } }));
    commit(b, patch('Item', 'x', { add: { count: 1 } }));
    const seen = tag(b, 'Item', 'x');
    send(a, b);
    const upper = () => b.connection.first('SELECT _computed FROM Item')?.[0];
    commit(b, { op: 'index', table: 'Item', id: 'x', tag: seen, computed: { upper: 'SHOE' } });
    expect(upper()).toBe('{"upper":"BOOT"}');
    commit(b, { op: 'index', table: 'Item', id: 'x', tag: tag(b, 'Item', 'x'), computed: { upper: 'anew' } });
    expect(upper()).toBe('{"upper":"anew"}');
  });
});

describe('batches', () => {
  test('bring every kind of change, with indexes', () => {
    const [a, b] = [open('a'), open('b')];
    commit(a, put('Item', 'x', { name: 'Shoe', tags: ['red'], count: 1 }), put('Numbered', 7));
    commit(a, put('Item', 'y', { name: 'Hat' }));
    send(a, b);
    commit(b, patch('Item', 'x', { set: { name: 'Boot' }, add: { count: 2 } }));
    commit(a, patch('Item', 'x', { set: { tags: ['blue'] }, add: { count: 3 } }));
    commit(a, remove('Item', 'y'));
    send(a, b);
    send(b, a);
    expectSame(a, b);
    expect(body(a, 'Item', 'x')).toEqual({ id: 'x', name: 'Boot', tags: ['blue'], count: 6 });
    expect(body(a, 'Item', 'y')).toBeNull();
    for (const store of [a, b]) {
      expect(store.connection.all(`SELECT value FROM "Item$tags"`)).toEqual([['blue']]);
      expect(store.connection.all('SELECT upper FROM Item WHERE _body IS NOT NULL')).toEqual([['BOOT']]);
    }
    commit(b, { op: 'put', table: 'Numbered', id: null, body: '{}', expires: null });
    expect(body(b, 'Numbered', 8)).toEqual({ id: 8 });
  });

  test('are passed over when they come again, in any mixture', () => {
    const [a, b] = [open('a'), open('b')];
    commit(a, put('Item', 'x', { count: 0 }));
    const first = batchOf(a, b.vector());
    commit(a, patch('Item', 'x', { add: { count: 1 } }));
    const both = batchOf(a, b.vector());
    for (const batch of [first, both, first, both]) expect(b.applyRemote(batch)).toEqual({ ok: true, clashes: [] });
    expectSame(a, b);
    expect(b.connection.all('SELECT origin, seq FROM _log')).toEqual([
      [2, 1],
      [2, 2],
    ]);
  });

  test('end with a whole transaction; an earlier one may bring the state of a later one', () => {
    const [a, b] = [open('a'), open('b')];
    commit(a, put('Item', 'x', { count: 1 }), put('Item', 'y', { name: 'long'.repeat(100) }));
    commit(a, put('Item', 'x', { count: 2 }));
    const answer = ask(a, b.vector(), 10);
    if (answer.kind !== 'batch') throw new Error('needs a copy');
    expect([answer.atEnd, answer.batch.rows.length, [...answer.batch.upTo]]).toEqual([false, 2, [['a', 1]]]);
    b.applyRemote(answer.batch);
    expect(body(b, 'Item', 'x')).toEqual({ id: 'x', count: 2 });
    b.applyRemote(batchOf(a, b.vector(), 10, answer.after));
    expectSame(a, b);
  });

  test('are relayed, and only what is asked for', () => {
    const [a, b, c] = [open('a'), open('b'), open('c')];
    commit(a, put('Item', 'x'));
    commit(b, put('Item', 'y'));
    send(a, b);
    const own = b.readSince({ vector: c.vector(), except: new Set(['a']), after: 0, limitBytes: 1e6 });
    expect(own.kind === 'batch' && own.batch.transactions.map(({ origin }) => origin)).toEqual(['b']);
    send(b, c);
    send(b, a);
    expectSame(a, b, c);
  });

  test('are found from the last mark in a long log that the other node is past', () => {
    const [a, b] = [open('a'), open('b')];
    const fill = () => {
      for (let i = 0; i < 50; i++) {
        const changes = Array.from({ length: 100 }, (_, n) => put('Item', `${i}-${n}`));
        a.commit([{ database: 'data', changes }]);
      }
    };
    fill();
    send(a, b);
    const early = b.vector();
    fill();
    for (let i = 0; i < 3; i++) send(a, b);
    expect(a.connection.all('SELECT lsn FROM _marks')).toEqual([[4100], [8200]]);
    const at = (vector: Vector): number[] => {
      const answer = ask(a, vector);
      if (answer.kind !== 'batch') throw new Error('needs a copy');
      return [answer.batch.transactions.length, answer.after];
    };
    commit(a, put('Item', 'last'));
    expect([at(b.vector()), at(early), at(new Map())]).toEqual([
      [1, 10_001],
      [51, 10_001],
      [101, 10_001],
    ]);
    a.trim(now * 1000 + 1, 5000);
    expect(a.connection.all('SELECT lsn FROM _marks')).toEqual([[8200]]);
  });

  test('leave out tables that do not replicate', () => {
    const [a, b] = [open('a'), open('b')];
    commit(a, put('Private', 'x'), put('Item', 'x'));
    commit(a, put('Private', 'y'));
    send(a, b);
    expect(b.connection.all('SELECT _id FROM Private')).toEqual([]);
    expect(b.vector()).toEqual(a.vector());
  });

  test('that are refused leave nothing', () => {
    const [a, b] = [open('a'), open('b', 'type Numbered @table { id: Int @primaryKey }')];
    commit(a, put('Numbered', 1));
    commit(a, put('Numbered', 2), put('Item', 'x'));
    const later = batchOf(a, new Map([['a', 1]]));
    expect(b.applyRemote(later)).toEqual({ ok: false, refusal: { kind: 'gap', origin: 'a', has: 0, needs: 1 } });
    expect(send(a, b)).toEqual({ ok: false, refusal: { kind: 'unknownTable', table: 'Item' } });
    b.applySchema(parseSdl(sdl, 'schema.graphql').tables);
    now -= 120_000;
    expect(send(a, b)).toMatchObject({ ok: false, refusal: { kind: 'ahead' } });
    expect([truth(b), [...b.vector()], b.connection.all('SELECT * FROM _log')]).toEqual([[], [], []]);
  });

  test('make later local changes later than they are, also after a restart', () => {
    const [a, b] = [open('a'), open('b')];
    now += 30_000;
    commit(a, put('Item', 'x', { name: 'ahead' }));
    now -= 30_000;
    send(a, b);
    stores = [a];
    b.close();
    const again = open('b');
    commit(again, put('Item', 'x', { name: 'later' }));
    send(again, a);
    expectSame(a, again);
    expect(body(a, 'Item', 'x')).toEqual({ id: 'x', name: 'later' });
  });
});

describe('a unique value that two nodes gave', () => {
  test('leaves both records, reports the clash, and is unique again when one gives it up', () => {
    const [a, b] = [open('a'), open('b')];
    commit(a, put('Item', 'x', { code: 'C' }));
    commit(b, put('Item', 'y', { code: 'C' }));
    expect(send(a, b)).toEqual({ ok: true, clashes: [{ table: 'Item', id: 'x' }] });
    expect(send(b, a)).toEqual({ ok: true, clashes: [{ table: 'Item', id: 'y' }] });
    expectSame(a, b);
    expect([a.clashes(10), b.clashes(10)]).toEqual([[{ table: 'Item', id: 'y' }], [{ table: 'Item', id: 'x' }]]);
    commit(a, put('Item', 'y', { code: 'D' }));
    send(a, b);
    for (const store of [a, b]) {
      store.trim(0, 100);
      expect(store.clashes(10)).toEqual([]);
      expect(store.commit([{ database: 'data', changes: [put('Item', 'z', { code: 'C' })] }])[0]).toMatchObject({
        error: { code: 'NOT_UNIQUE' },
      });
    }
    expectSame(a, b);
  });
});

describe('copies', () => {
  test('bring all rows in parts, keep what only the receiver has, and continue with the log', () => {
    const [a, b] = [open('a'), open('b')];
    for (let i = 0; i < 20; i++) commit(a, put('Item', `a${i}`, { name: `n${i}` }));
    commit(a, remove('Item', 'a3'));
    commit(b, put('Item', 'mine', { name: 'kept' }), put('Item', 'a4', { name: 'newer' }));
    now += 10_000;
    commit(a, put('Item', 'last'));
    a.trim(now * 1000, 1000, [new Map()]);
    expect(ask(a, b.vector()).kind).toBe('copy');
    copy(a, b);
    send(b, a);
    expectSame(a, b);
    expect(body(b, 'Item', 'a4')).toEqual({ id: 'a4', name: 'newer' });
    commit(a, put('Item', 'after'));
    send(a, b);
    expectSame(a, b);
  });

  test('are resumed where they were left, after a restart too', () => {
    const [a, b] = [open('a'), open('b')];
    for (let i = 0; i < 20; i++) commit(a, put('Item', `a${i}`));
    const vector = a.vector();
    const first = a.readCopy(undefined, 300);
    b.applyCopy({ source: 'a', vector, rows: first.rows, next: first.next });
    expect(b.vector()).toEqual(new Map());
    stores = [a];
    b.close();
    const again = open('b');
    expect(again.copies()).toEqual([{ source: 'a', vector, position: first.next ?? expect.anything() }]);
    const rest = a.readCopy(again.copies()[0]?.position, 1e9);
    expect(rest.rows.length).toBe(20 - first.rows.length);
    again.applyCopy({ source: 'a', vector, rows: rest.rows, next: rest.next });
    expect(again.copies()).toEqual([]);
    expectSame(a, again);
  });

  test('are not handed on as a log that is not there', () => {
    const [a, b, c] = [open('a'), open('b'), open('c')];
    commit(a, put('Item', 'x'));
    copy(a, b);
    expect(ask(b, c.vector()).kind).toBe('copy');
    copy(b, c);
    expectSame(a, b, c);
  });
});

describe('what is taken out', () => {
  test('a tombstone stays until every member has it', () => {
    const [a, b] = [open('a'), open('b')];
    commit(a, put('Item', 'x'));
    send(a, b);
    commit(a, remove('Item', 'x'));
    now += 10_000;
    const trim = () => a.trim(now * 1000, 100, [b.vector()]);
    const rows = () => a.connection.all('SELECT _id FROM Item');
    trim();
    trim();
    expect(rows()).toEqual([['x']]);
    send(a, b);
    trim();
    expect(rows()).toEqual([]);
    expect(body(b, 'Item', 'x')).toBeNull();
  });

  test('an expired record stays until every member has it, unless it changes meanwhile', () => {
    const [a, b] = [open('a'), open('b')];
    commit(a, put('Session', 's', { owner: 'ann' }, now + 1000), put('Session', 't', {}, now + 1000));
    send(a, b);
    commit(b, { ...patch('Session', 's', { set: { owner: 'bob' } }), expires: now + 60_000 } as Change);
    now += 2000;
    const sweep = () => a.sweep('Session', now, 100, [b.vector()]);
    commit(a, put('Item', 'x'));
    expect(sweep()).toBe(0);
    send(b, a);
    send(a, b);
    expect(sweep()).toBe(1);
    expect(a.connection.all('SELECT _id FROM Session')).toEqual([['s']]);
    expect(body(a, 'Session', 's')).toEqual({ id: 's', owner: 'bob' });
  });
});
