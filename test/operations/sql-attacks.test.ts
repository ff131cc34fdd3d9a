// What a SQL statement of somebody with a small role can reach: each attack is refused, or answers what it would answer if the rest were not
// there. Whatever it says, no answer holds anything of what is hidden.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { identitiesOf, operate } from '../security/callers.ts';
import { startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

let node: TestNode;
let ann: Readonly<Record<string, string>>;

/** In everything that ann may not see: values, and the names of what does not exist for her. */
const hidden = 'h1dden';

beforeAll(async () => {
  node = await startNode({
    app: 'sql',
    threads: 1,
    settings: { AUTHORIZE_LOCAL: 'false', LIMITS_SQL_MS: '2000', LIMITS_SQL_ROWS: '1000' },
  });
  const as = (operation: string, body: object) => operate(node, { operation, ...body });
  await as('insert', {
    table: 'Dog',
    records: [
      { id: '1', name: 'Rex', owner: 'ann', age: 3, secret: hidden, tags: [hidden] },
      { id: '2', name: hidden, owner: 'bob', age: 4, secret: hidden },
      { id: '3', name: 'Ivy', owner: 'ann', age: 5 },
      { id: '4', name: hidden, owner: 'ann', age: 6 },
    ],
  });
  await as('delete', { table: 'Dog', ids: ['4'] });
  await as('insert', { table: 'Vault', records: [{ id: hidden, code: hidden }] });
  await as('insert', { database: 'zoo', table: 'Cat', records: [{ id: hidden, name: hidden }] });
  const own = { attribute_name: 'owner', read: true, insert: true, update: true };
  const permission = {
    data: {
      tables: {
        Dog: {
          ...{ read: true, insert: true, update: true, delete: true, rows: 'owner=$user' },
          attribute_permissions: ['name', 'age'].map((name) => ({ ...own, attribute_name: name })).concat(own),
        },
        Owner: { read: false, insert: true, update: false, delete: false },
      },
    },
  };
  await as('add_role', { role: 'keeper', permission });
  await as('add_user', { username: 'ann', password: 'a long secret', role: 'keeper', active: true });
  ann = (await identitiesOf(node, 'ann', 'a long secret')).find(({ how }) => how === 'bearer')?.headers ?? {};
}, 20_000);
afterAll(() => node[Symbol.asyncDispose]());

async function sqlAs(headers: Readonly<Record<string, string>>, sql: string, more: object = {}) {
  const response = await fetch(node.operationsUrl, {
    method: 'POST',
    headers,
    body: JSON.stringify({ operation: 'sql', sql, ...more }),
  });
  return { status: response.status, text: await response.text() };
}

/** Rows it answers, or a part of the refusal. */
type Expected = readonly object[] | string;

const mine = [
  { id: '1', name: 'Rex', owner: 'ann', age: 3 },
  { id: '3', name: 'Ivy', owner: 'ann', age: 5 },
];
const noTable = 'There is no table';

const attacks: readonly (readonly [sql: string, expected: Expected])[] = [
  // Other records, deleted ones, hidden attributes.
  ['SELECT * FROM Dog ORDER BY id', mine],
  ['SELECT * FROM data.Dog ORDER BY 1', mine],
  ['SELECT count(*) AS n FROM Dog', [{ n: 2 }]],
  ["SELECT * FROM Dog WHERE owner = 'bob' OR 1 = 1 ORDER BY id", mine],
  ["SELECT * FROM Dog WHERE 1) UNION SELECT * FROM (SELECT * FROM Dog WHERE owner = 'bob'", 'SQLite'],
  ['SELECT secret FROM Dog', 'no such column: secret'],
  ['SELECT Dog.secret FROM Dog', 'no such column: Dog.secret'],
  ['SELECT name FROM Dog ORDER BY secret', 'no such column: secret'],
  ['SELECT count(*) FROM Dog GROUP BY secret', 'no such column: secret'],
  ['SELECT name FROM Dog GROUP BY name HAVING max(secret) > 1', 'no such column: secret'],
  ['SELECT max(age) OVER (PARTITION BY secret) FROM Dog', 'no such column: secret'],
  ['SELECT a.name FROM Dog a JOIN Dog b USING (secret)', 'secret'],
  ['SELECT a.name AS n FROM Dog a NATURAL JOIN Dog b ORDER BY 1', [{ n: 'Ivy' }, { n: 'Rex' }]],
  ['SELECT "secret" AS x FROM Dog LIMIT 1', 'no such column'],
  ['SELECT [secret] FROM Dog', 'no such column'],
  ['SELECT `secret` FROM Dog', 'no such column'],
  ['SELECT SeCrEt FROM Dog', 'no such column'],
  ['SELECT rowid FROM Dog', 'no such column'],
  ['SELECT _rowid_, oid FROM Dog', 'no such column'],
  ['SELECT _row FROM Dog', 'no such column'],
  ['SELECT _body FROM Dog', 'no such column'],
  ['SELECT Dog FROM Dog', 'no such column'],
  ['SELECT (SELECT secret) FROM Dog', 'no such column'],
  ['WITH x(secret) AS (SELECT * FROM Dog) SELECT secret FROM x', 'SQLite'],
  ["SELECT age FROM Dog WHERE name = (SELECT name FROM Dog WHERE owner = 'bob')", []],
  // Other tables, of the application and of the node.
  ['SELECT * FROM Vault', noTable],
  ['SELECT anything FROM Vault', noTable],
  ['SELECT count(*) FROM Vault', noTable],
  ['SELECT 1 FROM Vault', noTable],
  ['SELECT EXISTS (SELECT 1 FROM Vault)', noTable],
  ['SELECT * FROM Dog, Vault', noTable],
  ['SELECT 1 FROM Dog WHERE id IN Vault', noTable],
  ["SELECT * FROM 'Vault'", noTable],
  ['SELECT * FROM "Vault"', noTable],
  ['SELECT * FROM [Vault]', noTable],
  ['SELECT * FROM `vault`', noTable],
  ['SELECT * FROM /* */ Vault -- ', noTable],
  ['SELECT * FROM data.Vault', noTable],
  ['SELECT * FROM main.Vault', noTable],
  ['SELECT * FROM temp.Vault', noTable],
  ['SELECT * FROM Owner', noTable],
  ['SELECT * FROM zoo.Cat', noTable],
  ['SELECT * FROM zoo.Cat, Dog', noTable],
  ['SELECT * FROM Cat', noTable],
  ['SELECT * FROM "Dog$tags"', noTable],
  ['SELECT * FROM _log', noTable],
  ['SELECT count(*) FROM _log', noTable],
  ['SELECT count(*) FROM main._log', noTable],
  ['SELECT * FROM _catalog', noTable],
  ['SELECT definition FROM "_catalog"', noTable],
  ['SELECT 1 FROM _blobs', noTable],
  ['SELECT * FROM _peers', noTable],
  ['SELECT * FROM system.zerohop_user', noTable],
  ['SELECT * FROM zerohop_user', noTable],
  ['SELECT * FROM zerohop_role', noTable],
  // A common table expression is called as what it is to stand for.
  ['WITH Dog AS (SELECT * FROM _log) SELECT * FROM Dog', noTable],
  ['WITH Dog AS (SELECT * FROM Dog) SELECT * FROM Dog', 'circular'],
  ['WITH _log AS (SELECT 1 AS a) SELECT a FROM _log', [{ a: 1 }]],
  ['WITH _log AS (SELECT * FROM _log) SELECT * FROM _log', 'circular'],
  ['WITH a AS (WITH b AS (SELECT * FROM Vault) SELECT * FROM b) SELECT * FROM a', noTable],
  // What SQLite tells of itself.
  ['SELECT * FROM sqlite_master', noTable],
  ['SELECT * FROM sqlite_schema', noTable],
  ['SELECT count(*) FROM sqlite_schema', noTable],
  ['SELECT * FROM main.sqlite_schema', noTable],
  ['SELECT sql FROM sqlite_temp_master', noTable],
  ['SELECT sql FROM temp.sqlite_schema', noTable],
  ['SELECT count(*) FROM temp.sqlite_master', noTable],
  ['SELECT * FROM sqlite_sequence', noTable],
  ["SELECT * FROM pragma_table_info('Dog')", noTable],
  ["SELECT * FROM main.pragma_table_xinfo('Vault')", noTable],
  ['SELECT * FROM pragma_database_list', noTable],
  ['SELECT count(*) FROM pragma_database_list', noTable],
  ['SELECT count(*) FROM temp.pragma_table_list', noTable],
  ['SELECT * FROM pragma_function_list', noTable],
  ['SELECT * FROM dbstat', noTable],
  ['SELECT count(*) FROM dbstat', noTable],
  ["SELECT * FROM fts5vocab('a', 'b', 'c')", noTable],
  ['SELECT * FROM generate_series(1, 10)', noTable],
  ["SELECT * FROM bytecode('SELECT 1')", noTable],
  ["SELECT * FROM tables_used('SELECT 1')", noTable],
  ['SELECT sqlite_source_id()', 'function sqlite_source_id is not available'],
  ['SELECT sqlite_compileoption_get(1)', 'is not available'],
  ["SELECT fts3_tokenizer('simple')", 'is not available'],
  ["SELECT load_extension('/tmp/x')", 'is not available'],
  ["SELECT readfile('/etc/passwd')", 'no such function'],
  ["SELECT writefile('/tmp/x', 'y')", 'no such function'],
  ["SELECT edit('x')", 'no such function'],
  ['SELECT last_insert_rowid(), changes(), total_changes()', 'is not available'],
  ["SELECT sqlite_log(1, 'x')", 'is not available'],
  ["SELECT rtreecheck('main', 'Dog')", 'is not available'],
  // Statements that are none.
  ['PRAGMA table_list', 'PRAGMA is not supported'],
  ['PRAGMA query_only = OFF', 'PRAGMA is not supported'],
  ["ATTACH '/etc/passwd' AS p", 'ATTACH is not supported'],
  ["ATTACH 'file:x?mode=memory' AS p", 'ATTACH is not supported'],
  ['DETACH main', 'DETACH is not supported'],
  ["VACUUM INTO '/tmp/zerohop-attack.db'", 'VACUUM is not supported'],
  ['EXPLAIN SELECT * FROM Dog', 'EXPLAIN is not supported'],
  ['EXPLAIN QUERY PLAN SELECT * FROM Dog', 'EXPLAIN is not supported'],
  ['CREATE TEMP TABLE x AS SELECT 1', 'CREATE is not supported'],
  ['CREATE TRIGGER t AFTER INSERT ON Dog BEGIN SELECT 1; END', 'One statement at a time'],
  ["CREATE VIRTUAL TABLE v USING fts5vocab('main', 'Dog$fulltext', 'row')", 'CREATE is not supported'],
  ['DROP TABLE Dog', 'DROP is not supported'],
  ['ALTER TABLE Dog ADD COLUMN x', 'ALTER is not supported'],
  ['REINDEX', 'REINDEX is not supported'],
  ['ANALYZE', 'ANALYZE is not supported'],
  ['BEGIN IMMEDIATE', 'BEGIN is not supported'],
  ['ROLLBACK', 'ROLLBACK is not supported'],
  ['SAVEPOINT a', 'SAVEPOINT is not supported'],
  ["REPLACE INTO Dog (id) VALUES ('1')", 'REPLACE is not supported'],
  ['SELECT 1; SELECT * FROM Vault', 'One statement at a time'],
  ["SELECT 1; ATTACH ':memory:' AS x", 'One statement at a time'],
  ["SELECT ';' AS a;;", [{ a: ';' }]],
  ['SELECT 1 /* ; */ AS a -- ; DROP TABLE Dog', [{ a: 1 }]],
  ['/* x', 'There is no statement'],
  ["SELECT 'x", "can't be read"],
  ['SELECT 1 \u0000; SELECT 2', "can't be read"],
  ['', 'not empty'],
  // Sizes.
  ['SELECT zeroblob(1000000000)', 'too big'],
  ["SELECT printf('%1000000000d', 1)", 'too big'],
  ['SELECT hex(randomblob(30000000))', 'too big'],
  ["SELECT replace(printf('%10000d', 1), ' ', printf('%100000d', 1))", 'too big'],
  [
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT i FROM n',
    'more than 1000 rows',
  ],
  [
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT randomblob(10000000) FROM n',
    'more than 33554432 bytes',
  ],
  [`SELECT ${'('.repeat(5000)}1${')'.repeat(5000)}`, 'SQLite'],
  [`SELECT 1${' + 1'.repeat(5000)}`, 'SQLite'],
  [`SELECT 1 ${'UNION SELECT 1 '.repeat(1000)}`, 'SQLite'],
  [`SELECT '${'x'.repeat(300_000)}'`, 'bytes at most'],
  // Writes of others' records, and of what she may not write.
  ["UPDATE Dog SET name = 'x' WHERE owner = 'bob'", 'updated 0 of 0'],
  ["UPDATE Dog SET secret = 'x'", 'not secret'],
  ["UPDATE Dog SET owner = 'bob' WHERE id = '1'", 'may not update'],
  ['UPDATE Dog SET name = (SELECT code FROM Vault)', noTable],
  ['UPDATE Dog SET name = secret', 'no such column'],
  ["UPDATE Dog SET id = '9'", "can't be changed"],
  ['UPDATE Dog SET _version = 1', 'not _version'],
  ["UPDATE Vault SET code = 'x'", noTable],
  ['UPDATE _log SET lsn = 1', noTable],
  ["UPDATE sqlite_master SET sql = ''", noTable],
  ["UPDATE zoo.Cat SET name = 'x'", noTable],
  ["DELETE FROM Dog WHERE owner = 'bob'", '0 of 0'],
  ['DELETE FROM Vault', noTable],
  ['DELETE FROM _catalog', noTable],
  ['DELETE FROM system.zerohop_user', noTable],
  ["INSERT INTO Dog (id, name, owner) VALUES ('9', 'x', 'bob')", 'may not insert'],
  ["INSERT INTO Dog (id, owner, secret) VALUES ('9', 'ann', 'x')", 'not secret'],
  ["INSERT INTO Dog (id, owner, name) SELECT '9', 'ann', code FROM Vault", noTable],
  ["INSERT INTO Dog (id, owner) VALUES ('1', 'ann') RETURNING secret", 'no such column'],
  ["INSERT INTO Vault (id) VALUES ('9')", 'may not insert'],
  ["INSERT INTO system.zerohop_user (id) VALUES ('eve')", noTable],
  ["INSERT INTO sqlite_schema (name) VALUES ('x')", noTable],
  ["INSERT INTO Owner (id, email) VALUES ('9', 'x') RETURNING *", noTable],
];

describe('a statement of somebody with a small role', () => {
  test.each(attacks.map(([sql, expected]) => ({ shown: sql.slice(0, 80), sql, expected })))(
    '$shown',
    async ({ sql, expected }) => {
      const { status, text } = await sqlAs(ann, sql);
      expect(text).not.toContain(hidden);
      expect(text).not.toMatch(/z[0-9a-f]{32}/);
      if (typeof expected === 'string') {
        expect(text).toContain(JSON.stringify(expected).slice(1, -1));
        expect(status).toBeLessThan(500);
      } else expect(JSON.parse(text)).toEqual(expected);
    },
    20_000,
  );

  test('nothing was changed by any of them', async () => {
    const all = await operate(node, { operation: 'sql', sql: 'SELECT id, name, owner, secret FROM Dog ORDER BY id' });
    expect(all).toEqual([
      { id: '1', name: 'Rex', owner: 'ann', secret: hidden },
      { id: '2', name: hidden, owner: 'bob', secret: hidden },
      { id: '3', name: 'Ivy', owner: 'ann', secret: null },
    ]);
    expect(existsSync('/tmp/zerohop-attack.db')).toBe(false);
  });

  test('a name that is hidden and one that does not exist are refused in the same words', async () => {
    const sameAs = async (sql: string) => (await sqlAs(ann, sql)).text.replaceAll(/Vaults?|Nowhere/g, '…');
    for (const sql of [
      'SELECT * FROM Vault',
      'SELECT x FROM Vault',
      'SELECT code FROM Vault',
      'SELECT count(*) FROM Vault',
      'UPDATE Vault SET code = 1',
      'DELETE FROM Vault',
    ])
      expect(await sameAs(sql)).toBe(await sameAs(sql.replace('Vault', 'Nowhere')));
  });

  test('a condition that fails is not asked of what is hidden: it fails alike for what does not exist', async () => {
    const faults = [
      "json('x')",
      'abs(-9223372036854775807 - 1)',
      '(SELECT sum(value) FROM json_each(json_array(9223372036854775807, 1)))',
    ];
    const found = ['id', 'name'].flatMap((column) =>
      ["IN ('?', '!')", "BETWEEN '?' AND '?'", ">= '?'", "LIKE '?'", "= '?'"].map((test) => `${column} ${test}`),
    );
    const statements = faults.flatMap((fault) =>
      found.flatMap((condition) => {
        const fails = `CASE WHEN ${condition} THEN ${fault} END IS NULL`;
        return [
          `SELECT count(*) FROM Dog WHERE ${fails}`,
          `SELECT count(*) FROM Dog WHERE ${condition} AND ${fails}`,
          `SELECT count(*) FROM json_each('[1]') j JOIN Dog ON ${condition} AND ${fails}`,
          `SELECT count(*) FROM Dog a LEFT JOIN Dog b ON b.${condition} AND ${fails.replace('WHEN ', 'WHEN b.')}`,
          `SELECT count(*) FROM (SELECT * FROM Dog UNION ALL SELECT * FROM Dog) WHERE ${condition} AND ${fails}`,
          `SELECT id FROM Dog WHERE ${condition} ORDER BY ${fails}`,
          `UPDATE Dog SET age = 9 WHERE ${condition} AND ${fails}`,
          `DELETE FROM Dog WHERE ${condition} AND ${fails}`,
        ];
      }),
    );
    const told: string[] = [];
    for (const statement of statements) {
      const isId =
        statement.includes('id IN') || statement.includes('id BETWEEN') || /id (>=|LIKE|=) '/.test(statement);
      // The records that are hidden come between those that are not, and so does what does not exist.
      const [there, absent] = isId ? ['2', '25'] : [hidden, `${hidden}5`];
      const said = await sqlAs(ann, statement.replaceAll("'?'", `'${there}'`));
      const saidOfNothing = await sqlAs(ann, statement.replaceAll("'?'", `'${absent}'`));
      if (said.text !== saidOfNothing.text) told.push(statement);
    }
    expect(told).toEqual([]);
  }, 30_000);

  test('what is hidden is no hint', async () => {
    expect((await sqlAs(ann, 'SELECT * FROM Vauld')).text).not.toContain('Did you mean');
    expect((await sqlAs(ann, 'SELECT * FROM Dogg')).text).toContain('Did you mean Dog?');
  });

  test('without credentials there is nothing', async () => {
    expect((await sqlAs({}, 'SELECT 1')).status).toBe(401);
  });

  test('a row rule holds in joins, subqueries and aggregates alike', async () => {
    for (const sql of [
      'SELECT count(*) AS n FROM Dog a CROSS JOIN Dog b',
      'SELECT count(*) * count(*) AS n FROM (SELECT * FROM Dog UNION ALL SELECT * FROM Dog WHERE 0)',
      'SELECT (SELECT count(*) FROM Dog) * 2 AS n',
      'SELECT count(*) * 2 AS n FROM Dog WHERE age IN (SELECT age FROM Dog)',
    ])
      expect([sql, JSON.parse((await sqlAs(ann, sql)).text)]).toEqual([sql, [{ n: 4 }]]);
  });
});

test('nothing made of the words of SQL shows what is hidden, or fails the node', async () => {
  const words =
    'SELECT FROM WHERE UNION ALL WITH AS JOIN LEFT NATURAL ON USING IN EXISTS NOT NULL GROUP BY ORDER LIMIT HAVING CASE WHEN THEN END VALUES INSERT INTO UPDATE SET DELETE RETURNING RECURSIVE OVER CAST COLLATE MATCH main temp data zoo system Dog Vault Cat Owner _log _catalog sqlite_schema pragma_table_list json_each secret code name id owner rowid _body * ( ) ( ) , , . = || ; \'x\' "Vault" [_log] `secret` 1 ? :a -- /* */'.split(
      ' ',
    );
  const statement = fc.tuple(
    fc.constantFrom(
      'SELECT * FROM',
      'SELECT',
      'WITH Dog AS (',
      'UPDATE Dog SET',
      'DELETE FROM',
      'INSERT INTO Owner (id)',
    ),
    fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 12 }),
  );
  await fc.assert(
    fc.asyncProperty(statement, async ([head, rest]) => {
      const { status, text } = await sqlAs(ann, `${head} ${rest.join(' ')}`, { parameters: ['x'] });
      expect(text).not.toContain(hidden);
      expect(status).toBeLessThan(500);
    }),
    { numRuns: 500 },
  );
}, 20_000);

