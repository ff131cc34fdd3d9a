// Random steps of histories: see history.property.test.ts.

import fc from 'fast-check';
import type { JsonObject } from '../../base/index.ts';
import type { TableName } from './history-model.ts';

export interface Search {
  readonly text: string;
  readonly matches: (body: JsonObject) => boolean;
}

const words = ['red', 'blue', 'shoe'];
const tags = ['x', 'y', 'z'];

const table = fc.constantFrom<TableName>('Item', 'Item', 'Session');
const id: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'c', 'd');
const slot = fc.nat(3);
const values = fc.record(
  {
    n: fc.nat(3),
    name: fc.uniqueArray(fc.constantFrom(...words), { minLength: 1, maxLength: 2 }).map((some) => some.join(' ')),
    tags: fc.uniqueArray(fc.constantFrom(...tags), { maxLength: 2 }),
    code: fc.constantFrom('k1', 'k2', 'k3'),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const search: fc.Arbitrary<Search> = fc.oneof(
  fc
    .nat(3)
    .map((n) => ({ text: `n=ge=${n}&`, matches: (body: JsonObject) => typeof body.n === 'number' && body.n >= n })),
  fc.constantFrom(...words).map((word) => ({
    text: `name=ft=${word}&`,
    matches: ({ name }: JsonObject) => typeof name === 'string' && name.split(' ').includes(word),
  })),
  fc.constantFrom(...tags).map((tag) => ({
    text: `tags=${tag}&`,
    matches: (body: JsonObject) => Array.isArray(body.tags) && body.tags.includes(tag),
  })),
  fc.constantFrom('k1', 'k2').map((code) => ({
    text: `code=${code}&`,
    matches: (body: JsonObject) => body.code === code,
  })),
  fc.constant({ text: '', matches: () => true }),
);
const condition = fc.constantFrom('none', 'none', 'none', 'none', 'exists', 'new', 'read');

function steps<Do extends string, Rest extends object>(
  weight: number,
  kind: Do,
  rest: { [Name in keyof Rest]: fc.Arbitrary<Rest[Name]> },
) {
  return { weight, arbitrary: fc.record(rest).map((one) => ({ do: kind, ...one })) };
}

/** Four transactions are open at any time, in `slot`s, two on each thread. */
export const step = fc.oneof(
  steps(4, 'get', { slot, table, id }),
  steps(4, 'search', { slot, table, search }),
  steps(3, 'latest', { slot, table, id }),
  steps(6, 'put', {
    slot,
    table,
    id,
    values,
    condition,
    expiresInMs: fc.option(fc.constantFrom(1, 3_000), { freq: 2 }),
  }),
  steps(3, 'patch', { slot, table, id, values, condition }),
  steps(2, 'add', { slot, id, by: fc.integer({ min: -2, max: 2 }) }),
  steps(2, 'delete', { slot, table, id, condition }),
  // All in one group; meanwhile the transaction in `slot` searches.
  steps(5, 'commit', { slots: fc.uniqueArray(slot, { minLength: 1 }), slot, search }),
  steps(1, 'abort', { slot }),
  steps(1, 'reset', { slot }),
  steps(2, 'wait', { ms: fc.constantFrom(0, 1, 3_000, 9_999, 10_000) }),
);

export type Step = typeof step extends fc.Arbitrary<infer Of> ? Of : never;
