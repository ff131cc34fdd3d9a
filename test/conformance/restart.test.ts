// What apps written for this programming model expect of a node that is started again, as a person starts it: checks 2, 46 and 48 of the
// interface.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNode, type TestNode } from '../support/start-node.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'zerohop-restart-'));
  mkdirSync(join(home, 'app/data'), { recursive: true });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const write = (file: string, text: string) => writeFileSync(join(home, 'app', file), text);
const start = () => startNode({ app: join(home, 'app'), data: join(home, 'data'), threads: 1 });
const get = async (node: TestNode, path: string): Promise<unknown> => (await fetch(node.url + path)).json();
const put = async (node: TestNode, path: string, body: unknown) => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(node.url + path, { method: 'PUT', headers, body: JSON.stringify(body) });
  expect(response.status).toBe(204);
};
const tagOf = async (node: TestNode, path: string) => (await fetch(node.url + path)).headers.get('etag');
const operation = async (node: TestNode, body: unknown): Promise<unknown> => {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(node.operationsUrl, { method: 'POST', headers, body: JSON.stringify(body) })).json();
};

const typeOf = (name: string) => `type ${name} @table @export { id: ID @primaryKey name: String @indexed }\n`;

test('2: a type with another name is a new table, and the one before keeps its records', async () => {
  write('schema.graphql', typeOf('Dog'));
  {
    await using node = await start();
    await put(node, '/Dog/rex', { name: 'Rex' });
  }
  write('schema.graphql', typeOf('Hound'));
  {
    await using node = await start();
    expect(await get(node, '/Hound/')).toEqual([]);
    await put(node, '/Hound/rex', { name: 'Other' });
    expect((await fetch(`${node.url}/Dog/rex`)).status).toBe(404);
    // 46: what an operator sees of it.
    expect(await operation(node, { operation: 'describe_table', table: 'Hound' })).toMatchObject({
      record_count: 1,
      primary_key: 'id',
      attributes: [{ attribute: 'id' }, { attribute: 'name' }],
    });
    const health = await fetch(`${node.operationsUrl}/health`);
    expect([health.status, health.headers.get('content-type')?.startsWith('text/plain')]).toEqual([200, true]);
  }
  write('schema.graphql', typeOf('Dog') + typeOf('Hound'));
  await using node = await start();
  expect(await get(node, '/Dog/')).toEqual([{ id: 'rex', name: 'Rex' }]);
  expect(await get(node, '/Hound/')).toEqual([{ id: 'rex', name: 'Other' }]);
}, 30_000);

test('48: data files are loaded once; what users changed stays, what is new comes', async () => {
  const rows = ['a', 'b', 'c'].map((id) => ({ id, name: `of the file: ${id}` }));
  const writeRows = (records: unknown) => write('data/toys.json', JSON.stringify({ table: 'Toy', records }));
  write('schema.graphql', typeOf('Toy'));
  writeRows(rows);
  const tags: (string | null)[] = [];
  {
    await using node = await start();
    expect(await get(node, '/Toy/?sort(id)')).toEqual(rows);
    await put(node, '/Toy/b', { name: 'of a user' });
    for (const id of ['a', 'b', 'c']) tags.push(await tagOf(node, `/Toy/${id}`));
  }
  {
    await using node = await start();
    for (const [index, id] of ['a', 'b', 'c'].entries())
      expect(await tagOf(node, `/Toy/${id}`)).toBe(tags[index] ?? '');
  }
  writeRows([
    ...rows.slice(0, 2).map((row) => ({ ...row, name: 'changed in the file' })),
    rows[2],
    { id: 'd', name: 'new' },
  ]);
  await using node = await start();
  expect(await get(node, '/Toy/?sort(id)&select(id,name)')).toEqual([
    { id: 'a', name: 'changed in the file' },
    { id: 'b', name: 'of a user' },
    { id: 'c', name: 'of the file: c' },
    { id: 'd', name: 'new' },
  ]);
  expect(await tagOf(node, '/Toy/c')).toBe(tags[2] ?? '');
}, 30_000);
