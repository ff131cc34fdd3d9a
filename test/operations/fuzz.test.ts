// Whatever is sent to the operations door, nobody gets a 500, and the node goes on.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyValue, operationFields } from '../fuzz/vocabulary.ts';
import { operate } from '../security/callers.ts';
import { startNode, type TestNode } from '../support/start-node.ts';

let node: TestNode;
let names: string[];

/** They end the node, or others' right to it, or write where they are told. */
const leftOut = /^(cluster_|add_node|remove_node|create_backup|pages_|set_configuration|restart)/;

beforeAll(async () => {
  node = await startNode({ app: 'operations', threads: 1, settings: { AUTHORIZE_LOCAL: 'true' } });
  const all = (await operate(node, { operation: 'list_operations' })) as { name: string }[];
  names = all.map(({ name }) => name).filter((name) => !leftOut.test(name));
  await operate(node, { operation: 'insert', table: 'Dog', records: [{ id: '1', name: 'Harper', age: 5 }] });
}, 20_000);
afterAll(() => node[Symbol.asyncDispose]());

const word = fc.oneof(
  fc.constantFrom(
    'Dog',
    'Picture',
    'data',
    'system',
    'id',
    'name',
    'age',
    'bytes',
    '1',
    '*',
    'equals',
    'in',
    'between',
    'and',
    'Int',
  ),
  fc.string({ maxLength: 20 }),
);
const value = anyValue(word);
const fields = [...operationFields, 'expiration', 'from'];
const body = fc.tuple(
  fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 6 }),
  fc.option(fc.constantFrom('Dog', 'Picture'), { nil: undefined }),
);

async function send(text: string): Promise<{ status: number; text: string }> {
  const response = await fetch(node.operationsUrl, { method: 'POST', body: text });
  return { status: response.status, text: await response.text() };
}

test('any operation with any fields', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), body, async (pick, [given, table]) => {
      const sent = JSON.stringify({ ...given, ...(table && { table }), operation: names[pick % names.length] });
      const answer = await send(sent);
      expect([sent, answer.text, answer.status >= 500 && answer.status !== 503]).toEqual([sent, answer.text, false]);
    }),
    { numRuns: 2000 },
  );
  expect((await send('{"operation":"describe_all"}')).status).toBe(200);
}, 60_000);

test('anything that is not an operation', async () => {
  for (const text of [
    '',
    '[]',
    'null',
    '"x"',
    '{',
    '{"operation":',
    '{"operation":{}}',
    '[['.repeat(50_000),
    `{"operation":"insert","table":"Dog","records":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
  ])
    expect([text.slice(0, 40), Math.floor((await send(text)).status / 100)]).toEqual([text.slice(0, 40), 4]);
});
