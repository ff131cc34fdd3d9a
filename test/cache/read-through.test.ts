// Tables whose records come from a source: read through an HTTP door, from an origin that is a server of its own.

import { afterAll, afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { startTestNode, type TestNode } from '../../src/testing.ts';
import { getContext, type RequestTarget, Resource, type TableClass } from '../../src/zerohop.ts';

const schema = `
type Product @table(expiration: 60, eviction: 3600) @export { id: ID @primaryKey  name: String  brand: ID @indexed  price: Int }
type Brand @table(expiration: 60) @export { id: ID @primaryKey  name: String }
type Origin @table @export { id: ID @primaryKey  name: String }
`;

/** What the origin is asked, and how it answers. */
const origin = {
  asked: [] as string[],
  answer: async (_request: Request): Promise<Response> => new Response(null, { status: 500 }),
};
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request) {
    origin.asked.push(`${request.method} ${new URL(request.url).pathname}`);
    return origin.answer(request);
  },
});
afterAll(() => server.stop(true));

const originUrl = (id: unknown) => `http://127.0.0.1:${server.port}/${id}`;
const product = (id: string) => ({ id, name: `Shoe ${origin.asked.length}`, brand: 'b', price: 5 });

/** A source as people write it. */
class Catalogue extends Resource {
  static override async get(target: RequestTarget) {
    const response = await fetch(originUrl(target.id));
    if (response.status === 404) return undefined;
    if (!response.ok)
      throw Object.assign(new Error(`the catalogue answered ${response.status}`), { statusCode: response.status });
    return (await response.json()) as object;
  }
}

let now = 1_800_000_000_000;
let node: TestNode;
const opened: TestNode[] = [];
const clock = { nowMs: () => now };

async function start(source: object, options?: object, resources = {}): Promise<TestNode> {
  const made = await startTestNode({
    schema,
    clock,
    resources: (bound) => {
      (bound.tables as unknown as Record<string, TableClass>).Product?.sourcedFrom(source, options);
      return resources;
    },
  });
  opened.push(made);
  return made;
}
const tableOf = (of: TestNode, name: string): TableClass => {
  const found = (of.tables as unknown as Record<string, TableClass>)[name];
  if (!found) throw new Error(`no table ${name}`);
  return found;
};

beforeEach(async () => {
  origin.asked = [];
  origin.answer = async (request) => Response.json(product(new URL(request.url).pathname.slice(1)));
  node = await start(Catalogue);
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.stop();
});

const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await node.fetch(path, { headers });
  const text = await response.text();
  const body: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, body, cache: response.headers.get('cache-status') };
};

