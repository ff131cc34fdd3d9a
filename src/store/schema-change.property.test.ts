// However a table came to its definition, it is as if it had always had it: columns, indexes, lists and full text after any sequence of schema
// changes and writes equal those of a new table with the same records.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { HybridClock, type JsonObject, stringifyExact } from '../base/index.ts';
import { parseSdl, type TableDefinition } from '../schema/index.ts';
import { namesOf, quoted } from '../storage/index.ts';
import { Store } from './store.ts';
import type { Change } from './types.ts';

const clock = { nowMs: () => 1_700_000_000_000 };
let folder = '';
let files = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-schema-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function openStore(): Store {
  return new Store({
    path: join(folder, `${files++}.db`),
    nodeId: 'node-a',
    clock,
    versions: new HybridClock(clock, 60_000),
    blobExists: () => false,
  });
}

const names = ['a', 'b', 'Name', 'name', 'expires', 'fulltext', 'rank'];
const scalars = ['String', 'Int', 'Float', 'BigInt', 'Boolean', 'Date', 'Any'];
const lists = ['[String]', '[Int]', '[BigInt]', '[Any]'];
const marks: Readonly<Record<string, string[]>> = {
  String: ['', '@indexed', '@indexed', '@fulltext', '@fulltext @indexed', '@unique'],
  list: ['', '@indexed', '@indexed'],
  other: ['', '@indexed', '@indexed', '@unique'],
};
const attribute = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom(...scalars, ...scalars, ...lists))
  .chain(([name, type]) =>
    fc
      .constantFrom(...(marks[type === 'String' ? type : type.startsWith('[') ? 'list' : 'other'] ?? []))
      .map((mark) => ({ name, text: `${name}: ${type} ${mark}` })),
  );
const computed = fc.constantFrom(
  '',
  'c: String @computed(from: "typeof a") @indexed',
  'c: String @computed(from: "typeof b") @indexed',
  'c: [String] @computed(from: "[typeof a, typeof b]") @indexed',
  'c: String @computed(from: "missing.deeply") @indexed',
  'c: Any @indexed',
);
const definition = fc
  .tuple(fc.uniqueArray(attribute, { selector: ({ name }) => name, maxLength: 5 }), computed)
  .map(
    ([attributes, c]) => `type T @table { id: ID @primaryKey ${attributes.map(({ text }) => text).join(' ')} ${c} }`,
  );

const scalar = fc.constantFrom<unknown>(
  null,
  true,
  false,
  1,
  -7,
  2.5,
  12345678901234567890n,
  -5n,
  'red shoe',
  'Blue Schuh',
  '7',
  '2024-01-01T00:00:00.000Z',
);
const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.constant({ deep: [1] }));
const record = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 5, noNullPrototype: true });
const id = fc.constantFrom('r1', 'r2', 'r3', 'r4', 'r5');
type Step =
  | { readonly define: string }
  | { readonly put: string; readonly record: Record<string, unknown> }
  | { readonly patch: string; readonly record: Record<string, unknown> }
  | { readonly delete: string };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ define: definition }) },
  { weight: 4, arbitrary: fc.record({ put: id, record }) },
  { weight: 1, arbitrary: fc.record({ patch: id, record }) },
  { weight: 1, arbitrary: fc.record({ delete: id }) },
);

function parse(sdl: string): TableDefinition {
  const [table] = parseSdl(sdl, 's').tables;
  if (!table) throw new Error('no table');
  return table;
}

/** Whether the schema was accepted; one that records break is refused. */
function define(store: Store, table: TableDefinition): boolean {
  try {
    store.applySchema([table]);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_SCHEMA' });
    return false;
  }
}

function write(store: Store, change: Change): void {
  const [outcome] = store.commit([{ database: 'data', changes: [change] }]);
  if (outcome?.ok === false) expect(['NOT_UNIQUE', 'NOT_FOUND', 'APPLICATION_ERROR']).toContain(outcome.error.code);
}

function putOf(store: Store, key: string, body: string): Change {
  const values = store.tables.get('T')?.indexedValues?.(body, true);
  return { op: 'put', table: 'T', id: key, body, expires: null, ...(values && { computed: values }) };
}

function run(store: Store, steps: readonly Step[]): TableDefinition {
  let current = parse('type T @table { id: ID @primaryKey }');
  store.applySchema([current]);
  for (const step of steps) {
    if ('define' in step) {
      const next = parse(step.define);
      if (define(store, next)) current = next;
    } else if ('put' in step) write(store, putOf(store, step.put, stringifyExact({ id: step.put, ...step.record })));
    else if ('patch' in step)
      write(store, { op: 'patch', table: 'T', id: step.patch, patch: { set: step.record as JsonObject, add: {} } });
    else write(store, { op: 'delete', table: 'T', id: step.delete });
  }
  return current;
}

/** All that a query can see of the table, with ids in place of row numbers. */
function contents(store: Store, table: TableDefinition): unknown {
  const { columns, lists, fulltext } = namesOf(table, 'T');
  const all = (sql: string) =>
    store.connection
      .all(sql)
      .map((row) => JSON.stringify(row.map((value) => (value instanceof Uint8Array ? [...value] : value))))
      .sort();
  const idOf = (row: string) => `(SELECT _id FROM T WHERE _row = ${row})`;
  if (fulltext !== null)
    store.connection.exec(`CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, '${fulltext}', 'instance')`);
  const seen = {
    rows: all(`SELECT ${[...columns.values()].map(quoted).join(', ')} FROM T WHERE _body IS NOT NULL`),
    lists: [...lists.values()].map((list) => all(`SELECT value, ${idOf('row')} FROM ${quoted(list)}`)),
    words: fulltext === null ? null : all(`SELECT term, col, "offset", ${idOf('doc')} FROM temp.words`),
    objects: all(`SELECT type, name, sql FROM sqlite_master WHERE name <> 'T' AND name LIKE 'T%' AND sql IS NOT NULL`),
    integrity: all('PRAGMA integrity_check'),
    count: store.figures().find((one) => one.table === 'T')?.count,
  };
  if (fulltext !== null) store.connection.exec('DROP TABLE temp.words');
  return seen;
}

test('a changed table equals a new one with the same records', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 14, size: 'max' }), (steps) => {
      const [changed, fresh] = [openStore(), openStore()];
      try {
        const table = run(changed, steps);
        fresh.applySchema([table]);
        for (const [key, body] of changed.connection.all(
          'SELECT _id, _body FROM T WHERE _body IS NOT NULL ORDER BY _row',
        ))
          write(fresh, putOf(fresh, String(key), String(body)));
        expect(contents(changed, table)).toEqual(contents(fresh, table));
      } finally {
        changed.close();
        fresh.close();
      }
    }),
    { numRuns: 50 },
  );
}, 20_000);
