// Bytes of any size in and out: raw bodies, forms, ranges.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type HttpNode, startHttpNode } from '../support/http-node.ts';

let node: HttpNode;
beforeAll(async () => {
  node = await startHttpNode({
    schema: `type Photo @table @export { id: ID @primaryKey title: String likes: Int image: Blob thumb: Bytes tags: [String] }
      type Doc @table @export { id: ID @primaryKey contentType: String data: Blob }`,
    bodyBytes: 100_000,
  });
});
afterAll(() => node.stop());

const large = new Uint8Array(3_000_000).map((_, index) => (index * 31) % 251);

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

describe('one attribute', () => {
  test('a Blob larger than a body may be otherwise, by its own path', async () => {
    await node.send('PUT', '/Photo/p', { title: 'p' });
    const put = await node.fetch('/Photo/p/image', {
      method: 'PUT',
      body: large,
      headers: { 'content-type': 'image/png' },
    });
    expect(put.status).toBe(204);
    const get = await node.fetch('/Photo/p/image');
    expect([get.status, get.headers.get('content-type'), get.headers.get('accept-ranges')]).toEqual([
      200,
      'image/png',
      'bytes',
    ]);
    expect((await bytesOf(get)).equals(Buffer.from(large))).toBe(true);
    expect(await node.get('/Photo/p')).toMatchObject({ title: 'p', image: { size: large.length, type: 'image/png' } });
  });
  test('Bytes', async () => {
    await node.fetch('/Photo/p/thumb', {
      method: 'PUT',
      body: Uint8Array.of(0, 255),
      headers: { 'content-type': 'image/png' },
    });
    expect(await bytesOf(await node.fetch('/Photo/p/thumb'))).toEqual(Buffer.of(0, 255));
    expect(await node.get('/Photo/p')).toMatchObject({ thumb: 'AP8=' });
  });
  test('text in JSON becomes a Blob of text', async () => {
    await node.send('PUT', '/Photo/t', { image: 'hello' });
    const response = await node.fetch('/Photo/t/image');
    expect([response.headers.get('content-type'), await response.text()]).toEqual([
      'text/plain;charset=utf-8',
      'hello',
    ]);
  });
  test('of a record that is not there', async () => {
    expect((await node.fetch('/Photo/none/image')).status).toBe(404);
  });
});

describe('ranges', () => {
  const cases: readonly (readonly [string, number, string | null, number])[] = [
    ['bytes=0-9', 206, 'bytes 0-9/3000000', 10],
    ['bytes=2999990-', 206, 'bytes 2999990-2999999/3000000', 10],
    ['bytes=-5', 206, 'bytes 2999995-2999999/3000000', 5],
    ['bytes=3000000-', 416, 'bytes */3000000', -1],
    ['lines=1-2', 200, null, 3_000_000],
  ];
  for (const [range, status, contentRange, length] of cases) {
    test(`${range}: ${status}`, async () => {
      const response = await node.fetch('/Photo/p/image', { headers: { range } });
      expect([response.status, response.headers.get('content-range')]).toEqual([status, contentRange]);
      const body = await bytesOf(response);
      if (length >= 0) expect(body.length).toBe(length);
    });
  }
  test('If-Range holds while the record is the same', async () => {
    const etag = (await node.fetch('/Photo/p/image', { method: 'HEAD' })).headers.get('etag') ?? '';
    const read = () => node.fetch('/Photo/p/image', { headers: { range: 'bytes=0-9', 'if-range': etag } });
    expect((await read()).status).toBe(206);
    await node.send('PATCH', '/Photo/p', { title: 'changed' });
    expect((await read()).status).toBe(200);
  });
});

describe('forms', () => {
  test('fields and files make a record', async () => {
    const form = new FormData();
    form.set('title', 'From a form');
    form.set('likes', '7');
    form.append('tags', 'a');
    form.append('tags', 'b');
    form.set('image', new File([large], 'large.png', { type: 'image/png' }));
    form.set('thumb', new File([Uint8Array.of(1, 2)], 'small.png', { type: 'image/png' }));
    const created = await node.fetch('/Photo/', { method: 'POST', body: form });
    expect(created.status).toBe(201);
    const path = created.headers.get('location') ?? '';
    expect(await node.get(path)).toMatchObject({
      title: 'From a form',
      likes: 7,
      tags: ['a', 'b'],
      thumb: 'AQI=',
      image: { size: large.length, type: 'image/png' },
    });
    expect((await bytesOf(await node.fetch(`${path}/image`))).equals(Buffer.from(large))).toBe(true);
  });
  const bad: readonly (readonly [string, string, string, number, string])[] = [
    ['no boundary', 'multipart/form-data', 'x', 400, 'INVALID_BODY'],
    [
      'no end',
      'multipart/form-data; boundary=b',
      '--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nx',
      400,
      'INVALID_BODY',
    ],
    [
      'a prototype',
      'multipart/form-data; boundary=b',
      '--b\r\nContent-Disposition: form-data; name="__proto__"\r\n\r\nx\r\n--b--\r\n',
      400,
      'INVALID_BODY',
    ],
    [
      'too large a field',
      'multipart/form-data; boundary=b',
      `--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n${'x'.repeat(200_000)}\r\n--b--\r\n`,
      413,
      'BODY_TOO_LARGE',
    ],
    [
      'too large a file that goes into no Blob',
      'multipart/form-data; boundary=b',
      `--b\r\nContent-Disposition: form-data; name="thumb"; filename="f"\r\n\r\n${'x'.repeat(200_000)}\r\n--b--\r\n`,
      413,
      'BODY_TOO_LARGE',
    ],
  ];
  for (const [name, type, body, status, code] of bad) {
    test(`${name}: ${status}`, async () => {
      const response = await node.fetch('/Photo/', { method: 'POST', body, headers: { 'content-type': type } });
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
    });
  }
});

test('a record of a type and data in a Blob is given back as it came', async () => {
  await node.fetch('/Doc/d', {
    method: 'PUT',
    body: large.slice(0, 1000),
    headers: { 'content-type': 'application/x-thing' },
  });
  const response = await node.fetch('/Doc/d');
  expect(response.headers.get('content-type')).toBe('application/x-thing');
  expect(await bytesOf(response)).toEqual(Buffer.from(large.slice(0, 1000)));
  expect((await node.fetch('/Doc/d', { headers: { range: 'bytes=0-4' } })).status).toBe(206);
});
