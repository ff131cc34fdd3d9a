// Clients that are slow, idle, or many: none of them keeps others from being answered.

import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { HttpConnection, json } from '../support/http-connection.ts';
import { fetchMetrics, sumOf } from '../support/metrics-page.ts';
import { startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

/** Of this process, which holds the other ends of all connections. */
const openFiles = Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
const neededFiles = 8_000;
const testWithFiles = openFiles >= neededFiles ? test : test.skip;
const skipped = openFiles >= neededFiles ? '' : ` (skipped: needs ulimit -n ${neededFiles}, here it is ${openFiles})`;

test.each([1, 2])(
  'bodies that trickle in and answers that are not read do not stop others; %i threads',
  async (threads) => {
    await using node = await startNode({ app: 'faults', threads });
    const slowOnes = 40;
    const body = JSON.stringify({ name: 'slow', count: 1 });
    const givers = await open(node, slowOnes);
    for (const [index, giver] of givers.entries())
      giver.send(
        `PUT /Item/slow-${index} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
      );
    const lines = 20_000;
    const takers = await open(node, slowOnes);
    const taken = takers.map((taker) => {
      const answer = taker.request('GET', `/Lines/${lines}`);
      taker.pause();
      return answer;
    });
    const before = await memoryOf(node);
    for (const byte of body.slice(0, -1)) {
      for (const giver of givers) giver.send(byte);
      expect(await ask(node, 20)).toEqual(Array.from({ length: 20 }, () => 200));
    }
    // What is not taken is not made: 40 answers of 20 MB each would be 800 MB.
    expect((await memoryOf(node)) - before).toBeLessThan(200_000_000);

    const given = givers.map((giver) => giver.answer('PUT'));
    for (const giver of givers) giver.send(body.slice(-1));
    expect((await Promise.all(given)).map(({ status }) => status)).toEqual(givers.map(() => 204));
    const [first, ...others] = takers;
    first?.resume();
    const answer = await taken[0];
    expect(answer && (json(answer) as unknown[]).length).toBe(lines);
    for (const promise of taken) promise.catch(() => {});
    for (const connection of [...givers, ...others]) connection.close();
    first?.close();
    expect(await ask(node, 5)).toEqual([200, 200, 200, 200, 200]);
  },
);

test('a body that takes too long is a 408, and the connection ends', async () => {
  await using node = await startNode({ app: 'faults', threads: 1, settings: { LIMITS_BODY_TIMEOUT_MS: '500' } });
  const connection = await HttpConnection.open(node.port);
  connection.send(
    'PUT /Item/late HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
  );
  const answer = await connection.answer('PUT');
  expect([answer.status, json(answer)]).toEqual([408, expect.objectContaining({ code: 'REQUEST_TIMEOUT' })]);
  await connection.closed;
});

testWithFiles(
  `5,000 idle connections do not stop others${skipped}`,
  async () => {
    await using node = await startNode({ app: 'faults', threads: 1, openFiles: 10_000 });
    await ask(node, 100);
    const before = await memoryOf(node);
    const idle: HttpConnection[] = [];
    while (idle.length < 5_000) idle.push(...(await open(node, 500)));
    expect(await ask(node, 200)).toEqual(Array.from({ length: 200 }, () => 200));
    const perConnection = ((await memoryOf(node)) - before) / idle.length;
    expect(perConnection).toBeLessThan(20_000);
    // They are connections still: each tenth asks now.
    const late = await Promise.all(
      idle.filter((_, index) => index % 10 === 0).map((one) => one.request('GET', '/health')),
    );
    expect(late.map(({ status }) => status)).toEqual(late.map(() => 200));
    for (const connection of idle) connection.close();
  },
  60_000,
);

testWithFiles.each([1, 2])(
  `2,000 connections opened at once under load are all answered; %i threads${skipped}`,
  async (threads) => {
    await using node = await startNode({ app: 'faults', threads, openFiles: 10_000 });
    const load = await open(node, 50);
    let isOver = false;
    const loading = load.map(async (connection, writer) => {
      for (let turn = 0; !isOver; turn++)
        await (turn % 2 === 0
          ? connection.request('GET', '/Tally/')
          : connection.request('PUT', `/Tally/${writer + 1}`, { body: JSON.stringify({ value: turn }) }));
    });
    await until('the load has begun', async () => {
      return sumOf(await fetchMetrics(node.operationsUrl), 'zerohop_commits_total') > 200;
    });
    const statuses = await Promise.all(
      Array.from({ length: 2_000 }, async () => {
        const connection = await HttpConnection.open(node.port);
        const { status } = await connection.request('GET', '/Tally/1');
        connection.close();
        return status;
      }),
    );
    isOver = true;
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    await Promise.all(loading);
    for (const connection of load) connection.close();
  },
  60_000,
);

function open(node: TestNode, count: number): Promise<HttpConnection[]> {
  return Promise.all(Array.from({ length: count }, () => HttpConnection.open(node.port)));
}

/** Asks `count` times, each on a new connection. */
async function ask(node: TestNode, count: number): Promise<number[]> {
  const connections = await open(node, count);
  const answers = await Promise.all(connections.map((connection) => connection.request('GET', '/Tally/')));
  for (const connection of connections) connection.close();
  return answers.map(({ status }) => status);
}

async function memoryOf(node: TestNode): Promise<number> {
  return sumOf(await fetchMetrics(node.operationsUrl), 'zerohop_resident_memory_bytes');
}
