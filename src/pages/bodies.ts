// Bodies of pages in their codings: stored in one, sent in any. What is made on demand is kept with the page as long as that is in memory.

import { brotliDecompress, gunzip } from 'node:zlib';
import { chooseEncoding, compress, isCompressible, parsePreferences } from '../semantics/index.ts';
import type { Coding, PageBody } from './types.ts';

/** Below this compression gains nothing, in bytes. */
export const thresholdBytes = 1024;
/** What lasts is stored once and read many times: more effort than for what is fetched anew in a while. */
const lastingMs = 10 * 60_000;
const levels = { lasting: 9, brief: 3 } as const;
/** Up to here another thread takes longer to wake than the work does, in bytes. */
const atOnceBytes = 4096;

type Bytes = Uint8Array<ArrayBuffer>;

/** The coding Content-Encoding names; several at once are one we don't know. */
export function codingOf(contentEncoding: string | null): PageBody['sent'] {
  switch ((contentEncoding ?? '').trim().toLowerCase()) {
    case '':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'br':
      return 'br';
    case 'zstd':
      return 'zstd';
    default:
      return 'other';
  }
}

/**
 * What to keep of a body as it came: compressed when it is not yet and shrinks.
 * @param lifeMs how long it will be fresh
 */
export async function pack(
  bytes: Bytes,
  sent: PageBody['sent'],
  type: string,
  lifeMs: number,
): Promise<{ readonly bytes: Bytes; readonly body: PageBody }> {
  const hash = new Bun.CryptoHasher('sha256').update(bytes).digest('base64url').slice(0, 24);
  // What is the same and stored in another way is another body.
  const named = (stored: Coding): PageBody => ({ id: `${stored}:${hash}`, stored, sent, size });
  const size = bytes.length;
  if (sent !== 'identity') return { bytes, body: named(sent === 'other' ? 'identity' : sent) };
  if (size >= thresholdBytes && isCompressible(type)) {
    const options = { level: lifeMs >= lastingMs ? levels.lasting : levels.brief };
    const packed = new Uint8Array(
      size <= atOnceBytes ? Bun.zstdCompressSync(bytes, options) : await Bun.zstdCompress(bytes, options),
    );
    if (packed.length < size * 0.9) return { bytes: packed, body: named('zstd') };
  }
  return { bytes, body: named('identity') };
}

/** Which coding to send. `as sent` while the client takes it; undefined: it takes neither that nor the plain body. */
export function chooseCoding(
  body: PageBody,
  type: string,
  canTransform: boolean,
  accept: string | null,
): Coding | undefined {
  // A coding we don't know is sent as it came: there is nothing else.
  if (body.sent === 'other') return 'identity';
  if (!canTransform) return body.sent === 'identity' || accepts(accept, body.sent) ? body.sent : undefined;
  if (body.stored !== 'identity' && accepts(accept, body.stored)) return body.stored;
  const isSmall = body.stored === 'identity' && (body.size < thresholdBytes || !isCompressible(type));
  return isSmall ? 'identity' : (chooseEncoding(accept) ?? 'identity');
}

function accepts(header: string | null, coding: Coding): boolean {
  if (header === null) return false;
  // What browsers send, and what most others do.
  if (coding === 'zstd' && header === 'gzip, deflate, br, zstd') return true;
  const preferences = parsePreferences(header);
  const named = preferences.find(({ name }) => name === coding) ?? preferences.find(({ name }) => name === '*');
  return (named?.quality ?? 0) > 0;
}

/** The bytes in another coding. */
export async function recode(bytes: Bytes, from: Coding, to: Coding): Promise<Bytes> {
  if (from === to) return bytes;
  const plain = from === 'identity' ? bytes : await decode(bytes, from);
  return to === 'identity' ? plain : new Uint8Array(await compress(plain, to));
}

/** Decoded bodies may be this many bytes: more is an attack on memory. */
const maxDecodedBytes = 256 * 1024 * 1024;

async function decode(bytes: Bytes, from: Exclude<Coding, 'identity'>): Promise<Bytes> {
  if (from === 'zstd') return new Uint8Array(await Bun.zstdDecompress(bytes));
  const options = { maxOutputLength: maxDecodedBytes };
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null, plain: Uint8Array) => (error ? reject(error) : resolve(new Uint8Array(plain)));
    if (from === 'br') brotliDecompress(bytes, options, settle);
    else gunzip(bytes, options, settle);
  });
}
