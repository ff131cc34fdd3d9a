// The door itself: what is not HTTP, what is too much or too slow, health, middleware, stopping.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { Resource } from '../../src/resources/index.ts';
import { type HttpNode, startHttpNode } from '../support/http-node.ts';

/** Sends bytes and gives all that comes back until the server closes, or `enough` of it has come. */
function exchange(port: number, bytes: string | Uint8Array, enough?: (received: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (data) => {
      received += data.toString('latin1');
      if (enough?.(received)) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(received));
  });
}

const answered = (received: string) => received.includes('\r\n\r\n');

describe('requests that are not right', () => {
  let node: HttpNode;
  beforeAll(async () => {
    node = await startHttpNode({
      schema: 'type Item @table @export { id: ID @primaryKey n: Int }',
      bodyBytes: 1000,
      bodyTimeoutMs: 30,
    });
  });
  afterAll(() => node.stop());
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1.1 400 /],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    ['a Host that is none', 'GET /Item/ HTTP/1.1\r\nHost: a b/../|\r\n\r\n', /^HTTP\/1.1 400 .*INVALID_REQUEST/s],
    [
      'two lengths',
      'PUT /Item/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
      /^HTTP\/1.1 400 /,
    ],
    [
      'length and chunks',
      'PUT /Item/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1.1 400 /,
    ],
    [
      'a chunk that is none',
      'PUT /Item/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      /^HTTP\/1.1 400 /,
    ],
    ['a header too large', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, /^HTTP\/1.1 431 /],
    ['a path too long', `GET /${'x'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1.1 414 .*URI_TOO_LONG/s],
    [
      'a body too large',
      'PUT /Item/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n',
      /^HTTP\/1.1 413 .*BODY_TOO_LARGE/s,
    ],
    [
      'a body that stops',
      'PUT /Item/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{',
      /^HTTP\/1.1 408 .*REQUEST_TIMEOUT/s,
    ],
    [
      'a body in a coding nobody knows',
      'PUT /Item/1 HTTP/1.1\r\nHost: x\r\nContent-Encoding: frob\r\nContent-Length: 1\r\n\r\nx',
      /^HTTP\/1.1 415 .*Accept-Encoding: gzip, br, zstd.*UNSUPPORTED_MEDIA_TYPE/is,
    ],
    [
      'a body not coded as it says',
      'PUT /Item/1 HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx',
      /^HTTP\/1.1 400 .*INVALID_BODY/s,
    ],
  ];
  for (const [name, bytes, expected] of cases) {
    test(name, async () =>
      expect(await exchange(node.port, bytes, (received) => expected.test(received))).toMatch(expected),
    );
  }
  test('any bytes: an answer below 500 or none, and the node goes on', async () => {
    const line = fc.constantFrom('GET /Item/', 'PUT /Item/a', 'GET /Item/?n=', 'POST /Item/', 'DELETE /Item/?', 'X');
    const head = fc.constantFrom(
      ' HTTP/1.1\r\nHost: x\r\n\r\n',
      ' HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n',
      '\r\n\r\n',
    );
    const rest = fc.uint8Array({ maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(line, rest, head, rest, async (start, path, end, body) => {
        const bytes = Buffer.concat([
          Buffer.from(start),
          Buffer.from(path),
          Buffer.from(end),
          Buffer.from(body),
          Buffer.from('\r\n\r\n'),
        ]);
        const received = await exchange(node.port, bytes, answered);
        expect(received).not.toMatch(/^HTTP\/1.1 50[0-4]/);
      }),
      { numRuns: 60 },
    );
    expect((await node.fetch('/health')).status).toBe(200);
  });
  test('any query and path: an answer below 500', async () => {
    const piece = fc.constantFrom(
      'n',
      '=',
      '==',
      '=gt=',
      '&',
      '|',
      '(',
      ')',
      '[',
      ']',
      'select',
      'limit',
      'sort',
      ',',
      '{',
      '}',
      '%',
      '%41',
      '1',
      '*',
      'id',
      '.',
      '/',
      ':',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.boolean(), async (pieces, inQuery) => {
        const response = await node.fetch(`/Item/${inQuery ? '?' : ''}${pieces.join('')}`);
        await response.arrayBuffer();
        expect(response.status).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
  });
  test('any body of any type: an answer below 500', async () => {
    const type = fc.constantFrom(
      'application/json',
      'application/cbor',
      'application/msgpack',
      'text/csv',
      'application/x-ndjson',
      'multipart/form-data; boundary=b',
      'text/x',
      'x',
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.json({ maxDepth: 3 }).map((text) => new TextEncoder().encode(text)),
    );
    await fc.assert(
      fc.asyncProperty(type, body, fc.constantFrom('PUT', 'PATCH'), async (contentType, bytes, method) => {
        const response = await node.fetch('/Item/fuzz', {
          method,
          body: new Uint8Array(bytes),
          headers: { 'content-type': contentType },
        });
        await response.arrayBuffer();
        expect(response.status).toBeLessThan(500);
      }),
      { numRuns: 200 },
    );
  });
});

describe('health', () => {
  test('is answered first, and readiness by whether the node serves', async () => {
    const node = await startHttpNode({ schema: 'type Item @table @export { id: ID @primaryKey }' });
    expect([(await node.fetch('/health')).status, (await node.fetch('/ready')).status]).toEqual([200, 200]);
    node.handler.ready = false;
    const response = await node.fetch('/ready');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await node.fetch('/health')).status).toBe(200);
    await node.stop();
  });
});

describe('middleware', () => {
  let node: HttpNode;
  const seen: string[] = [];
  beforeAll(async () => {
    node = await startHttpNode({
      schema: 'type Item @table @export { id: ID @primaryKey n: Int }',
      resources: ({ server }) => {
        server.http(async (request, next) => {
          seen.push(`${request.method} ${request.url}`);
          const response = await next(request);
          response.headers.set('x-passed', 'yes');
          return response;
        });
        server.http((request) => new Response(`below ${request.url}`), { urlPath: '/below' });
        server.http(() => new Response('other host'), { host: 'other.example' });
        server.http((_request, next) => next(new Request('http://x/Item/1')), { urlPath: '/alias' });
        server.http(() => undefined as never, { urlPath: '/nothing' });
        server.http(() => ({ status: 201, headers: { 'x-by': ['a', 'b'] }, body: 'by hand' }), { urlPath: '/hand' });
        server.http(() => ({ headers: new Headers({ 'x-by': 'c' }), data: { n: 2n } }), { urlPath: '/data' });
        server.http(() => new Response('fallback'), { urlPath: '/late', before: false, name: 'late' });
        server.http(
          () => {
            throw Object.assign(new Error('stop'), { statusCode: 403 });
          },
          { urlPath: '/forbidden', before: 'authentication' },
        );
        return {};
      },
    });
    await node.send('PUT', '/Item/1', { n: 1 });
  });
  afterAll(() => node.stop());

  test('changes nothing by itself: type and Vary are said once', async () => {
    const text = await node.fetch('/below/x');
    expect([text.headers.get('content-type'), text.headers.get('vary')]).toEqual(['text/plain;charset=utf-8', null]);
    expect((await node.fetch('/Item/1')).headers.get('vary')).toBe('Accept, Accept-Encoding');
  });
  test('sees path and query, and may change what comes back', async () => {
    const response = await node.fetch('/Item/1?select(n)');
    expect([await response.json(), response.headers.get('x-passed')]).toEqual([1, 'yes']);
    expect(seen.at(-1)).toBe('GET /Item/1?select(n)');
  });
  const cases: readonly (readonly [string, Record<string, string>, number, string])[] = [
    ['/below', {}, 200, 'below /'],
    ['/below/a/b?c=d', {}, 200, 'below /a/b?c=d'],
    ['/belowed', {}, 404, 'NOT_FOUND'],
    ['/Item/1', { host: 'OTHER.example:80' }, 200, 'other host'],
    ['/alias', {}, 200, '{"id":"1","n":1}'],
    ['/late', {}, 200, 'fallback'],
    ['/forbidden', {}, 403, 'stop'],
    ['/nothing', {}, 500, 'APPLICATION_ERROR'],
    ['/hand', {}, 201, 'by hand'],
    ['/data', {}, 200, '{"n":2}'],
  ];
  for (const [path, headers, status, text] of cases) {
    test(`${path} ${JSON.stringify(headers)}: ${status}`, async () => {
      const response = await node.fetch(path, { headers });
      expect(response.status).toBe(status);
      expect(await response.text()).toContain(text);
    });
  }
});

describe('stopping', () => {
  function slowNode(stopMs: number) {
    const started = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const node = startHttpNode({
      schema: 'type Item @table @export { id: ID @primaryKey }',
      stopMs,
      resources: () => {
        class Slow extends Resource {
          static override async get() {
            started.resolve();
            await gate.promise;
            return { done: true };
          }
        }
        return { Slow };
      },
    });
    return { node, started: started.promise, release: gate.resolve };
  }
  test('what is in flight is finished, and nothing new is accepted', async () => {
    const { node: starting, started, release } = slowNode(60_000);
    const node = await starting;
    const inFlight = node.fetch('/Slow/');
    await started;
    const stopped = node.stop();
    expect(
      await node.fetch('/health').then(
        () => 'accepted',
        () => 'refused',
      ),
    ).toBe('refused');
    release();
    const response = await inFlight;
    expect([await response.json(), response.headers.get('connection')]).toEqual([{ done: true }, 'close']);
    expect(await stopped).toBe(true);
  });
  test('what takes too long is broken', async () => {
    const { node: starting, started, release } = slowNode(10);
    const node = await starting;
    const inFlight = node.fetch('/Slow/').then(
      () => 'answered',
      () => 'broken',
    );
    await started;
    expect(await node.stop()).toBe(false);
    expect(await inFlight).toBe('broken');
    release();
  });
});
