import { afterAll, describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { systemClock, ZerohopError } from '../../base/index.ts';
import { problemResponse } from './problem.ts';
import { BodyReader } from './read-body.ts';

const reader = new BodyReader({ bytes: 1000, timeoutMs: 60_000 }, systemClock);
const impatient = new BodyReader({ bytes: 1000, timeoutMs: 20 }, systemClock);

const server = Bun.serve({
  port: 0,
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  async fetch(request) {
    try {
      if (request.url.endsWith('/stream')) {
        return new Response(String(new Uint8Array(await new Response(impatient.stream(request)).arrayBuffer()).length));
      }
      const bodies = request.url.endsWith('/slow') ? impatient : reader;
      return new Response(String((await bodies.read(request)).length));
    } catch (error) {
      if (!(error instanceof ZerohopError)) throw error;
      return problemResponse(error, { dev: false });
    }
  },
});
afterAll(() => server.stop(true));

/** Sends text and resolves with all that comes back until the server closes or `enough` is in it. */
function exchange(text: string, enough: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(server.port ?? 0, '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => {
      received += data;
      if (received.includes(enough)) socket.destroy();
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
}

describe('over a socket', () => {
  const head = (path: string, rest: string) => `POST ${path} HTTP/1.1\r\nHost: x\r\n${rest}`;
  const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`;
  const cases: readonly (readonly [string, string, string])[] = [
    ['no body', head('/', '\r\n'), '\r\n\r\n0'],
    ['a whole body', head('/', `Content-Length: 5\r\n\r\nhello`), '\r\n\r\n5'],
    ['up to the limit', head('/', `Content-Length: 1000\r\n\r\n${'x'.repeat(1000)}`), '\r\n\r\n1000'],
    ['declared too large: refused before it is sent', head('/', 'Content-Length: 1001\r\n\r\n'), 'HTTP/1.1 413'],
    ['chunked', head('/', `Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`), '\r\n\r\n1000'],
    [
      'chunked and too large: refused without waiting for the end',
      head('/', `Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(3)}`),
      'HTTP/1.1 413',
    ],
    ['too slow', head('/slow', 'Content-Length: 5\r\n\r\nhel'), 'HTTP/1.1 408'],
    ['chunked and too slow', head('/slow', `Transfer-Encoding: chunked\r\n\r\n${chunk}`), 'HTTP/1.1 408'],
    ['a stream that stops', head('/stream', 'Content-Length: 5\r\n\r\nhel'), 'HTTP/1.1 408'],
    ['a stream', head('/stream', 'Content-Length: 5\r\n\r\nhello'), '\r\n\r\n5'],
  ];
  for (const [name, request, expected] of cases) {
    test(name, async () => expect(await exchange(request, expected)).toContain(expected));
  }
  test('a refused body closes the connection, so that its rest is not taken for a request', async () => {
    const received = await exchange(head('/', 'Content-Length: 2000\r\n\r\n'), 'nothing that comes');
    expect(received).toContain('HTTP/1.1 413');
    expect(received.toLowerCase()).toContain('connection: close');
  });
});
