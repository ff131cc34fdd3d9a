// SQL through the operations door, and from the command line: what is read, and what is written the way of all writes.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { operate } from '../security/callers.ts';
import { launcher, startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

let node: TestNode;
let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'zerohop-home-'));
  node = await startNode({ app: 'sql', threads: 1 });
}, 20_000);
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

const sql = (text: string, more: object = {}): Promise<unknown> =>
  operate(node, { operation: 'sql', sql: text, ...more });
const refused = (text: string, more: object = {}): Promise<string> =>
  sql(text, more).then(
    (answer) => `answered ${JSON.stringify(answer)}`,
    (error: Error) => error.message,
  );

describe('reading', () => {
  beforeAll(async () => {
    const dogs = [
      {
        id: '1',
        name: 'Rex',
        owner: 'ann',
        age: 3,
        good: true,
        born: '2020-01-01T00:00:00.000Z',
        weight: 12,
        tags: ['a', 'b'],
        home: { street: 'High St', number: 5 },
      },
      { id: '2', name: 'Ivy', owner: 'bob', age: 9, good: false, tags: [] },
      { id: '3', name: "O'Hara", owner: 'ann' },
    ];
    await operate(node, { operation: 'insert', table: 'Dog', records: dogs });
    await operate(node, { operation: 'insert', database: 'zoo', table: 'Dog', records: [{ id: '1', name: 'Wolf' }] });
    await operate(node, { operation: 'insert', database: 'zoo', table: 'Cat', records: [{ id: '1', name: 'Tom' }] });
    await operate(node, { operation: 'create_table', table: 'Any', primary_key: 'id' });
    await operate(node, { operation: 'insert', table: 'Any', records: [{ id: '1', color: 'red', $odd: { a: [1] } }] });
  });

  test('every kind of attribute', async () => {
    expect(await sql("SELECT * FROM Dog WHERE id = '1'")).toEqual([
      {
        id: '1',
        name: 'Rex',
        owner: 'ann',
        age: 3,
        good: 1,
        born: '2020-01-01T00:00:00.000Z',
        weight: 12,
        tags: '["a","b"]',
        home: '{"street":"High St","number":5}',
        secret: null,
      },
    ]);
  });

  const statements: readonly (readonly [sql: string, rows: readonly object[], more?: object])[] = [
    ['SELECT name FROM Dog ORDER BY age DESC LIMIT 1', [{ name: 'Ivy' }]],
    ['select NAME from DOG where ID = 1', []],
    ["SELECT name FROM dog WHERE id = '1'", [{ name: 'Rex' }]],
    [
      'SELECT owner, count(*) AS n FROM Dog GROUP BY owner ORDER BY owner',
      [
        { owner: 'ann', n: 2 },
        { owner: 'bob', n: 1 },
      ],
    ],
    ['SELECT name FROM Dog WHERE age > ? AND owner = ?', [{ name: 'Ivy' }], { parameters: [5, 'bob'] }],
    ['SELECT ?2 AS b, ?1 AS a', [{ b: 'y', a: 'x' }], { parameters: ['x', 'y'] }],
    ["SELECT '?7' AS a, ? AS b", [{ a: '?7', b: 'x' }], { parameters: ['x'] }],
    ['SELECT :a || @b || $c || :a AS x', [{ x: '1231' }], { parameters: { a: 1, b: 2, c: 3 } }],
    ['SELECT name FROM Dog WHERE good = ?', [{ name: 'Rex' }], { parameters: [true] }],
    ['SELECT value FROM json_each(?)', [{ value: 1 }, { value: 2 }], { parameters: [[1, 2]] }],
    ["SELECT name FROM Dog WHERE name = 'O''Hara' -- a comment", [{ name: "O'Hara" }]],
    [
      'SELECT d.name, t.value FROM Dog d, json_each(d.tags) t',
      [
        { name: 'Rex', value: 'a' },
        { name: 'Rex', value: 'b' },
      ],
    ],
    ["SELECT home ->> '$.street' AS street FROM Dog WHERE home IS NOT NULL", [{ street: 'High St' }]],
    ['SELECT data.Dog.name, zoo.Dog.name AS w FROM data.Dog JOIN zoo.Dog USING (id)', [{ name: 'Rex', w: 'Wolf' }]],
    ['SELECT Cat.name FROM zoo.Cat', [{ name: 'Tom' }]],
    ['SELECT name FROM Dog', [{ name: 'Wolf' }], { database: 'zoo' }],
    ['SELECT d.name FROM data.Dog d, Dog e WHERE d.id = e.id', [{ name: 'Rex' }], { database: 'zoo' }],
    ['SELECT color FROM Any', [{ color: 'red' }]],
    ['SELECT "$odd" ->> \'$.a[0]\' AS x FROM Any', [{ x: 1 }]],
    ['SELECT 1 AS a, 2 AS a, 3 AS "a_2"', [{ a: 1, a_2: 2, a_2_2: 3 }]],
    ["SELECT x'0102' AS bytes, 1.5 AS real, NULL AS none", [{ bytes: 'AQI=', real: 1.5, none: null }]],
    ['SELECT 1e999 AS x', [{ x: null }]],
    [
      'VALUES (1, 2), (3, 4)',
      [
        { column1: 1, column2: 2 },
        { column1: 3, column2: 4 },
      ],
    ],
    ['WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3) SELECT sum(i) AS s FROM n', [{ s: 6 }]],
    [
      'SELECT name, rank() OVER (ORDER BY age) AS r FROM Dog WHERE age > 0',
      [
        { name: 'Rex', r: 1 },
        { name: 'Ivy', r: 2 },
      ],
    ],
    ['SELECT id FROM Dog ORDER BY id', [{ id: '1' }, { id: '2' }], { limit: 2 }],
    ['SELECT 1 AS "data.Dog" ;', [{ 'data.Dog': 1 }]],
  ];
  test.each(statements.map(([text, rows, more]) => ({ text, rows, more })))('$text', async ({ text, rows, more }) => {
    expect(await sql(text, more)).toEqual([...rows]);
  });

  test('integers keep their digits', async () => {
    const response = await fetch('http://localhost/', {
      unix: `${node.folder}/operations.sock`,
      method: 'POST',
      body: JSON.stringify({ operation: 'sql', sql: 'SELECT 9007199254740993 AS x' }),
    });
    expect(await response.text()).toBe('[{"x":9007199254740993}]');
  });

  test('what has expired is not there', async () => {
    await operate(node, { operation: 'insert', table: 'Visit', records: [{ id: 'old', page: '/' }] });
    await until('the visit is gone', async () => ((await sql('SELECT * FROM Visit')) as unknown[]).length === 0);
  }, 20_000);

  const wrong: readonly (readonly [sql: string, said: string, more?: object])[] = [
    ['SELECT nam FROM Dog', 'no such column: nam'],
    ['SELEKT 1', 'SELEKT is not supported'],
    ['SELECT FROM', 'syntax error'],
    ['SELECT ?', 'no value for parameter 1'],
    ['SELECT :a', 'no value for the parameter a', { parameters: { b: 1 } }],
    ['SELECT :a', 'no value for the parameter a', { parameters: [1] }],
    ['SELECT ?99999', 'is no parameter', { parameters: [1] }],
    ['SELECT 1', 'is a list', { parameters: 'x' }],
    ['SELECT * FROM zerohop_user', 'There is no table', { database: 'data' }],
    ['SELECT 1', "the node's own", { database: 'system' }],
    ['SELECT 1', 'whole number', { limit: -1 }],
  ];
  test.each(wrong.map(([text, said, more]) => ({ text, said, more })))(
    'refused: $text $said',
    async ({ text, said, more }) => {
      const message = await refused(text, more);
      expect(message).toContain(said);
      expect(message).toMatch(/: 40\d /);
    },
  );
});

