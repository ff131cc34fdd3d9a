// The start and the end of a node: an orderly stop loses nothing, and a start that can't be says why in one line.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultsOf, openData } from '../support/data-file.ts';
import { HttpConnection, json } from '../support/http-connection.ts';
import { runNode, startNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';
import { Writers } from '../support/writers.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-stop-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([0, 1, 2])(
  'SIGTERM, %i threads: requests in flight finish, new ones are refused, data is in the file',
  async (threads) => {
    const data = join(folder, 'data');
    await using node = await startNode({ app: 'faults', data, threads });
    const inFlight = await HttpConnection.open(node.port);
    const answer = inFlight.request('GET', '/Slow/77');
    // Answered on the same connection's thread only after it has begun.
    await until('the request is being worked on', async () => {
      const { text } = { text: await (await fetch(`${node.operationsUrl}/metrics`)).text() };
      return /^zerohop_http_requests_in_flight [1-9]/m.test(text);
    });
    node.terminate();
    await until('new connections are refused', () => isRefused(node.port));
    const { status, body } = await answer;
    expect([status, JSON.parse(body.toString())]).toEqual([200, { id: 77 }]);
    expect(await node.exited).toBe(0);

    expect(existsSync(join(data, 'data.db-wal'))).toBe(false);
    using database = openData(data);
    expect(faultsOf(database)).toEqual([]);
    expect(database.query('SELECT _id FROM "Tally"').values()).toEqual([[77]]);
  },
);

test.each([0, 2])(
  'SIGTERM under 500 writers, %i threads: nothing acknowledged is lost, and it ends with 0',
  async (threads) => {
    const data = join(folder, 'data');
    await using node = await startNode({ app: 'faults', data, threads });
    const clients = new Writers(node.port, 500);
    await clients.start();
    await until('all have written', () => clients.acknowledged.size === 500);
    expect(await node.stop()).toBe(0);
    await clients.stop();
    expect([...clients.refusals.keys()].filter((refusal) => refusal !== '503 SHUTTING_DOWN')).toEqual([]);
    expect(existsSync(join(data, 'data.db-wal'))).toBe(false);
    using database = openData(data);
    expect(clients.faultsIn(database)).toEqual([]);
    expect(faultsOf(database)).toEqual([]);
  },
);

test('a client that never stops asking on its connection does not keep the node from stopping', async () => {
  await using node = await startNode({ app: 'faults', threads: 1 });
  const connections = await Promise.all(Array.from({ length: 20 }, () => HttpConnection.open(node.port)));
  const asking = connections.map(async (connection) => {
    let answers = 0;
    try {
      for (; ; answers++) await connection.request('GET', '/Tally/');
    } catch {
      return answers;
    }
  });
  await until('they are answered', async () => (await fetch(`${node.url}/ready`)).ok);
  expect(await node.stop()).toBe(0);
  await Promise.all(asking);
});

test('a thread that app code blocks does not keep the node from stopping', async () => {
  await using node = await startNode({ app: 'faults', threads: 2, settings: { LIMITS_STOP_MS: '500' } });
  const connection = await HttpConnection.open(node.port);
  connection.request('GET', '/Block/60000').catch(() => {});
  await node.output.match(/has blocked serve thread/);
  expect(await node.stop()).toBe(0);
  connection.close();
});

test('a second process on the same data folder: one line, exit code 1; the first goes on', async () => {
  await using node = await startNode({ app: 'faults', threads: 1 });
  const second = await runNode({ app: 'faults', data: node.folder });
  expect(second.text).toMatch(/^zerohop: Another process uses the data folder \S+\. .*\n$/);
  expect(second.text).toContain(node.folder);
  expect(second.code).toBe(1);
  expect((await fetch(`${node.url}/Tally/`)).status).toBe(200);
});

test.each([
  ['http.port', 'HTTP_PORT', 0],
  ['http.port', 'HTTP_PORT', 1],
  ['operations.port', 'OPERATIONS_PORT', 1],
])('%s in use: one line that names %s, exit code 1; %i threads', async (key, variable, threads) => {
  using taken = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const settings = { [variable]: String(taken.port) };
  const { code, text } = await runNode({ app: 'faults', data: join(folder, 'data'), threads, settings });
  expect(text).toMatch(/^zerohop: Port \d+ .*is in use\..*\n$/);
  expect(text).toContain(key);
  expect(text).toContain(`ZEROHOP_${variable}`);
  expect(code).toBe(1);
});

test('two nodes can not share a port by accident', async () => {
  await using first = await startNode({ app: 'faults', threads: 2 });
  const settings = { HTTP_PORT: String(first.port) };
  const { code, text } = await runNode({ app: 'faults', data: join(folder, 'data'), threads: 2, settings });
  expect(text).toMatch(/^zerohop: Port \d+ .*is in use\..*\n$/);
  expect(code).toBe(1);
});

test('what is on disk at the end is what the next start has', async () => {
  const data = join(folder, 'data');
  const writer = await startNode({ app: 'faults', data, threads: 1 });
  {
    await using node = writer;
    const connection = await HttpConnection.open(node.port);
    const body = JSON.stringify({ name: 'kept', count: 1, tags: ['a', 'b'], at: '2026-01-02T03:04:05.678Z' });
    expect((await connection.request('PUT', '/Item/kept', { body })).status).toBe(204);
    expect(await node.stop()).toBe(0);
  }
  await using node = await startNode({ app: 'faults', data, threads: 1 });
  const connection = await HttpConnection.open(node.port);
  expect(json(await connection.request('GET', '/Item/kept'))).toMatchObject({
    name: 'kept',
    tags: ['a', 'b'],
    at: '2026-01-02T03:04:05.678Z',
  });
  connection.close();
});

async function isRefused(port: number): Promise<boolean> {
  try {
    (await HttpConnection.open(port)).close();
    return false;
  } catch {
    return true;
  }
}
