// Bodies in every content type that are broken, hostile or absurd: kept as they are, or refused with a 4xx and a code.

import { expect, test } from 'bun:test';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { encode as toCbor } from 'cbor-x';
import fc from 'fast-check';
import { pack as toMsgpack } from 'msgpackr';
import { type Asked, FuzzedNode } from '../support/fuzzed-node.ts';
import { json } from '../support/http-connection.ts';

const targets = [
  { method: 'PUT', target: '/Item/b' },
  { method: 'PATCH', target: '/Item/b' },
  { method: 'POST', target: '/Item/' },
  { method: 'PUT', target: '/Item/' },
  { method: 'POST', target: '/Tally/' },
  { method: 'PUT', target: '/Tally/1' },
  { method: 'PUT', target: '/Account/b' },
  { method: 'QUERY', target: '/Item/' },
] as const satisfies readonly Asked[];

/** Values that fit no schema, or hardly. */
const hostile = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  // biome-ignore format: a table
  fc.constantFrom<unknown>(
    null, true, 0, -0, 1e308, -1e308, 2 ** 53, 2 ** 31, 1.5, '', 'x', [], {}, [[]], [null], { id: null }, { id: '' }, { id: 5 }, { id: {} }, { id: [] },
    { id: 'b', count: 'many' }, { id: 'b', count: 1e30 }, { tags: 'one' }, { tags: [1, [2]] }, { at: 'never' }, { at: 1e300 }, { flag: 'yes' },
    { name: { a: 1 } }, { email: 7 }, { value: '7' }, { 'a.b': 1 }, { '': 1 }, { $id: 1 }, { __op__: 'add' }, { count: { __op__: 'add', value: 'x' } },
    { data: 'x'.repeat(100_000) }, { name: '\0' }, { name: '\ud800' }, { data: { ['k'.repeat(10_000)]: 1 } },
  ),
  fc.dictionary(
    fc.constantFrom('id', 'name', 'count', 'price', 'flag', 'at', 'tags', 'data', 'value', 'email', 'frob'),
    fc.jsonValue(),
  ),
);

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
// biome-ignore format: a table
const jsonTexts = [
  '', ' ', '{', '}', '[', ']', '"', 'nul', 'undefined', 'NaN', '{"a"}', '{"a":}', '{"a":1,}', '{a:1}', "{'a':1}", '[1,]', '1 2', '{}{}', '\ufeff{}', '{"a":01}',
  '{"a":1e999}', '{"count":1,"count":2}', '{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}', '"\\ud800"', '"\\u00"',
  '{"name":"\\u0000"}', '{"count":123456789012345678901234567890}', '{"price":1e-400}', '\0', '{"data":"\x01"}',
  nested('[', ']', 50), nested('[', ']', 5_000), nested('{"data":', '}', 5_000), '['.repeat(100_000), `{"data":${nested('[', ']', 99)}}`,
];

const encoders = {
  'application/json': (value: unknown) => Buffer.from(JSON.stringify(value) ?? ''),
  'application/cbor': (value: unknown) => toCbor(value),
  'application/x-msgpack': (value: unknown) => toMsgpack(value),
  'text/csv': (value: unknown) => Buffer.from(asCsv(value)),
  'application/x-ndjson': (value: unknown) =>
    Buffer.from((Array.isArray(value) ? value : [value]).map((line) => JSON.stringify(line)).join('\n')),
  'text/plain': (value: unknown) => Buffer.from(String(JSON.stringify(value))),
  'application/x-www-form-urlencoded': (value: unknown) =>
    Buffer.from(`name=${encodeURIComponent(String(JSON.stringify(value)))}`),
  'multipart/form-data; boundary=edge': (value: unknown) =>
    Buffer.from(
      `--edge\r\ncontent-disposition: form-data; name="data"\r\n\r\n${JSON.stringify(value)}\r\n--edge--\r\n`,
    ),
  'application/octet-stream': (value: unknown) => Buffer.from(JSON.stringify(value) ?? ''),
} as const;
type ContentType = keyof typeof encoders;
const contentTypes = Object.keys(encoders) as ContentType[];

test('JSON that is broken or absurd', async () => {
  await using fuzzed = await FuzzedNode.start();
  for (const body of jsonTexts)
    for (const target of targets) await fuzzed.ask({ ...target, body, headers: type('application/json') });
  const read = await fuzzed.ask({ method: 'GET', target: '/Item/?limit(1000)' });
  expect(read.body.toString()).not.toContain('polluted":true,"name');
  await fuzzed.expectUnharmed();
});

test.each(contentTypes)('%s: values that fit no schema', async (contentType) => {
  await using fuzzed = await FuzzedNode.start();
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...targets), hostile, async (target, value) => {
      await fuzzed.ask({ ...target, body: encoders[contentType](value), headers: type(contentType) });
    }),
    { numRuns: 300 },
  );
  await fuzzed.expectUnharmed();
});