describe('reading', () => {
  test('a record that is not here is fetched once, and then served from here', async () => {
    expect(await get('/Product/1')).toMatchObject({
      status: 200,
      body: { name: 'Shoe 1' },
      cache: 'zerohop; fwd=uri-miss',
    });
    expect(await get('/Product/1')).toMatchObject({ status: 200, body: { name: 'Shoe 1' } });
    expect(origin.asked).toEqual(['GET /1']);
  });

  test('many who want it at the same time cost the origin one call', async () => {
    const gate = Promise.withResolvers<void>();
    origin.answer = async () => {
      await gate.promise;
      return Response.json(product('cold'));
    };
    const waiting = Array.from({ length: 200 }, () => get('/Product/cold'));
    gate.resolve();
    const answers = await Promise.all(waiting);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(origin.asked).toEqual(['GET /cold']);
  });

  test('of a failing origin too', async () => {
    origin.answer = async () => new Response('no', { status: 503 });
    const answers = await Promise.all(Array.from({ length: 100 }, () => get('/Product/cold')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([502]));
    expect(origin.asked).toHaveLength(1);
    expect((await get('/Product/cold')).status).toBe(502);
    expect(origin.asked).toHaveLength(1);
    now += 1_001;
    await get('/Product/cold');
    expect(origin.asked).toHaveLength(2);
  });

  test('a record the origin does not have is 404, which is remembered for a moment', async () => {
    origin.answer = async () => new Response(null, { status: 404 });
    expect((await get('/Product/none')).status).toBe(404);
    expect((await get('/Product/none')).status).toBe(404);
    expect(origin.asked).toHaveLength(1);
    now += 1_001;
    origin.answer = async () => Response.json(product('none'));
    expect((await get('/Product/none')).status).toBe(200);
  });

  test('a stale record is fetched again; one that is gone at the origin is gone here', async () => {
    await get('/Product/1');
    now += 60_001;
    expect(await get('/Product/1')).toMatchObject({ body: { name: 'Shoe 2' }, cache: 'zerohop; fwd=stale' });
    now += 60_001;
    origin.answer = async () => new Response(null, { status: 404 });
    expect((await get('/Product/1')).status).toBe(404);
    now += 2_000;
    expect((await get('/Product/1')).status).toBe(404);
  });

  test('attributes, selections and app code read the same', async () => {
    expect(await get('/Product/1.name')).toMatchObject({ body: 'Shoe 1' });
    expect(await get('/Product/2?select(id,price)')).toMatchObject({ body: { id: '2', price: 5 } });
    expect(await tableOf(node, 'Product').get('3')).toMatchObject({ id: '3', price: 5 });
    expect(origin.asked).toEqual(['GET /1', 'GET /2', 'GET /3']);
  });

  test('a search brings the stale records it finds up to date', async () => {
    await get('/Product/1');
    await get('/Product/2');
    now += 60_001;
    const { body } = await get('/Product/?brand=b&sort(id)');
    expect(body).toMatchObject([{ id: '1' }, { id: '2' }]);
    expect(origin.asked).toHaveLength(4);
  });
});

describe('what the request wants', () => {
  test('no-cache asks the origin although the record is fresh', async () => {
    await get('/Product/1');
    expect(await get('/Product/1', { 'cache-control': 'no-cache' })).toMatchObject({ body: { name: 'Shoe 2' } });
  });
  test('only-if-cached never does', async () => {
    expect(await get('/Product/1', { 'cache-control': 'only-if-cached' })).toMatchObject({
      status: 504,
      body: { code: 'NOT_CACHED' },
    });
    await get('/Product/1');
    expect((await get('/Product/1', { 'cache-control': 'only-if-cached' })).status).toBe(200);
    expect(origin.asked).toHaveLength(1);
  });
  test('max-age and min-fresh', async () => {
    await get('/Product/1');
    now += 10_000;
    await get('/Product/1', { 'cache-control': 'max-age=20' });
    await get('/Product/1', { 'cache-control': 'min-fresh=30' });
    expect(origin.asked).toHaveLength(1);
    await get('/Product/1', { 'cache-control': 'max-age=5' });
    expect(origin.asked).toHaveLength(2);
    now += 40_000;
    await get('/Product/1', { 'cache-control': 'min-fresh=30' });
    expect(origin.asked).toHaveLength(3);
  });
  test('no-store serves without storing', async () => {
    expect(await get('/Product/1', { 'cache-control': 'no-store' })).toMatchObject({ body: { name: 'Shoe 1' } });
    expect(await get('/Product/1')).toMatchObject({ body: { name: 'Shoe 2' } });
  });
  test('max-stale takes a stale copy as it is', async () => {
    await get('/Product/1');
    now += 70_000;
    expect(await get('/Product/1', { 'cache-control': 'max-stale=20' })).toMatchObject({ body: { name: 'Shoe 1' } });
    expect(await get('/Product/1', { 'cache-control': 'max-stale=5' })).toMatchObject({ body: { name: 'Shoe 2' } });
  });
});

describe('a source that fails', () => {
  test('when it can not be reached, the stale copy is served; not with must-revalidate, not without a copy', async () => {
    await get('/Product/1');
    now += 60_001;
    const unreachable = await start({
      async get() {
        throw new TypeError('Unable to connect');
      },
    });
    node = unreachable;
    expect(await get('/Product/1')).toMatchObject({ status: 502, body: { code: 'ORIGIN_FAILED' } });
    await tableOf(node, 'Product').put({ id: '1', name: 'copy' });
    now += 60_001;
    expect(await get('/Product/1')).toMatchObject({
      status: 200,
      body: { name: 'copy' },
      cache: 'zerohop; hit; detail=stale-if-error',
    });
    expect((await get('/Product/1', { 'cache-control': 'must-revalidate' })).status).toBe(502);
  });
  test('when it answers 5xx, with stale-if-error', async () => {
    await get('/Product/1');
    now += 70_000;
    origin.answer = async () => new Response('no', { status: 500 });
    expect(await get('/Product/1')).toMatchObject({ status: 502, body: { sourceStatus: 500 } });
    now += 1_001;
    expect(await get('/Product/1', { 'cache-control': 'stale-if-error=60' })).toMatchObject({
      status: 200,
      body: { name: 'Shoe 1' },
    });
    now += 120_000;
    expect((await get('/Product/1', { 'cache-control': 'stale-if-error=60' })).status).toBe(502);
  });
  test('when it refuses, its status is the answer', async () => {
    await get('/Product/1');
    now += 60_001;
    origin.answer = async () => new Response('no', { status: 403 });
    expect((await get('/Product/1', { 'cache-control': 'stale-if-error' })).status).toBe(403);
  });
  test('that never answers is given up in time, and told', async () => {
    const given = Promise.withResolvers<unknown>();
    node = await start(
      {
        get() {
          const { signal } = getContext();
          signal?.addEventListener('abort', () => given.resolve(signal.reason));
          return new Promise(() => {});
        },
      },
      { timeoutMs: 30 },
    );
    expect(await get('/Product/1')).toMatchObject({
      status: 502,
      body: { detail: expect.stringContaining('longer than 30 ms') },
    });
    expect(String(await given.promise)).toContain('longer than 30 ms');
  });
  test('again and again is left alone, and tried once after a while', async () => {
    let calls = 0;
    let works = false;
    node = await start(
      {
        async get(id: string) {
          calls++;
          if (works) return { id, name: 'back' };
          throw new TypeError('connection refused');
        },
      },
      { failures: 3, retryMs: 5_000 },
    );
    for (const id of ['a', 'b', 'c', 'd', 'e']) expect((await get(`/Product/${id}`)).status).toBe(502);
    expect(calls).toBe(3);
    now += 5_001;
    await Promise.all(['f', 'g', 'h'].map((id) => get(`/Product/${id}`)));
    expect(calls).toBe(4);
    now += 5_001;
    works = true;
    expect((await get('/Product/i')).status).toBe(200);
    expect((await get('/Product/j')).status).toBe(200);
  });
});

describe('stale while revalidate', () => {
  const asEntry: unknown[] = [];
  const shapes: readonly (readonly [string, (gate: Promise<void>) => object])[] = [
    [
      'on a source object',
      (gate) => {
        let calls = 0;
        return {
          async get(id: string) {
            const call = ++calls;
            if (call > 1) await gate;
            return { id, name: `v${call}` };
          },
          allowStaleWhileRevalidate(entry: unknown) {
            asEntry.push(entry);
            return true;
          },
        };
      },
    ],
    [
      'on a source class',
      (gate) => {
        let calls = 0;
        return class extends Resource {
          static override async get({ id }: RequestTarget) {
            calls++;
            const call = calls;
            if (call > 1) await gate;
            return { id, name: `v${call}` };
          }
          allowStaleWhileRevalidate() {
            return true;
          }
        };
      },
    ],
  ];
  for (const [name, sourceWith] of shapes) {
    test(name, async () => {
      const gate = Promise.withResolvers<void>();
      node = await start(sourceWith(gate.promise));
      await get('/Product/1');
      now += 61_000;
      expect(await get('/Product/1')).toMatchObject({
        body: { name: 'v1' },
        cache: 'zerohop; hit; detail=stale-while-revalidate',
      });
      expect(await get('/Product/1')).toMatchObject({ body: { name: 'v1' } });
      gate.resolve();
      // The fetch that goes on is the one this waits for.
      expect(await get('/Product/1', { 'cache-control': 'no-cache' })).toMatchObject({ body: { name: 'v2' } });
      expect(await get('/Product/1')).toMatchObject({ body: { name: 'v2' } });
    });
  }
  test('is told what it decides about', () => {
    expect(asEntry[0]).toMatchObject({
      version: expect.any(Number),
      expiresAt: expect.any(Number),
      value: { id: '1' },
    });
  });
});

describe('what the source says', () => {
  test('returning the copy, or 304, makes it as good as new', async () => {
    const seen: unknown[] = [];
    const source = {
      async get(id: string) {
        const { replacingRecord, replacingVersion } = getContext();
        seen.push(replacingVersion);
        return replacingRecord ?? { id, name: 'first' };
      },
    };
    node = await start(source);
    await get('/Product/1');
    now += 61_000;
    expect(await get('/Product/1')).toMatchObject({ body: { name: 'first' } });
    await get('/Product/1');
    expect(seen).toEqual([undefined, expect.any(Number)]);
  });
  test('expiresAt and noCacheStore', async () => {
    const source = {
      calls: 0,
      async get(id: string) {
        this.calls++;
        const context = getContext();
        if (id === 'short') context.expiresAt = now + 1_000;
        if (id === 'never') context.noCacheStore = true;
        return { id, name: `v${this.calls}` };
      },
    };
    node = await start(source);
    await get('/Product/short');
    now += 1_001;
    expect(await get('/Product/short')).toMatchObject({ body: { name: 'v2' } });
    expect(await get('/Product/never')).toMatchObject({ body: { name: 'v3' } });
    expect(await get('/Product/never')).toMatchObject({ body: { name: 'v4' } });
  });
  test('a Response: JSON is the record, its Cache-Control counts', async () => {
    node = await start({ get: (id: string) => fetch(originUrl(id)) });
    origin.answer = async () => Response.json(product('r'), { headers: { 'cache-control': 'max-age=5' } });
    expect(await get('/Product/r')).toMatchObject({ body: { name: 'Shoe 1' } });
    now += 6_000;
    expect(await get('/Product/r')).toMatchObject({ body: { name: 'Shoe 2' } });
    now += 6_000;
    origin.answer = async () => new Response(null, { status: 304 });
    expect(await get('/Product/r')).toMatchObject({ body: { name: 'Shoe 2' } });
    origin.answer = async () => new Response(null, { status: 404 });
    expect((await get('/Product/x')).status).toBe(404);
    origin.answer = async () =>
      new Response('<p>hi', { headers: { 'content-type': 'text/html', 'cache-control': 'no-store' } });
    const page = await node.fetch('/Product/page');
    expect([page.status, await page.text(), page.headers.get('content-type')]).toEqual([200, '<p>hi', 'text/html']);
  });
  test('when it was changed there: in the record, in Last-Modified, and at the next call', async () => {
    const versions: unknown[] = [];
    const changed = Date.UTC(2020, 1, 2, 3, 4, 5);
    const source = {
      async get(id: string) {
        const context = getContext() as unknown as Record<string, unknown>;
        versions.push(context.replacingVersion);
        if (id === 'response') {
          const headers = { 'last-modified': new Date(changed).toUTCString() };
          return versions.length > 2 ? new Response(null, { status: 304 }) : Response.json({ name: 'r' }, { headers });
        }
        context.lastModified = id === 'date' ? new Date(changed) : changed;
        return { id, name: 'n' };
      },
    };
    for (const [id, type] of [
      ['number', 'Float'],
      ['date', 'Date'],
      ['response', 'Float'],
    ] as const) {
      versions.length = 0;
      node = await startTestNode({
        schema: `type Product @table(expiration: 60) @export { id: ID @primaryKey  name: String  changed: ${type} @updatedTime }`,
        clock,
        resources: (bound) => {
          (bound.tables as unknown as Record<string, TableClass>).Product?.sourcedFrom(source);
          return {};
        },
      });
      opened.push(node);
      for (let round = 0; round < 3; round++, now += 61_000) {
        const answer = await node.fetch(`/Product/${id}`);
        expect([id, answer.headers.get('last-modified')]).toEqual([id, 'Sun, 02 Feb 2020 03:04:05 GMT']);
        expect(new Date(((await answer.json()) as { changed: number | string }).changed).getTime()).toBe(changed);
      }
      expect(versions).toEqual([undefined, changed, changed]);
    }
  });
  test('a Response that is no JSON is served as what it was, with what was said of it', async () => {
    const tags: unknown[] = [];
    node = await start({
      get(id: string) {
        const { replacingRecord } = getContext() as { replacingRecord?: { headers?: { etag?: string } } };
        tags.push(replacingRecord?.headers?.etag);
        return fetch(originUrl(id));
      },
    });
    const said = { 'content-language': 'de', 'content-disposition': 'inline', 'set-cookie': 'a=b', etag: '"theirs"' };
    origin.answer = async () =>
      new Response('<p>ü', { headers: { 'content-type': 'text/html; charset=utf-8', 'x-own': '1', ...said } });
    for (let round = 0; round < 3; round++) {
      const page = await node.fetch('/Product/page');
      const { headers } = page;
      expect([await page.text(), headers.get('content-type'), headers.get('content-language')]).toEqual([
        '<p>ü',
        'text/html',
        'de',
      ]);
      expect([headers.get('content-disposition'), headers.get('set-cookie'), headers.get('x-own')]).toEqual([
        'inline',
        null,
        null,
      ]);
      expect(headers.get('etag')).not.toBe('"theirs"');
      if (round === 1) now += 61_000;
    }
    expect(tags).toEqual([undefined, '"theirs"']);
  });
  test('is told who asked first', async () => {
    const seen: unknown[] = [];
    node = await start({
      async get(id: string) {
        const { requestContext, user } = getContext();
        seen.push([requestContext?.headers?.get('x-shop'), requestContext?.url, user?.superUser]);
        return { id, name: 'fetched' };
      },
    });
    await get('/Product/1', { 'x-shop': 'berlin' });
    await tableOf(node, 'Product').get('2');
    expect(seen).toEqual([
      ['berlin', '/Product/1', true],
      [undefined, undefined, true],
    ]);
  });
  test('its writes to other tables happen with the record, or not at all', async () => {
    node = await startTestNode({
      schema,
      clock,
      resources: (bound) => {
        const all = bound.tables as unknown as Record<string, TableClass>;
        all.Product?.sourcedFrom({
          async get(id: string) {
            await all.Brand?.put({ id: 'b', name: `of ${id}` });
            if (id === 'bad') return { id, name: 7, price: 'dear' };
            return { id, brand: 'b' };
          },
        });
        return {};
      },
    });
    opened.push(node);
    expect((await get('/Product/bad')).status).toBeGreaterThanOrEqual(400);
    expect((await get('/Brand/b')).status).toBe(404);
    expect((await get('/Product/good')).status).toBe(200);
    expect(await get('/Brand/b')).toMatchObject({ body: { name: 'of good' } });
  });
});

describe('invalidating', () => {
  test('the next read asks again, and never serves what was', async () => {
    await get('/Product/1');
    await tableOf(node, 'Product').invalidate('1');
    expect(await get('/Product/1')).toMatchObject({ body: { name: 'Shoe 2' } });
    await tableOf(node, 'Product').invalidate('1');
    origin.answer = async () => new Response(null, { status: 503 });
    expect((await get('/Product/1', { 'cache-control': 'stale-if-error' })).status).toBe(502);
  });
  test('a fetch that began before it is not kept', async () => {
    for (const isHere of [false, true]) {
      const id = `slow-${isHere}`;
      if (isHere) {
        await get(`/Product/${id}`);
        now += 60_001;
      }
      const gate = Promise.withResolvers<void>();
      const began = Promise.withResolvers<void>();
      let calls = 0;
      origin.answer = async () => {
        const call = ++calls;
        if (call === 1) {
          began.resolve();
          await gate.promise;
        }
        return Response.json({ id, name: `call ${call}` });
      };
      const early = get(`/Product/${id}`);
      await began.promise;
      await tableOf(node, 'Product').invalidate(id);
      gate.resolve();
      await early;
      expect(await get(`/Product/${id}`)).toMatchObject({ body: { name: 'call 2' } });
    }
  });
  test('a table without a source has nothing to ask again', async () => {
    await expect(tableOf(node, 'Brand').invalidate('b')).rejects.toThrow(/Brand has no source/);
  });
});

test('a slow fetch never overwrites a newer write', async () => {
  const gate = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  origin.answer = async () => {
    began.resolve();
    await gate.promise;
    return Response.json({ id: 'x', name: 'old' });
  };
  const early = get('/Product/x');
  await began.promise;
  expect(
    (
      await node.fetch('/Product/x', {
        method: 'PUT',
        body: '{"name":"new"}',
        headers: { 'content-type': 'application/json' },
      })
    ).status,
  ).toBe(204);
  gate.resolve();
  expect(await early).toMatchObject({ body: { name: 'new' } });
  expect(await get('/Product/x')).toMatchObject({ body: { name: 'new' } });
});

describe('writing through', () => {
  const write = (method: string, path: string, body?: object) =>
    node.fetch(path, {
      method,
      ...(body && { body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json' },
    });
  test('the source is told before it is written here; when it refuses, nothing is', async () => {
    const told: unknown[] = [];
    let refuse = false;
    const tell = (verb: string) => async (id: string, data?: unknown) => {
      if (refuse) throw Object.assign(new Error('read-only today'), { statusCode: 409 });
      const here = node.tables as unknown as Record<string, TableClass>;
      told.push([verb, id, data, (await here.Product?.getRecordCount())?.recordCount]);
    };
    node = await start({ get: async () => undefined, put: tell('put'), patch: tell('patch'), delete: tell('delete') });
    expect((await write('PUT', '/Product/1', { name: 'a' })).status).toBe(204);
    expect((await write('PATCH', '/Product/1', { price: 3 })).status).toBe(204);
    expect((await write('POST', '/Product/', { id: '2', name: 'b' })).status).toBe(201);
    expect((await write('DELETE', '/Product/2')).status).toBe(204);
    expect(told).toMatchObject([
      ['put', '1', { name: 'a' }, 0],
      ['patch', '1', { price: 3 }, 1],
      ['put', '2', { name: 'b' }, 1],
      ['delete', '2', expect.anything(), 2],
    ]);
    refuse = true;
    const refused = await write('PUT', '/Product/1', { name: 'c' });
    expect([refused.status, await refused.json()]).toEqual([
      409,
      expect.objectContaining({ detail: 'read-only today' }),
    ]);
    expect(await get('/Product/1')).toMatchObject({ body: { name: 'a', price: 3 } });
    expect((await write('DELETE', '/Product/1')).status).toBe(409);
    expect((await get('/Product/1')).status).toBe(200);
  });
  test('what would be refused here is not told; what is refused here after that is fetched anew', async () => {
    const told: string[] = [];
    let gate: Promise<void> = Promise.resolve();
    node = await start({
      get: async (id: string) => ({ id, name: `of the source, after ${told.length}` }),
      async patch(id: string) {
        told.push(`patch ${id}`);
        await gate;
      },
      post: async (id: string) => void told.push(`post ${id}`),
      put: async (id: string) => new Response(`not ${id}`, { status: 422 }),
    });
    expect((await write('PUT', '/Product/1', { name: 'a' })).status).toBe(422);
    // What is not here is fetched before it is changed.
    expect((await write('PATCH', '/Product/1', { price: 3 })).status).toBe(204);
    expect(await get('/Product/1')).toMatchObject({ body: { name: 'of the source, after 0', price: 3 } });
    const ifMatch = {
      method: 'PATCH',
      body: '{"price":4}',
      headers: { 'content-type': 'application/json', 'if-match': '"x"' },
    };
    expect((await node.fetch('/Product/1', ifMatch)).status).toBe(412);
    expect((await write('POST', '/Product/', { id: '1' })).status).toBe(409);
    expect((await write('POST', '/Product/', { id: '2' })).status).toBe(201);
    expect(told).toEqual(['patch 1', 'post 2']);
    // The record changes here while the source is told.
    const released = Promise.withResolvers<void>();
    gate = released.promise;
    const etag = (await node.fetch('/Product/1')).headers.get('etag') ?? '';
    const late = node.fetch('/Product/1', { ...ifMatch, headers: { ...ifMatch.headers, 'if-match': etag } });
    while (told.length < 3) await new Promise((resolve) => setImmediate(resolve));
    now += 61_000;
    await get('/Product/1');
    released.resolve();
    expect((await late).status).toBe(412);
    expect(await get('/Product/1')).toMatchObject({
      body: { name: 'of the source, after 3' },
      cache: 'zerohop; fwd=uri-miss',
    });
  });
  test('a deletion is not undone by a fetch that began before it', async () => {
    const gate = Promise.withResolvers<void>();
    let there = true;
    let calls = 0;
    node = await start({
      async get(id: string) {
        const found = there ? { id, name: 'from before' } : undefined;
        if (++calls === 1) await gate.promise;
        return found;
      },
      async delete() {
        there = false;
      },
    });
    const early = get('/Product/1');
    while (calls < 1) await new Promise((resolve) => setImmediate(resolve));
    await write('DELETE', '/Product/1');
    gate.resolve();
    await early;
    expect((await get('/Product/1')).status).toBe(404);
  });

  test('max-age of a write says how long it is fresh', async () => {
    node = await start({ get: async (id: string) => ({ id, name: 'fetched' }) });
    await node.fetch('/Product/1', {
      method: 'PUT',
      body: '{"name":"written"}',
      headers: { 'content-type': 'application/json', 'cache-control': 'max-age=600' },
    });
    now += 599_000;
    expect(await get('/Product/1')).toMatchObject({ body: { name: 'written' } });
    now += 2_000;
    expect(await get('/Product/1')).toMatchObject({ body: { name: 'fetched' } });
  });
});

test('a source that tells of changes is followed', async () => {
  const queue: object[] = [];
  let wake = () => {};
  const send = (event: object) => {
    queue.push(event);
    wake();
  };
  node = await start({
    async *subscribe() {
      for (;;) {
        while (queue.length > 0) yield queue.shift();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  });
  const becomes = async (path: string, expected: object) => {
    for (;;) {
      const answer = await get(path);
      if (Bun.deepMatch(expected, answer)) return;
      // What is answered from memory leaves the disk no turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  send({ type: 'put', id: '1', value: { name: 'pushed' } });
  await becomes('/Product/1', { status: 200, body: { name: 'pushed' } });
  send({ type: 'patch', id: '1', value: { price: 4 } });
  await becomes('/Product/1', { body: { name: 'pushed', price: 4 } });
  send({
    type: 'transaction',
    writes: [
      { type: 'put', table: 'Brand', id: 'b', value: { name: 'Nord' } },
      { type: 'delete', id: '1' },
    ],
  });
  await becomes('/Brand/b', { body: { name: 'Nord' } });
  expect((await get('/Product/1')).status).toBe(404);
});

test('another table as the source: what changes there is news here', async () => {
  node = await startTestNode({
    schema,
    clock,
    resources: (bound) => {
      const all = bound.tables as unknown as Record<string, TableClass>;
      if (all.Origin) all.Product?.sourcedFrom(all.Origin);
      return {};
    },
  });
  opened.push(node);
  await tableOf(node, 'Origin').put({ id: '1', name: 'first' });
  expect(await get('/Product/1')).toMatchObject({ body: { name: 'first' } });
  now += 1;
  await tableOf(node, 'Origin').put({ id: '1', name: 'second' });
  expect(await get('/Product/1')).toMatchObject({ body: { name: 'second' } });
});

describe('what can not be a source is said when the app loads', () => {
  const cases: readonly (readonly [string, unknown, object | undefined, RegExp])[] = [
    ['text', 'http://x', undefined, /takes a class with static methods or an object/],
    ['an object without methods', {}, undefined, /neither get nor subscribe/],
    ['an unknown option', { get: () => null }, { timeout: 5 }, /no option timeout/],
    [
      'an option of the wrong type',
      { get: () => null },
      { timeoutMs: 'long' },
      /timeoutMs of sourcedFrom must be a number/,
    ],
  ];
  for (const [name, source, options, expected] of cases)
    test(name, () => expect(start(source as object, options)).rejects.toThrow(expected));
});
