// Connections without encryption: who is there stands in the first line, whatever pieces it comes in.

import { afterEach, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { type Listener, overPlainTcp } from './index.ts';

let listener: Listener;
afterEach(() => listener.close());

async function listenFor(): Promise<{ met: Promise<string>; refused: Promise<string> }> {
  const met = Promise.withResolvers<string>();
  const refused = Promise.withResolvers<string>();
  listener = await overPlainTcp('URI:zerohop://x/a').listen({
    host: '127.0.0.1',
    port: 0,
    opened: (channel) => ({
      bytes: (chunk) => met.resolve(`${channel.subjectAltNames}: ${new TextDecoder().decode(chunk)}`),
      closed: () => {},
    }),
    refused: (_address, reason) => refused.resolve(reason),
  });
  return { met: met.promise, refused: refused.promise };
}

function say(...pieces: readonly string[]): void {
  const socket = connect({ host: '127.0.0.1', port: listener.port }, async () => {
    socket.setNoDelay(true);
    for (const piece of pieces) await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  });
  socket.on('error', () => {});
}

test.each([
  [['zerohop-insecure URI:zerohop://x/b\nhello']],
  [['zerohop-', 'insecure URI:zerohop://x/b', '\n', 'hello']],
])('%j is understood', async (pieces) => {
  const { met } = await listenFor();
  say(...pieces);
  expect(await met).toBe('URI:zerohop://x/b: hello');
});

test.each([['GET / HTTP/1.1\r\n'], ['x'.repeat(5_000)], ['\u0016\u0003\u0001\n']])('%j is refused', async (text) => {
  const { refused } = await listenFor();
  say(text);
  expect(await refused).toContain('does not speak without encryption');
});

test('two that dial and listen know each other', async () => {
  const { met } = await listenFor();
  const seen = Promise.withResolvers<string | undefined>();
  overPlainTcp('URI:zerohop://x/b').dial({
    host: '127.0.0.1',
    port: listener.port,
    timeoutMs: 5_000,
    opened: (channel) => {
      seen.resolve(channel.subjectAltNames);
      channel.send(new TextEncoder().encode('hello'));
      return { bytes: () => {}, closed: () => {} };
    },
    refused: (reason) => seen.reject(new Error(reason)),
  });
  expect(await seen.promise).toBe('URI:zerohop://x/a');
  expect(await met).toBe('URI:zerohop://x/b: hello');
});
