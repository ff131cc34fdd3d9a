// Bytes from a cache → its answer and what it says of itself.

export interface Answer {
  readonly status: number;
  readonly head: Head;
  readonly body: Buffer;
}

/** As it came, and in lower case: servers write names as they like. */
export interface Head {
  readonly text: string;
  readonly lower: string;
}

export function headOf(text: string): Head {
  return { text, lower: text.toLowerCase() };
}

/** Undefined: it is not all there yet. Throws on what is no answer of HTTP/1.1 that says its length (RFC 9112 §6). */
export function parseAnswer(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const text = bytes.toString('latin1', 0, end);
  const status = text.startsWith('HTTP/1.1 ') ? Number(text.slice(9, 12)) : Number.NaN;
  if (!Number.isInteger(status)) throw new Error(`This is no answer: ${text.slice(0, 100)}`);
  const head = headOf(text);
  const start = end + 4;
  const length = headerOf(head, 'content-length');
  if (length !== undefined) {
    const last = start + Number(length);
    return bytes.length < last ? undefined : { status, head, body: bytes.subarray(start, last) };
  }
  if (headerOf(head, 'transfer-encoding') !== 'chunked') throw new Error(`An answer has no length: ${text}`);
  const body = unchunked(bytes, start);
  return body && { status, head, body };
}

function unchunked(bytes: Buffer, start: number): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error('An answer has a chunk without a size.');
    const from = lineEnd + 2;
    if (bytes.length < from + size + 2) return undefined;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(from, from + size));
    at = from + size + 2;
  }
}

/** @param name lower case */
export function headerOf({ text, lower }: Head, name: string): string | undefined {
  const at = lower.indexOf(`\r\n${name}:`);
  if (at < 0) return undefined;
  const end = text.indexOf('\r\n', at + 2);
  return text.slice(at + name.length + 3, end < 0 ? undefined : end).trim();
}

/** Where an answer came from: the cache, fresh or stale, or the origin. */
export type Source = 'fresh' | 'stale' | 'origin';

/** By Cache-Status (RFC 9211), or by what nginx calls it. */
export function sourceOf(head: Head): Source {
  const status = headerOf(head, 'cache-status');
  if (status !== undefined) {
    if (!/;\s*hit\b/.test(status)) return 'origin';
    return /;\s*ttl=-/.test(status) ? 'stale' : 'fresh';
  }
  switch (headerOf(head, 'x-cache')) {
    case 'HIT':
    case 'REVALIDATED':
      return 'fresh';
    case 'STALE':
    case 'UPDATING':
      return 'stale';
    default:
      return 'origin';
  }
}
