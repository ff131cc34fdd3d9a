// What apps written for this programming model expect of REST, over a real socket: checks 11 to 25 of the interface.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { decode, Encoder } from 'cbor-x';
import { Unpackr } from 'msgpackr';
import { Resource, type TableResource, tableResource } from '../../src/resources/index.ts';
import { type HttpNode, startHttpNode } from '../support/http-node.ts';

const schema = `
type T @table @export { id: ID @primaryKey }
type Product @table @export {
  id: ID @primaryKey
  name: String @indexed
  price: Float @indexed
  rating: Int @indexed
  stock: Int
  madeAt: Date
  serial: BigInt
  code: Bytes
  meta: Any
}
type Order @table @export { id: Int @primaryKey total: Float }
type Log @table { id: ID @primaryKey text: String }
`;

let node: HttpNode;

beforeAll(async () => {
  node = await startHttpNode({
    schema,
    resources: (app) => {
      const products = tableResource('data', 'Product', app);
      const logs = tableResource('data', 'Log', app);
      class Fails extends Resource {
        static override async post() {
          await products.put('rolled-back', { name: 'x' });
          await logs.put('rolled-back', { text: 'x' });
          throw new Error('no');
        }
        static override async get() {
          return { product: await products.get('rolled-back'), log: await logs.get('rolled-back') };
        }
      }
      return { Fails };
    },
  });
  await node.send('PUT', '/Product/', [
    { id: 'p1', name: 'Boot', price: 150, rating: 5, stock: 3 },
    { id: 'p2', name: 'Shoe', price: 90, rating: 4, stock: 0 },
    { id: 'p3', name: 'Sock', price: 1.5, rating: 5, stock: 100 },
    { id: 'p4', name: 'Hat', price: 200, rating: 2 },
    { id: 'p5', name: 'Coat', price: 300, rating: 1 },
  ]);
});
afterAll(() => node.stop());

const ids = (rows: unknown) => (rows as { id: string }[]).map(({ id }) => id);

test('11: /T is not /T/, and paths are case-sensitive', async () => {
  expect(await node.get('/T')).toMatchObject({ name: 'T', database: 'data', records: './' });
  expect(await node.get('/T/')).toBeArray();
  for (const path of ['/t', '/t/', '/t/1']) expect((await node.fetch(path)).status).toBe(404);
});

test('12: PUT replaces the whole record and answers 204', async () => {
  expect((await node.send('PUT', '/T/put', { a: 1 })).status).toBe(204);
  expect((await node.send('PUT', '/T/put', { b: 2 })).status).toBe(204);
  expect(await node.get('/T/put')).toEqual({ id: 'put', b: 2 });
});

test('13: PATCH merges the top level; nested objects are replaced, dotted names are literal', async () => {
  await node.send('PUT', '/T/patch', { nested: { a: 1, b: 2 }, kept: 1 });
  expect((await node.send('PATCH', '/T/patch', { nested: { c: 3 }, 'x.y': 4 })).status).toBe(204);
  expect(await node.get('/T/patch')).toEqual({ id: 'patch', nested: { c: 3 }, kept: 1, 'x.y': 4 });
});

test('14: POST creates and says where', async () => {
  const created = await node.send('POST', '/T/', { a: 1 });
  expect(created.status).toBe(201);
  const location = created.headers.get('location') ?? '';
  expect(location).toMatch(/^\/T\/.+/);
  expect(await node.get(location)).toMatchObject({ a: 1 });
  const counted = await node.send('POST', '/Order/', { total: 5 });
  expect(counted.headers.get('location')).toMatch(/^\/Order\/\d+$/);
  expect(await node.get(counted.headers.get('location') ?? '')).toMatchObject({ total: 5 });
});

test('15: ETag, 304 without a body, and a new ETag after a write', async () => {
  await node.send('PUT', '/T/tag', { a: 1 });
  const first = await node.fetch('/T/tag');
  const tag = first.headers.get('etag') ?? '';
  expect(tag).toMatch(/^"\d+"$/);
  const same = await node.fetch('/T/tag', { headers: { 'if-none-match': tag } });
  expect([same.status, await same.text(), same.headers.get('etag')]).toEqual([304, '', tag]);
  await node.send('PATCH', '/T/tag', { a: 2 });
  const changed = await node.fetch('/T/tag', { headers: { 'if-none-match': tag } });
  expect(changed.status).toBe(200);
  expect(changed.headers.get('etag')).not.toBe(tag);
});

