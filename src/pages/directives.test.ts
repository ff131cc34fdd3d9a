import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { lifetimeOf, parseDictionary, parseDirectives, targetedDirectives } from './directives.ts';

describe('Cache-Control (RFC 9111 §5.2)', () => {
  const cases: readonly (readonly [string, Record<string, string>])[] = [
    ['', {}],
    ['max-age=5', { 'max-age': '5' }],
    ['MaX-aGe=5, No-Store', { 'max-age': '5', 'no-store': '' }],
    ['max-age="5"', { 'max-age': '5' }],
    [' , ,max-age=5,', { 'max-age': '5' }],
    ['extension="max-age=3600", max-age=1', { extension: 'max-age=3600', 'max-age': '1' }],
    ['extension="a\\", no-store", max-age=1', { extension: 'a", no-store', 'max-age': '1' }],
    ['no-cache="set-cookie, foo", max-age=1', { 'no-cache': 'set-cookie, foo', 'max-age': '1' }],
    ['max-age=9, max-age=1', { 'max-age': '1' }],
    ['max-age=1, max-age=9', { 'max-age': '1' }],
    ['max-age=9, max-age=a', { 'max-age': 'a' }],
  ];
  for (const [header, expected] of cases)
    test(header, () => expect(Object.fromEntries(parseDirectives(header))).toEqual(expected));
});

describe('lifetimes (RFC 9111 §1.2.2, §4.2.1)', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['', undefined],
    ['max-age=0', 0],
    ['max-age=003600', 3600],
    ['max-age=-1', 0],
    ['max-age=1.5', 0],
    ["max-age='3600'", 0],
    ['max-age=3600foo', 0],
    ['max-age', 0],
    ['max-age=', 0],
    ['max-age=99999999999', 2 ** 31],
  ];
  for (const [header, expected] of cases)
    test(header, () => expect(lifetimeOf(parseDirectives(header), 'max-age')).toBe(expected));
});

describe('targeted fields (RFC 9213, RFC 8941 §3.2)', () => {
  const cases: readonly (readonly [string, Record<string, string> | undefined])[] = [
    ['max-age=60', { 'max-age': '60' }],
    ['max-age=60, no-store', { 'max-age': '60', 'no-store': '' }],
    ['max-age=60;a=b;c, stale-while-revalidate=5', { 'max-age': '60', 'stale-while-revalidate': '5' }],
    ['no-store=?0, max-age=1', { 'max-age': '1' }],
    ['no-store=?1', { 'no-store': '' }],
    ['max-age=1, max-age=2', { 'max-age': '2' }],
    ['a=(1 2 "x");q=1, max-age=1', { a: '(1 2 "x")', 'max-age': '1' }],
    ['MAX-AGE=60', undefined],
    ['max-age=60,', undefined],
    ['max-age = 60', undefined],
    ['max-age=60 no-store', undefined],
    ['', {}],
  ];
  for (const [text, expected] of cases) {
    test(text, () => {
      const parsed = parseDictionary(text);
      expect(parsed && Object.fromEntries(parsed)).toEqual(expected);
    });
  }
  test('our own name outranks the general one; an invalid or empty field counts as absent', () => {
    const of = (headers: Record<string, string>) => targetedDirectives(new Headers(headers))?.get('max-age');
    expect(of({ 'cdn-cache-control': 'max-age=1', 'zerohop-cache-control': 'max-age=2' })).toBe('2');
    expect(of({ 'cdn-cache-control': 'max-age=1', 'zerohop-cache-control': 'max-age 2' })).toBe('1');
    expect(of({ 'cdn-cache-control': '' })).toBeUndefined();
    expect(of({ 'cache-control': 'max-age=1' })).toBeUndefined();
  });
});

test('any text is read without an error, and quickly', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '=', '"', ',', '\\', ' ', '1', ';', '(') }), (text) => {
      parseDirectives(text);
      parseDictionary(text);
    }),
  );
  parseDirectives(`a="${'\\'.repeat(50_000)}`);
  parseDictionary(`a="${'x'.repeat(50_000)}`);
});
