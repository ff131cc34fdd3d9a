// The mathematics of the load generators, and what they take for an answer.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { AnswerReader } from './answer-reader.ts';
import { shown } from './bars.ts';
import { inTurn, leastDisturbed } from './cells.ts';
import { parseSaturation, think } from './load.ts';
import type { Run } from './measure.ts';
import { percentile, summarise } from './percentiles.ts';
import { Recorder } from './recorder.ts';

test.each<[number[], number, number]>([
  [[7], 50, 7],
  [[1, 2, 3, 4], 50, 2],
  [[1, 2, 3, 4], 75, 3],
  [[1, 2, 3, 4], 76, 4],
  [[1, 2, 3, 4], 100, 4],
  [Array.from({ length: 100 }, (_, at) => at + 1), 99, 99],
  [Array.from({ length: 1000 }, (_, at) => at + 1), 95, 950],
])('percentile %#', (sorted, percent, expected) => {
  expect(percentile(sorted, percent)).toBe(expected);
});

test('percentiles: as many are not above as it says, and one less would be too few', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1 }),
      fc.constantFrom(50, 90, 95, 99),
      (all, percent) => {
        const { [`p${percent}Ms` as 'p50Ms']: value, maxMs } = summarise(all);
        const needed = (percent / 100) * all.length;
        expect(all.filter((each) => each <= value).length).toBeGreaterThanOrEqual(needed);
        expect(all.filter((each) => each < value).length).toBeLessThan(needed);
        expect(maxMs).toBe(Math.max(...all));
      },
    ),
  );
});

test('nothing has no percentiles', () => {
  expect(summarise([]).p50Ms).toBeNaN();
});

describe('Recorder, measuring from 1,000 to 3,000 ms', () => {
  type Event = [sentMs: number, nowMs: number, status: number];
  const none = { connect: 0, closed: 0, status: 0, protocol: 0, unfinished: 0 };
  test.each<[string, Event[], object]>([
    ['before the time: not counted', [[500, 990, 200]], { requests: 0, perSecond: 0 }],
    ['begun before, answered within: throughput, no latency', [[990, 1010, 200]], { requests: 0, perSecond: 0.5 }],
    [
      'within',
      [
        [1000, 1004, 200],
        [2000, 2002, 200],
      ],
      { requests: 2, perSecond: 1, p50Ms: 2, maxMs: 4 },
    ],
    [
      'begun within, answered after: latency, no throughput',
      [[2999, 5000, 200]],
      { requests: 1, perSecond: 0, p50Ms: 2001 },
    ],
    ['begun after: not counted', [[3000, 3001, 200]], { requests: 0, perSecond: 0 }],
    ['refused', [[1500, 1501, 503]], { requests: 1, perSecond: 0, errors: { ...none, status: 1 } }],
  ])('%s', (_name, events, expected) => {
    const recorder = new Recorder(1000, 3000);
    for (const event of events) recorder.answered(...event);
    expect(recorder.figures(0)).toMatchObject(expected);
  });

  test('what is not answered by the end counts as late as it is', () => {
    const recorder = new Recorder(1000, 3000);
    recorder.answered(1000, 1001, 200);
    recorder.failed('unfinished', 2000, 9000);
    recorder.failed('closed', 2000, 2100);
    recorder.failed('connect', 10, 10);
    expect(recorder.figures(0)).toMatchObject({
      requests: 1,
      maxMs: 7000,
      errors: { ...none, unfinished: 1, closed: 1 },
    });
  });
});

