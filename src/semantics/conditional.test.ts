import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  contentTag,
  entityTag,
  isKnown,
  isUnmodifiedSince,
  lastModified,
  parseTags,
  tagWithCoding,
} from './conditional.ts';

describe('If-None-Match on a read: weak comparison of lists', () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['"5"', true],
    ['W/"5"', true],
    ['*', true],
    ['"1", "5"', true],
    ['"1",W/"5" , "7"', true],
    ['"a,b", "5"', true],
    ['"6"', false],
    ['"5-cbor"', false],
    ['""', false],
    ['', false],
  ];
  for (const [header, expected] of cases) {
    test(`${header} knows "5": ${expected}`, () => expect(isKnown(header, '"5"')).toBe(expected));
  }
});

describe('tags that are not valid', () => {
  for (const header of ['5', '"5', 'w/"5"', '"5" "6"', '*, "5"', "'5'"]) {
    test(header, () =>
      expect(() => parseTags(header, 'If-Match')).toThrow(expect.objectContaining({ code: 'INVALID_HEADER' })),
    );
  }
});

test('a list of any tags is read back', () => {
  const tag = fc.record({ weak: fc.boolean(), value: fc.stringMatching(/^[!#-~]*$/) });
  fc.assert(
    fc.property(fc.array(tag), (tags) => {
      const header = tags.map(({ weak, value }) => `${weak ? 'W/' : ''}"${value}"`).join(', ');
      expect(parseTags(header, 'If-Match')).toEqual(tags);
    }),
  );
});

test('any text is either read or refused with INVALID_HEADER', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseTags(text, 'If-Match');
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_HEADER' });
      }
    }),
  );
});

describe('dates', () => {
  const second = Date.UTC(2026, 0, 2, 3, 4, 5);
  const version = second * 1000 + 123_456;
  test('Last-Modified is whole seconds, and only sent once that second is over', () => {
    expect(lastModified(version, second + 1000)).toBe('Fri, 02 Jan 2026 03:04:05 GMT');
    expect(lastModified(version, second + 999)).toBeUndefined();
  });
  const cases: readonly (readonly [string, boolean])[] = [
    ['Fri, 02 Jan 2026 03:04:05 GMT', true],
    ['Fri, 02 Jan 2026 03:04:06 GMT', true],
    ['Fri, 02 Jan 2026 03:04:04 GMT', false],
    ['Fri Jan  2 03:04:05 2026', true],
    ['soon', false],
    ['1', false],
    ['', false],
  ];
  for (const [header, expected] of cases) {
    test(`If-Modified-Since: ${header} → unmodified ${expected}`, () =>
      expect(isUnmodifiedSince(header, version)).toBe(expected));
  }
});

test('tags name the version and the representation', () => {
  expect(entityTag(5)).toBe('"5"');
  expect(entityTag(5, 'cbor')).toBe('"5-cbor"');
  expect(tagWithCoding('"5-cbor"', 'br')).toBe('"5-cbor-br"');
  expect(contentTag('a')).not.toBe(contentTag('b'));
  expect(contentTag('a')).toBe(contentTag(new TextEncoder().encode('a')));
});
