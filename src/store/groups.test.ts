// What other nodes sent and what is written here, in one group: each is what it would be alone.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { HybridClock, limits } from '../base/index.ts';
import { parseSdl } from '../schema/index.ts';
import { CommitQueue } from './commit-queue.ts';
import type { RemoteOutcome, RemoteRow, RemoteWork } from './remote-types.ts';
import { Store } from './store.ts';
import type { Change, CommitOutcome, StoreTransaction } from './types.ts';

const nowMs = 1_700_000_000_000;
const sdl = 'type Note @table { id: ID @primaryKey  text: String }';

let folder = '';
let stores: Store[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-groups-'));
  stores = [];
});
afterEach(() => {
  for (const store of stores) store.close();
  rmSync(folder, { recursive: true });
});

function open(): Store {
  const clock = { nowMs: () => nowMs };
  const store = new Store({
    path: join(folder, `${stores.length}.db`),
    nodeId: 'here',
    clock,
    versions: new HybridClock(clock, 60_000),
    clockDriftMs: 60_000,
    blobExists: () => false,
  });
  store.applySchema(parseSdl(sdl, 'schema.graphql').tables);
  stores.push(store);
  return store;
}

/** Transactions `from` + 1 to `upTo` of a node, each of one record. */
function batch(origin: string, from: number, upTo: number, ids: readonly string[]): RemoteWork {
  const rows = Array.from({ length: upTo - from }, (_, at): RemoteRow => {
    const id = ids[at % ids.length] ?? '';
    const seq = from + at + 1;
    const body = JSON.stringify({ id, text: `${origin} ${seq}` });
    return { table: 'Note', id, version: seq, origin, seq, expires: null, merge: null, computed: null, body };
  });
  const transactions = rows.map(({ seq, version }, at) => ({ origin, seq, version, rows: [at] }));
  return {
    kind: 'batch',
    batch: { from: new Map([[origin, from]]), upTo: new Map([[origin, upTo]]), rows, transactions },
  };
}

const write = (id: string, more: Partial<Change> = {}): StoreTransaction => {
  const put: Change = { op: 'put', table: 'Note', id, body: JSON.stringify({ id }), expires: null };
  return { database: 'data', changes: [{ ...put, ...more } as Change] };
};

/** Names a row that is not in it. */
const damaged: RemoteWork = {
  kind: 'batch',
  batch: {
    from: new Map(),
    upTo: new Map([['broken', 1]]),
    rows: [],
    transactions: [{ origin: 'broken', seq: 1, version: 1, rows: [3] }],
  },
};

const truth = (store: Store) => ({
  rows: store.readCopy(undefined, 1e9).rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  figures: store.figures(),
  vector: store.vector(),
});
const told = (outcomes: readonly (CommitOutcome | RemoteOutcome)[]) =>
  outcomes.map((outcome) => (outcome.ok ? 'ok' : 'refusal' in outcome ? outcome.refusal.kind : outcome.error.code));

describe('a group', () => {
  test('has what is good of it, whatever becomes of the others', () => {
    const store = open();
    const { merged, outcomes } = store.commitTogether(
      [write('x'), write('x', { if: { exists: false } }), write('y')],
      [batch('a', 0, 2, ['p', 'q']), batch('b', 4, 5, ['r']), batch('a', 2, 3, ['s'])],
    );
    expect(told(merged)).toEqual(['ok', 'gap', 'ok']);
    expect(told(outcomes)).toEqual(['ok', 'CONFLICT', 'ok']);
    expect(store.figures()).toMatchObject([{ count: 5 }]);
    expect(store.vector()).toEqual(
      new Map([
        ['here', 2],
        ['a', 3],
      ]),
    );
  });

  test('one that can not be written leaves its neighbours alone', () => {
    const store = open();
    const { merged, outcomes } = store.commitTogether([write('x')], [batch('a', 0, 1, ['p']), damaged]);
    expect([told(merged), told(outcomes)]).toEqual([['ok', 'failed'], ['ok']]);
    expect(store.figures()).toMatchObject([{ count: 2 }]);
    expect(store.vector().has('broken')).toBe(false);
  });

  test('comes to the same as one after the other', () => {
    const id = fc.constantFrom('p', 'q', 'r', 's');
    const ids = fc.array(id, { minLength: 1, maxLength: 4 });
    const step = fc.record({ origin: fc.constantFrom('a', 'b'), count: fc.integer({ min: 1, max: 5 }), ids });
    const group = fc.record({ works: fc.array(step, { maxLength: 3 }), writes: fc.array(id, { maxLength: 3 }) });
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 4 }), (groups) => {
        const [together, alone] = [open(), open()];
        const seqs = { a: 0, b: 0 };
        for (const { works, writes } of groups) {
          const batches = works.map(({ origin, count, ids }) => {
            const from = seqs[origin];
            seqs[origin] += count;
            return batch(origin, from, from + count, ids);
          });
          const transactions = writes.map((one) => write(one));
          together.commitTogether(transactions, batches);
          for (const work of batches) alone.commitTogether([], [work]);
          for (const transaction of transactions) alone.commit([transaction]);
        }
        expect(truth(together)).toEqual(truth(alone));
      }),
      { numRuns: 40 },
    );
  }, 30_000);
});