test('bytes of every content type with random faults, under every content type and coding', async () => {
  await using fuzzed = await FuzzedNode.start(2);
  const mutated = fc
    .tuple(
      fc.constantFrom(...contentTypes),
      hostile,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.boolean(),
    )
    .map(([contentType, value, changes, cut]) => {
      const bytes = Buffer.from(encoders[contentType](value));
      for (const [place, byte] of changes) if (bytes.length > 0) bytes[place % bytes.length] = byte;
      return { contentType, bytes: cut ? bytes.subarray(0, bytes.length / 2) : bytes };
    });
  const noise = fc.record({ contentType: fc.constantFrom(...contentTypes), bytes: fc.uint8Array({ maxLength: 300 }) });
  const coding = fc.option(fc.constantFrom('gzip', 'br', 'frob'), { nil: undefined, freq: 20 });
  const send = (runs: number) =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...targets),
        fc.oneof(mutated, noise),
        coding,
        async (target, body, encoding) => {
          const headers = { ...type(body.contentType), ...(encoding && { 'content-encoding': encoding }) };
          await fuzzed.ask({ ...target, body: body.bytes, headers });
        },
      ),
      { numRuns: runs },
    );
  await fuzzed.expectFlatMemory(() => send(600), 4);
  await fuzzed.expectUnharmed();
}, 60_000);

const bombs: readonly (readonly [name: string, body: Uint8Array, contentType: ContentType])[] = [
  ['CBOR: an array said to have 2^63 elements', bytesOf('9b7fffffffffffffff'), 'application/cbor'],
  ['CBOR: a map said to have 2^32 entries', bytesOf('bb00000000ffffffff'), 'application/cbor'],
  ['CBOR: bytes said to be 2^40 long', bytesOf('5b0000010000000000'), 'application/cbor'],
  ['CBOR: 100,000 nested arrays', new Uint8Array(100_000).fill(0x81), 'application/cbor'],
  ['CBOR: 100,000 nested tags', new Uint8Array(100_000).fill(0xc6), 'application/cbor'],
  ['CBOR: 100,000 nested indefinite arrays', new Uint8Array(100_000).fill(0x9f), 'application/cbor'],
  ['CBOR: a reference to what is not there', bytesOf('d81d19ffff'), 'application/cbor'],
  ['CBOR: a record of a structure that was never said', bytesOf('d9dfff8219ffff01'), 'application/cbor'],
  ['MessagePack: an array said to have 2^32 elements', bytesOf('ddffffffff'), 'application/x-msgpack'],
  ['MessagePack: a map said to have 2^32 entries', bytesOf('dfffffffff'), 'application/x-msgpack'],
  ['MessagePack: a string said to be 2^32 long', bytesOf('dbffffffff'), 'application/x-msgpack'],
  ['MessagePack: 100,000 nested arrays', new Uint8Array(100_000).fill(0x91), 'application/x-msgpack'],
  ['MessagePack: an unknown extension', bytesOf('d47f00'), 'application/x-msgpack'],
  ['MessagePack: a record structure of its own', bytesOf('d47240a16101'), 'application/x-msgpack'],
  ['CSV: 100,000 columns', Buffer.from(`${'a,'.repeat(100_000)}\n`), 'text/csv'],
  ['CSV: a quote that never ends', Buffer.from(`id,name\n1,"${'x'.repeat(10_000)}`), 'text/csv'],
  ['CSV: __proto__ as a column', Buffer.from('id,__proto__\n1,2\n'), 'text/csv'],
  [
    'multipart: no end',
    Buffer.from('--edge\r\ncontent-disposition: form-data; name="name"\r\n\r\nx'),
    'multipart/form-data; boundary=edge',
  ],
  [
    'multipart: no name',
    Buffer.from('--edge\r\ncontent-disposition: form-data\r\n\r\nx\r\n--edge--\r\n'),
    'multipart/form-data; boundary=edge',
  ],
];

test('bodies made to break a decoder', async () => {
  await using fuzzed = await FuzzedNode.start();
  const send = async () => {
    for (const [, body, contentType] of bombs)
      for (const target of targets) await fuzzed.ask({ ...target, body, headers: type(contentType) });
  };
  await fuzzed.expectFlatMemory(send, 4);
  await fuzzed.expectUnharmed();
}, 60_000);

const bomb = Buffer.from(`{"data":"${' '.repeat(50_000_000)}"}`);

test.each([
  ['gzip', gzipSync(bomb)],
  ['br', brotliCompressSync(bomb, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
  ['zstd', Bun.zstdCompressSync(bomb)],
])('of a body in the coding %s no more is unpacked than a body may have', async (coding, body) => {
  await using fuzzed = await FuzzedNode.start();
  const headers = { ...type('application/json'), 'content-encoding': coding };
  const answer = await fuzzed.ask({ method: 'PUT', target: '/Item/bomb', body, headers });
  expect([answer.status, json(answer)]).toEqual([413, expect.objectContaining({ code: 'BODY_TOO_LARGE' })]);
  await fuzzed.expectUnharmed();
});

test.each(['deflate', 'frob', 'gzip, gzip'])('a body in the coding %s is refused before it is read', async (coding) => {
  await using fuzzed = await FuzzedNode.start();
  const headers = { ...type('application/json'), 'content-encoding': coding };
  const answer = await fuzzed.ask({ method: 'PUT', target: '/Item/bomb', body: gzipSync(bomb), headers });
  expect([answer.status, json(answer)]).toEqual([415, expect.objectContaining({ code: 'UNSUPPORTED_MEDIA_TYPE' })]);
  await fuzzed.expectUnharmed();
});

function asCsv(value: unknown): string {
  const rows = (Array.isArray(value) ? value : [value]).filter((row) => typeof row === 'object' && row !== null);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return [columns, ...rows.map((row) => columns.map((column) => JSON.stringify(row[column])))]
    .map((row) => row.join(','))
    .join('\n');
}

function type(contentType: string): { readonly 'content-type': string } {
  return { 'content-type': contentType };
}

function bytesOf(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}
