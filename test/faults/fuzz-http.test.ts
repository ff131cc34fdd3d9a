// Bytes that are not HTTP, or not quite: the answer is a 4xx or a closed connection, and the node is none the worse.

import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { FuzzedNode } from '../support/fuzzed-node.ts';

const end = '\r\n\r\n';

/** Given bytes → allowed statuses; 0: closed, or waiting for more; 505: where the version should stand is something else. */
const malformed: readonly (readonly [name: string, bytes: string, statuses: readonly number[]])[] = [
  ['nothing', '', [0]],
  ['an empty line', '\r\n', [0, 400]],
  ['empty lines', '\r\n\r\n\r\n', [0, 400]],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [0, 400]],
  ['HTTP/2 preface', `PRI * HTTP/2.0${end}SM${end}`, [0, 400, 505]],
  ['zeros', '\0'.repeat(1000), [0, 400]],
  ['no version', `GET /health${end}`, [0, 400, 505]],
  ['version 0.9', 'GET /health\r\n', [0, 400, 505]],
  ['version 3', `GET /health HTTP/3.0\r\nhost: x${end}`, [0, 400, 505]],
  ['no method', ` /health HTTP/1.1\r\nhost: x${end}`, [0, 400]],
  ['a method with control characters', `G\x01T /health HTTP/1.1\r\nhost: x${end}`, [0, 400, 405, 505]],
  ['a method in lower case', `get /Item/ HTTP/1.1\r\nhost: x${end}`, [0, 400, 405]],
  ['an unknown method', `FROB /Item/ HTTP/1.1\r\nhost: x${end}`, [0, 400, 405]],
  ['a very long method', `${'A'.repeat(5000)} /Item/ HTTP/1.1\r\nhost: x${end}`, [0, 400, 405, 431]],
  ['a space in the path', `GET /Item/a b HTTP/1.1\r\nhost: x${end}`, [0, 400, 505]],
  ['a path without slash', `GET Item HTTP/1.1\r\nhost: x${end}`, [0, 400, 404]],
  ['a NUL in the path', `GET /Item/a\0b HTTP/1.1\r\nhost: x${end}`, [0, 400, 505]],
  ['bytes above 127 in the path', `GET /Item/\xff\xfe HTTP/1.1\r\nhost: x${end}`, [0, 400, 404]],
  ['CONNECT', `CONNECT example.com:443 HTTP/1.1\r\nhost: example.com${end}`, [0, 400, 404, 405]],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\nhost: x${end}`, [0, 200, 204, 400, 404, 405]],
  ['TRACE', `TRACE /Item/ HTTP/1.1\r\nhost: x${end}`, [0, 400, 405]],
  ['an absolute target', `GET http://example.com/health HTTP/1.1\r\nhost: x${end}`, [0, 200, 400, 404]],
  ['no host', `GET /health HTTP/1.1${end}`, [0, 200, 400]],
  ['two hosts', `GET /health HTTP/1.1\r\nhost: a\r\nhost: b${end}`, [0, 200, 400]],
  ['an impossible host', `GET /Item/ HTTP/1.1\r\nhost: a b[<>]/?#${end}`, [0, 400, 200]],
  ['a header without colon', `GET /health HTTP/1.1\r\nhost: x\r\nnonsense${end}`, [0, 400]],
  ['a header without name', `GET /health HTTP/1.1\r\nhost: x\r\n: value${end}`, [0, 400]],
  ['a space before the colon', `GET /health HTTP/1.1\r\nhost : x${end}`, [0, 400]],
  ['a folded header', `GET /health HTTP/1.1\r\nhost: x\r\na: b\r\n c${end}`, [0, 200, 400]],
  ['a NUL in a header', `GET /health HTTP/1.1\r\nhost: x\r\na: b\0c${end}`, [0, 200, 400]],
  ['bare line feeds', 'GET /health HTTP/1.1\nhost: x\n\n', [0, 200, 400, 505]],
  ['a header of 100 KB', `GET /health HTTP/1.1\r\nhost: x\r\na: ${'b'.repeat(100_000)}${end}`, [0, 400, 431]],
  ['10,000 headers', `GET /health HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(10_000)}\r\n`, [0, 400, 431]],
  ['a path of 100 KB', `GET /Item/${'a'.repeat(100_000)} HTTP/1.1\r\nhost: x${end}`, [0, 400, 414, 431]],
  ['a path of 9 KB', `GET /Item/${'a'.repeat(9_000)} HTTP/1.1\r\nhost: x${end}`, [0, 400, 414]],
  ['a negative length', `PUT /Item/a HTTP/1.1\r\nhost: x\r\ncontent-length: -1${end}`, [0, 400]],
  ['a length that is no number', `PUT /Item/a HTTP/1.1\r\nhost: x\r\ncontent-length: two${end}`, [0, 400]],
  [
    'an immense length',
    `PUT /Item/a HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999${end}{}`,
    [0, 400, 413],
  ],
  ['a length beyond the limit', `PUT /Item/a HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999${end}{}`, [0, 400, 413]],
  ['two lengths', `PUT /Item/a HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3${end}{}x`, [0, 400]],
  [
    'length and chunks',
    `PUT /Item/a HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked${end}0${end}`,
    [0, 400],
  ],
  ['an unknown coding', `PUT /Item/a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: frob${end}{}`, [0, 400]],
  [
    'a chunk size that is none',
    `PUT /Item/a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked${end}zz\r\n{}${end}`,
    [0, 400],
  ],
  [
    'an immense chunk size',
    `PUT /Item/a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked${end}ffffffffffffffffff\r\n{}${end}`,
    [0, 400, 413],
  ],
  ['a body that ends early', `PUT /Item/a HTTP/1.1\r\nhost: x\r\ncontent-length: 10${end}{}`, [0, 400]],
  [
    'an upgrade to nonsense',
    `GET /Item/ HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: frob${end}`,
    [0, 200, 400, 426],
  ],
  [
    'a broken web socket',
    `GET /Item/ HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: no${end}`,
    [0, 200, 400, 426],
  ],
];