describe('the queue', () => {
  interface Queued {
    readonly queue: CommitQueue;
    readonly said: string[];
  }
  function queueOf(store: Store): Queued {
    const said: string[] = [];
    const queue = new CommitQueue({
      store,
      limit: 100,
      committed: () => said.push('committed'),
      failed: (error) => {
        throw error;
      },
      lost: (error) => {
        throw error;
      },
    });
    return { queue, said };
  }

  test('commits both together; a merge is told of before it is on disk', async () => {
    const { queue, said } = queueOf(open());
    queue.merge(batch('a', 0, 1, ['p']), ({ ok }) => said.push(`a ${ok}`));
    queue.merge(batch('b', 0, 1, ['q']), ({ ok }) => said.push(`b ${ok}`));
    const answered = new Promise<void>((resolve) => queue.submit(write('x'), () => resolve()));
    await answered;
    await queue.whenIdle();
    expect(said).toEqual(['committed', 'a true', 'b true']);
    queue.close();
  });

  test('merges no more at once than a group may hold', async () => {
    const { queue, said } = queueOf(open());
    const rows = limits.mergeGroup / 2 + 1;
    const ids = Array.from({ length: rows }, (_, at) => `n${at}`);
    for (const origin of ['a', 'b', 'c']) queue.merge(batch(origin, 0, rows, ids), () => said.push(origin));
    await queue.whenIdle();
    expect(said).toEqual(['committed', 'a', 'b', 'committed', 'c']);
    queue.close();
  });

  test('tells nobody after its end', async () => {
    const { queue, said } = queueOf(open());
    queue.merge(batch('a', 0, 1, ['p']), () => said.push('a'));
    queue.close();
    queue.merge(batch('b', 0, 1, ['q']), () => said.push('b'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(said).toEqual([]);
  });
});

test('a long way without wanted entries is gone in parts', () => {
  const store = open();
  store.commitTogether([], [batch('a', 0, 1, ['p'])]);
  // As if the other node had written all of these.
  store.connection.run(
    `INSERT INTO _log (lsn, origin, seq, version, tbl, row, op)
     SELECT value + 1, 2, 1, 1, 1, 1, 1 FROM (
       WITH RECURSIVE counted(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM counted WHERE value < 600000) SELECT value FROM counted)`,
  );
  store.close();
  stores = [];
  const again = open();
  again.commit([write('x')]);
  const read = (after: number) =>
    again.readSince({ vector: new Map(), except: new Set(['a']), after, limitBytes: 1e6 });
  const parts: { readonly rows: number; readonly atEnd: boolean }[] = [];
  for (let after = 0, atEnd = false; !atEnd; ) {
    const answer = read(after);
    if (answer.kind !== 'batch') throw new Error('needs a copy');
    ({ after, atEnd } = answer);
    parts.push({ rows: answer.batch.rows.length, atEnd });
  }
  expect(parts).toEqual([
    { rows: 0, atEnd: false },
    { rows: 1, atEnd: true },
  ]);
});