test('a statement that would never end is ended, and the node goes on answering meanwhile', async () => {
  const bomb = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
  const bombs = [sqlAs(ann, bomb), sqlAs(ann, bomb), sqlAs(ann, bomb)];
  expect((await fetch(`${node.operationsUrl}/health`)).status).toBe(200);
  for (const { status, text } of await Promise.all(bombs)) {
    expect(status).toBe(400);
    expect(text).toContain('took longer than 2000 ms');
  }
  expect((await sqlAs(ann, 'SELECT 1 AS a')).text).toBe('[{"a":1}]');
}, 20_000);

test('a statement ends when the node is killed', async () => {
  const bomb = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
  const before = new Map(childrenOf(node.pid).map((pid) => [pid, ticksOf(pid)]));
  const isBusy = (pid: string) => ticksOf(pid) > (before.get(pid) ?? 0) + 10;
  sqlAs(ann, bomb).catch(() => {});
  await until('a process works on it', () => childrenOf(node.pid).some(isBusy));
  const orphans = childrenOf(node.pid);
  await node.kill9();
  await until('it has ended', () => !orphans.some((pid) => existsSync(`/proc/${pid}`)));
}, 20_000);

function childrenOf(pid: number): string[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const lists = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8'));
  return lists.join(' ').split(' ').filter(Boolean);
}

/** What a process has used of the processor, in hundredths of a second. */
function ticksOf(pid: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[13]);
  } catch {
    return 0;
  }
}
