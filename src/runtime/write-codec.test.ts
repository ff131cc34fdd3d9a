// Batches arrive as they were sent, whichever form they take.

import { expect, test } from 'bun:test';
import type { CommitOutcome, StoreTransaction } from '../store/index.ts';
import { packAnswers, packBatch, unpackAnswers, unpackBatch } from './write-codec.ts';

const put = { op: 'put', table: 'Item', id: 'a', body: '{"id":"a"}', expires: null } as const;
const inItem = (...changes: StoreTransaction['changes']): StoreTransaction => ({ database: 'data', changes });

test.each<[string, StoreTransaction]>([
  ['text', inItem(put)],
  ['text', inItem({ ...put, body: '{"id":"\\ud800 \u2028 \\"ü"}', expires: 5, if: { versions: [1, 2 ** 53 - 1] } })],
  ['text', inItem({ ...put, id: null }, { op: 'delete', table: 'Item', id: 7, if: { exists: true } })],
  ['text', { ...inItem(put), confirm: { count: 2, among: ['b'] } }],
  ['bytes', inItem({ ...put, computed: { total: 1.5 } })],
  ['bytes', inItem({ op: 'patch', table: 'Item', id: 'a', patch: { set: { n: 'x' }, add: { m: 1.5 } } })],
  ['text', { ...inItem(put), reads: [['Item', 'b', null]] }],
])('a transaction as %s: %p', (form, transaction) => {
  const packed = packBatch([[3, transaction]]);
  expect(typeof packed === 'string' ? 'text' : 'bytes').toBe(form);
  expect(unpackBatch(packed)).toEqual([[3, transaction]]);
});

test.each<[string, CommitOutcome]>([
  ['text', { ok: true, version: 5, written: [{ id: 'a', version: 5, existed: false }] }],
  ['text', { ok: true, version: 5, written: [{ id: 9, version: 5, existed: true }] }],
  ['bytes', { ok: false, error: { code: 'CONFLICT', message: 'No.', fields: { id: 'a' } } }],
])('an outcome as %s: %p', (form, outcome) => {
  const packed = packAnswers([[3, outcome]]);
  expect(typeof packed === 'string' ? 'text' : 'bytes').toBe(form);
  expect(unpackAnswers(packed)).toEqual([[3, outcome]]);
});
