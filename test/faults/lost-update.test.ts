// Read, change, write back, by many at once: with If-Match no change is lost.

import { expect, test } from 'bun:test';
import { HttpConnection, json } from '../support/http-connection.ts';
import { startNode } from '../support/start-node.ts';

const clients = 50;
const turns = 10;

test.each([1, 2])(`${clients} clients with If-Match on one record, %i threads: no update is lost`, async (threads) => {
  await using node = await startNode({ app: 'faults', threads });
  await fetch(`${node.url}/Account/one`, { method: 'PUT', body: JSON.stringify({ balance: 0 }), headers: jsonHeaders });
  let refusals = 0;
  const add = async (connection: HttpConnection) => {
    while (true) {
      const read = await connection.request('GET', '/Account/one');
      const { balance } = json(read) as { balance: number };
      const write = await connection.request('PUT', '/Account/one', {
        body: JSON.stringify({ balance: balance + 1 }),
        headers: { 'if-match': read.headers.get('etag') ?? '' },
      });
      if (write.status === 204) return;
      expect(write.status).toBe(412);
      expect(json(write)).toMatchObject({ code: 'PRECONDITION_FAILED' });
      refusals++;
    }
  };
  await Promise.all(
    Array.from({ length: clients }, async () => {
      const connection = await HttpConnection.open(node.port);
      for (let turn = 0; turn < turns; turn++) await add(connection);
      connection.close();
    }),
  );
  expect(await (await fetch(`${node.url}/Account/one`)).json()).toMatchObject({ balance: clients * turns });
  // Otherwise nothing was contended, and the test has shown nothing.
  expect(refusals).toBeGreaterThan(0);
});

test('a writer that was first makes the second one fail, whichever of If-Match and If-None-Match they use', async () => {
  await using node = await startNode({ app: 'faults', threads: 1 });
  const put = (headers: Record<string, string>) =>
    fetch(`${node.url}/Account/two`, {
      method: 'PUT',
      body: JSON.stringify({ balance: 1 }),
      headers: { ...jsonHeaders, ...headers },
    }).then(({ status }) => status);
  const created = await Promise.all(Array.from({ length: 20 }, () => put({ 'if-none-match': '*' })));
  expect(created.filter((status) => status === 204 || status === 201)).toHaveLength(1);
  expect(created.filter((status) => status === 412)).toHaveLength(19);
  const etag = (await fetch(`${node.url}/Account/two`)).headers.get('etag') ?? '';
  const replaced = await Promise.all(Array.from({ length: 20 }, () => put({ 'if-match': etag })));
  expect(replaced.filter((status) => status === 204)).toHaveLength(1);
  expect(replaced.filter((status) => status === 412)).toHaveLength(19);
});

test('two accounts can not get the same unique email, however they race', async () => {
  await using node = await startNode({ app: 'faults', threads: 2 });
  const statuses = await Promise.all(
    Array.from({ length: 50 }, (_, number) =>
      fetch(`${node.url}/Account/u${number}`, {
        method: 'PUT',
        body: JSON.stringify({ email: 'one@example.com', balance: number }),
        headers: jsonHeaders,
      }).then(({ status }) => status),
    ),
  );
  expect(statuses.filter((status) => status < 300)).toHaveLength(1);
  expect(statuses.filter((status) => status === 409)).toHaveLength(49);
  const found = await fetch(`${node.url}/Account/?email=one@example.com`);
  expect(await found.json()).toHaveLength(1);
});

const jsonHeaders = { 'content-type': 'application/json' };
