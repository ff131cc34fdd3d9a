// A response written by hand: an object with `headers`, as `{ status, headers, data }` or `{ status, headers, body }`.

import { toJson } from './formats.ts';
import { isIterable } from './framing.ts';

export interface ResponseLike {
  readonly status?: unknown;
  readonly headers: unknown;
  readonly data?: unknown;
  readonly body?: unknown;
}

export function isResponseLike(value: unknown): value is ResponseLike {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'headers')) return false;
  const { headers } = value as ResponseLike;
  return typeof headers === 'object' && headers !== null;
}

/** Its headers: an object, a list of pairs, a Map or Headers. A list of values is one header line each. */
export function headersOf({ headers }: ResponseLike): Headers {
  if (isIterable(headers)) return new Headers([...headers] as [string, string][]);
  const lines = Object.entries(headers as Record<string, unknown>).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each): [string, string] => [name, String(each)]),
  );
  return new Headers(lines);
}

export function contentOf(like: ResponseLike): unknown {
  return 'data' in like ? like.data : like.body;
}

/** As a Response. Text, bytes, Blobs and streams are sent as they are, other content as JSON. */
export function responseOf(like: ResponseLike): Response {
  const headers = headersOf(like);
  const status = typeof like.status === 'number' ? like.status : 200;
  const content = contentOf(like) ?? null;
  if (isBody(content)) return new Response(content, { status, headers });
  if (!headers.has('content-type')) headers.set('content-type', 'application/json');
  return new Response(toJson(content), { status, headers });
}

function isBody(
  content: unknown,
): content is string | Uint8Array<ArrayBuffer> | ArrayBuffer | Blob | ReadableStream | null {
  return (
    content === null ||
    typeof content === 'string' ||
    content instanceof Uint8Array ||
    content instanceof ArrayBuffer ||
    content instanceof Blob ||
    content instanceof ReadableStream
  );
}
