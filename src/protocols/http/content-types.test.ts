import { describe, expect, test } from 'bun:test';
import { decode, Encoder } from 'cbor-x';
import fc from 'fast-check';
import { Packr, Unpackr } from 'msgpackr';
import { appDatabases, type ContentType } from '../../resources/index.ts';
import { openTestNode } from '../../resources/open-test-node.ts';
import { ContentTypes } from './content-types.ts';
import { toJson } from './formats.ts';
import { type Body, frame } from './framing.ts';

const types = new ContentTypes();
const bytes = (body: string | Uint8Array) => new Uint8Array(Buffer.from(body));

describe('decode', () => {
  const cases: readonly (readonly [string, string | Uint8Array, unknown])[] = [
    ['application/json', '{"a":[1,"x",null]}', { a: [1, 'x', null] }],
    ['application/json', '{"n":9007199254740993}', { n: 9007199254740993n }],
    [
      'application/cbor',
      new Encoder({ useRecords: false }).encode({ a: new Date(5), b: 7n }),
      { a: new Date(5), b: 7 },
    ],
    ['application/cbor', new Encoder().encode({ n: 2n ** 70n }), { n: 2n ** 70n }],
    ['application/msgpack', new Packr({ useRecords: false }).pack({ a: 2 ** 40 }), { a: 2 ** 40 }],
    ['application/x-msgpack', Buffer.concat([1, 2].map((n) => new Packr().pack(n))), [1, 2]],
    ['application/x-ndjson', '{"a":1}\n\n{"a":2}\r\n', [{ a: 1 }, { a: 2 }]],
    ['text/csv', '\ufeffa,b\n1,"x,""y"""\n,z\n', [{ a: '1', b: 'x,"y"' }, { b: 'z' }]],
  ];
  for (const [type, body, expected] of cases) {
    test(`${type} ${typeof body === 'string' ? JSON.stringify(body) : Buffer.from(body).toString('hex')}`, () =>
      expect(types.decode(type, bytes(body))?.value).toEqual(expected));
  }
  test('a type nobody knows is left to the caller', () =>
    expect(types.decode('text/calendar', bytes('x'))).toBeUndefined());
});

