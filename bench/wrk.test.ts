import { describe, expect, test } from 'bun:test';
import { errorNote, parseWrk } from './wrk.ts';

const clean = `Running 5s test @ http://127.0.0.1:9926/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   450.12us  101.20us   8.12ms   92.11%
    Req/Sec   142.10k     5.21k  150.30k    72.00%
  Latency Distribution
     50%  446.00us
     75%  470.00us
     90%  510.00us
     99%    1.33ms
  715000 requests in 5.01s, 812.10MB read
Requests/sec: 142714.57
Transfer/sec:    162.10MB
`;

describe('parseWrk', () => {
  const table: [name: string, text: string, expected: Partial<ReturnType<typeof parseWrk>>][] = [
    ['a clean run', clean, { requests: 715000, perSecond: 142714.57, p50Ms: 0.446, p99Ms: 1.33, errors: 0 }],
    ['seconds', clean.replace('1.33ms', '1.20s'), { p99Ms: 1200 }],
    ['refusals', `${clean}  Non-2xx or 3xx responses: 12\n`, { errors: 12 }],
    ['broken connections', `${clean}  Socket errors: connect 1, read 2, write 3, timeout 4\n`, { errors: 10 }],
    [
      'both',
      `${clean}  Socket errors: connect 0, read 2, write 0, timeout 0\n  Non-2xx or 3xx responses: 5\n`,
      { errors: 7 },
    ],
  ];
  test.each(table)('%s', (_name, text, expected) => {
    expect(parseWrk(text)).toMatchObject(expected);
  });

  test('refuses what it does not understand', () => {
    expect(() => parseWrk('unable to connect to 127.0.0.1:1 Connection refused')).toThrow('unexpected');
  });
});

describe('errorNote', () => {
  const result = parseWrk(clean);
  test('says nothing about clean runs', () => expect(errorNote([result, result])).toBeUndefined());
  test('adds up failures', () =>
    expect(errorNote([result, { ...result, errors: 3 }])).toBe(
      '3 of 1430000 requests FAILED: the figure is not to be trusted',
    ));
});
