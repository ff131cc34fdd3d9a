// The bytes on the wire: fixed by golden frames, exact both ways for anything, and harmless when they are not what they should be.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { RemoteRow } from '../store/index.ts';
import { closeCodes } from './close-codes.ts';
import { decodeFrame, encodeFrame, FrameEncoder } from './frame-codec.ts';
import { FrameSplitter, type Split } from './frame-splitter.ts';
import golden from './frames.golden.json';
import { replicationLimits } from './limits.ts';
import type { Message } from './messages.ts';

const vector = new Map([
  ['node-a', 7],
  ['node-b', 2 ** 53 - 1],
]);
const row = (more: Partial<RemoteRow> = {}): RemoteRow => ({
  table: 'Product',
  id: 'p-1',
  version: 1_700_000_000_000_001,
  origin: 'node-a',
  seq: 7,
  expires: null,
  merge: null,
  computed: null,
  body: '{"id":"p-1","name":"Schön 鞋"}',
  ...more,
});
const rows = [
  row(),
  row({ id: -5, table: 'Numbered', origin: 'node-b', body: null, expires: 0 }),
  row({ id: 9, merge: '{"w":[1,"a"]}', computed: '{"k":1}', expires: 1_700_000_000_000 }),
];

const samples: Readonly<Record<string, Message>> = {
  hello: {
    type: 'hello',
    protocol: 1,
    cluster: 'c1',
    node: 'node-a',
    database: 'data',
    vector,
    schemaDigest: 'abc',
    sends: true,
  },
  schema: { type: 'schema', definitions: '[{"name":"Product"}]' },
  want: {
    type: 'want',
    stream: 1,
    vector,
    except: ['node-c'],
    resume: { vector, position: { table: 'Product', row: 1000, last: 5000 } },
    credit: 4_194_304,
  },
  wantAll: { type: 'want', stream: 2, vector: new Map(), except: [], resume: null, credit: 0 },
  credit: { type: 'credit', stream: 1, amount: 65_536 },
  data: {
    type: 'data',
    stream: 1,
    batch: {
      from: new Map([['node-a', 6]]),
      upTo: vector,
      rows,
      transactions: [
        { origin: 'node-a', seq: 7, version: 1_700_000_000_000_001, rows: [0, 2] },
        { origin: 'node-c', seq: 1, version: 1, rows: [1] },
      ],
    },
  },
  copy: { type: 'copy', stream: 3, vector, rows, next: { table: 'Product', row: 3, last: 3 } },
  copyEnd: { type: 'copy', stream: 3, vector, rows: [], next: null },
  acknowledge: { type: 'acknowledge', durable: vector },
  heard: { type: 'heard', members: new Map([['node-c', vector]]) },
  digests: { type: 'digests', vector, tables: new Map([['Product', '00112233445566ff']]) },
  ping: { type: 'ping', id: 1 },
  pong: { type: 'pong', id: 300 },
  wantBlob: { type: 'wantBlob', id: '018f-aa', offset: 1_048_576 },
  blob: { type: 'blob', id: '018f-aa', offset: 0, bytes: new Uint8Array([1, 2, 255]), last: true },
  noBlob: { type: 'noBlob', id: '018f-aa' },
  ask: { type: 'ask', id: 300, bytes: new Uint8Array([1, 2, 255]) },
  answer: { type: 'answer', id: 300, bytes: new Uint8Array() },
  bye: { type: 'bye', code: 'STOPPING', message: 'Restarting' },
};

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const decode = (frame: Uint8Array) => decodeFrame(frame.subarray(4));

describe('golden frames', () => {
  test('cover every type of message', () => {
    expect(Object.keys(golden).sort()).toEqual(Object.keys(samples).sort());
    expect(new Set(Object.values(samples).map(({ type }) => type)).size).toBe(17);
  });

  test.each(Object.entries(samples))('%s', (name, message) => {
    const frame = encodeFrame(513, message);
    expect(hex(frame)).toBe((golden as Record<string, string>)[name] ?? 'missing');
    expect(decode(frame)).toEqual({ ok: true, frame: { channel: 513, message } });
  });
});

const seq = fc.integer({ min: 1, max: 2 ** 53 - 1 });
const anyName = fc.string({ unit: 'binary', maxLength: 40 });
const anyVector = fc.array(fc.tuple(anyName, fc.maxSafeNat()), { maxLength: 5 }).map((entries) => new Map(entries));
const anyJson = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value));
const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const anyRow = fc.record<RemoteRow>({
  table: anyName,
  id: fc.oneof(
    fc.maxSafeInteger().map((value) => value + 0),
    fc.string({ unit: 'binary', maxLength: 300 }),
  ),
  version: fc.maxSafeNat(),
  origin: anyName,
  seq,
  expires: nullable(fc.maxSafeInteger().map((value) => value + 0)),
  merge: nullable(fc.constant('{"w":[1,"a"],"a":{"x":[2,"b"]}}')),
  computed: nullable(anyJson),
  body: nullable(anyJson),
});
const anyData = fc
  .record({ from: anyVector, upTo: anyVector, rows: fc.array(anyRow, { maxLength: 6 }), stream: fc.maxSafeNat() })
  .chain(({ from, upTo, rows, stream }) =>
    fc
      .array(
        fc.record({
          origin: anyName,
          seq,
          version: fc.maxSafeNat(),
          rows: rows.length === 0 ? fc.constant([]) : fc.array(fc.nat(rows.length - 1)),
        }),
        { maxLength: 4 },
      )
      .map((transactions): Message => ({ type: 'data', stream, batch: { from, upTo, rows, transactions } })),
  );

