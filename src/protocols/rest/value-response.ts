// Whatever app code returned as a response: a Response, something with `headers`, text, bytes, a Blob, a stream, values one by one, or
// plain data.

import { Readable } from 'node:stream';
import type { RequestContext } from '../../resources/index.ts';
import { isKnown } from '../../semantics/index.ts';
import {
  blobResponse,
  type Chunk,
  chunksAsBody,
  compressResponse,
  entityTag,
  frame,
  type HttpRequest,
  contentOf as handmadeContent,
  headersOf,
  isAsyncIterable,
  isIterable,
  isResponseLike,
  type ResponseLike,
  type Writer,
} from '../http/index.ts';
import { asStrange, type Content, isRead, respond, withoutContent } from './respond.ts';

export interface ValueAnswer {
  readonly value: unknown;
  readonly request: HttpRequest;
  readonly context: RequestContext;
  /** Status and headers the handler set on the context. */
  readonly given: { readonly status?: number; readonly headers: Headers } | undefined;
  /** The way of writing that the client prefers; throws NOT_ACCEPTABLE. */
  readonly writer: () => Writer;
  readonly threshold: number;
  /** Text is data like any other: the value of an attribute. */
  readonly isData: boolean;
  /** Called once, when nothing more is read from what the value holds. */
  readonly done: () => void;
}

export async function valueResponse(answer: ValueAnswer): Promise<Response> {
  const { value, request, given, threshold, done } = answer;
  if (value instanceof Response) return ownResponse(value, answer);
  if (isResponseLike(value)) return responseLike(value, answer);
  if (value instanceof Blob) {
    done();
    const tag = answer.context.lastModified > 0 ? entityTag(answer.context.tag) : undefined;
    const headers = given?.headers ?? new Headers();
    if (tag !== undefined && isRead(request.method)) headers.set('etag', tag);
    if (answer.isData) asStrange(headers);
    return withStatus(blobResponse(value, request.headers, headers, tag), given?.status);
  }
  return respond(request, await contentOf(answer), threshold);
}

async function contentOf(answer: ValueAnswer): Promise<Content> {
  const { value, done, given } = answer;
  const rest = { status: given?.status ?? 200, headers: given?.headers, tag: undefined };
  if (typeof value === 'string' && !answer.isData && prefersText(answer)) {
    done();
    return { body: { whole: value }, type: 'text/plain; charset=utf-8', ...rest };
  }
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) {
    done();
    const whole = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
    return { body: { whole }, type: 'application/octet-stream', ...rest };
  }
  if (value instanceof ReadableStream || value instanceof Readable) {
    return { body: await chunksAsBody(byteChunks(value), done), type: 'application/octet-stream', ...rest };
  }
  const writer = answer.writer();
  if (isSequence(value)) {
    if (writer.serializeStream) {
      return { body: await chunksAsBody(writer.serializeStream(value), done), type: writer.type, ...rest };
    }
    const framing = writer.framing?.();
    if (framing) return { body: await frame(value, framing, done), type: writer.type, ...rest };
    const collected: unknown[] = [];
    for await (const item of value) collected.push(item);
    done();
    return { body: { whole: writer.serialize(collected) }, type: writer.type, ...rest };
  }
  done();
  return { body: { whole: writer.serialize(value) }, type: writer.type, ...rest };
}

/** Text goes out as text unless the client asks for something else by name. */
function prefersText({ request }: ValueAnswer): boolean {
  const accept = request.headers.get('accept');
  return accept === null || accept.includes('text/') || accept.trim().startsWith('*/*');
}

/** What is sent one by one: not the collections that are plain data. */
function isSequence(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  if (isAsyncIterable(value)) return true;
  const isData = Array.isArray(value) || value instanceof Map || value instanceof Set || ArrayBuffer.isView(value);
  return !isData && isIterable(value);
}

async function* byteChunks(stream: ReadableStream | Readable): AsyncGenerator<Chunk> {
  for await (const chunk of stream as AsyncIterable<unknown>) {
    if (typeof chunk === 'string') yield chunk;
    else if (chunk instanceof Uint8Array) yield chunk;
    else if (chunk instanceof ArrayBuffer) yield new Uint8Array(chunk);
    else
      throw new TypeError(
        'A stream that is returned must give text or bytes. Return an async generator to send values.',
      );
  }
}

async function responseLike(like: ResponseLike, answer: ValueAnswer): Promise<Response> {
  const headers = headersOf(like);
  answer.given?.headers.forEach((value, name) => {
    headers.append(name, value);
  });
  const status = typeof like.status === 'number' ? like.status : (answer.given?.status ?? 200);
  const value = handmadeContent(like);
  if (value === undefined || value === null) {
    answer.done();
    return new Response(null, { status, headers });
  }
  return valueResponse({ ...answer, value, given: { status, headers } });
}

/** What text is unless the app says otherwise (Fetch standard, "extract a body"). */
const plainText = 'text/plain;charset=utf-8';

/** With an entity tag of its own, it is conditional like any other answer. */
async function ownResponse(response: Response, { request, given, threshold, done }: ValueAnswer): Promise<Response> {
  const tag = isRead(request.method) && response.status === 200 ? response.headers.get('etag') : null;
  const ifNoneMatch = tag === null ? null : request.headers.get('if-none-match');
  if (tag !== null && ifNoneMatch !== null && isKnown(ifNoneMatch, tag)) {
    await response.body?.cancel();
    done();
    return new Response(null, { status: 304, headers: withoutContent(new Headers(response.headers)) });
  }
  const ending = endingWith(response, done);
  if (ending.body !== null && !ending.headers.has('content-type')) ending.headers.set('content-type', plainText);
  const compressed = await compressResponse(ending, request.headers, threshold);
  const extra = given ? [...given.headers] : [];
  for (const [name, value] of extra) compressed.headers.append(name, value);
  return withStatus(compressed, given?.status);
}

/** Calls `done` when the body has been read or given up. */
function endingWith(response: Response, done: () => void): Response {
  if (response.body === null) {
    done();
    return response;
  }
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await reader.read();
          if (!next.done) return controller.enqueue(next.value);
        } catch (error) {
          done();
          return controller.error(error);
        }
        done();
        controller.close();
      },
      cancel(reason) {
        done();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, response);
}

function withStatus(response: Response, status: number | undefined): Response {
  if (status === undefined || status === response.status || response.status !== 200) return response;
  return new Response(response.body, { status, headers: response.headers });
}
