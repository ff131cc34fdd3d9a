import { afterAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { blobResponse, parseRange } from './ranges.ts';

describe('parseRange of 10 bytes', () => {
  const cases: readonly (readonly [string | null, readonly [number, number] | undefined | 'refused'])[] = [
    [null, undefined],
    ['bytes=0-0', [0, 0]],
    ['bytes=2-5', [2, 5]],
    ['bytes=2-', [2, 9]],
    ['bytes=2-100', [2, 9]],
    ['bytes=-3', [7, 9]],
    ['bytes=-100', [0, 9]],
    ['Bytes=1-2', [1, 2]],
    ['bytes=10-', 'refused'],
    ['bytes=-0', 'refused'],
    ['bytes=5-2', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,4-5', undefined],
    ['items=0-1', undefined],
    ['bytes=a-b', undefined],
  ];
  for (const [header, expected] of cases) {
    test(`${header}`, () => {
      if (expected === 'refused') {
        expect(() => parseRange(header, 10)).toThrow(expect.objectContaining({ code: 'RANGE_NOT_SATISFIABLE' }));
      } else {
        expect(parseRange(header, 10)).toEqual(expected && { start: expected[0], end: expected[1] });
      }
    });
  }
  test('a range is always within the content', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 1e9 }), (a, b, size) => {
        for (const header of [`bytes=${a}-${b}`, `bytes=${a}-`, `bytes=-${a}`]) {
          try {
            const range = parseRange(header, size);
            if (range) expect(range.start >= 0 && range.start <= range.end && range.end < size).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ code: 'RANGE_NOT_SATISFIABLE' });
          }
        }
      }),
    );
  });
});

describe('over a socket', () => {
  const server = Bun.serve({
    port: 0,
    fetch: (request) =>
      blobResponse(new Blob(['0123456789'], { type: 'text/plain' }), request.headers, new Headers(), '"5"'),
  });
  afterAll(() => server.stop(true));
  const cases: readonly (readonly [Record<string, string>, number, string, string | null])[] = [
    [{}, 200, '0123456789', null],
    [{ range: 'bytes=2-4' }, 206, '234', 'bytes 2-4/10'],
    [{ range: 'bytes=-2', 'if-range': '"5"' }, 206, '89', 'bytes 8-9/10'],
    [{ range: 'bytes=-2', 'if-range': '"4"' }, 200, '0123456789', null],
    [{ range: 'bytes=-2', 'if-range': 'W/"5"' }, 200, '0123456789', null],
  ];
  for (const [headers, status, body, contentRange] of cases) {
    test(JSON.stringify(headers), async () => {
      const response = await fetch(server.url, { headers });
      expect(response.status).toBe(status);
      expect(await response.text()).toBe(body);
      expect(response.headers.get('content-range')).toBe(contentRange);
      expect(response.headers.get('accept-ranges')).toBe('bytes');
    });
  }
});