describe('any message', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(anyData, fc.nat(65_535), (message, channel) => {
        expect(decode(encodeFrame(channel, message))).toEqual({ ok: true, frame: { channel, message } });
      }),
      { numRuns: 200 },
    );
  }, 30_000);

  test('is the same when it was encoded for another peer before', () => {
    const encoder = new FrameEncoder();
    fc.assert(
      fc.property(fc.array(anyData, { minLength: 1, maxLength: 3 }), fc.nat(9), (messages, stream) => {
        for (const message of messages)
          for (const channel of [0, 7]) {
            const told = message.type === 'data' ? { ...message, stream } : message;
            expect(encoder.encode(channel, told)).toEqual(encodeFrame(channel, told));
            expect(decode(encoder.encode(channel, message))).toEqual({ ok: true, frame: { channel, message } });
          }
      }),
      { numRuns: 50 },
    );
  });

  test('is found again in chunks of any size', () => {
    const messages = Object.values(samples);
    const bytes = Buffer.concat(messages.map((message) => encodeFrame(1, message)));
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 200 })), (sizes) => {
        const splitter = new FrameSplitter();
        const found: Split[] = [];
        for (let at = 0; at < bytes.byteLength; ) {
          const size = sizes.next().value ?? 1;
          found.push(...splitter.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(found.map((split) => split.ok && split.frame.message)).toEqual(messages);
      }),
      { numRuns: 50 },
    );
  });
});

describe('what is no frame', () => {
  const refused = (bytes: Uint8Array) => {
    const decoded = decodeFrame(bytes);
    if (!decoded.ok) expect(Object.keys(closeCodes)).toContain(decoded.code);
    return !decoded.ok;
  };

  test('is refused and never throws: random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void refused(bytes)),
      { numRuns: 3000 },
    );
  });

  test('is refused and never throws: frames with bytes changed, cut off or put in', () => {
    const frames = Object.values(samples).map((message) => encodeFrame(0, message).subarray(4));
    const edit = fc.record({ at: fc.nat(400), byte: fc.nat(255), kind: fc.constantFrom('set', 'cut', 'insert') });
    fc.assert(
      fc.property(fc.constantFrom(...frames), fc.array(edit, { minLength: 1, maxLength: 4 }), (frame, edits) => {
        let bytes = [...frame];
        for (const { at, byte, kind } of edits) {
          if (kind === 'set') bytes[at % bytes.length] = byte;
          if (kind === 'cut') bytes = bytes.slice(0, Math.max(1, at % bytes.length));
          if (kind === 'insert') bytes.splice(at % bytes.length, 0, byte);
        }
        refused(new Uint8Array(bytes));
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    ['an empty frame', [], 'ends too early'],
    ['an unknown type', [99, 0, 0], 'no known type'],
    ['a hello of something else', [1, 0, 0, ...Buffer.from('GET / HTTP/1.1')], 'no greeting'],
    ['a list longer than the frame', [7, 0, 0, 0xff, 0xff, 0x03], 'a list of 65535'],
    ['a list of two to the 53', [7, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], 'a list of'],
    ['a number out of range', [10, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 'out of range'],
    ['bytes after the end', [10, 0, 0, 1, 1], 'goes on after its end'],
    ['a blob whose id is a path', [12, 0, 0, 3, 46, 46, 47, 0], 'no blob can have'],
    ['text that is not UTF-8', [7, 0, 0, 1, 1, 0xff, 1], 'not UTF-8'],
    ['a schema that is no JSON', [2, 0, 0, 2, 91, 91], 'not the JSON'],
  ])('%s', (_what, bytes, reason) => {
    expect(decodeFrame(new Uint8Array(bytes))).toEqual({
      ok: false,
      code: 'PROTOCOL',
      reason: expect.stringContaining(reason),
    });
  });

  test('a length beyond the limit is refused before anything is kept', () => {
    const splitter = new FrameSplitter();
    const before = [...splitter.push(new Uint8Array([0, 0, 17, 0, 1]))];
    expect(before).toEqual([{ ok: false, code: 'TOO_LARGE', reason: expect.stringContaining('1114112') }]);
    expect([...splitter.push(encodeFrame(0, { type: 'ping', id: 1 }))]).toEqual([]);
    const greeted = new FrameSplitter();
    const hello = samples.hello as Message;
    expect([...greeted.push(encodeFrame(0, hello))].every(({ ok }) => ok)).toBe(true);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, replicationLimits.frameBytes + 1, true);
    expect([...greeted.push(length)]).toMatchObject([{ ok: false, code: 'TOO_LARGE' }]);
  });
});
