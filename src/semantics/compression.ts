// Content coding (RFC 9110 §8.4): br, zstd and gzip; of responses for types that shrink.

import { pipeline, Readable, type Transform } from 'node:stream';
import {
  brotliCompress,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createBrotliDecompress,
  createGunzip,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
  gzip,
  gzipSync,
} from 'node:zlib';
import type { Encoding } from './accept.ts';

/** Up to this many bytes compressing takes less time than handing it to another thread. */
const inlineBytes = 16 * 1024;

// Dynamic content: most of the gain at a tenth of the time of the highest levels.
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const gzipOptions = { level: 5 };
const zstdLevel = 3;

/** Whether content of a media type usually shrinks. Event streams must not wait in a compressor. */
export function isCompressible(type: string): boolean {
  return compressible.test(type) && !type.startsWith('text/event-stream');
}

const compressible =
  /^(text\/|application\/(json|.*\+json|xml|.*\+xml|javascript|cbor|(x-)?msgpack|(x-)?ndjson|wasm|graphql)|image\/(svg|bmp|x-icon)|font\/(ttf|otf))/;

export function compress(body: Uint8Array, encoding: Encoding): Uint8Array | Promise<Uint8Array> {
  return body.length <= inlineBytes ? compressNow(body, encoding) : compressAside(body, encoding);
}

function compressNow(body: Uint8Array, encoding: Encoding): Uint8Array {
  switch (encoding) {
    case 'br':
      return brotliCompressSync(body, brotliOptions);
    case 'zstd':
      return Bun.zstdCompressSync(body, { level: zstdLevel });
    case 'gzip':
      return gzipSync(body, gzipOptions);
  }
}

function compressAside(body: Uint8Array, encoding: Encoding): Promise<Uint8Array> {
  if (encoding === 'zstd') return Bun.zstdCompress(body, { level: zstdLevel });
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null, result: Uint8Array) => (error ? reject(error) : resolve(result));
    if (encoding === 'br') brotliCompress(body, brotliOptions, settle);
    else gzip(body, gzipOptions, settle);
  });
}

/** Compresses as it is read. An error or an early end passes through both ways. */
export function compressStream(body: ReadableStream<Uint8Array>, encoding: Encoding): ReadableStream<Uint8Array> {
  return through(body, coderOf(encoding));
}

/** The content again, as it is read. Ends with an error where it was not coded so. Its size is for the reader to limit. */
export function decompressStream(body: ReadableStream<Uint8Array>, encoding: Encoding): ReadableStream<Uint8Array> {
  return through(body, decoderOf(encoding));
}

function through(body: ReadableStream<Uint8Array>, coder: Transform): ReadableStream<Uint8Array> {
  // The error reaches the reader through the coder, which pipeline destroys with it.
  pipeline(chunksOf(body), coder, () => {});
  const chunks = coder[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await chunks.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
      cancel() {
        coder.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}

function coderOf(encoding: Encoding): Transform {
  switch (encoding) {
    case 'br':
      return createBrotliCompress(brotliOptions);
    case 'zstd':
      return createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: zstdLevel } });
    case 'gzip':
      return createGzip(gzipOptions);
  }
}

function decoderOf(encoding: Encoding): Transform {
  switch (encoding) {
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress();
    case 'gzip':
      return createGunzip();
  }
}

/** Ends the source when the coder is destroyed, by returning from the loop. */
function chunksOf(body: ReadableStream<Uint8Array>): Readable {
  return Readable.from(
    (async function* () {
      const reader = body.getReader();
      let ended = false;
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) {
            ended = true;
            return;
          }
          yield value;
        }
      } finally {
        if (!ended) await reader.cancel().catch(() => {});
      }
    })(),
  );
}
