import { describe, expect, test } from 'bun:test';
import { evolve } from './evolve.ts';
import { parseSdl } from './parse-sdl.ts';
import type { TableDefinition } from './types.ts';

function table(text: string): TableDefinition {
  const [first] = parseSdl(`type T ${text}`, 'schema.graphql').tables;
  if (!first) throw new Error('no table');
  return first;
}

function changes(before: string, next: string, isPopulated = true): string[] {
  return evolve(table(before), table(next), isPopulated).map((change) =>
    'attribute' in change ? `${change.kind} ${change.attribute.name}` : change.kind,
  );
}

describe('evolve', () => {
  const cases: [before: string, next: string, expected: string[]][] = [
    ['@table { a: Int }', '@table { a: Int }', []],
    ['@table { a: Int }', '@table { a: Int b: String @indexed }', ['attributeAdded b']],
    ['@table { a: Int b: Int }', '@table { b: Int }', ['attributeRemoved a']],
    ['@table { a: Int b: Int }', '@table { b: Int a: Int }', []],
    ['@table { a: Int }', '@table { a: Float }', ['typeChanged a']],
    ['@table { a: Int }', '@table { a: Int! }', []],
    ['@table { a: Int }', '@table { a: Int @indexed }', ['indexChanged a']],
    ['@table { a: Int @indexed }', '@table { a: Int @unique }', ['indexChanged a']],
    ['@table { a: Int @computed }', '@table { a: Int @computed(version: 2) }', ['computedChanged a']],
    ['@table { a: Int @computed(from: "1") }', '@table { a: Int @computed(from: "2") }', ['computedChanged a']],
    ['@table { a: String }', '@table { a: String @fulltext }', ['fulltextChanged']],
    ['@table { a: Int }', '@table(expiration: 5) @export { a: Int }', ['settingsChanged']],
    ['@table { o: O } type O { a: Int }', '@table { o: O } type O { a: Long }', ['typeChanged o']],
    ['@table { id: ID }', '@table { id: String }', ['typeChanged id']],
    ['@table { id: Int }', '@table { id: Long }', ['typeChanged id']],
    ['@table { id: Int }', '@table { id: Any }', ['typeChanged id']],
  ];
  for (const [before, next, expected] of cases) {
    test(`${before} → ${next}`, () => expect(changes(before, next)).toEqual(expected));
  }

  test('a new table', () => expect(evolve(undefined, table('@table'), false)).toEqual([{ kind: 'tableAdded' }]));

  const keys: [before: string, next: string][] = [
    ['@table { id: ID }', '@table { id: Int }'],
    ['@table { id: Long }', '@table { id: Int }'],
    ['@table { id: Any }', '@table { id: ID }'],
    ['@table { id: ID }', '@table { id: Any }'],
    ['@table { id: ID sku: ID }', '@table { id: ID sku: ID @primaryKey }'],
  ];
  for (const [before, next] of keys) {
    test(`${before} → ${next} only while there are no records`, () => {
      expect(() => changes(before, next)).toThrow(
        'The table "T" of database "data" has records with the primary key "id"',
      );
      expect(changes(before, next, false)).toContain('primaryKeyChanged');
    });
  }

  test('says what the full text was over and is over', () => {
    expect(
      evolve(
        table('@table { a: String @fulltext b: String }'),
        table('@table { a: String b: String @fulltext }'),
        true,
      ),
    ).toEqual([{ kind: 'fulltextChanged', before: ['a'], after: ['b'] }]);
  });
});
