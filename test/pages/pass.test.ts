// What is passed on to the origin: bodies in both directions, as slow as they are; and clients that break off.

import { expect, test } from 'bun:test';
import { HttpConnection } from '../support/http-connection.ts';
import { startOrigin } from '../support/page-origin.ts';
import { startPagesNode } from '../support/pages-node.ts';
import { until } from '../support/until.ts';

const rules = [{ match: '/basket/**', store: false }, { match: '/**' }];

test('uploads that clients break off, or leave halfway, say nothing of the origin', async () => {
  await using origin = startOrigin(async (request) => new Response(`${(await request.text()).length}`));
  await using node = await startPagesNode({
    origin: origin.url,
    timeout: { total: '2s' },
    limit: { failures: 1, open: '1h' },
    rules,
  });
  const failed = async () => {
    const page = await (await fetch(`${node.operationsUrl}/metrics`)).text();
    return Number(/^zerohop_pages_origin_requests_total\{.*"http_request_error"\} (\d+)/m.exec(page)?.[1] ?? 0);
  };
  const half = 'POST /basket/a HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nhalf';
  for (let count = 1; count <= 3; count++) {
    const connection = await HttpConnection.open(node.port);
    connection.send(half);
    await until('the origin is asked', () => origin.seen.length === count);
    connection.close();
    await until('that is noticed', async () => (await failed()) === count);
  }
  const late = await HttpConnection.open(node.port);
  late.send(half);
  const answer = await late.answer('POST');
  expect([answer.status, answer.headers.get('proxy-status')]).toEqual([408, 'zerohop;error=http_request_error']);
  late.close();
  const asked = await fetch(`${node.url}/basket/a`, { method: 'POST', body: 'whole' });
  expect([asked.status, await asked.text()]).toEqual([200, '5']);
});

test('what changes something has a connection of its own, which the origin can not just have closed', async () => {
  const origin = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request, server) => Response.json([server.requestIP(request)?.port, request.headers.get('content-length')]),
  });
  try {
    await using node = await startPagesNode({ origin: origin.url.origin, rules });
    const ask = async (method: string, body?: string) => {
      const response = await fetch(`${node.url}/basket/a`, { method, ...(body !== undefined && { body }) });
      return (await response.json()) as [port: number, length: string | null];
    };
    const reading = [await ask('GET'), await ask('GET')];
    const changing = [await ask('POST', 'x'), await ask('POST'), await ask('DELETE')];
    expect(new Set(reading.map(([port]) => port)).size).toBe(1);
    expect(new Set([...reading, ...changing].map(([port]) => port)).size).toBe(4);
    expect(changing.map(([, length]) => length)).toEqual(['1', '0', '0']);
  } finally {
    await origin.stop(true);
  }
});

test('clients that take their time leave places for others', async () => {
  await using origin = startOrigin(async (request, path) => {
    if (path === '/basket/events') {
      const first = new TextEncoder().encode('data: 1\n\n');
      const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(first) });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    }
    return new Response(`page ${await request.text()}`, { headers: { 'cache-control': 'max-age=60' } });
  });
  await using node = await startPagesNode({ origin: origin.url, limit: { concurrent: 2 }, rules });
  const streams = await Promise.all([1, 2, 3].map(() => node.get('/basket/events')));
  const uploads = await Promise.all(
    [100_000, 100_000, 100_000, 1_000_000, 1_000_000].map(async (length) => {
      const connection = await HttpConnection.open(node.port);
      connection.send(`POST /basket/a HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\nhalf`);
      return connection;
    }),
  );
  await until('one large upload has begun', () => origin.seen.length === 4);
  expect(await (await node.get('/a')).text()).toBe('page ');
  const small = await fetch(`${node.url}/basket/a`, { method: 'POST', body: 'small' });
  expect(await small.text()).toBe('page small');
  for (const connection of uploads) connection.close();
  for (const stream of streams) await stream.body?.cancel();
});

test('a body is announced as the client did; the address of the client is the plain one', async () => {
  await using origin = startOrigin(async ({ headers, ...request }) => {
    const names = ['content-length', 'transfer-encoding', 'x-forwarded-for', 'x-forwarded-proto'];
    return Response.json({ ...request, ...Object.fromEntries(names.map((name) => [name, headers.get(name)])) });
  });
  await using node = await startPagesNode({ origin: origin.url, rules });
  const told = await fetch(`${node.url}/basket/a`, { method: 'POST', body: 'x'.repeat(70_000) });
  expect(await told.json()).toEqual({
    'content-length': '70000',
    'transfer-encoding': null,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
  });
});

test('slow clients are waited for: the time of the origin counts, not theirs', async () => {
  const size = 24 * 1024 * 1024;
  await using origin = startOrigin(async (_request, path) => {
    if (path === '/basket/never') await new Promise<void>(() => {});
    return new Response(new Uint8Array(size), { headers: { 'cache-control': 'private' } });
  });
  await using node = await startPagesNode({
    origin: origin.url,
    timeout: { firstByte: '500ms', total: '500ms' },
    limit: { failures: 1000 },
    rules,
  });
  const clients = await Promise.all(['/basket/large', '/large'].map((path) => SlowReader.open(node.port, path)));
  await until('the origin is asked', () => origin.seen.length === 2);
  // Longer than all of an answer may take that nobody has to wait for.
  for (let count = 0; count < 2; count++) expect((await node.get('/basket/never')).status).toBe(504);
  for (const client of clients) expect(await client.readAll()).toBeGreaterThan(size);
});

/** Sends a request, and reads nothing of the answer before it is told to. */
class SlowReader {
  #bytes = 0;
  #resume = () => {};
  readonly #ended = Promise.withResolvers<void>();

  static async open(port: number, path: string): Promise<SlowReader> {
    const reader = new SlowReader();
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: (_socket, bytes) => {
          reader.#bytes += bytes.length;
        },
        close: () => reader.#ended.resolve(),
        error: () => reader.#ended.resolve(),
      },
    });
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    reader.#resume = () => socket.resume();
    return reader;
  }

  /** How many bytes there were, with the head. */
  async readAll(): Promise<number> {
    this.#resume();
    await this.#ended.promise;
    return this.#bytes;
  }
}
