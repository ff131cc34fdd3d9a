// Compression of responses that others made: app code, static files, middleware.

import { chooseEncoding, compress, compressStream, isCompressible } from '../../semantics/index.ts';

/** The response, compressed if the client takes that and it is worth it. */
export async function compressResponse(response: Response, request: Headers, threshold: number): Promise<Response> {
  const { headers } = response;
  // The body last: Bun forgets that it is text, and says so to nobody, once it was looked at.
  if (!mayChange(response) || response.body === null) return response;
  const declared = headers.get('content-length');
  if (declared !== null && Number(declared) < threshold) return response;
  const encoding = chooseEncoding(request.get('accept-encoding'));
  const changed = new Headers(headers);
  if (!/\baccept-encoding\b|\*/i.test(headers.get('vary') ?? '')) changed.append('vary', 'Accept-Encoding');
  const init = { status: response.status, statusText: response.statusText, headers: changed };
  if (encoding === undefined) return new Response(response.body, init);
  const { start, rest } = await readUpTo(response.body, threshold);
  if (rest === undefined && start.length < threshold) return new Response(start, init);
  changed.set('content-encoding', encoding);
  changed.delete('content-length');
  weaken(changed);
  if (rest === undefined) return new Response(Buffer.from(await compress(start, encoding)), init);
  return new Response(compressStream(rejoin(start, rest), encoding), init);
}

/** RFC 9110 §7.7: not what says no-transform; nor parts, and what is coded already. */
function mayChange({ status, headers }: Response): boolean {
  return (
    status >= 200 &&
    status !== 206 &&
    isCompressible(headers.get('content-type') ?? '') &&
    !headers.has('content-encoding') &&
    !headers.get('cache-control')?.includes('no-transform')
  );
}

/** A strong tag is for one sequence of bytes (RFC 9110 §8.8.1). */
function weaken(headers: Headers): void {
  const tag = headers.get('etag');
  if (tag?.startsWith('"')) headers.set('etag', `W/${tag}`);
}

interface ByteReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(reason?: unknown): Promise<void>;
}

async function readUpTo(
  body: ReadableStream<Uint8Array>,
  bytes: number,
): Promise<{ start: Buffer<ArrayBuffer>; rest: ByteReader | undefined }> {
  const reader: ByteReader = body.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  while (size < bytes) {
    const { done, value } = await reader.read();
    if (done || value === undefined) return { start: Buffer.concat(parts), rest: undefined };
    parts.push(value);
    size += value.length;
  }
  return { start: Buffer.concat(parts), rest: reader };
}

function rejoin(start: Uint8Array, rest: ByteReader): ReadableStream<Uint8Array> {
  let pending: Uint8Array | undefined = start;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (pending) {
          controller.enqueue(pending);
          pending = undefined;
          return;
        }
        const { done, value } = await rest.read();
        if (done || value === undefined) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => rest.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
