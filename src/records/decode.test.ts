// What stays as it is: values from before a schema change that their attribute's type can't hold.

import { expect, test } from 'bun:test';
import { parseSdl, type TableDefinition } from '../schema/index.ts';
import { compileDecoder } from './decode.ts';

const [table] = parseSdl('type T @table { id: ID  a: BigInt  b: Date  c: [BigInt]  d: Bytes }', 's').tables as [
  TableDefinition,
];

test.each([
  ['{"a":2.5,"b":"soon","c":[1.5,2],"d":7}', { a: 2.5, b: 'soon', c: [1.5, 2n], d: 7 }],
  ['{"a":"7","b":12,"c":"x"}', { a: '7', b: 12, c: 'x' }],
  ['{"a":7,"b":"2024-01-01T00:00:00.000Z"}', { a: 7n, b: new Date('2024-01-01') }],
])('%s', (body, record) => {
  expect(compileDecoder(table)(body)).toEqual(record);
});
