// Connections on real files: walks, transactions that SQLite ended by itself, trouble in plain words, and syncs.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from './connection.ts';
import { WalSync } from './wal-sync.ts';

let folder = '';
let path = '';
let writer: Connection;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-storage-'));
  path = join(folder, 'a.db');
  writer = new Connection(path, { readonly: false });
  writer.exec(
    'CREATE TABLE t (n); INSERT INTO t WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r LIMIT 1000',
  );
});
afterEach(() => {
  writer.close();
  rmSync(folder, { recursive: true });
});

const codeOf = (work: () => unknown): unknown => {
  try {
    work();
    return 'ok';
  } catch (error) {
    return (error as { code?: unknown }).code ?? String(error);
  }
};

describe('walks', () => {
  test('go on over a change of temporary tables once they are settled', () => {
    const walk = writer.iterate('SELECT n FROM t WHERE n <= 3 UNION ALL SELECT n FROM t WHERE n <= ?', [2]);
    expect(walk.next().value).toEqual([1]);
    writer.settleWalks();
    writer.exec('CREATE TEMP TABLE x (n); DROP TABLE x');
    expect([...walk]).toEqual([[2], [3], [1], [2]]);
  });

  test('let go of the snapshot when they are ended, and say so to who goes on', () => {
    const reader = new Connection(path, { readonly: true });
    const count = () => Number(reader.first('SELECT count(*) FROM t')?.[0]);
    const [begun, settled] = [0, 1].map(() => reader.iterate('SELECT n FROM t')) as [Generator, Generator];
    reader.run('BEGIN');
    begun.next();
    settled.next();
    reader.settleWalks();
    const late = reader.iterate('SELECT n FROM t');
    late.next();
    writer.run('INSERT INTO t VALUES (0)');
    reader.endWalks(() => new Error('over'));
    reader.run('COMMIT');
    expect(count()).toBe(1001);
    expect([begun, settled, late].map((walk) => codeOf(() => walk.next()))).toEqual(Array(3).fill('Error: over'));
    reader.close();
  });

  test('that end early leave nothing open', () => {
    for (const [n] of writer.iterate('SELECT n FROM t')) if (n === 5) break;
    expect(codeOf(() => writer.run('DROP TABLE t'))).toBe('ok');
  });
});

test('rolling back is possible whether or not a transaction is still open', () => {
  writer.rollBack();
  writer.run('BEGIN IMMEDIATE');
  writer.run('DELETE FROM t');
  writer.rollBack();
  writer.rollBack();
  expect(writer.first('SELECT count(*) FROM t')).toEqual([1000]);
});

describe('trouble', () => {
  test('a lock of another program can be waited for', () => {
    const other = new Connection(path, { readonly: false });
    other.run('BEGIN IMMEDIATE');
    writer.exec('PRAGMA busy_timeout = 0');
    expect(codeOf(() => writer.run('BEGIN IMMEDIATE'))).toBe('OVERLOADED');
    other.rollBack();
    expect(codeOf(() => writer.run('BEGIN IMMEDIATE'))).toBe('ok');
    writer.rollBack();
    other.close();
  });

  test('a full disk, a damaged file and a missing one', () => {
    writer.exec('PRAGMA max_page_count = 1');
    expect(codeOf(() => writer.run(`INSERT INTO t VALUES ('${'x'.repeat(100_000)}')`))).toBe('STORAGE_FULL');
    const damaged = join(folder, 'damaged.db');
    writeFileSync(damaged, 'x'.repeat(10_000));
    expect(codeOf(() => new Connection(damaged, { readonly: false }))).toBe('CORRUPT_DATA');
    expect(codeOf(() => new Connection(join(folder, 'none.db'), { readonly: true }))).toBe('READ_ONLY');
    expect(readFileSync(damaged, 'utf8')).toBe('x'.repeat(10_000));
  });
});

describe('syncs', () => {
  const until = (sync: WalSync) => new Promise<string>((resolve) => sync.whenDurable(() => resolve('durable')));

  test('end before their file is closed', async () => {
    const failures: Error[] = [];
    const sync = new WalSync(path, (error) => failures.push(error));
    const both = Promise.all([until(sync), until(sync)]);
    sync.close();
    expect(await both).toEqual(['durable', 'durable']);
    expect(failures).toEqual([]);
  });

  test('that can not be done are reported and never answered', async () => {
    mkdirSync(join(folder, 'odd.db-wal'));
    const failed = await new Promise<unknown>((resolve) => {
      const sync = new WalSync(join(folder, 'odd.db'), resolve);
      sync.whenDurable(() => resolve('answered'));
    });
    expect(failed).toMatchObject({ code: 'EISDIR' });
  });

  const outcome = (sync: WalSync) =>
    new Promise<string>((resolve) =>
      sync.whenDurable(
        () => resolve('durable'),
        () => resolve('lost'),
      ),
    );

  test.each(['before its first sync', 'after it'])('of a file that is deleted %s never count', async (when) => {
    const sync = new WalSync(path, (error) => {
      throw error;
    });
    if (when === 'after it') expect(await outcome(sync)).toBe('durable');
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    expect(await Promise.all([outcome(sync), outcome(sync)])).toEqual(['lost', 'lost']);
    expect([sync.isGone, await outcome(sync)]).toEqual([true, 'lost']);
    sync.close();
  });
});
