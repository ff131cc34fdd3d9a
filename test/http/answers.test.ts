// What handlers may return and throw, and what the client gets.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { brotliCompressSync, brotliDecompressSync, gunzipSync } from 'node:zlib';
import { decode } from 'cbor-x';
import { getContext, type RequestTarget, Resource, tableResource } from '../../src/resources/index.ts';
import { type HttpNode, startHttpNode } from '../support/http-node.ts';

let node: HttpNode;
let closed: (() => void) | undefined;
const text = 'all work and no play '.repeat(200);

async function* values() {
  yield { n: 1 };
  yield { n: 2 };
}

function* endless() {
  try {
    for (let n = 0; ; n++) yield { n, text };
  } finally {
    closed?.();
  }
}

const returned: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  number: () => 5,
  text: () => 'hello',
  object: () => ({ a: 1, at: new Date(0), bytes: Uint8Array.of(1), big: 2n ** 70n }),
  bytes: () => Uint8Array.of(1, 2, 3),
  blob: () => new Blob(['0123456789'], { type: 'text/x-blob' }),
  values: () => values(),
  generator: () => [1, 2, 3].values(),
  stream: () => new Blob(['streamed']).stream(),
  node: () => Readable.from(['node ', 'stream']),
  response: () => new Response('own', { status: 202, headers: { 'x-own': 'yes', 'content-type': 'text/own' } }),
  plain: () => new Response('own', { status: 202 }),
  like: () => ({ status: 203, headers: { 'X-Like': 'yes', 'Set-Cookie': ['a=1', 'b=2'] }, data: { a: 1 } }),
  body: () => ({ status: 404, headers: { 'content-type': 'text/html' }, body: '<p>' }),
  notLike: () => ({ status: 203, data: 1 }),
  long: () => ({ text }),
  html: () => new Response(text, { headers: { 'content-type': 'text/html', etag: '"h"' } }),
  endless: () => endless(),
  late: () =>
    (function* () {
      for (let n = 0; n < 3000; n++) yield { n, text };
      throw new Error('too late');
    })(),
};

const thrown: Readonly<Record<string, () => unknown>> = {
  error: () => new Error('secret detail'),
  statusCode: () => Object.assign(new Error('I am a teapot'), { statusCode: 418 }),
  object: () => ({ status: 409, message: 'taken', by: 'ann' }),
  response: () => new Response('gone', { status: 410 }),
  text: () => 'secret detail',
};

beforeAll(async () => {
  node = await startHttpNode({
    schema: 'type Row @table @export { id: ID @primaryKey n: Int @indexed text: String }',
    resources: (app) => {
      const rows = tableResource('data', 'Row', app);
      class Return extends Resource {
        static override get(target: RequestTarget) {
          return returned[String(target.id)]?.();
        }
        static override async post(target: RequestTarget, data: unknown) {
          const body = await data;
          return target.id === 'type' ? Object.prototype.toString.call(body) : body;
        }
      }
      class Throw extends Resource {
        static override async get(target: RequestTarget) {
          await rows.put('thrown', { n: 1 });
          throw thrown[String(target.id)]?.();
        }
      }
      class Says extends Resource {
        static override get() {
          const { response } = getContext();
          if (response === undefined) throw new Error('no context');
          response.status = 201;
          response.headers.set('x-said', 'yes');
          return { a: 1 };
        }
      }
      class Mapped extends Resource {
        static override get() {
          return rows
            .search({ sort: { attribute: 'n' } })
            .map((row) => ({ double: Number((row as { n: number }).n) * 2 }));
        }
      }
      class Page extends Resource {
        static override async get() {
          const found: unknown[] = [];
          for await (const row of rows.search({ limit: 2 })) found.push(row);
          return new Response(`<p>${found.length}`, { headers: { 'content-type': 'text/html' } });
        }
      }
      return { Return, Throw, Says, Mapped, Page };
    },
  });
  await node.send(
    'PUT',
    '/Row/',
    Array.from({ length: 2000 }, (_, n) => ({ id: String(n), n, text: 'x'.repeat(100) })),
  );
});
afterAll(() => node.stop());

