// What an origin can do instead of answering, over real sockets, and what it is called (RFC 9209 §2.3).

import { afterAll, expect, test } from 'bun:test';
import { askOrigin } from './origin.ts';

const say = (text: string) =>
  Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(socket) {
        socket.write(text);
        socket.end();
      },
    },
  });
const listeners = {
  noHttp: say('hello\r\n\r\n'),
  cutOff: say('HTTP/1.1 200 OK\r\nContent-Le'),
  silent: Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } }),
};
const closed = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
closed.stop(true);
afterAll(() => {
  for (const listener of Object.values(listeners)) listener.stop(true);
});

const limit = { concurrent: 1, queued: 1, failures: 1, openMs: 1, backoffMs: 1 };
const timeoutMs = { connect: 1_000, firstByte: 5_000, total: 5_000 };

test.each([
  ['refuses', `http://127.0.0.1:${closed.port}`, {}, 'connection_refused'],
  ['speaks no TLS', `https://127.0.0.1:${listeners.noHttp.port}`, {}, 'tls_protocol_error'],
  ['breaks off', `http://127.0.0.1:${listeners.cutOff.port}`, {}, 'connection_terminated'],
  ['says nothing', `http://127.0.0.1:${listeners.silent.port}`, { firstByte: 20 }, 'http_response_timeout'],
] as const)('an origin that %s', async (_what, origin, less, failure) => {
  const ended: string[] = [];
  const request = { method: 'GET', target: '/', headers: new Headers() };
  const site = { origin, limit, timeoutMs: { ...timeoutMs, ...less } };
  const answer = await askOrigin(site, request, () => ended.push('ended'));
  expect(answer).toEqual({ ok: false, failure });
  expect(ended).toEqual(['ended']);
});
