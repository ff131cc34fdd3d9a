import { describe, expect, test } from 'bun:test';
import { preconditionOf, unmodifiedLimit } from './preconditions.ts';

describe('conditions on a write', () => {
  const cases: readonly (readonly [Record<string, string>, unknown])[] = [
    [{}, undefined],
    [{ 'if-match': '"5"' }, { exists: true, versions: [5] }],
    [{ 'if-match': '"5-cbor-br", "6"' }, { exists: true, versions: [5, 6] }],
    [{ 'if-match': '*' }, { exists: true }],
    // RFC 9110 §13.1.1: strong comparison.
    [{ 'if-match': 'W/"5"' }, { exists: true, versions: [] }],
    [{ 'if-match': '"habc"' }, { exists: true, versions: [] }],
    [{ 'if-none-match': '*' }, { exists: false }],
    [{ 'if-none-match': '"5", W/"6"' }, { notVersions: [5, 6] }],
  ];
  for (const [headers, expected] of cases) {
    test(JSON.stringify(headers), () => expect(preconditionOf(new Headers(headers))).toEqual(expected as never));
  }
});

const second = Date.UTC(2026, 0, 2, 3, 4, 5);

test('If-Unmodified-Since covers its whole second and yields to If-Match', () => {
  const header = { 'if-unmodified-since': 'Fri, 02 Jan 2026 03:04:05 GMT' };
  expect(unmodifiedLimit(new Headers(header))).toBe(second * 1000 + 999_999);
  expect(unmodifiedLimit(new Headers({ ...header, 'if-match': '*' }))).toBeUndefined();
  expect(unmodifiedLimit(new Headers({ 'if-unmodified-since': 'soon' }))).toBeUndefined();
});