describe('returned', () => {
  const cases: readonly (readonly [string, number, string | null, string])[] = [
    ['null', 200, 'application/json', 'null'],
    ['number', 200, 'application/json', '5'],
    ['text', 200, 'text/plain; charset=utf-8', 'hello'],
    [
      'object',
      200,
      'application/json',
      '{"a":1,"at":"1970-01-01T00:00:00.000Z","bytes":"AQ==","big":1180591620717411303424}',
    ],
    ['bytes', 200, 'application/octet-stream', '\x01\x02\x03'],
    ['blob', 200, 'text/x-blob', '0123456789'],
    ['values', 200, 'application/json', '[{"n":1},{"n":2}]'],
    ['generator', 200, 'application/json', '[1,2,3]'],
    ['stream', 200, 'application/octet-stream', 'streamed'],
    ['node', 200, 'application/octet-stream', 'node stream'],
    ['response', 202, 'text/own', 'own'],
    ['like', 203, 'application/json', '{"a":1}'],
    ['body', 404, 'text/html', '<p>'],
    ['notLike', 200, 'application/json', '{"status":203,"data":1}'],
  ];
  for (const [name, status, type, body] of cases) {
    test(name, async () => {
      const response = await node.fetch(`/Return/${name}`);
      expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
        status,
        type,
        body,
      ]);
    });
  }
  test('undefined: nothing is there', async () => expect((await node.fetch('/Return/undefined')).status).toBe(404));
  test('own headers, each cookie by itself', async () => {
    expect((await node.fetch('/Return/response')).headers.get('x-own')).toBe('yes');
    const like = await node.fetch('/Return/like');
    expect([like.headers.get('x-like'), like.headers.getSetCookie()]).toEqual(['yes', ['a=1', 'b=2']]);
  });
  test('what the context says about the response', async () => {
    const response = await node.fetch('/Says/');
    expect([response.status, response.headers.get('x-said')]).toEqual([201, 'yes']);
  });
  test('typed values in CBOR', async () => {
    const response = await node.fetch('/Return/object', { headers: { accept: 'application/cbor' } });
    expect(decode(Buffer.from(await response.arrayBuffer()))).toMatchObject({ at: new Date(0), big: 2n ** 70n });
  });
  test('text as JSON where that is asked for', async () => {
    const response = await node.fetch('/Return/text', { headers: { accept: 'application/json' } });
    expect(await response.text()).toBe('"hello"');
  });
  test('a type that can not be made: 406', async () => {
    expect((await node.fetch('/Return/object', { headers: { accept: 'image/png' } })).status).toBe(406);
  });
  test('rows of a table, changed on the way', async () => {
    const rows = (await node.get('/Mapped/')) as { double: number }[];
    expect([rows.length, rows[3]]).toEqual([2000, { double: 6 }]);
  });
  test('a page made from tables', async () => expect(await (await node.fetch('/Page/')).text()).toBe('<p>2'));
  test('posted data', async () => {
    expect(await (await node.send('POST', '/Return/', { a: [1] })).json()).toEqual({ a: [1] });
    expect(await (await node.send('POST', '/Return/', 'plain', { 'content-type': 'text/plain' })).text()).toBe('plain');
    expect(await (await node.send('POST', '/Return/type')).text()).toBe('[object Undefined]');
  });
});

describe('thrown', () => {
  const cases: readonly (readonly [string, number, unknown])[] = [
    ['error', 500, { code: 'APPLICATION_ERROR', detail: expect.not.stringContaining('secret') }],
    ['statusCode', 418, { detail: 'I am a teapot' }],
    ['object', 409, { code: 'CONFLICT', detail: 'taken', by: 'ann' }],
    ['text', 500, { code: 'INTERNAL', detail: expect.not.stringContaining('secret') }],
  ];
  for (const [name, status, body] of cases) {
    test(`${name}: ${status}, and nothing is written`, async () => {
      const response = await node.fetch(`/Throw/${name}`, { headers: { 'x-request-id': 'mine-1' } });
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject(body as object);
      expect((await node.fetch('/Row/thrown')).status).toBe(404);
    });
  }
  test('a Response is the response; text that does not say what it is, is plain', async () => {
    const plain = await node.fetch('/Return/plain');
    expect([plain.status, plain.headers.get('content-type')]).toEqual([202, 'text/plain;charset=utf-8']);
    const response = await node.fetch('/Throw/response');
    expect([response.status, await response.text()]).toEqual([410, 'gone']);
    expect((await node.fetch('/Row/thrown')).status).toBe(404);
  });
  test('the id of the request is in the answer to an unexpected error', async () => {
    const given = await node.fetch('/Throw/error', { headers: { 'x-request-id': 'mine-1' } });
    expect(await given.json()).toMatchObject({ requestId: 'mine-1' });
    const unfit = await node.fetch('/Throw/error', { headers: { 'x-request-id': 'a b"c' } });
    expect(((await unfit.json()) as { requestId: string }).requestId).toMatch(/^[0-9a-f]{16}-[0-9a-z]+$/);
  });
});