test('16: DELETE with a query removes exactly the matches', async () => {
  await node.send('PUT', '/Product/', [
    { id: 'd1', name: 'gone' },
    { id: 'd2', name: 'gone' },
    { id: 'd3', name: 'stays' },
  ]);
  expect((await node.send('DELETE', '/Product/?name=gone')).status).toBe(204);
  expect((await node.fetch('/Product/d1')).status).toBe(404);
  expect((await node.fetch('/Product/d2')).status).toBe(404);
  expect((await node.fetch('/Product/d3')).status).toBe(200);
  await node.send('DELETE', '/Product/d3');
});

test('17: a chained range is two conditions', async () => {
  const chained = await node.get('/Product/?price=gt=100&lt=200&sort(id)');
  expect(ids(chained)).toEqual(['p1']);
  expect(await node.get('/Product/?price=gt=100&price=lt=200&sort(id)')).toEqual(chained);
});

test('18: = is strict on what has no type, == converts', async () => {
  await node.send('PUT', '/T/', [
    { id: 'text', n: '1' },
    { id: 'number', n: 1 },
  ]);
  expect(ids(await node.get('/T/?n=1'))).toEqual(['text']);
  expect(ids(await node.get('/T/?n==1'))).toEqual(['number']);
  expect(ids(await node.get('/Product/?rating=2'))).toEqual(['p4']);
  expect(ids(await node.get('/Product/?rating==2'))).toEqual(['p4']);
});

test('19: groups in ( ) and [ ] are the same', async () => {
  const round = await node.get('/Product/?rating=5|(price=gt=1&price=lt=100)&sort(id)');
  expect(await node.get('/Product/?rating=5|[price=gt=1&price=lt=100]&sort(id)')).toEqual(round);
  expect(ids(round)).toEqual(['p1', 'p2', 'p3']);
});

describe('20: select', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['select(name)', ['Boot', 'Shoe']],
    ['select(name,)', [{ name: 'Boot' }, { name: 'Shoe' }]],
    [
      'select(id,name)',
      [
        { id: 'p1', name: 'Boot' },
        { id: 'p2', name: 'Shoe' },
      ],
    ],
    [
      'select([name,rating])',
      [
        ['Boot', 5],
        ['Shoe', 4],
      ],
    ],
  ];
  for (const [select, expected] of cases) {
    test(select, async () =>
      expect(await node.get(`/Product/?price=ge=90&le=150&sort(id)&${select}`)).toEqual(expected),
    );
  }
  test('of one record', async () => expect(await node.get('/Product/p1?select(name)')).toBe('Boot'));
});

test('21: limit(n), and limit(start,end)', async () => {
  await node.send(
    'PUT',
    '/Order/',
    Array.from({ length: 50 }, (_, index) => ({ id: 1000 + index, total: 7 })),
  );
  const all = ids(await node.get('/Order/?total=7&sort(id)'));
  expect(all).toHaveLength(50);
  expect(ids(await node.get('/Order/?total=7&sort(id)&limit(20)'))).toEqual(all.slice(0, 20));
  expect(ids(await node.get('/Order/?total=7&sort(id)&limit(10,30)'))).toEqual(all.slice(10, 30));
});