describe('AnswerReader', () => {
  const answers = [
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/', 200],
    ['HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length:0\r\n\r\n', 404],
    [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\r\n\r\n0\r\nb;x=1\r\nhello world\r\n0\r\nTrailer: 1\r\n\r\n',
      200,
    ],
    ['HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 503],
    [`HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n${'\r\n'.repeat(1000)}`, 200],
  ] as const;

  test('any answers one after the other, cut anywhere', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...answers)),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
        (sent, cuts) => {
          const got: number[] = [];
          const reader = new AnswerReader((status) => got.push(status));
          const bytes = Buffer.from(sent.map(([text]) => text).join(''));
          for (let at = 0, cut = 0; at < bytes.length; cut++) {
            const length = cuts[cut % cuts.length] ?? 1;
            // A buffer of its own, as the socket may write over what it has handed out.
            const chunk = Buffer.from(bytes.subarray(at, at + length));
            reader.read(chunk);
            chunk.fill(0);
            at += length;
          }
          expect(got).toEqual(sent.map(([, status]) => status));
        },
      ),
    );
  });

  test.each([
    ['HTTP/2 200\r\n\r\n', 'no answer'],
    ['HTTP/1.1 200 OK\r\n\r\n', 'how long'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n', 'size of a chunk'],
    ['a'.repeat(70_000), 'too long'],
  ])('refuses %#', (text, message) => {
    const reader = new AnswerReader(() => {});
    expect(() => reader.read(Buffer.from(text))).toThrow(message);
  });
});

test('what wrk printed', () => {
  const line =
    'FIGURES {"requests":90,"seconds":2.000000,"p50Ms":1.500,"p90Ms":2.000,"p95Ms":3.000,"p99Ms":4.000,"maxMs":5.000,"connect":1,"read":2,"write":3,"status":10,"timeout":4}';
  expect(parseSaturation(`Running 2s test\n${line}\n`, 1)).toEqual({
    ...{ requests: 90, perSecond: 40, p50Ms: 1.5, p90Ms: 2, p95Ms: 3, p99Ms: 4, maxMs: 5, generatorCores: 0.5 },
    errors: { connect: 1, closed: 5, status: 10, protocol: 0, unfinished: 4 },
  });
  const nothing = line.replace('"requests":90', '"requests":0');
  expect(parseSaturation(nothing, 1)).toMatchObject({ requests: 0, p50Ms: 2000, maxMs: 2000 });
  expect(() => parseSaturation('unable to connect', 1)).toThrow('unexpected');
});

test('each stack is first as often as the others', () => {
  const rounds = [0, 1, 2, 3].map((round) => inTurn(['a', 'b', 'c'], round).join(''));
  expect(rounds).toEqual(['abc', 'bca', 'cab', 'abc']);
});

test.each<[string, number[], number, { kept: number; runs: number }]>([
  ['undisturbed: run once', [0.1, 9], 1000, { kept: 0.1, runs: 1 }],
  ['disturbed: run again', [2, 0.1, 9], 1000, { kept: 0.1, runs: 2 }],
  ['disturbed each time: the least', [3, 1, 2, 0], 1000, { kept: 1, runs: 3 }],
  ['no time left to repeat', [3, 0], 0, { kept: 3, runs: 1 }],
])('%s', async (_name, disturbances, leftMs, { kept, runs }) => {
  let count = 0;
  const run = async (): Promise<Run> => ({
    ...new Recorder(0, 1).figures(0),
    ...{ cores: {}, memoryMiB: {}, othersCores: disturbances[count++] ?? Number.NaN },
  });
  const best = await leastDisturbed(run, { leftMs });
  expect({ kept: best.othersCores, runs: count }).toEqual({ kept, runs });
});

test.each([
  [0.1234, '0.12'],
  [4.56, '4.6'],
  [869.6, '870'],
  [1234, '1.2k'],
  [29_362, '29k'],
])('a bar says %p as %p', (value, text) => {
  expect(shown(value)).toBe(text);
});

test('the generator counts what a server answered, by kind', async () => {
  const seen = { requests: 0, refused: 0 };
  await using server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      seen.requests++;
      if (!request.url.endsWith('/refused')) return Response.json({ fine: true });
      seen.refused++;
      return new Response('no', { status: 503 });
    },
  });
  const figures = await think(
    {
      ...{ mode: 'thinking', url: `http://127.0.0.1:${server.port}`, users: 8, warmUpSeconds: 0, seconds: 2 },
      ...{ paths: ['/', '/refused'], pathsFile: '' },
    },
    50,
    AbortSignal.timeout(30_000),
  );
  expect(figures.requests).toBe(seen.requests);
  expect(figures.errors).toEqual({ connect: 0, closed: 0, status: seen.refused, protocol: 0, unfinished: 0 });
  expect(seen.refused).toBeGreaterThan(0);
  expect(figures.maxMs).toBeGreaterThanOrEqual(figures.p50Ms);
});