test('a compressed body is read as what it was', async () => {
  const text = JSON.stringify({ id: 'packed', n: 7, name: 'x'.repeat(2000) });
  const packed: readonly (readonly [string, Uint8Array<ArrayBuffer>])[] = [
    ['gzip', Bun.gzipSync(Buffer.from(text))],
    ['X-GZIP', Bun.gzipSync(Buffer.from(text))],
    ['br', new Uint8Array(brotliCompressSync(text))],
    ['zstd', new Uint8Array(Bun.zstdCompressSync(text))],
  ];
  for (const [coding, body] of packed) {
    const headers = { 'content-type': 'application/json', 'content-encoding': coding };
    const put = await node.fetch('/Row/packed', { method: 'PUT', headers, body });
    expect([coding, put.status]).toEqual([coding, 204]);
    expect(await (await node.fetch('/Row/packed')).json()).toMatchObject(JSON.parse(text));
    expect((await node.fetch('/Row/packed', { method: 'DELETE' })).status).toBe(204);
  }
});

describe('compression', () => {
  const raw = async (path: string, acceptEncoding: string) => {
    const response = await fetch(node.url + path, {
      headers: { 'accept-encoding': acceptEncoding },
      decompress: false,
    } as RequestInit);
    return {
      encoding: response.headers.get('content-encoding'),
      vary: response.headers.get('vary'),
      body: Buffer.from(await response.arrayBuffer()),
      response,
    };
  };
  const unpack: Record<string, (body: Buffer) => Uint8Array> = {
    br: brotliDecompressSync,
    gzip: gunzipSync,
    zstd: (body) => Bun.zstdDecompressSync(body),
  };
  for (const encoding of Object.keys(unpack)) {
    for (const path of ['/Return/long', '/Return/html', '/Row/?sort(n)']) {
      test(`${path} as ${encoding}`, async () => {
        const plain = await raw(path, 'identity');
        expect(plain.encoding).toBeNull();
        const packed = await raw(path, encoding);
        expect(packed.encoding).toBe(encoding);
        expect(packed.vary).toContain('Accept-Encoding');
        expect(packed.body.length).toBeLessThan(plain.body.length / 2);
        expect(Buffer.from(unpack[encoding]?.(packed.body) ?? []).equals(plain.body)).toBe(true);
        const [tag, plainTag] = [packed.response.headers.get('etag'), plain.response.headers.get('etag')];
        if (tag !== null) expect(tag).not.toBe(plainTag);
      });
    }
  }
  test('not of what is short, nor of what does not shrink', async () => {
    for (const path of ['/Return/object', '/Return/bytes']) expect((await raw(path, 'br')).encoding).toBeNull();
  });
});

describe('streams', () => {
  test('a client that goes away ends what makes the values', async () => {
    const ended = Promise.withResolvers<void>();
    closed = ended.resolve;
    const response = await node.fetch('/Return/endless');
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await ended.promise;
  });
  test('an error after the first part breaks the connection: no client takes it for the whole', async () => {
    const received = await new Promise<string>((resolve) => {
      let all = '';
      const socket = connect(node.port, '127.0.0.1', () =>
        socket.write('GET /Return/late HTTP/1.1\r\nHost: x\r\n\r\n'),
      );
      socket.on('data', (data) => {
        all += data;
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(all));
    });
    // The last chunk of a complete body has length 0 (RFC 9112 §7.1).
    expect(received.endsWith('0\r\n\r\n')).toBe(false);
  });
  test('many rows are not held in memory: they come in parts', async () => {
    const response = await node.fetch('/Row/?sort(n)', { headers: { 'accept-encoding': 'identity' } });
    expect(response.headers.get('content-length')).toBeNull();
    expect((await response.json()) as unknown[]).toHaveLength(2000);
  });
});

describe('paging', () => {
  test('a walk by cursor sees every record once', async () => {
    const seen: number[] = [];
    let cursor = '';
    for (let pages = 0; pages < 30; pages++) {
      const response = await node.fetch(`/Row/?sort(n)&limit(100)&select(n)&cursor(${cursor})`);
      expect(response.status).toBe(200);
      seen.push(...((await response.json()) as number[]));
      const next = response.headers.get('x-next-cursor');
      if (next === null) break;
      cursor = next;
    }
    expect(seen).toEqual(Array.from({ length: 2000 }, (_, n) => n));
  });
});
