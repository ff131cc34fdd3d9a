// What requests to the operations door are made of, where they are nearly right.

import fc from 'fast-check';

/** Fields that operations know. */
export const operationFields: readonly string[] = [
  'database',
  'schema',
  'table',
  'records',
  'ids',
  'hash_values',
  'get_attributes',
  'attribute',
  'value',
  'conditions',
  'operator_',
  'sort',
  'limit',
  'offset',
  'primary_key',
  'attributes',
  'search_type',
  'search_values',
  'username',
  'password',
  'role',
  'permission',
  'token',
  'impersonate',
];

/** Names in conditions and records, and one that no object should take. */
const names = [
  'attribute',
  'comparator',
  'value',
  'conditions',
  'operator',
  'select',
  'id',
  'name',
  'type',
  '__proto__',
] as const;

/** @param word what stands where text does, and for more names */
export function anyValue(word: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      word,
      fc.jsonValue({ maxDepth: 2 }),
      fc.double(),
      fc.integer(),
      fc.constant(null),
      fc.boolean(),
      tie('list'),
      tie('object'),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    object: fc.dictionary(fc.oneof(fc.constantFrom(...names), word), tie('value'), { maxKeys: 4 }),
  })).value;
}