describe('writing', () => {
  const cats = () => sql('SELECT * FROM zoo.Cat ORDER BY id');
  const zoo = { database: 'zoo' };
  beforeAll(() => sql('DELETE FROM Cat', zoo));

  test('inserts, updates and deletes as told, like the operations', async () => {
    expect(
      await sql("INSERT INTO Cat (id, name) VALUES ('1', 'Tom'), ('2', ?), ('3', upper('x'))", {
        ...zoo,
        parameters: ['Kit'],
      }),
    ).toEqual({
      message: 'inserted 3 of 3 records',
      inserted_hashes: ['1', '2', '3'],
      skipped_hashes: [],
    });
    expect(await sql("INSERT INTO zoo.Cat (id, name) VALUES ('1', 'new'), ('4', 'Leo')")).toMatchObject({
      inserted_hashes: ['4'],
      skipped_hashes: ['1'],
    });
    expect(await sql("UPDATE zoo.Cat AS c SET name = c.name || '!' WHERE id < '3'")).toEqual({
      message: 'updated 2 of 2 records',
      update_hashes: ['1', '2'],
      skipped_hashes: [],
    });
    expect(
      await sql("DELETE FROM Cat WHERE id IN (SELECT id FROM Cat WHERE name LIKE '%!' ORDER BY id LIMIT 1)", zoo),
    ).toEqual({
      message: '1 of 1 record successfully deleted',
      deleted_hashes: ['1'],
      skipped_hashes: [],
    });
    expect(await cats()).toEqual([
      { id: '2', name: 'Kit!' },
      { id: '3', name: 'X' },
      { id: '4', name: 'Leo' },
    ]);
  });

  test('RETURNING, WITH, ORDER BY and LIMIT', async () => {
    expect(
      await sql(
        "WITH n(x) AS (VALUES ('5'), ('6')) INSERT INTO Cat (id, name) SELECT x, 'cat ' || x FROM n RETURNING id, length(name) AS l",
        zoo,
      ),
    ).toEqual([
      { id: '5', l: 5 },
      { id: '6', l: 5 },
    ]);
    expect(
      await sql("UPDATE Cat SET name = (SELECT 'Puss') WHERE id > '0' ORDER BY id DESC LIMIT 1 RETURNING *", zoo),
    ).toEqual([{ id: '6', name: 'Puss' }]);
    expect(await sql("DELETE FROM Cat WHERE name = 'Puss' RETURNING *", zoo)).toEqual([{ id: '6', name: 'Puss' }]);
    expect(
      await sql("WITH old AS (SELECT id FROM Cat WHERE id < '5') DELETE FROM Cat WHERE id IN old RETURNING id", zoo),
    ).toEqual([{ id: '2' }, { id: '3' }, { id: '4' }]);
  });

  test('a RETURNING that can not be answered writes nothing; one that fails on what was written says so', async () => {
    expect(await refused("INSERT INTO Cat (id, name) VALUES ('r', 'x') RETURNING nope", zoo)).toContain(
      'no such column',
    );
    expect(await refused("UPDATE Cat SET name = 'y' RETURNING nope", zoo)).toContain('no such column');
    expect(await sql("SELECT * FROM Cat WHERE id = 'r' OR name = 'y'", zoo)).toEqual([]);
    const failing = "INSERT INTO Cat (id, name) VALUES ('r', 'x') RETURNING json(name)";
    expect(await refused(failing, zoo)).toContain(
      'The records were written, but not RETURNING: SQLite: malformed JSON',
    );
    expect(await sql("DELETE FROM Cat WHERE id = 'r' RETURNING json(name)", zoo).catch(() => 'nothing')).toBe(
      'nothing',
    );
    expect(await sql("DELETE FROM Cat WHERE id = 'r' RETURNING id", zoo)).toEqual([{ id: 'r' }]);
  });

  test('values take the kind of their attribute', async () => {
    await sql(
      `INSERT INTO Dog (id, name, age, good, born, weight, tags, home)
       VALUES ('k', 'Kim', 4, 1 = 1, '2020-01-01T00:00:00.000Z', 12345678901234567, json_array('x', 'y'), json_object('street', 's', 'number', 1))`,
    );
    const record = await fetch(`${node.url}/Dog/k`);
    expect(await record.text()).toContain('"weight":12345678901234567');
    expect(await (await fetch(`${node.url}/Dog/k`)).json()).toMatchObject({
      name: 'Kim',
      age: 4,
      good: true,
      born: '2020-01-01T00:00:00.000Z',
      tags: ['x', 'y'],
      home: { street: 's', number: 1 },
    });
    await sql("UPDATE Dog SET tags = json_insert(tags, '$[#]', 'z'), good = NOT good, age = NULL WHERE id = 'k'");
    expect(await (await fetch(`${node.url}/Dog/k`)).json()).toMatchObject({
      tags: ['x', 'y', 'z'],
      good: false,
      age: null,
      name: 'Kim',
    });
  });

  test('one wrong record and nothing is written', async () => {
    expect(await refused("INSERT INTO Dog (id, age) VALUES ('a', 1), ('b', 'old')")).toContain('VALIDATION_FAILED');
    expect(await refused("UPDATE Dog SET age = 'old'")).toContain('VALIDATION_FAILED');
    expect(await sql("SELECT id FROM Dog WHERE id IN ('a', 'b')")).toEqual([]);
  });

  test('concurrent increments are all counted', async () => {
    await sql("INSERT INTO Dog (id, age) VALUES ('n', 0)");
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, () => refused("UPDATE Dog SET age = age + 1 WHERE id = 'n'")),
    );
    const done = outcomes.filter((one) => one.startsWith('answered')).length;
    expect(done).toBeGreaterThan(0);
    for (const one of outcomes) expect(one).toMatch(/^answered|CONFLICT/);
    expect(await sql("SELECT age FROM Dog WHERE id = 'n'")).toEqual([{ age: done }]);
  });

  const wrong: readonly (readonly [sql: string, said: string])[] = [
    ["INSERT INTO Dog VALUES ('1')", 'INSERT names its attributes'],
    ["INSERT INTO Dog (id, name) VALUES ('1')", 'names 2 attributes, and is given 1'],
    ["INSERT INTO Dog (id, id) VALUES ('1', '2')", 'names id twice'],
    ["INSERT OR REPLACE INTO Dog (id) VALUES ('1')", 'INSERT OR REPLACE is not supported'],
    ["INSERT INTO Dog (id) VALUES ('1') ON CONFLICT DO NOTHING", 'ON CONFLICT is not supported'],
    ['INSERT INTO Dog (id) DEFAULT VALUES', 'VALUES'],
    ['INSERT INTO Doggo (id) VALUES (1)', 'There is no table Doggo'],
    ["INSERT INTO Dog (id, nam) VALUES ('q', 'x')", 'Did you mean name?'],
    ["UPDATE Dog SET breed = 'x'", 'Dog has no attribute breed'],
    ['UPDATE Dog SET (name, age) = (1, 2)', 'SET a ='],
    ["UPDATE Dog SET name = 'x' FROM Owner", 'UPDATE … FROM is not supported'],
    ["UPDATE OR IGNORE Dog SET name = 'x'", 'UPDATE OR IGNORE is not supported'],
    ["UPDATE Dog SET name = 'a', name = 'b'", 'names name twice'],
    ["UPDATE Dog SET id = 'a'", "can't be changed"],
    ['UPDATE Dog SET', 'attribute = value'],
    ['UPDATE Dog INDEXED BY x SET name = 1', 'INDEXED BY'],
    ['DELETE Dog', 'DELETE FROM'],
    ['DELETE FROM Dog USING Owner', 'WHERE'],
    ["UPDATE Dog SET name = 'x' RETURNING ?", 'no value for parameter'],
    ["UPDATE Dog SET name = name || '?3' WHERE id = 'none' RETURNING '?1', no", 'no such column: no'],
    ['CREATE TABLE x (id)', 'create_table'],
    ['DROP TABLE Dog', 'drop_table'],
  ];
  test.each(wrong.map(([text, said]) => ({ text, said })))('refused: $text', async ({ text, said }) => {
    expect(await refused(text)).toContain(said);
  });
});

