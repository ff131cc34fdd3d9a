// SQL and the search operation let the same records be seen, whatever rule a role has for them.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { identitiesOf, operate } from '../security/callers.ts';
import { startNode, type TestNode } from '../support/start-node.ts';

let node: TestNode;

beforeAll(async () => {
  node = await startNode({ app: 'sql', threads: 1, settings: { AUTHORIZE_LOCAL: 'false' } });
  const names = ['Rex', "O'Hara", 'a"b', '50%', '', 'ünï', 'x\u0000y'];
  const records = Array.from({ length: 40 }, (_, index) => ({
    id: `${index}`,
    name: names[index % names.length],
    owner: ['ann', 'bob', "o'neil", null][index % 4],
    age: index % 3 === 0 ? null : index % 11,
    good: [true, false, null][index % 3],
    born: index % 5 === 0 ? null : `20${10 + (index % 9)}-01-01T00:00:00.000Z`,
    weight: index % 4 === 0 ? null : index * 10 ** (index % 12),
    tags: index % 6 === 0 ? null : ['a', 'b', "c'd"].slice(0, index % 4),
    home: index % 7 === 0 ? null : { street: `s${index % 3}`, number: index % 5 },
  }));
  await operate(node, { operation: 'insert', table: 'Dog', records });
  const owners = ['ann', 'bob', "o'neil"].map((id) => ({ id, email: `${id}@example.org` }));
  await operate(node, { operation: 'insert', table: 'Owner', records: owners });
}, 20_000);
afterAll(() => node[Symbol.asyncDispose]());

const rules = [
  'owner=$user',
  'owner=bob',
  "name=O'Hara",
  'name=a%22b',
  'name=50%25',
  'name=%C3%BCn%C3%AF',
  'age=gt=3',
  'age=gt=2&age=le=7',
  'age=null',
  'age=ne=null',
  'good=true',
  'good=false|age=gt=8',
  'born=gt=2015-01-01',
  'weight=gt=1000',
  'tags=a',
  "tags=c'd&age=gt=2",
  'tags=ne=a',
  'home.street=s1',
  'home.number=gt=2',
  'keeper.email=ann@example.org',
  "keeper.email=o'neil@example.org|owner=bob",
  'name=sw=O',
  'name=ct=e',
  'id=in=1,2,3',
];

test('whatever the rule', async () => {
  const permission = (rows: string) => ({
    data: { tables: { Dog: { read: true, insert: false, update: false, delete: true, rows } } },
  });
  await operate(node, { operation: 'add_role', role: 'some', permission: permission('owner=nobody') });
  await operate(node, {
    operation: 'add_user',
    username: 'ann',
    password: 'a long secret',
    role: 'some',
    active: true,
  });
  const [, bearer] = await identitiesOf(node, 'ann', 'a long secret');
  const seen: [string, unknown, unknown][] = [];
  for (const rows of rules) {
    await operate(node, { operation: 'alter_role', id: 'some', permission: permission(rows) });
    const ask = async (body: object) => {
      const response = await fetch(node.operationsUrl, {
        method: 'POST',
        headers: { ...bearer?.headers },
        body: JSON.stringify(body),
      });
      return response.json();
    };
    const sql = (text: string) => ask({ operation: 'sql', sql: text });
    const ids = (rows: unknown) => (Array.isArray(rows) ? rows.map(({ id }) => String(id)).sort() : rows);
    const found = ids(await ask({ operation: 'search_by_value', table: 'Dog', attribute: 'id', value: '*' }));
    seen.push([rows, found, ids(await sql('SELECT id FROM Dog'))]);
    expect([rows, await sql('SELECT count(*) AS n FROM Dog')]).toEqual([rows, [{ n: (found as unknown[]).length }]]);
    expect([rows, ids(await sql('SELECT a.id FROM Dog a WHERE a.id IN (SELECT id FROM Dog)'))]).toEqual([rows, found]);
  }
  for (const [rows, found, bySql] of seen) expect([rows, bySql]).toEqual([rows, found]);
  const sizes = seen.map(([, found]) => (found as unknown[]).length);
  expect(Math.min(...sizes)).toBeGreaterThan(0);
  expect(Math.max(...sizes)).toBeLessThan(40);
}, 30_000);
