// Serve threads that die or are blocked: the node says so, goes on, and is whole again.

import { expect, test } from 'bun:test';
import { ConnectionLost, HttpConnection, json } from '../support/http-connection.ts';
import { fetchMetrics, sumOf } from '../support/metrics-page.ts';
import { startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

const ofNow = 'zerohop_event_loop_delay_seconds';

test.each([
  ['an error thrown by a timer', '/Crash/', /Serve thread \d died: .*thrown by a timer of the app/],
  ['process.exit', '/Exit/', /Serve thread \d died: .*code 7/],
])('a thread ended by %s is reported and replaced, and the others go on answering', async (_, path, report) => {
  await using node = await startNode({ app: 'faults', threads: 2 });
  await put(node, '/Tally/1', { value: 1 });
  const before = sumOf(await fetchMetrics(node.operationsUrl), 'zerohop_thread_restarts_total');
  const rounds = 3;
  for (let round = 1; round <= rounds; round++) {
    await askOnce(node, path);
    await until('the death is counted', async () => {
      const restarts = sumOf(await fetchMetrics(node.operationsUrl), 'zerohop_thread_restarts_total');
      return restarts >= before + round;
    });
    // Whatever thread a new connection comes to, it is answered.
    expect(await statusOnNewConnection(node, '/Tally/1')).toBe(200);
    // Else the next round may end the only one that listens.
    await until('both threads answer', async () => {
      // Counts are those of threads that died, too; of now there are figures only of those that are ready.
      const samples = (await fetchMetrics(node.operationsUrl)).filter(({ name }) => name === ofNow);
      const threads = new Set(samples.map(({ labels }) => labels.thread));
      return threads.has('serve-0') && threads.has('serve-1');
    });
  }
  await node.output.match(report);
  await put(node, '/Tally/1', { value: 2 });
  expect(await (await fetch(`${node.url}/Tally/1`)).json()).toMatchObject({ value: 2 });
  expect(await node.stop()).toBe(0);
});

test('the only thread is replaced as well', async () => {
  await using node = await startNode({ app: 'faults', threads: 1 });
  await put(node, '/Tally/1', { value: 1 });
  await askOnce(node, '/Crash/');
  await node.output.match(/Serve thread 0 died/);
  await until('it answers again', async () => (await fetch(`${node.url}/Tally/1`, { keepalive: false })).ok);
  await put(node, '/Tally/2', { value: 2 });
  expect(await node.stop()).toBe(0);
});

test('a node without threads ends when its app throws where nobody catches, with a message and not in silence', async () => {
  await using node = await startNode({ app: 'faults', threads: 0 });
  await put(node, '/Tally/1', { value: 1 });
  await askOnce(node, '/Crash/');
  expect(await node.exited).not.toBe(0);
  expect(node.output.text).toContain('thrown by a timer of the app');
  await using again = await startNode({ app: 'faults', data: node.folder, threads: 0 });
  expect((await fetch(`${again.url}/Tally/1`)).status).toBe(200);
});

test('a blocked thread is reported by the name of the endpoint, and the other goes on answering', async () => {
  await using node = await startNode({ app: 'faults', threads: 2 });
  await put(node, '/Tally/1', { value: 1 });
  const blocked = await HttpConnection.open(node.port);
  const answer = blocked.request('GET', '/Block/4000');
  await node.output.match(/Block.* has blocked serve thread \d for \d+ ms/);
  const report = node.output.log.find(({ msg }) => String(msg).includes('has blocked serve thread'));
  expect(report).toMatchObject({ level: 'warn', endpoint: expect.stringContaining('Block') });
  // Connections are dealt to both threads: some of these come to the one that is free.
  const connections = await Promise.all(Array.from({ length: 40 }, () => HttpConnection.open(node.port)));
  let early = 0;
  const answers = connections.map(async (connection) => {
    const { status } = await connection.request('GET', '/Tally/1');
    if (!isAnswered) early++;
    return status;
  });
  let isAnswered = false;
  expect(json(await answer)).toEqual({ blocked: true });
  isAnswered = true;
  expect(early).toBeGreaterThan(0);
  expect(await Promise.all(answers)).toEqual(answers.map(() => 200));
  await node.output.match(/Serve thread \d runs again after \d+ ms/);
  for (const connection of [blocked, ...connections]) connection.close();
  expect(await node.stop()).toBe(0);
});

test('an app that throws at load is reported with file and line, and the node answers', async () => {
  await using node = await startNode({ app: 'throws-at-load', threads: 1 });
  await node.output.match(/resources\.ts:10/);
  expect(node.output.text).toContain('this app can not be loaded');
  expect((await fetch(`${node.url}/health`)).status).toBe(200);
  expect((await fetch(`${node.url}/Hello/`)).status).toBe(404);
  expect((await fetch(`${node.operationsUrl}/metrics`)).status).toBe(200);
  expect(await node.stop()).toBe(0);
});

/** Asks for something that may end the thread before it has answered; never asks again, as `fetch` may. */
async function askOnce(node: TestNode, path: string): Promise<void> {
  const connection = await HttpConnection.open(node.port);
  await connection.request('GET', path).catch((error: Error) => {
    if (!(error instanceof ConnectionLost)) throw error;
  });
  connection.close();
}

/** Tries again where the connection came to a thread that was about to die. */
async function statusOnNewConnection(node: TestNode, path: string): Promise<number> {
  const mostTries = 5;
  for (let tries = 1; ; tries++) {
    const connection = await HttpConnection.open(node.port);
    try {
      return (await connection.request('GET', path)).status;
    } catch (error) {
      if (!(error instanceof ConnectionLost) || tries === mostTries) throw error;
    } finally {
      connection.close();
    }
  }
}

async function put(node: TestNode, path: string, body: object): Promise<void> {
  const answer = await fetch(`${node.url}${path}`, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  expect(answer.status).toBe(204);
}
