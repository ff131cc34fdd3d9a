// The arithmetic of the drill, and reading of answers.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { numbersFrom, pageText } from '../pages/page-text.ts';
import { headOf, parseAnswer, sourceOf } from './answer.ts';
import { oldestAllowed, plans, secondsOf } from './plan.ts';
import { Seconds } from './seconds.ts';
import { Zipf } from './zipf.ts';

describe('an answer', () => {
  const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Cache: HIT\r\n\r\nhello';
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n';

  test.each([plain, chunked])('is there when all of it is: %j', (text) => {
    for (let length = 0; length < text.length; length++)
      expect(parseAnswer(Buffer.from(text.slice(0, length)))).toBeUndefined();
    const answer = parseAnswer(Buffer.from(text));
    expect([answer?.status, answer?.body.toString()]).toEqual([200, 'hello']);
  });

  test.each(['SSH-2.0\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\nwhatever'])('what is none is refused: %j', (text) => {
    expect(() => parseAnswer(Buffer.from(text))).toThrow();
  });

  test('any body, in any chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 })), (chunks) => {
        const coded = chunks.map((chunk) =>
          Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
        );
        const head = Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
        const answer = parseAnswer(Buffer.concat([head, ...coded, Buffer.from('0\r\n\r\n')]));
        expect(answer?.body).toEqual(Buffer.concat(chunks));
      }),
    );
  });

  test.each([
    ['cache-status: zerohop;hit;ttl=3', 'fresh'],
    ['cache-status: zerohop;hit;ttl=-3;detail=stale-if-error', 'stale'],
    ['cache-status: zerohop;fwd=uri-miss;stored', 'origin'],
    ['X-Cache: HIT', 'fresh'],
    ['X-Cache: UPDATING', 'stale'],
    ['X-Cache: STALE', 'stale'],
    ['X-Cache: EXPIRED', 'origin'],
    ['Server: other', 'origin'],
  ] as const)('%s comes from: %s', (header, source) => {
    expect(sourceOf(headOf(`HTTP/1.1 200 OK\r\n${header}`))).toBe(source);
  });
});

describe('Zipf', () => {
  test('the page of rank n is asked for 1/n as often as the first', () => {
    const [zipf, chance] = [new Zipf(1_000), numbersFrom(1)];
    const counts = new Array<number>(1_000).fill(0);
    for (let request = 0; request < 400_000; request++) {
      const rank = zipf.rank(chance());
      counts[rank] = (counts[rank] ?? 0) + 1;
    }
    const [first = 0] = counts;
    for (const rank of [2, 5, 20]) expect(((counts[rank - 1] ?? 0) * rank) / first).toBeCloseTo(1, 0);
  });

  test('stays within its ranks', () => {
    const zipf = new Zipf(10);
    expect([zipf.rank(0), zipf.rank(1 - 2 ** -53)]).toEqual([0, 9]);
  });
});

test('figures of seconds, and of all together', () => {
  const seconds = new Seconds(2);
  for (let ms = 1; ms <= 100; ms++) seconds.answered(0, ms, 'fresh', 1_000, 5_000);
  seconds.answered(1, 7, 'stale', 9_000, 5_000);
  seconds.answered(1, 7, 'origin', 0, 5_000);
  seconds.failed(1, 500);
  expect(seconds.figures(0, 1)).toEqual({
    requests: 100,
    p50Ms: 50,
    p95Ms: 95,
    p99Ms: 99,
    maxMs: 100,
    errors: 0,
    sources: { fresh: 100, stale: 0, origin: 0 },
    tooOld: 0,
    oldestSeconds: 1,
  });
  expect(seconds.figures(0, 2)).toMatchObject({
    requests: 103,
    maxMs: 500,
    errors: 1,
    sources: { fresh: 100, stale: 1, origin: 1 },
    tooOld: 1,
    oldestSeconds: 9,
  });
});

test('how old a page may be depends on whether the origin answers', () => {
  const { quick } = plans;
  if (!quick) throw new Error('There is no quick plan.');
  const { fresh, staleWhileRevalidate, staleIfError } = quick.liveSeconds;
  const last = secondsOf(quick) - 1;
  const upFirst = quick.phases.findIndex(({ mode }) => mode !== 'up');
  const firstSeconds = quick.phases.slice(0, upFirst).reduce((sum, { seconds }) => sum + seconds, 0);
  expect(oldestAllowed(quick, 0, true)).toBe(fresh + staleWhileRevalidate);
  expect(oldestAllowed(quick, firstSeconds - 1, true)).toBe(fresh + staleWhileRevalidate);
  expect(oldestAllowed(quick, firstSeconds, true)).toBe(fresh + staleIfError);
  expect(oldestAllowed(quick, last, true)).toBe(fresh + staleWhileRevalidate);
  expect(oldestAllowed(quick, last - quick.settleSeconds, true)).toBe(fresh + staleIfError);
});

test('pages have the size asked for, are always the same, and no two are equal', () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.integer({ min: 300, max: 20_000 }), (number, bytes) => {
      const text = pageText(number, bytes);
      expect(Buffer.byteLength(text)).toBe(bytes);
      expect(pageText(number, bytes)).toBe(text);
      expect(pageText(number + 1, bytes)).not.toBe(text);
    }),
  );
});
