// Every verb and path form, and what is said about those that are not possible.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Resource } from '../../src/resources/index.ts';
import { type HttpNode, startHttpNode } from '../support/http-node.ts';

let node: HttpNode;
beforeAll(async () => {
  node = await startHttpNode({
    schema: `
      type Item @table @export { id: ID @primaryKey name: String @indexed tags: [String] photo: Blob code: Bytes }
      type Count @table @export { id: Int @primaryKey name: String }
      type Only @table { id: ID @primaryKey }`,
    cors: ['https://shop.example'],
    resources: () => {
      class Reader extends Resource {
        static override get() {
          return { ok: true };
        }
      }
      return { Reader };
    },
  });
  await node.send(
    'PUT',
    '/Item/',
    ['a', 'a/1', 'a/2', 'ab', 'b'].map((id) => ({ id, name: `n-${id}` })),
  );
});
afterAll(() => node.stop());

const json = { 'content-type': 'application/json' };
const ids = (rows: unknown) => (rows as { id: string }[]).map(({ id }) => id);

describe('paths', () => {
  test('/Table?query is a search, as /Table/?query', async () => {
    expect(ids(await node.get('/Item?name=n-b'))).toEqual(['b']);
    expect(ids(await node.get('/Item/?name=n-b'))).toEqual(['b']);
  });
  test('/Table/id/ is the collection below an id', async () => {
    expect(ids(await node.get('/Item/a/'))).toEqual(['a/1', 'a/2']);
    expect(await node.get('/Item/a/1')).toMatchObject({ name: 'n-a/1' });
  });
  test('ids are decoded, and a slash inside one stays apart', async () => {
    await node.send('PUT', '/Item/x%20%C3%A9%3F', { name: 'odd' });
    expect(await node.get('/Item/x%20%C3%A9%3F')).toMatchObject({ id: 'x é?', name: 'odd' });
    await node.send('PUT', '/Item/s%2Ft', { name: 'slash' });
    expect(await node.get('/Item/s%2Ft')).toMatchObject({ name: 'slash' });
    expect((await node.fetch('/Item/s/t')).status).toBe(404);
  });
  test('one attribute of a record', async () => {
    expect(await node.get('/Item/b.name')).toBe('n-b');
    expect((await node.fetch('/Item/none.name')).status).toBe(404);
  });
  const bad: readonly (readonly [string, number, string])[] = [
    ['/Item/%zz', 400, 'INVALID_REQUEST'],
    ['/Count/abc', 400, 'INVALID_ID'],
    ['/Only/', 404, 'NOT_FOUND'],
    ['/nothing', 404, 'NOT_FOUND'],
    ['/Item/none', 404, 'NOT_FOUND'],
    ['/Item/?nome=x', 400, 'UNKNOWN_ATTRIBUTE'],
    ['/Item/?name=zz=x', 400, 'INVALID_QUERY'],
    ['/Item/?limit(x)', 400, 'INVALID_QUERY'],
    [`/Item/?name=${'x'.repeat(9000)}`, 414, 'URI_TOO_LONG'],
  ];
  for (const [path, status, code] of bad) {
    test(`${path.slice(0, 40)}: ${status} ${code}`, async () => {
      const response = await node.fetch(path);
      const body = (await response.json()) as { code: string; detail: string };
      expect([response.status, body.code, response.headers.get('content-type')]).toEqual([
        status,
        code,
        'application/problem+json',
      ]);
      expect(body.detail).not.toBe('');
    });
  }
});

