// Databases, tables and records through the operations door: over the socket as the administrator, over the port as somebody.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { identitiesOf, operate } from '../security/callers.ts';
import { startNode, type TestNode } from '../support/start-node.ts';

let node: TestNode;

beforeAll(async () => {
  node = await startNode({ app: 'operations', threads: 2, settings: { AUTHORIZE_LOCAL: 'false' } });
}, 20_000);
afterAll(() => node[Symbol.asyncDispose]());

const ask = (operation: string, body: object = {}): Promise<unknown> => operate(node, { operation, ...body });
const refused = (operation: string, body: object = {}): Promise<string> =>
  ask(operation, body).then(
    (answer) => `answered ${JSON.stringify(answer)}`,
    (error: Error) => error.message,
  );

describe('records', () => {
  test('insert, update, upsert, search and delete', async () => {
    const table = { table: 'Dog' };
    const dogs = [
      { id: '1', name: 'Harper', owner: 'ann', age: 5 },
      { id: '2', name: 'Penny', owner: 'bob', age: 7 },
      { id: '3', name: 'Pepper', owner: 'ann', age: 2 },
    ];
    expect(await ask('insert', { ...table, records: dogs })).toEqual({
      message: 'inserted 3 of 3 records',
      inserted_hashes: ['1', '2', '3'],
      skipped_hashes: [],
    });
    expect(await ask('insert', { ...table, records: [dogs[0], { id: '4', name: 'Rex' }] })).toEqual({
      message: 'inserted 1 of 2 records',
      inserted_hashes: ['4'],
      skipped_hashes: ['1'],
    });
    expect(
      await ask('update', {
        ...table,
        records: [
          { id: '1', age: 6 },
          { id: 'none', age: 1 },
        ],
      }),
    ).toEqual({
      message: 'updated 1 of 2 records',
      update_hashes: ['1'],
      skipped_hashes: ['none'],
    });
    expect(
      await ask('upsert', {
        ...table,
        records: [
          { id: '4', age: 1 },
          { id: '5', name: 'Ivy' },
        ],
      }),
    ).toEqual({
      message: 'upserted 2 of 2 records',
      upserted_hashes: ['4', '5'],
    });
    const both = { ...table, get_attributes: ['id', 'age', 'name'] };
    expect(await ask('search_by_id', { ...both, ids: ['1', '4', 'none'] })).toEqual([
      { id: '1', age: 6, name: 'Harper' },
      { id: '4', age: 1, name: 'Rex' },
    ]);
    const names = { ...table, get_attributes: ['name'] };
    expect(await ask('search_by_value', { ...names, attribute: 'name', value: 'Pe*' })).toEqual([
      { name: 'Penny' },
      { name: 'Pepper' },
    ]);
    expect(
      await ask('search_by_conditions', {
        ...names,
        conditions: [
          { search_attribute: 'owner', search_type: 'equals', search_value: 'ann' },
          {
            operator: 'or',
            conditions: [
              { attribute: 'age', comparator: 'less_than', value: 3 },
              { attribute: 'id', comparator: 'equals', value: '1' },
            ],
          },
        ],
        sort: { attribute: 'age', descending: true },
      }),
    ).toEqual([{ name: 'Harper' }, { name: 'Pepper' }]);
    expect(await ask('delete', { ...table, ids: ['4', '5', 'none'] })).toEqual({
      message: '2 of 3 records successfully deleted',
      deleted_hashes: ['4', '5'],
      skipped_hashes: ['none'],
    });
  });

  test('one wrong record and nothing is written', async () => {
    const records = [
      { id: 'a', age: 1 },
      { id: 'b', age: 'old' },
    ];
    expect(await refused('insert', { table: 'Dog', records })).toContain('400');
    expect(await ask('search_by_id', { table: 'Dog', ids: ['a', 'b'] })).toEqual([]);
  });

  test('an answer of many chunks is whole', async () => {
    const records = Array.from({ length: 3000 }, (_, index) => ({ id: `n${index}`, text: 'x'.repeat(100) }));
    await ask('create_table', { table: 'Many', primary_key: 'id' });
    await ask('insert', { table: 'Many', records });
    const found = (await ask('search_by_conditions', { table: 'Many', get_attributes: ['*'] })) as { id: string }[];
    expect(new Set(found.map(({ id }) => id)).size).toBe(3000);
    expect(await ask('describe_table', { table: 'Many' })).toMatchObject({ record_count: 3000, primary_key: 'id' });
  });

  test('what is refused', async () => {
    expect(await refused('insert', { table: 'Dogs', records: [] })).toContain('Did you mean Dog?');
    expect(await refused('insert', { table: 'Dog' })).toContain('needs \\"records\\"');
    expect(await refused('search_by_conditions', { database: 'system', table: 'zerohop_user' })).toContain('403');
    let deep: object = { attribute: 'id', comparator: 'equals', value: '1' };
    for (let depth = 0; depth < 40; depth++) deep = { operator: 'and', conditions: [deep] };
    expect(await refused('search_by_conditions', { table: 'Dog', conditions: [deep] })).toContain('32 deep');
  });
});

