// Well-formed HTTP that asks for nonsense: paths, ids, queries, headers, methods. Always an answer below 500, with a code where it
// is a refusal.

import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Asked, FuzzedNode } from '../support/fuzzed-node.ts';

const methods = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'POST', 'COPY', 'PROPFIND'] as const;

// biome-ignore format: a table
const paths = [
  '/', '//', '/Item', '/Item/', '/Item//', '/Item///', '/item/', '/Item/.', '/Item/..', '/Item/../Item/', '/Item/%', '/Item/%2',
  '/Item/%zz', '/Item/%00', '/Item/%2F', '/Item/%2f%2e%2e', '/Item/%2e%2e/', '/%2e%2e/%2e%2e/etc/passwd', '/../../etc/passwd',
  '/Item/%C0%80', '/Item/%ED%A0%80', '/Item/%FF', '/Item/%F0%9F%92%A9', '/Item/a%0d%0ab', '/Item/a;b', '/Item/a:b', '/Item/a@b',
  '/Item/a+b', '/Item/a%20b', '/Item/*', '/Item/(', '/Item/"', "/Item/'", "/Item/'%20OR%201=1--", '/Item/.json', '/Item/a.json',
  '/Item/a.csv', '/Item/a.frob', '/Item/.', '/Item/a.name', '/Item/a.name.name', '/Item/a/b/c', '/Item/a/name', '/Item/__proto__',
  '/Item/constructor', '/__proto__', '/constructor/', '/Tally/1', '/Tally/01', '/Tally/1.5', '/Tally/-1', '/Tally/1e3', '/Tally/NaN',
  '/Tally/9007199254740993', '/Tally/99999999999999999999', '/Tally/abc', '/Tally/%31', '/Tally/0x10', '/Tally/', '/Tally/null',
  `/Item/${'a'.repeat(1978)}`, `/Item/${'a'.repeat(1979)}`, `/Item/${'%F0%9F%92%A9'.repeat(400)}`, `/${'a/'.repeat(2000)}`,
  `/Item/${'%25'.repeat(2000)}`, '/Item?', '/Item/?', '/Item/??', '/Item/?#', '/Item#', '/favicon.ico', '/health/', '/ready?x', '/openapi',
];

test('every method on every path', async () => {
  await using fuzzed = await FuzzedNode.start();
  const body = JSON.stringify({ name: 'a' });
  for (const target of paths)
    for (const method of methods)
      await fuzzed.ask({ method, target, ...(['PUT', 'POST', 'PATCH', 'QUERY'].includes(method) && { body }) });
  await fuzzed.expectUnharmed();
});

/** Pieces queries are made of, right and wrong. */
const piece = fc.oneof(
  // biome-ignore format: a table
  fc.constantFrom(
    'name', 'count', 'tags', 'at', 'flag', 'data.a.b', 'id', 'nothing', '__proto__', '$id', '=', '==', '===', '!=', '!==', '=gt=', '=lt=',
    '=ge=', '=ct=', '=sw=', '=ew=', '=frob=', '=ft=', '&', '|', '(', ')', '[', ']', '{', '}', ',', ';', '+', '-', '*', '.', ':', '%', '%2', '%00', '%C3',
    '%28', 'null', 'true', '1', '-1', '1e400', '99999999999999999999', 'number:', 'number:x', 'date:', 'date:2024-01-05', 'string:', 'boolean:x',
    'select(', 'select(name)', 'select([name,count])', 'select(name{x})', 'sort(', 'sort(-count)', 'sort(+name,-count)', 'limit(', 'limit(1)', 'limit(5,2)',
    'limit(-1)', 'limit(1e9)', 'cursor(', 'cursor()', 'cursor(abc)', 'explain', 'explain()', 'limit(0)', "'", '"', '%27;DROP%20TABLE%20Item',
  ),
  fc.string({ maxLength: 6, unit: 'binary' }).map((text) => encodeURIComponent(text.toWellFormed())),
);
const query = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));

test('queries of random pieces', async () => {
  await using fuzzed = await FuzzedNode.start(2);
  for (let count = 0; count < 50; count++)
    await fuzzed.ask({
      method: 'PUT',
      target: `/Item/q-${count}`,
      body: JSON.stringify({ name: `n ${count}`, count }),
    });
  const send = (runs: number) =>
    fc.assert(
      fc.asyncProperty(fc.constantFrom('/Item/', '/Item', '/Tally/', '/Account/'), query, async (path, text) => {
        await fuzzed.ask({ method: 'GET', target: `${path}?${text}` });
      }),
      { numRuns: runs },
    );
  await fuzzed.expectFlatMemory(() => send(700), 3);
  await fc.assert(
    fc.asyncProperty(query, async (body) => {
      await fuzzed.ask({ method: 'QUERY', target: '/Item/', body, headers: { 'content-type': 'text/plain' } });
    }),
    { numRuns: 500 },
  );
  // A query as app code gives it, made of any values at all.
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.json(), queryObject), async (body) => {
      await fuzzed.ask({ method: 'POST', target: '/Ask/', body });
    }),
    { numRuns: 500 },
  );
  await fuzzed.expectUnharmed();
}, 60_000);

