import { describe, expect, test } from 'bun:test';
import { compileResidency, isOfRecord, longestResidency, residencyText } from './residency.ts';

describe('where a record is to be', () => {
  const outside = new Map([['a', 1]]);
  test.each<[name: string, place: (id: string) => unknown, id: string, expected: unknown]>([
    ['the number of a shard', (id) => (id.startsWith('eu-') ? 1 : 2), 'eu-1', 1],
    ['another', (id) => (id.startsWith('eu-') ? 1 : 2), 'us-1', 2],
    ['names of nodes', (id) => [id.slice(0, 1), 'b'], 'ax', ['a', 'b']],
    ['any nodes', () => undefined, 'a', undefined],
    ['any nodes, said otherwise', () => null, 'a', undefined],
    [
      'a function with a body',
      (id) => {
        const [head = ''] = id.split(':');
        return head.length;
      },
      'abc:d',
      3,
    ],
    ['the same mathematics everywhere', (id) => Math.max(1, id.length), 'ab', 2],
  ])('%s', (_, place, id, expected) => {
    expect<unknown>(compileResidency(residencyText(place, 'Item'), 'Item')(id)).toEqual(expected);
  });

  test.each<[name: string, given: unknown, message: string]>([
    ['no function', 1, 'needs a function'],
    ['a longer one', new Function('id', `return 1 // ${'x'.repeat(longestResidency)}`), 'characters'],
    [
      'one that is a method',
      {
        place() {
          return 1;
        },
      }.place,
      'no function by itself',
    ],
    ['what is outside', (id: string) => outside.get(id), 'outside'],
  ])('refused is %s', (_, given, message) => {
    expect(() => residencyText(given, 'Item')).toThrow(message);
  });

  test.each<[name: string, text: string, message: string]>([
    ['chance', '() => Math.random()', 'fails for the id "a"'],
    ['the time', '() => Date.now()', 'fails for the id "a"'],
    ['the process', '() => process.pid', 'fails for the id "a"'],
    ['a text', '() => "eu"', '"eu"'],
    ['a fraction', '() => 1.5', '1.5'],
    ['nobody', '() => []', '[]'],
    ['a promise', 'async () => 1', 'a promise'],
  ])('%s is no place', (_, text, message) => {
    expect(() => compileResidency(text, 'Item')('a')).toThrow(message);
  });
});

describe('where a record is to be, by what is in it', () => {
  const outside = new Map([['a', 1]]);
  const at = (place: unknown) => compileResidency(residencyText(place, 'Item', 'record'), 'Item');

  test.each<[record: object, expected: unknown]>([
    [{ id: 'a', region: 'eu' }, 1],
    [{ id: 'a', region: 'us' }, 2],
    [{ id: 'a', nodes: ['a', 'b'] }, ['a', 'b']],
    [{ id: 'a' }, undefined],
  ])('%j', (record, expected) => {
    const place = ({ region, nodes }: { region?: string; nodes?: string[] }) =>
      nodes ?? (region === undefined ? null : region === 'eu' ? 1 : 2);
    expect<unknown>(at(place)(record)).toEqual(expected);
  });

  test('a function of the id is another, whatever its text', () => {
    const place = (about: unknown) => about;
    expect(residencyText(place, 'Item', 'record')).not.toBe(residencyText(place, 'Item'));
    expect([isOfRecord(residencyText(place, 'Item', 'record')), isOfRecord(residencyText(place, 'Item'))]).toEqual([
      true,
      false,
    ]);
  });

  test('what is wrong is told by the name that was called, with the record', () => {
    expect(() => residencyText(({ id }: { id: string }) => outside.get(id), 'Item', 'record')).toThrow('outside');
    expect(() => at((record: { a: { b: number } }) => record.a.b)({ id: 'x', text: 'y'.repeat(1_000) })).toThrow(
      /^setResidency of Item was given a function that fails for the record \{"id":"x","text":"y{100,200}…: /,
    );
    expect(() => at(() => 'eu')({ id: 'x' })).toThrow('answers with "eu" for the record {"id":"x"}');
  });
});
