import { describe, expect, test } from 'bun:test';
import { limits, ZerohopError } from '../base/index.ts';
import { parseSdl, type TableDefinition } from '../schema/index.ts';
import { encodeId, parseIdText } from './id.ts';

function table(keyType: string): TableDefinition {
  const [first] = parseSdl(`type T @table { key: ${keyType} @primaryKey }`, 'schema.graphql').tables;
  if (!first) throw new Error('no table');
  return first;
}

function result(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error instanceof ZerohopError && error.code === 'INVALID_ID') return error.message;
    throw error;
  }
}

describe('ids from callers', () => {
  const cases: [type: string, value: unknown, expected: unknown][] = [
    ['ID', 'a', 'a'],
    ['ID', 'a/b', 'a/b'],
    ['ID', ['a/b', 3, 4n], 'a%2Fb/3/4'],
    ['String', 'x'.repeat(limits.idBytes), 'x'.repeat(limits.idBytes)],
    ['String', 'é'.repeat(limits.idBytes / 2 + 1), expect.stringContaining('has 1980 bytes; at most 1978')],
    ['ID', '', expect.stringContaining('is empty')],
    ['ID', [], expect.stringContaining('is an empty list')],
    ['ID', [{}], expect.stringContaining('parts are text or integers')],
    ['ID', 'a\u0000', expect.stringContaining('control character')],
    ['ID', '\uD800', expect.stringContaining('not well-formed')],
    ['ID', 5, 'The id of a T (key) 5 is not possible; it takes text.'],
    ['ID', undefined, expect.stringContaining('it takes text')],
    ['Int', 5, 5],
    ['Int', -0, 0],
    ['Int', 5n, 5],
    ['Int', 2 ** 31, expect.stringContaining('an integer of 32 bits')],
    ['Int', '5', expect.stringContaining('the text "5" is not possible')],
    ['Long', 2 ** 53, expect.stringContaining('within ±(2^53 - 1)')],
    ['Long', 1.5, expect.stringContaining('within ±(2^53 - 1)')],
    ['Any', 'a', 'a'],
    ['Any', 7, 7],
    ['Any', ['a', 1], 'a/1'],
    ['Any', null, expect.stringContaining('null is not possible')],
  ];
  for (const [type, value, expected] of cases) {
    test(`${type} ← ${Bun.inspect(value).slice(0, 40)}`, () => {
      expect(result(() => encodeId(table(type), value))).toEqual(expected);
    });
  }
});

describe('ids from URL text', () => {
  const cases: [type: string, text: string, expected: unknown][] = [
    ['ID', '42', '42'],
    ['ID', 'a%2Fb/c', 'a%2Fb/c'],
    ['Int', '42', 42],
    ['Int', '-1', -1],
    ['Int', '007', expect.stringContaining('32 bits')],
    ['Int', 'x', expect.stringContaining('32 bits')],
    ['Int', '-0', expect.stringContaining('32 bits')],
    ['Long', '9007199254740993', expect.stringContaining('2^53')],
    ['Any', '42', 42],
    ['Any', '042', '042'],
    ['Any', '9007199254740993', '9007199254740993'],
    ['Any', 'x', 'x'],
  ];
  for (const [type, text, expected] of cases) {
    test(`${type} ← ${text}`, () => expect(result(() => parseIdText(table(type), text))).toEqual(expected));
  }
});
