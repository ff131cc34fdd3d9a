// Conditional requests against a node: what is read only if it changed, and written only if it did not.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type HttpNode, startHttpNode } from '../support/http-node.ts';

let node: HttpNode;
beforeAll(async () => {
  node = await startHttpNode({
    schema: 'type Item @table @export { id: ID @primaryKey stock: Int name: String @unique text: String }',
    lastModified: true,
  });
});
afterAll(() => node.stop());

const tagOf = async (path: string, headers: Record<string, string> = {}) =>
  (await node.fetch(path, { headers })).headers.get('etag') ?? '';

describe('writes', () => {
  const cases: readonly (readonly [
    string,
    'PUT' | 'PATCH' | 'DELETE',
    (tag: string) => Record<string, string>,
    number,
  ])[] = [
    ['If-Match with the tag', 'PUT', (tag) => ({ 'if-match': tag }), 204],
    [
      'If-Match with the tag of another representation',
      'PUT',
      (tag) => ({ 'if-match': tag.replace(/"$/, '-cbor"') }),
      204,
    ],
    ['If-Match with a list', 'PATCH', (tag) => ({ 'if-match': `"1", ${tag}` }), 204],
    ['If-Match *', 'DELETE', () => ({ 'if-match': '*' }), 204],
    ['If-Match with an old tag', 'PUT', () => ({ 'if-match': '"1"' }), 412],
    ['If-Match with a weak tag', 'PUT', (tag) => ({ 'if-match': `W/${tag}` }), 412],
    ['If-Match that is no tag', 'PUT', () => ({ 'if-match': 'abc' }), 400],
    ['If-None-Match *', 'PUT', () => ({ 'if-none-match': '*' }), 412],
    ['If-None-Match with the tag', 'PATCH', (tag) => ({ 'if-none-match': tag }), 412],
    ['If-None-Match with another tag', 'PATCH', () => ({ 'if-none-match': '"1"' }), 204],
    ['If-Unmodified-Since long ago', 'PUT', () => ({ 'if-unmodified-since': 'Fri, 02 Jan 2015 03:04:05 GMT' }), 412],
    ['If-Unmodified-Since later', 'DELETE', () => ({ 'if-unmodified-since': 'Fri, 02 Jan 2065 03:04:05 GMT' }), 204],
  ];
  for (const [name, method, headers, status] of cases) {
    test(`${method} with ${name}: ${status}`, async () => {
      await node.send('PUT', '/Item/w', { stock: 1 });
      const tag = await tagOf('/Item/w');
      const response = await node.send(method, '/Item/w', method === 'DELETE' ? undefined : { stock: 2 }, headers(tag));
      expect(response.status).toBe(status);
      if (status === 412) {
        expect(await response.json()).toMatchObject({ code: 'PRECONDITION_FAILED' });
        expect(await node.get('/Item/w')).toEqual({ id: 'w', stock: 1 });
      }
    });
  }
  test('If-None-Match * creates, once', async () => {
    const headers = { 'if-none-match': '*' };
    expect((await node.send('PUT', '/Item/new', { stock: 1 }, headers)).status).toBe(204);
    expect((await node.send('PUT', '/Item/new', { stock: 2 }, headers)).status).toBe(412);
  });
  test('If-Match on a record that is not there', async () => {
    expect((await node.send('PUT', '/Item/none', { stock: 1 }, { 'if-match': '*' })).status).toBe(412);
    expect((await node.fetch('/Item/none')).status).toBe(404);
  });
  test('no update is lost among clients that read, change and write with If-Match', async () => {
    await node.send('PUT', '/Item/count', { stock: 0 });
    const increment = async () => {
      for (;;) {
        const read = await node.fetch('/Item/count');
        const { stock } = (await read.json()) as { stock: number };
        const etag = read.headers.get('etag') ?? '';
        const { status } = await node.send('PUT', '/Item/count', { stock: stock + 1 }, { 'if-match': etag });
        if (status === 204) return;
        expect(status).toBe(412);
      }
    };
    await Promise.all(Array.from({ length: 20 }, increment));
    expect(await node.get('/Item/count')).toMatchObject({ stock: 20 });
  });
});

describe('counting', () => {
  test('exactly as many succeed as there are', async () => {
    await node.send('PUT', '/Item/last', { stock: 10 });
    const order = () => node.send('PATCH', '/Item/last', { stock: { $add: -1, $min: 0 } });
    const statuses = await Promise.all(Array.from({ length: 30 }, async () => (await order()).status));
    expect(statuses.filter((status) => status === 204)).toHaveLength(10);
    expect(statuses.filter((status) => status === 409)).toHaveLength(20);
    expect(await node.get('/Item/last')).toMatchObject({ stock: 0 });
  });
  test('a count that is not valid', async () => {
    const response = await node.send('PATCH', '/Item/last', { stock: { $add: 'x' } });
    expect([response.status, (await response.json()) as unknown]).toMatchObject([400, { code: 'VALIDATION_FAILED' }]);
  });
});

describe('reads', () => {
  beforeAll(async () => {
    await node.send('PUT', '/Item/r', { text: 'x'.repeat(5000) });
  });
  test('each representation has its own tag, and knows only that', async () => {
    const plain = await tagOf('/Item/r', { 'accept-encoding': 'identity' });
    const cbor = await tagOf('/Item/r', { 'accept-encoding': 'identity', accept: 'application/cbor' });
    const gzip = await tagOf('/Item/r', { 'accept-encoding': 'gzip' });
    expect(new Set([plain, cbor, gzip]).size).toBe(3);
    const read = (tag: string, accept: string) =>
      node.fetch('/Item/r', { headers: { 'if-none-match': tag, accept, 'accept-encoding': 'identity' } });
    expect((await read(plain, 'application/json')).status).toBe(304);
    expect((await read(`W/${plain}`, 'application/json')).status).toBe(304);
    expect((await read(`"x", ${plain}`, 'application/json')).status).toBe(304);
    expect((await read('*', 'application/json')).status).toBe(304);
    expect((await read(plain, 'application/cbor')).status).toBe(200);
    expect((await read(cbor, 'application/cbor')).status).toBe(304);
    expect((await read('"not', 'application/json')).status).toBe(400);
  });
  test('a collection has the tag of its content', async () => {
    await node.send('PUT', '/Item/', [{ id: 'c1' }, { id: 'c2' }]);
    const path = '/Item/?id=sw=c&select(id)';
    const tag = await tagOf(path);
    expect((await node.fetch(path, { headers: { 'if-none-match': tag } })).status).toBe(304);
    // Removing a record changes no version that is left.
    await node.send('DELETE', '/Item/c2');
    expect((await node.fetch(path, { headers: { 'if-none-match': tag } })).status).toBe(200);
  });
  test('If-Modified-Since', async () => {
    const read = (since: string) => node.fetch('/Item/r', { headers: { 'if-modified-since': since } });
    expect((await read('Fri, 02 Jan 2065 03:04:05 GMT')).status).toBe(304);
    expect((await read('Fri, 02 Jan 2015 03:04:05 GMT')).status).toBe(200);
    expect((await read('yesterday')).status).toBe(200);
  });
  test('If-None-Match goes before If-Modified-Since', async () => {
    const headers = { 'if-none-match': '"other"', 'if-modified-since': 'Fri, 02 Jan 2065 03:04:05 GMT' };
    expect((await node.fetch('/Item/r', { headers })).status).toBe(200);
  });
});