describe('bodies that are refused with INVALID_BODY', () => {
  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['application/json', '', /not valid application\/json/],
    ['application/json', '{"a":1,\n"b":}', /JSON Parse error/],
    ['application/json', Uint8Array.of(0x22, 0xff, 0x22), /not valid application\/json/],
    ['application/json', '{"__proto__":{"admin":true}}', /__proto__/],
    ['application/json', '{"a":[{"\\u005f_proto__":1}]}', /__proto__/],
    ['application/json', '['.repeat(100_000) + ']'.repeat(100_000), /nested/],
    ['application/x-ndjson', '{"a":1}\n{"a":', /Line 2/],
    ['application/cbor', '', /not valid application\/cbor/],
    ['application/cbor', Uint8Array.of(1, 2), /end of buffer/],
    ['application/cbor', new Uint8Array(1_000_000).fill(0x81), /nested/],
    ['application/cbor', Uint8Array.of(0x9a, 0xff, 0xff, 0xff, 0xff), /cbor/],
    ['application/cbor', Uint8Array.of(0xba, 0xff, 0xff, 0xff, 0xff), /cbor/],
    ['application/msgpack', '', /empty/],
    ['application/msgpack', new Uint8Array(1_000_000).fill(0x91), /nested/],
    ['application/msgpack', Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff), /msgpack/],
    ['text/csv', 'a,b\n1,2,3\n', /line 2/],
    ['text/csv', 'a\n"x', /text\/csv/],
  ];
  for (const [type, body, message] of cases) {
    test(`${type} ${typeof body === 'string' ? body.slice(0, 30) : Buffer.from(body.slice(0, 8)).toString('hex')}`, () => {
      const attempt = () => types.decode(type, bytes(body));
      expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_BODY' }));
      expect(attempt).toThrow(message);
    });
  }
  test('any bytes in any type are decoded or refused so', () => {
    const type = fc.constantFrom(
      'application/json',
      'application/cbor',
      'application/msgpack',
      'text/csv',
      'application/ndjson',
    );
    fc.assert(
      fc.property(type, fc.uint8Array({ maxLength: 60 }), (name, body) => {
        try {
          types.decode(name, bytes(body));
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_BODY' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test('plain values come back from JSON, CBOR and MessagePack', () => {
  const value = fc.jsonValue({ maxDepth: 4 }).filter((json) => !JSON.stringify(json).includes('__proto'));
  fc.assert(
    fc.property(
      value,
      fc.constantFrom('application/json', 'application/cbor', 'application/x-msgpack'),
      (json, type) => {
        const body = types.choose(type).serialize(json);
        const back = types.decode(type, bytes(body))?.value;
        // Integers beyond 2^53 come back as bigints.
        expect(toJson(back)).toBe(JSON.stringify(json));
      },
    ),
  );
});

describe('typed values', () => {
  const value = {
    at: new Date(1_500_000_000_123),
    data: Uint8Array.of(1, 2, 255),
    big: 12345678901234567890123n,
    map: new Map([['a', 1]]),
    set: new Set([1, 2]),
    none: undefined,
  };
  test('JSON', () =>
    expect(types.choose('application/json').serialize(value)).toBe(
      '{"at":"2017-07-14T02:40:00.123Z","data":"AQL/","big":12345678901234567890123,"map":{"a":1},"set":[1,2]}',
    ));
  test('CBOR keeps them', () => {
    const back = decode(Buffer.from(types.choose('application/cbor').serialize(value)));
    expect(back).toMatchObject({ at: value.at, big: value.big, set: value.set });
    expect(new Uint8Array(back.data)).toEqual(value.data);
  });
  test('MessagePack keeps them', () => {
    const back = new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(
      Buffer.from(types.choose('application/msgpack').serialize({ ...value, set: 0 })),
    );
    expect(back).toMatchObject({ at: value.at, big: value.big });
    expect(new Uint8Array(back.data)).toEqual(value.data);
  });
  test('CSV', () =>
    expect(types.choose('text/csv').serialize({ ...value, text: 'a,"b"\nc', list: [1, { x: 2 }] })).toBe(
      'at,data,big,map,set,none,text,list\n2017-07-14T02:40:00.123Z,AQL/,12345678901234567890123,"{""a"":1}","[1,2]",,"a,""b""\nc","[1,{""x"":2}]"\n',
    ));
});

describe('sequences', () => {
  const rows = [{ a: 1 }, { a: 2 }];
  async function write(type: string, items: Iterable<unknown> | AsyncIterable<unknown>): Promise<Body> {
    const framing = types.choose(type).framing?.();
    if (!framing) throw new Error(`${type} has no framing`);
    return frame(items, framing, () => {});
  }
  const cases: readonly (readonly [string, string])[] = [
    ['application/json', '[{"a":1},{"a":2}]'],
    ['application/x-ndjson', '{"a":1}\n{"a":2}\n'],
    ['text/csv', 'a\n1\n2\n'],
    ['application/cbor', Buffer.from('9fa1616101a1616102ff', 'hex').toString('latin1')],
    ['application/msgpack', Buffer.from('81a1610181a16102', 'hex').toString('latin1')],
  ];
  for (const [type, expected] of cases) {
    test(type, async () => {
      const body = await write(type, rows);
      expect(
        'whole' in body && (typeof body.whole === 'string' ? body.whole : Buffer.from(body.whole).toString('latin1')),
      ).toBe(expected);
    });
  }
  test('nothing at all', async () => expect(await write('application/json', [])).toEqual({ whole: '[]' }));
  test('async items', async () => {
    async function* items() {
      yield* rows;
    }
    expect(await write('application/json', items())).toEqual({ whole: '[{"a":1},{"a":2}]' });
  });
  test('a long one is streamed, no faster than it is read, and given up with the reader', async () => {
    let made = 0;
    let done = 0;
    let returned = false;
    function* items() {
      try {
        for (; made < 1_000_000; made++) yield { n: made, text: 'x'.repeat(100) };
      } finally {
        returned = true;
      }
    }
    const framing = types.choose('application/json').framing?.();
    if (!framing) throw new Error('JSON has no framing');
    const body = await frame(items(), framing, () => done++);
    if (!('stream' in body)) throw new Error('not streamed');
    const reader = body.stream.getReader();
    await reader.read();
    await reader.read();
    expect(made).toBeLessThan(3000);
    await reader.cancel();
    expect([returned, done]).toEqual([true, 1]);
  });
  test('an error later breaks the stream', async () => {
    function* items() {
      for (let n = 0; n < 100_000; n++) yield n;
      throw new Error('broken');
    }
    const body = await write('application/json', items());
    if (!('stream' in body)) throw new Error('not streamed');
    await expect(new Response(body.stream).text()).rejects.toThrow('broken');
  });
  test('an error at once is an ordinary error', async () => {
    function* items() {
      yield 1;
      throw new Error('broken');
    }
    await expect(write('application/json', items())).rejects.toThrow('broken');
  });
  test('CSV never drops a value that has no column', async () => {
    await expect(write('text/csv', [{ a: 1 }, { a: 1, b: 2 }])).rejects.toMatchObject({ code: 'NOT_ACCEPTABLE' });
  });
});

test('app code can add types and replace those built in, at any time', () => {
  const added = new Map<string, ContentType>();
  const own = new ContentTypes(added);
  expect(() => own.choose('text/upper')).toThrow(expect.objectContaining({ code: 'NOT_ACCEPTABLE' }));
  added.set('text/upper', {
    serialize: (data) => String(data).toUpperCase(),
    deserialize: (body) => new TextDecoder().decode(body).toLowerCase(),
  });
  expect(own.choose('text/upper').serialize('hi')).toBe('HI');
  expect(own.decode('text/upper', bytes('HI'))).toEqual({ value: 'hi' });
  added.set('application/json', { serialize: () => 'mine' });
  expect(own.choose(null).serialize({})).toBe('mine');
});

test('records inside what app code returns are written as they are stored', async () => {
  const node = await openTestNode(
    'type Item @table { id: ID @primaryKey  at: Date  big: BigInt  bytes: Bytes  name: String }',
  );
  const table = node.databases.table('data', 'Item');
  if (!table) throw new Error('no table');
  const transaction = node.databases.transaction();
  const record = { at: new Date(0), big: 2n ** 70n, bytes: new Uint8Array([1, 2]), name: 'a "b"' };
  transaction.put(table, 'x', record);
  transaction.put(table, 'y', record);
  await transaction.commit();
  const { Item } = appDatabases(node).data ?? {};
  if (!Item) throw new Error('no class');
  const found = await Item.get('x');
  const rows = [...(await Item.search({ select: ['id', 'name'], limit: 2 }))];
  const value = {
    found,
    rows,
    list: [found, { own: [1, undefined] }],
    none: undefined,
    own: { at: new Date(1), deep: { found } },
    empty: [],
  };
  const text =
    '{"id":"x","at":"1970-01-01T00:00:00.000Z","big":1180591620717411303424,"bytes":"AQI=","name":"a \\"b\\""}';
  expect(toJson(value)).toBe(
    `{"found":${text},"rows":[{"id":"x","name":"a \\"b\\""},{"id":"y","name":"a \\"b\\""}],"list":[${text},{"own":[1,null]}],` +
      `"own":{"at":"1970-01-01T00:00:00.001Z","deep":{"found":${text}}},"empty":[]}`,
  );
  await node.close();
});