describe('tables and databases', () => {
  test('are made, changed and dropped', async () => {
    const place = { database: 'zoo', table: 'Ape' };
    expect(await ask('create_database', { database: 'zoo' })).toEqual({
      message: "database 'zoo' successfully created",
    });
    expect(await refused('create_database', { database: 'zoo' })).toContain('409');
    expect(
      await ask('create_table', {
        ...place,
        attributes: [
          { name: 'id', type: 'ID' },
          { name: 'kind', type: 'string', indexed: true },
        ],
      }),
    ).toEqual({
      message: "table 'zoo.Ape' successfully created.",
    });
    await ask('insert', { ...place, records: [{ id: '1', kind: 'bonobo', weight: 40 }] });
    await ask('create_attribute', { ...place, attribute: 'weight', type: 'Int', indexed: true });
    expect(await ask('search_by_value', { ...place, attribute: 'weight', value: 40 })).toMatchObject([{ id: '1' }]);
    await ask('drop_attribute', { ...place, attribute: 'weight' });
    const [ape] = (await ask('search_by_id', { ...place, ids: ['1'] })) as Record<string, unknown>[];
    expect(ape?.weight ?? null).toBeNull();
    expect(await refused('drop_attribute', { ...place, attribute: 'id' })).toContain('primary key');

    expect(await ask('drop_table', place)).toEqual({ message: "successfully deleted table 'zoo.Ape'" });
    expect(await refused('search_by_id', { ...place, ids: ['1'] })).toContain('404');
    // The same name again, of another kind: nothing of before is left.
    await ask('create_table', {
      ...place,
      attributes: [
        { name: 'id', type: 'Long' },
        { name: 'kind', type: 'Int' },
      ],
    });
    expect(await ask('search_by_conditions', place)).toEqual([]);
    await ask('insert', { ...place, records: [{ id: 1, kind: 2 }] });
    expect(await ask('search_by_conditions', place)).toEqual([{ id: 1, kind: 2 }]);

    await ask('drop_database', { database: 'zoo' });
    expect(readdirSync(node.folder).filter((file) => file.startsWith('zoo'))).toEqual([]);
    expect(await refused('describe_database', { database: 'zoo' })).toContain('404');
    await ask('create_table', place);
    expect(await ask('search_by_conditions', place)).toEqual([]);
  });

  test('a table of the app that is dropped is gone at every door, and its blobs with their last reference', async () => {
    const put = await fetch(`${node.url}/Picture/1`, {
      method: 'PUT',
      headers: await administrator(),
      body: JSON.stringify({ id: '1' }),
    });
    expect(put.status).toBe(204);
    await ask('drop_table', { table: 'Picture' });
    expect((await fetch(`${node.url}/Picture/1`, { headers: await administrator() })).status).toBe(404);
    expect(existsSync(join(node.folder, 'data.db'))).toBe(true);
  });
});

test('a role does what it may, and sees of it', async () => {
  const permission = {
    data: {
      tables: {
        Dog: {
          read: true,
          insert: true,
          update: false,
          delete: false,
          attribute_permissions: [{ attribute_name: 'name', read: true, insert: true, update: false }],
        },
      },
    },
  };
  await ask('add_role', { role: 'walker', permission });
  await ask('add_user', { username: 'wim', password: 'walks dogs', role: 'walker', active: true });
  const [wim] = await identitiesOf(node, 'wim', 'walks dogs');
  const asWim = async (body: object) => {
    const response = await fetch(node.operationsUrl, {
      method: 'POST',
      headers: wim?.headers ?? {},
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as unknown };
  };
  const search = { operation: 'search_by_id', table: 'Dog', ids: ['1'] };
  expect(await asWim(search)).toEqual({ status: 200, body: [{ id: '1', name: 'Harper' }] });
  for (const [body, status] of [
    [{ ...search, get_attributes: ['age'] }, 403],
    [{ operation: 'search_by_value', table: 'Dog', attribute: 'owner', value: 'ann' }, 403],
    [{ operation: 'insert', table: 'Dog', records: [{ id: '9', age: 3 }] }, 403],
    [{ operation: 'insert', table: 'Dog', records: [{ id: '9', name: 'Nine' }] }, 200],
    [{ operation: 'update', table: 'Dog', records: [{ id: '9', name: 'Ten' }] }, 403],
    [{ operation: 'upsert', table: 'Dog', records: [{ id: '9', name: 'Ten' }] }, 403],
    [{ operation: 'delete', table: 'Dog', ids: ['9'] }, 403],
    [{ operation: 'search_by_conditions', table: 'Many' }, 403],
    [{ operation: 'drop_table', table: 'Dog' }, 403],
    [{ operation: 'describe_table', table: 'Many' }, 403],
  ] as const)
    expect([body, (await asWim(body)).status]).toEqual([body, status]);
  const { body } = await asWim({ operation: 'describe_all' });
  expect(body).toMatchObject({ data: { Dog: { attributes: [{ attribute: 'id' }, { attribute: 'name' }] } } });
  expect(Object.keys((body as { data: object }).data)).toEqual(['Dog']);
});

let headers: Record<string, string> | undefined;
async function administrator(): Promise<Record<string, string>> {
  const [, password] = await node.output.match(/user admin with the password (\S+)/);
  headers ??= {
    authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`,
    'content-type': 'application/json',
  };
  return headers;
}