describe('22: content types of answers', () => {
  const bytes = async (path: string, headers: Record<string, string> = {}) => {
    const response = await node.fetch(path, { headers });
    expect(response.status).toBe(200);
    return { type: response.headers.get('content-type'), body: Buffer.from(await response.arrayBuffer()) };
  };
  const query = '?rating=5&sort(id)&select(id,price)';
  const rows = [
    { id: 'p1', price: 150 },
    { id: 'p3', price: 1.5 },
  ];
  test('CBOR, by Accept and by extension', async () => {
    for (const { type, body } of [
      await bytes(`/Product/${query}`, { accept: 'application/cbor' }),
      await bytes(`/Product/.cbor${query}`),
    ]) {
      expect(type).toBe('application/cbor');
      expect(decode(body)).toEqual(rows);
    }
    expect(decode((await bytes('/Product/p1.cbor')).body)).toMatchObject({ id: 'p1' });
  });
  test('MessagePack: values one after the other', async () => {
    for (const { body } of [
      await bytes(`/Product/${query}`, { accept: 'application/x-msgpack' }),
      await bytes(`/Product/.msgpack${query}`),
    ]) {
      expect(new Unpackr({ useRecords: false, mapsAsObjects: true }).unpackMultiple(body)).toEqual(rows);
    }
  });
  test('CSV', async () => {
    for (const { body } of [
      await bytes(`/Product/${query}`, { accept: 'text/csv' }),
      await bytes(`/Product/.csv${query}`),
    ]) {
      expect(body.toString()).toBe('id,price\np1,150\np3,1.5\n');
    }
  });
  test('NDJSON', async () => {
    const { body } = await bytes(`/Product/${query}`, { accept: 'application/x-ndjson' });
    expect(body.toString()).toBe('{"id":"p1","price":150}\n{"id":"p3","price":1.5}\n');
  });
  test('typed values there and back', async () => {
    const record = {
      madeAt: new Date(1_700_000_000_123),
      serial: 2n ** 80n,
      code: Uint8Array.of(1, 2, 255),
      meta: { x: 1 },
    };
    const put = await node.fetch('/Product/typed', {
      method: 'PUT',
      headers: { 'content-type': 'application/cbor' },
      body: new Uint8Array(new Encoder({ useRecords: false, tagUint8Array: false }).encode(record)),
    });
    expect(put.status).toBe(204);
    const cbor = decode((await bytes('/Product/typed', { accept: 'application/cbor' })).body);
    expect(cbor).toMatchObject({ madeAt: record.madeAt, serial: record.serial, meta: { x: 1 } });
    expect(new Uint8Array(cbor.code)).toEqual(record.code);
    const msgpack = new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(
      (await bytes('/Product/typed.msgpack')).body,
    );
    expect(msgpack).toMatchObject({ madeAt: record.madeAt, serial: record.serial });
    expect((await bytes('/Product/typed')).body.toString()).toContain('"serial":1208925819614629174706176');
    await node.send('DELETE', '/Product/typed');
  });
});

describe('23: a body of any type comes back as it was', () => {
  const cases: readonly (readonly [string, string | Uint8Array])[] = [
    ['text/calendar', 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n'],
    ['text/plain', 'hello ✓'],
    ['image/x-dots', Uint8Array.of(0, 255, 1, 254)],
    ['application/octet-stream', Uint8Array.of(0, 1, 2)],
  ];
  for (const [type, body] of cases) {
    test(type, async () => {
      const put = await node.fetch('/T/any', { method: 'PUT', headers: { 'content-type': type }, body });
      expect(put.status).toBe(204);
      const response = await node.fetch('/T/any');
      expect(response.headers.get('content-type')).toBe(type);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(body));
      expect(response.headers.get('etag')).toMatch(/^"\d+"$/);
    });
  }
});

test('24: a dot is part of the id unless a declared attribute follows', async () => {
  await node.send('PUT', '/Product/a.b', { name: 'dotted' });
  await node.send('PUT', '/Product/a', { name: 'plain' });
  await node.send('PUT', '/Product/a.csv', { name: 'file' });
  expect(await node.get('/Product/a.b')).toMatchObject({ id: 'a.b', name: 'dotted' });
  expect(await node.get('/Product/a.name')).toBe('plain');
  // The whole id goes before an extension.
  expect(await node.get('/Product/a.csv')).toMatchObject({ id: 'a.csv' });
  expect(await node.get('/Product/a.json')).toMatchObject({ id: 'a' });
  for (const id of ['a', 'a.b', 'a.csv']) await node.send('DELETE', `/Product/${id}`);
});

test('25: an error in a handler rolls back every write of the request', async () => {
  const response = await node.send('POST', '/Fails/', {});
  expect(response.status).toBe(500);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toMatchObject({ code: 'APPLICATION_ERROR' });
  expect(await node.get('/Fails/')).toEqual({});
});

test('a class that extends a table answers in its place', async () => {
  const extended = await startHttpNode({
    schema: 'type Note @table { id: ID @primaryKey text: String }',
    resources: (app) => {
      const notes: typeof TableResource = tableResource('data', 'Note', app);
      class Note extends notes {
        static override async get(target: unknown) {
          const note = (await super.get(target)) as { text: string };
          return { shout: note.text.toUpperCase() };
        }
      }
      return { Note };
    },
  });
  await extended.send('PUT', '/Note/1', { text: 'hi' });
  expect(await extended.get('/Note/1')).toEqual({ shout: 'HI' });
  await extended.stop();
});