const anything = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('name', 'count', 'equals', 'between', 'and', 'or', -1, Number.POSITIVE_INFINITY, null),
);
const condition = fc.record(
  { attribute: anything, comparator: anything, value: anything, operator: anything, conditions: fc.array(anything) },
  { requiredKeys: [] },
);
const queryObject = fc
  .record(
    {
      conditions: fc.oneof(fc.array(condition), anything),
      select: fc.oneof(fc.array(anything), anything),
      sort: anything,
      limit: anything,
      offset: anything,
      operator: anything,
      explain: anything,
    },
    { requiredKeys: [] },
  )
  .map((value) => JSON.stringify(value));

// biome-ignore format: a table
const headerNames = [
  'accept', 'accept-encoding', 'content-type', 'content-encoding', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'range',
  'if-range', 'authorization', 'cookie', 'cache-control', 'origin', 'access-control-request-method', 'expect', 'x-request-id', 'x-replicate-to',
  'x-http-method-override', 'prefer', 'te', 'trailer', 'forwarded', 'x-forwarded-for', 'accept-language', 'content-range', 'date', 'via',
];
const headerValue = fc.oneof(
  fc.constantFrom(
    '*',
    '"',
    '""',
    '"1"',
    'W/"1"',
    'W/',
    ',',
    ',,,',
    ';',
    ';q=',
    '*/*;q=2',
    'a/b;q=x',
    'application/json;charset=frob',
    'text/csv;header=absent',
    'br',
    'br;q=0,*;q=0',
    'gzip, br, zstd, frob',
    'bytes=',
    'bytes=0-',
    'bytes=-1',
    'bytes=9-1',
    'bytes=0-0,2-3',
    'frob=1',
    'Basic',
    'Basic !!!!',
    'Basic YWJj',
    'Bearer',
    'Bearer a.b.c',
    'no-store',
    'max-age=x',
    'only-if-cached',
    'null',
    'http://x',
    'GET',
    '100-continue',
    '2;confirm=1',
    'x'.repeat(7000),
    'Thu, 01 Jan 1970 00:00:00 GMT',
    'Thu, 99 Foo 1970',
    '0',
    '-1',
    '99999999999999999999',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=x',
    'application/cbor',
    'application/x-msgpack',
    'text/csv',
    'application/x-ndjson',
    'a',
    '/',
    'a/',
    '/b',
  ),
  fc.string({ maxLength: 30 }).map((text) => text.replace(/[^\x20-\x7e]/g, '?').trim()),
);

test('headers of random values', async () => {
  await using fuzzed = await FuzzedNode.start(2);
  const targets: readonly Asked[] = [
    { method: 'GET', target: '/Item/h' },
    { method: 'GET', target: '/Item/?limit(2)' },
    { method: 'PUT', target: '/Item/h', body: '{"name":"h"}' },
    { method: 'PATCH', target: '/Item/h', body: '{"count":1}' },
    { method: 'POST', target: '/Item/', body: '{"count":1}' },
    { method: 'DELETE', target: '/Item/h' },
    { method: 'OPTIONS', target: '/Item/h' },
  ];
  const headers = fc
    .array(fc.tuple(fc.constantFrom(...headerNames), headerValue), { maxLength: 4 })
    .map((entries) => Object.fromEntries(entries));
  const send = (runs: number) =>
    fc.assert(
      fc.asyncProperty(fc.constantFrom(...targets), headers, async (asked, given) => {
        // An answer of `100 Continue` comes before the real one.
        if (given.expect !== '100-continue') await fuzzed.ask({ ...asked, headers: given });
      }),
      { numRuns: runs },
    );
  await fuzzed.expectFlatMemory(() => send(500), 3);
  await fuzzed.expectUnharmed();
}, 60_000);

test('nothing outside the application is served, however its path is written', async () => {
  await using fuzzed = await FuzzedNode.start();
  for (const path of [
    '/../resources.ts',
    '/%2e%2e/resources.ts',
    '/..%2fresources.ts',
    '/resources.ts',
    '/config.yaml',
    '/schema.graphql',
  ]) {
    const { status } = await fuzzed.ask({ method: 'GET', target: path });
    expect([path, status === 400 || status === 404]).toEqual([path, true]);
  }
});