describe('the command line', () => {
  const spawn = (words: readonly string[], stdin: string | 'ignore', env: Record<string, string> = {}) => {
    const child = Bun.spawn(['node', launcher, ...words], {
      env: { PATH: process.env.PATH ?? '', HOME: home, ...env },
      stdin: stdin === 'ignore' ? 'ignore' : Buffer.from(stdin),
      stdout: 'pipe',
      stderr: 'pipe',
    });
    return Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]).then(
      ([out, err, code]) => ({ out, err, code }),
    );
  };

  test('one statement, with parameters', async () => {
    const words = ['sql', 'SELECT id, name FROM Dog WHERE id = :id', '--param', 'id="2"', '--data', node.folder];
    const { out, err, code } = await spawn(words, 'ignore', { ZEROHOP_USERNAME: 'somebody' });
    expect([err, code, JSON.parse(out || 'null')]).toEqual(['', 0, [{ id: '2', name: 'Ivy' }]]);
  });

  test('statements from standard input, until one fails', async () => {
    const script = "SELECT 1\n  AS a;\n\nSELECT 'x;\ny' AS b;\nSELECT nope FROM Dog;\nSELECT 3;\n";
    const { out, err, code } = await spawn(['sql', '--data', node.folder], script);
    expect(out).toBe('[\n  {\n    "a": 1\n  }\n]\n[\n  {\n    "b": "x;\\ny"\n  }\n]\n');
    expect(err).toContain('no such column: nope');
    expect(code).toBe(1);
  });

  test('several statements in a line, the last without a semicolon', async () => {
    const { out, err, code } = await spawn(
      ['sql', '--data', node.folder],
      "SELECT ';' AS a; SELECT 2 AS b; -- no more\nSELECT 3 AS c",
    );
    const [first, second, third] = [{ a: ';' }, { b: 2 }, { c: 3 }].map((row) => `${JSON.stringify([row], null, 2)}\n`);
    expect([out, err, code]).toEqual([`${first}${second}${third}`, '', 0]);
  });

  test('a prompt on a terminal, with tables', async () => {
    const screen = new Screen(['sql', '--data', node.folder]);
    await screen.shows('sql> ');
    screen.type("SELECT id, name FROM Dog WHERE id = '1';\r");
    await screen.shows(/id +name\r?\n1 +Rex/);
    screen.type('SELECT nope;\r');
    await screen.shows('no such column: nope');
    screen.type('.exit\r');
    expect(await screen.exited).toBe(0);
  }, 20_000);

  test('a password that is typed is not shown', async () => {
    await operate(node, { operation: 'add_role', role: 'super_user', permission: { super_user: true } });
    await operate(node, {
      operation: 'add_user',
      username: 'ann',
      password: 'l0ng-and-secret',
      role: 'super_user',
      active: true,
    });
    const screen = new Screen(['login', node.operationsUrl, '--username', 'ann']);
    await screen.shows('Password: ');
    screen.type('wrong\x7f\x7f\x7f\x7f\x7fl0ng-and-secret\r');
    await screen.shows('Signed in');
    expect(await screen.exited).toBe(0);
    expect(screen.text).not.toContain('l0ng');
    expect(screen.text).not.toContain('wrong');
  }, 20_000);

  /** A command as a person runs it, on a terminal. */
  class Screen {
    text = '';
    readonly exited: Promise<number>;
    readonly #terminal: Bun.Terminal | undefined;

    constructor(words: readonly string[]) {
      const child = Bun.spawn(['node', launcher, ...words], {
        env: { PATH: process.env.PATH ?? '', HOME: home, TERM: 'dumb' },
        terminal: {
          cols: 120,
          rows: 40,
          data: (_, data) => {
            this.text += Buffer.from(data).toString();
          },
        },
      });
      this.exited = child.exited;
      this.#terminal = child.terminal;
    }

    type(text: string): void {
      this.#terminal?.write(text);
    }

    shows(what: string | RegExp): Promise<void> {
      return until(`the terminal shows ${what}, not ${this.text}`, () =>
        typeof what === 'string' ? this.text.includes(what) : what.test(this.text),
      );
    }
  }
});
