// A store of objects that speaks as much of S3 as Bun's client asks for: objects read, listed and written, at once or in parts, under one key that
// every request must be signed with (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html).

import { createHash, createHmac } from 'node:crypto';

export interface S3Server extends Disposable {
  readonly endpoint: string;
  /** By bucket and key: 'bucket/key'. */
  readonly objects: Map<string, Uint8Array>;
  /** Objects that were written in parts. */
  readonly inParts: string[];
}

export function serveS3(accessKeyId: string, secretAccessKey: string): S3Server {
  const objects = new Map<string, Uint8Array>();
  const inParts: string[] = [];
  const uploads = new Map<string, Map<number, Uint8Array>>();
  const answer = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const name = decodeURIComponent(url.pathname.slice(1));
    if (signatureOf(request, secretAccessKey) !== signatureIn(request, accessKeyId))
      return failure('SignatureDoesNotMatch', 403);
    const body = new Uint8Array(await request.arrayBuffer());
    const upload = url.searchParams.get('uploadId');
    if (request.method === 'POST' && url.searchParams.has('uploads')) {
      const id = crypto.randomUUID();
      uploads.set(id, new Map());
      return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    }
    if (upload !== null) {
      const parts = uploads.get(upload);
      if (parts === undefined) return failure('NoSuchUpload', 404);
      if (request.method === 'PUT') {
        parts.set(Number(url.searchParams.get('partNumber')), body);
        return new Response(null, { headers: { etag: `"${parts.size}"` } });
      }
      if (request.method === 'DELETE') return new Response(null, { status: 204 });
      const ordered = [...parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
      objects.set(name, Buffer.concat(ordered));
      inParts.push(name);
      return xml('<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>');
    }
    if (url.searchParams.get('list-type') === '2') return xml(listing(objects, name, url.searchParams));
    if (request.method === 'PUT') {
      objects.set(name, body);
      return new Response(null, { headers: { etag: '"whole"' } });
    }
    const object = objects.get(name);
    if (object === undefined) return failure('NoSuchKey', 404);
    const headers = {
      'content-length': String(object.length),
      etag: '"whole"',
      'last-modified': new Date(0).toUTCString(),
    };
    return new Response(request.method === 'HEAD' ? null : Buffer.from(object), { headers });
  };
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer });
  return {
    endpoint: `http://127.0.0.1:${server.port}`,
    objects,
    inParts,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

/** So few that a listing has several pages. */
const listedAtATime = 5;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
function listing(objects: ReadonlyMap<string, Uint8Array>, bucket: string, query: URLSearchParams): string {
  const own = `${bucket.replace(/\/$/, '')}/`;
  const after = query.get('start-after') ?? '';
  const keys = [...objects.keys()]
    .filter((name) => name.startsWith(own))
    .map((name) => name.slice(own.length))
    .filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after)
    .sort();
  const page = keys.slice(0, listedAtATime).map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`);
  return `<ListBucketResult><IsTruncated>${keys.length > listedAtATime}</IsTruncated>${page.join('')}</ListBucketResult>`;
}

function xml(text: string): Response {
  return new Response(`<?xml version="1.0" encoding="UTF-8"?>${text}`, {
    headers: { 'content-type': 'application/xml' },
  });
}

function failure(code: string, status: number): Response {
  return new Response(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`, {
    status,
    headers: { 'content-type': 'application/xml' },
  });
}

interface Claim {
  readonly scope: string;
  readonly names: readonly string[];
  readonly signature: string;
}

function claimOf(request: Request): Claim & { readonly key: string } {
  const text = request.headers.get('authorization') ?? '';
  const part = (name: string) => new RegExp(`${name}=([^, ]+)`).exec(text)?.[1] ?? '';
  const [key = '', ...scope] = part('Credential').split('/');
  return { key, scope: scope.join('/'), names: part('SignedHeaders').split(';'), signature: part('Signature') };
}

function signatureIn(request: Request, accessKeyId: string): string {
  const { key, signature } = claimOf(request);
  return key === accessKeyId ? signature : 'of somebody else';
}

function signatureOf(request: Request, secret: string): string {
  const { scope, names } = claimOf(request);
  const url = new URL(request.url);
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join('&');
  const headers = names.map((name) => `${name}:${(request.headers.get(name) ?? '').trim()}\n`).join('');
  const hash = request.headers.get('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD';
  const canonical = [request.method, url.pathname, query, headers, names.join(';'), hash].join('\n');
  const digest = createHash('sha256').update(canonical).digest('hex');
  const toSign = ['AWS4-HMAC-SHA256', request.headers.get('x-amz-date'), scope, digest].join('\n');
  const hmac = (of: string | Buffer, text: string) => createHmac('sha256', of).update(text).digest();
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${secret}`);
  return createHmac('sha256', key).update(toSign).digest('hex');
}
