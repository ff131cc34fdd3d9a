// What the writer carries in memory from commit to commit (counts, digests, numbers, references to blobs) equals what the file says, after any
// history of groups in which transactions are refused half-way, records expire, and the disk is full now and then.

import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { HybridClock } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import { parseSdl } from '../schema/index.ts';
import { blobIds } from './blob-references.ts';
import { addToDigest, digestToText } from './digest.ts';
import { Store } from './store.ts';
import type { Change, CommitOutcome, Precondition } from './types.ts';

const sdl = `
type Plain @table { id: ID @primaryKey  n: Int }
type Marked @table { id: ID @primaryKey  code: String @unique  text: String @fulltext }
type Picture @table { id: ID @primaryKey  one: Blob  two: Blob }
type Numbered @table { id: Int @primaryKey  n: Int }
`;
const names = ['Plain', 'Marked', 'Picture', 'Numbered'];

const blob = fc.option(fc.constantFrom('b1', 'b2', 'b3', 'lost'), { nil: undefined }).map((id) =>
  // Rarely one whose bytes are gone.
  id === undefined ? null : { $blob: id, size: 1, type: 'x' },
);
const values = fc.record(
  {
    n: fc.constantFrom(0, 1, 2 ** 31 - 1),
    code: fc.constantFrom('x', 'y', 'z'),
    text: fc.constantFrom('red', 'red shoe', 'x'.repeat(6_000)),
    one: blob,
    two: blob,
  },
  { requiredKeys: [], noNullPrototype: true },
);
const precondition = fc.constantFrom<Precondition | undefined>(
  undefined,
  undefined,
  undefined,
  { exists: true },
  { exists: false },
  { versions: [1] },
);
const table = fc.constantFrom(...names);
const key = fc.nat(4);
const idIn = (name: string, number: number): Id => (name === 'Numbered' ? number + 1 : `r${number}`);