describe('verbs', () => {
  test('HEAD is GET without the body', async () => {
    for (const path of ['/Item/b', '/Item/?name=n-b', '/Reader/']) {
      const get = await node.fetch(path);
      const head = await node.fetch(path, { method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(await head.text()).toBe('');
      for (const name of ['etag', 'content-type']) expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
    expect((await node.fetch('/Item/none', { method: 'HEAD' })).status).toBe(404);
  });
  test('QUERY takes the query as its body', async () => {
    const response = await node.send('QUERY', '/Item/', 'name=n-b&select(id)', { 'content-type': 'text/plain' });
    expect(await response.json()).toEqual(['b']);
    expect((await node.send('QUERY', '/Item/', { name: 'x' })).status).toBe(415);
  });
  const possible: readonly (readonly [string, string, string])[] = [
    ['/Item/', 'PROPFIND', 'GET, HEAD, QUERY, PUT, PATCH, POST, DELETE, OPTIONS'],
    ['/Item/b', 'POST', 'GET, HEAD, QUERY, PUT, PATCH, DELETE, OPTIONS'],
    ['/Item/b', 'PROPFIND', 'GET, HEAD, QUERY, PUT, PATCH, DELETE, OPTIONS'],
    ['/Reader/', 'PUT', 'GET, HEAD, OPTIONS'],
  ];
  for (const [path, method, allow] of possible) {
    test(`OPTIONS of ${path} and the 405 of ${method} name what is possible`, async () => {
      const options = await node.fetch(path, { method: 'OPTIONS' });
      expect([options.status, options.headers.get('allow')]).toEqual([204, allow]);
      const refused = await node.fetch(path, { method, ...(method !== 'PROPFIND' && { body: '{}', headers: json }) });
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, allow]);
    });
  }
  test('PATCH and DELETE of what is not there: 404', async () => {
    expect((await node.send('PATCH', '/Item/none', { name: 'x' })).status).toBe(404);
    expect((await node.send('DELETE', '/Item/none')).status).toBe(404);
    expect((await node.fetch('/Item/none')).status).toBe(404);
  });
  test('DELETE of a whole collection needs a condition', async () => {
    for (const path of ['/Item/', '/Item', '/Item/?limit(1)']) {
      const response = await node.send('DELETE', path);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'INVALID_REQUEST' });
    }
    expect((await node.fetch('/Item/b')).status).toBe(200);
  });
  test('POST with an id that is taken: 409', async () => {
    expect((await node.send('POST', '/Item/', { id: 'b' })).status).toBe(409);
  });
});

describe('bodies', () => {
  const put = (body: string | Uint8Array, type?: string) =>
    node.fetch('/Item/body', { method: 'PUT', body, headers: type === undefined ? {} : { 'content-type': type } });
  const cases: readonly (readonly [string, string, string | undefined, number, string | undefined])[] = [
    ['JSON', '{"name":"x"}', 'application/json', 204, undefined],
    ['JSON with a charset', '{"name":"x"}', 'application/json; charset=utf-8', 204, undefined],
    ['a type that is JSON too', '{"name":"x"}', 'application/vnd.shop+json', 204, undefined],
    ['a form', 'name=x', 'application/x-www-form-urlencoded', 204, undefined],
    ['JSON that says it is a form', '{"name":"x"}', 'application/x-www-form-urlencoded', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['JSON that is not', '{"name":', 'application/json', 400, 'INVALID_BODY'],
    ['nothing', '', 'application/json', 400, 'VALIDATION_FAILED'],
    ['not an object', '5', 'application/json', 400, 'VALIDATION_FAILED'],
    ['the wrong type', '{"name":5}', 'application/json', 400, 'VALIDATION_FAILED'],
    ['a prototype', '{"__proto__":{"x":1}}', 'application/json', 400, 'INVALID_BODY'],
    ['a type that is none', 'x', 'json', 400, 'INVALID_HEADER'],
  ];
  for (const [name, body, type, status, code] of cases) {
    test(`${name}: ${status}`, async () => {
      const response = await put(body, type);
      expect(response.status).toBe(status);
      if (code !== undefined) expect(await response.json()).toMatchObject({ code });
    });
  }
  test('CSV rows are typed by the schema', async () => {
    const response = await node.send('PUT', '/Count/', 'id,name\n7,seven\n8,\n', { 'content-type': 'text/csv' });
    expect(response.status).toBe(204);
    expect(await node.get('/Count/')).toEqual([{ id: 7, name: 'seven' }, { id: 8 }]);
  });
  test('NDJSON is a list', async () => {
    await node.send('PUT', '/Count/', '{"id":9,"name":"nine"}\n{"id":10}\n', {
      'content-type': 'application/x-ndjson',
    });
    expect(await node.get('/Count/9')).toMatchObject({ name: 'nine' });
  });
});

describe('cross-origin calls', () => {
  const preflight = (origin: string) =>
    node.fetch('/Item/b', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'if-match' },
    });
  test('the origins that are named', async () => {
    const response = await preflight('https://shop.example');
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(response.headers.get('access-control-allow-methods')).toContain('PUT');
    expect(response.headers.get('access-control-allow-headers')).toBe('if-match');
    const get = await node.fetch('/Item/b', { headers: { origin: 'https://shop.example' } });
    expect(get.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(get.headers.get('vary')).toContain('Origin');
  });
  test('no others', async () => {
    expect((await preflight('https://evil.example')).headers.has('access-control-allow-origin')).toBe(false);
    const get = await node.fetch('/Item/b', { headers: { origin: 'https://evil.example' } });
    expect(get.headers.has('access-control-allow-origin')).toBe(false);
  });
});
