import { describe, expect, test } from 'bun:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Encoding } from './accept.ts';
import { compress, compressStream, isCompressible } from './compression.ts';

const decompress: Record<Encoding, (body: Uint8Array) => Uint8Array> = {
  br: (body) => brotliDecompressSync(body),
  zstd: (body) => Bun.zstdDecompressSync(body),
  gzip: (body) => gunzipSync(body),
};
const encodings: readonly Encoding[] = ['br', 'zstd', 'gzip'];
const text = 'all work and no play '.repeat(5000);
const bytes = new TextEncoder().encode(text);

for (const encoding of encodings) {
  describe(encoding, () => {
    for (const length of [0, 1, 1000, 16 * 1024, 100_000]) {
      test(`${length} bytes come back`, async () => {
        const body = bytes.slice(0, length);
        const packed = await compress(body, encoding);
        expect(Buffer.from(decompress[encoding](packed)).equals(Buffer.from(body))).toBe(true);
        if (length > 500) expect(packed.length).toBeLessThan(length / 5);
      });
    }

    test('a stream comes back', async () => {
      let sent = 0;
      const source = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(bytes.slice(sent, sent + 7777));
          sent += 7777;
          if (sent >= bytes.length) controller.close();
        },
      });
      const packed = new Uint8Array(await new Response(compressStream(source, encoding)).arrayBuffer());
      expect(new TextDecoder().decode(decompress[encoding](packed))).toBe(text);
    });

    test('an error of the source breaks the stream', async () => {
      let sent = 0;
      const source = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent++ === 3) controller.error(new Error('broken'));
          else controller.enqueue(bytes);
        },
      });
      await expect(new Response(compressStream(source, encoding)).arrayBuffer()).rejects.toThrow('broken');
    });

    test('giving up ends the source', async () => {
      const cancelled = Promise.withResolvers<void>();
      const source = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(crypto.getRandomValues(new Uint8Array(65536))),
        cancel: () => cancelled.resolve(),
      });
      const reader = compressStream(source, encoding).getReader();
      await reader.read();
      await reader.cancel();
      await cancelled.promise;
    });
  });
}

describe('isCompressible', () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['application/json', true],
    ['application/problem+json', true],
    ['text/html; charset=utf-8', true],
    ['image/svg+xml', true],
    ['application/cbor', true],
    ['text/event-stream', false],
    ['image/png', false],
    ['video/mp4', false],
    ['application/zip', false],
    ['application/octet-stream', false],
  ];
  for (const [type, expected] of cases) test(`${type}: ${expected}`, () => expect(isCompressible(type)).toBe(expected));
});