const change = fc.oneof<fc.WeightedArbitrary<(now: number) => Change>[]>(
  {
    weight: 6,
    arbitrary: fc
      .record({ table, key, values, precondition, isNew: fc.boolean(), expiresIn: fc.option(fc.constantFrom(5, 50)) })
      .map(({ table, key, values, precondition, isNew, expiresIn }) => (now: number) => {
        const id = table === 'Numbered' && isNew ? null : idIn(table, key);
        const body = JSON.stringify(id === null ? values : { id, ...values });
        const expires = expiresIn === null ? null : now + expiresIn;
        return { op: 'put', table, id, body, expires, ...(precondition && { if: precondition }) };
      }),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ table, key, values, by: fc.integer({ min: -1, max: 1 }) })
      .map(({ table, key, values: { n: _, ...set }, by }) => () => ({
        op: 'patch',
        table,
        id: idIn(table, key),
        patch: { set, add: { n: by } },
        minimum: { n: 0 },
      })),
  },
  {
    weight: 2,
    arbitrary: fc.record({ table, key, precondition }).map(({ table, key, precondition }) => () => ({
      op: 'delete',
      table,
      id: idIn(table, key),
      ...(precondition && { if: precondition }),
    })),
  },
);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      group: fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ wait: fc.constantFrom(5, 50) }) },
  { weight: 1, arbitrary: fc.record({ sweep: table }) },
  { weight: 1, arbitrary: fc.record({ isFull: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ reopen: true as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer Of> ? Of : never;

class World {
  now = 1_700_000_000_000;
  readonly #folder = mkdtempSync(join(tmpdir(), 'zerohop-figures-'));
  store = this.#open();

  #open(): Store {
    const clock = { nowMs: () => this.now };
    const versions = new HybridClock(clock, 60_000);
    const path = join(this.#folder, 'data.db');
    const store = new Store({
      path,
      nodeId: 'node-a',
      clock,
      versions,
      clockDriftMs: 60_000,
      blobExists: (id) => id !== 'lost',
    });
    store.applySchema(parseSdl(sdl, 's').tables);
    return store;
  }

  run(step: Step): void {
    if ('group' in step) {
      const before = this.file();
      const outcomes = this.store.commit(
        step.group.map((changes) => ({ database: 'data', changes: changes.map((change) => change(this.now)) })),
      );
      if (outcomes.some((outcome) => codeOf(outcome) === 'STORAGE_FULL')) {
        expect(new Set(outcomes.map(codeOf)).size).toBe(1);
        expect(this.file()).toEqual(before);
      }
      for (const outcome of outcomes) expect(expected).toContain(codeOf(outcome));
    } else if ('wait' in step) this.now += step.wait;
    else if ('sweep' in step) ignoringFullDisk(() => this.store.sweep(step.sweep, this.now, 2));
    else if ('isFull' in step) this.#setFull(step.isFull);
    else {
      this.store.close();
      this.store = this.#open();
    }
  }

  #setFull(isFull: boolean): void {
    const pages = Number(this.store.connection.first('PRAGMA page_count')?.[0]);
    this.store.connection.exec(`PRAGMA max_page_count = ${isFull ? pages : 1_000_000}`);
  }

  /** All that is stored, as SQLite has it. */
  file(): unknown {
    return [...names, '_log', '_catalog', '_peers', '_blobs'].map((name) =>
      this.store.connection.all(`SELECT * FROM "${name}" ORDER BY 1`),
    );
  }

  check(): void {
    const { connection } = this.store;
    const references = new Map<string, number>();
    for (const [index, { table, count, digest }] of this.store.figures().entries()) {
      expect(table).toBe(names[index] ?? '');
      const rows = connection.all(`SELECT _id, _version, _expires, _body FROM "${table}" WHERE _body IS NOT NULL`);
      const sum = { high: 0, low: 0 };
      for (const [id, version, expires, body] of rows) {
        const digested = { version: Number(version), expires: expires === null ? null : Number(expires) };
        addToDigest(sum, id as Id, digested, 'node-a');
        for (const blob of blobIds(table === 'Picture' ? String(body) : null))
          references.set(blob, (references.get(blob) ?? 0) + 1);
      }
      expect([table, count, digest]).toEqual([table, rows.length, digestToText(sum)]);
    }
    const figures = connection.all('SELECT name, count, digest_high, digest_low FROM _catalog ORDER BY number');
    expect(
      figures.map(([name, count, high, low]) => [name, count, digestToText({ high: Number(high), low: Number(low) })]),
    ).toEqual(this.store.figures().map(({ table, count, digest }) => [table, count, digest]));
    expect(connection.all('SELECT id, refs FROM _blobs WHERE refs <> 0 ORDER BY id')).toEqual([...references].sort());
    expect(connection.first('SELECT count(*) - max(lsn) FROM _log')?.[0] ?? 0).toBe(0);
    const [greatest] = connection.first('SELECT max(_id) FROM Numbered') ?? [];
    const [next] = connection.first(`SELECT next_id FROM _catalog WHERE name = 'Numbered'`) ?? [];
    expect(Number(next)).toBeGreaterThan(Number(greatest ?? 0));
    expect(connection.all('PRAGMA integrity_check')).toEqual([['ok']]);
  }

  close(): void {
    this.store.close();
    rmSync(this.#folder, { recursive: true });
  }
}

const expected = [
  'ok',
  'CONFLICT',
  'NOT_FOUND',
  'PRECONDITION_FAILED',
  'NOT_UNIQUE',
  'BELOW_MINIMUM',
  'VALIDATION_FAILED',
  'STORAGE_FULL',
];

function codeOf(outcome: CommitOutcome): string {
  return outcome.ok ? 'ok' : outcome.error.code;
}

function ignoringFullDisk(work: () => void): void {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ code: 'SQLITE_FULL' });
  }
}

test('figures in memory equal the file after every history', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 25, size: 'max' }), (steps) => {
      const world = new World();
      try {
        for (const step of steps) world.run(step);
        world.check();
        world.run({ reopen: true });
        world.check();
      } finally {
        world.close();
      }
    }),
    { numRuns: 80 },
  );
}, 20_000);
