import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { chooseEncoding, chooseType, parsePreferences } from './accept.ts';

const offers = [
  { type: 'application/json', quality: 1 },
  { type: 'application/cbor', quality: 0.9 },
  { type: 'text/csv', quality: 0.5 },
];

describe('chooseType', () => {
  const cases: readonly (readonly [string | null, string | undefined])[] = [
    [null, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'application/json'],
    ['application/cbor', 'application/cbor'],
    ['APPLICATION/CBOR', 'application/cbor'],
    ['application/json;q=0.8, application/cbor', 'application/cbor'],
    // 0.95 × 1 > 1 × 0.9
    ['application/json;q=0.95, application/cbor', 'application/json'],
    ['text/*', 'text/csv'],
    ['text/*, */*;q=0.1', 'text/csv'],
    // The closer range overrides the wider one.
    ['application/json;q=0, */*', 'application/cbor'],
    ['application/*;q=0, */*', 'text/csv'],
    ['image/png', undefined],
    ['*/*;q=0', undefined],
    ['application/json;q=2', undefined],
    ['application/json;charset=utf-8', 'application/json'],
    [';;;,,,', undefined],
  ];
  for (const [accept, expected] of cases) {
    test(`${accept} → ${expected}`, () => expect(chooseType(accept, offers)?.type).toBe(expected));
  }
});

describe('chooseEncoding', () => {
  const cases: readonly (readonly [string | null, string | undefined])[] = [
    [null, undefined],
    ['', undefined],
    ['identity', undefined],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1, br;q=0.5', 'gzip'],
    ['zstd, gzip', 'zstd'],
    ['br;q=0, *', 'zstd'],
    ['*;q=0', undefined],
    ['gzip;q=0.5, identity', undefined],
    ['deflate', undefined],
  ];
  for (const [header, expected] of cases) {
    test(`${header} → ${expected}`, () => expect(chooseEncoding(header)).toBe(expected as never));
  }
});

test('any text is parsed into qualities between 0 and 1', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      for (const { quality } of parsePreferences(text)) expect(quality >= 0 && quality <= 1).toBe(true);
      chooseType(text, offers);
      chooseEncoding(text);
    }),
  );
});