test('requests that break the rules of HTTP', async () => {
  await using fuzzed = await FuzzedNode.start();
  const answers = await Promise.all(malformed.map(([, bytes]) => fuzzed.sendRaw(bytes)));
  const wrong = malformed.flatMap(([name, , statuses], index) => {
    const answer = answers[index];
    return statuses.includes(answer?.status ?? 0) ? [] : [`${name}: ${answer?.status} ${answer?.body}`];
  });
  expect(wrong).toEqual([]);
  await fuzzed.expectUnharmed();
});

const requests = [
  `GET /Item/?count=gt=3&sort(-count)&limit(10) HTTP/1.1\r\nhost: x\r\naccept: application/json, */*;q=0.1${end}`,
  `PUT /Item/a HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 14${end}{"name":"name"}`,
  `POST /Item/ HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked${end}8\r\n{"count"\r\n3\r\n:1}\r\n0${end}`,
  `GET /Item/a HTTP/1.1\r\nhost: x\r\nif-none-match: "1", W/"2"\r\nrange: bytes=0-10\r\naccept-encoding: br;q=1, gzip${end}`,
];

/** A request with some of its bytes changed, dropped or doubled. */
const mutated = fc
  .tuple(
    fc.constantFrom(...requests),
    fc.array(fc.tuple(fc.nat(300), fc.constantFrom('set', 'drop', 'double', 'cut'), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([request, changes]) => {
    let bytes = Buffer.from(request, 'latin1');
    for (const [place, change, value] of changes) {
      const at = place % Math.max(1, bytes.length);
      if (change === 'set') bytes[at] = value;
      else if (change === 'drop') bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
      else if (change === 'double')
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - value))]);
      else bytes = bytes.subarray(0, at);
    }
    return bytes;
  });

test('requests with random faults, and pure noise', async () => {
  await using fuzzed = await FuzzedNode.start(2);
  const some = fc.oneof(mutated, fc.uint8Array({ maxLength: 500 }));
  const send = async () => {
    for (let round = 0; round < 4; round++)
      await Promise.all(fc.sample(some, 100).map((bytes) => fuzzed.sendRaw(bytes)));
  };
  await fuzzed.expectFlatMemory(send, 4);
  await fuzzed.expectUnharmed();
}, 60_000);
