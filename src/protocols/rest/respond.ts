// An answer's content as a response: conditional, compressed, with the headers that say so. Everything the REST door sends goes out here.

import {
  type Body,
  type Chunk,
  chooseEncoding,
  compress,
  compressStream,
  contentTag,
  type HttpRequest,
  isCompressible,
  isKnown,
  tagWithCoding,
} from '../http/index.ts';

export interface Content {
  readonly body: Body;
  readonly type: string;
  readonly status: number;
  /** Its entity tag as it is, uncompressed. Undefined: the hash of a whole body. Null: none. */
  readonly tag: string | undefined | null;
  readonly headers: Headers | undefined;
}

/** Content is negotiated, by type and coding. */
const vary = 'Accept, Accept-Encoding';

export function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

export async function respond(request: HttpRequest, content: Content, threshold: number): Promise<Response> {
  const headers = content.headers ?? new Headers();
  if (!headers.has('content-type')) headers.set('content-type', content.type);
  headers.append('vary', vary);
  const encoding = encodingFor(request, content, headers, threshold);
  const tag = tagOf(request, content, encoding);
  if (tag !== undefined && !headers.has('etag')) headers.set('etag', tag);
  if (tag !== undefined && knows(request, tag)) {
    if ('stream' in content.body) await content.body.stream.cancel();
    return new Response(null, { status: 304, headers: withoutContent(headers) });
  }
  if (encoding !== undefined) headers.set('content-encoding', encoding);
  const init = { status: content.status, headers };
  if ('whole' in content.body) {
    const { whole } = content.body;
    const sent = encoding === undefined ? whole : await compress(bytesOf(whole), encoding);
    if (request.method !== 'HEAD') request.sent(typeof sent === 'string' ? Buffer.byteLength(sent) : sent.length);
    return new Response(bodyInit(sent), init);
  }
  if (request.method === 'HEAD') {
    await content.body.stream.cancel();
    return new Response(null, init);
  }
  const { stream } = content.body;
  return new Response(counted(encoding === undefined ? stream : compressStream(stream, encoding), request), init);
}

function counted(stream: ReadableStream<Uint8Array>, { sent }: HttpRequest): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        sent(value.length);
        controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function encodingFor(request: HttpRequest, { body, type }: Content, headers: Headers, threshold: number) {
  // A whole body's length in characters is at most its length in bytes.
  if ('whole' in body && body.whole.length < threshold) return undefined;
  if (headers.has('content-encoding') || !isCompressible(headers.get('content-type') ?? type)) return undefined;
  return chooseEncoding(request.headers.get('accept-encoding'));
}

function tagOf(request: HttpRequest, { body, tag, status }: Content, encoding: string | undefined): string | undefined {
  if (tag === null || !isRead(request.method) || status !== 200) return undefined;
  const plain = tag ?? ('whole' in body ? contentTag(body.whole) : undefined);
  return plain !== undefined && encoding !== undefined ? tagWithCoding(plain, encoding) : plain;
}

function knows(request: HttpRequest, tag: string): boolean {
  const ifNoneMatch = request.headers.get('if-none-match');
  return ifNoneMatch !== null && isKnown(ifNoneMatch, tag);
}

/** RFC 9110 §15.4.5: a 304 describes no content. */
export function withoutContent(headers: Headers): Headers {
  for (const name of ['content-type', 'content-length', 'content-encoding']) headers.delete(name);
  return headers;
}

export function bodyInit(chunk: Chunk): string | Uint8Array<ArrayBuffer> {
  return typeof chunk === 'string' ? chunk : (chunk as Uint8Array<ArrayBuffer>);
}

function bytesOf(chunk: Chunk): Uint8Array {
  return typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
}

/** For content that came from who knows whom: as a page it runs no scripts and is of no site (CSP3 §6.3.2, "sandbox"). */
export function asStrange(headers: Headers): void {
  if (!headers.has('content-security-policy')) headers.set('content-security-policy', 'sandbox');
}
