// Byte ranges (RFC 9110 §14) of content whose length is known.

import { ZerohopError } from '../base/index.ts';

/** Bytes `start` to `end`, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The part asked for, or undefined for the whole: no such header, another unit, a form that is not valid, or several ranges, which we may
 * answer with the whole (RFC 9110 §14.2). Throws RANGE_NOT_SATISFIABLE when nothing of it exists.
 */
export function parseRange(header: string | null, size: number): ByteRange | undefined {
  if (header === null) return undefined;
  const match = /^bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header);
  if (!match) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? undefined : suffix(Number(last), size);
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) throw unsatisfiable(size);
  return { start, end };
}

function suffix(length: number, size: number): ByteRange {
  if (length === 0 || size === 0) throw unsatisfiable(size);
  return { start: Math.max(0, size - length), end: size - 1 };
}

function unsatisfiable(size: number): ZerohopError {
  return new ZerohopError('RANGE_NOT_SATISFIABLE', `The content has ${size} bytes. Ask for a range within them.`, {
    size,
  });
}

/**
 * A response with a Blob, or the part that Range asks for. If-Range lets the range count only while `tag` is still right
 * (RFC 9110 §13.1.5: strong comparison; dates are not compared, so they give the whole).
 */
export function blobResponse(blob: Blob, request: Headers, headers: Headers, tag?: string): Response {
  headers.set('accept-ranges', 'bytes');
  if (!headers.has('content-type')) headers.set('content-type', blob.type || 'application/octet-stream');
  const ifRange = request.get('if-range');
  const range = ifRange === null || ifRange === tag ? parseRange(request.get('range'), blob.size) : undefined;
  if (range === undefined) return new Response(blob, { headers });
  headers.set('content-range', `bytes ${range.start}-${range.end}/${blob.size}`);
  return new Response(blob.slice(range.start, range.end + 1), { status: 206, headers });
}
