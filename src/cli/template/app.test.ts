import { afterAll, beforeAll, expect, test } from 'bun:test';
import { startTestNode } from 'zerohop/testing';

// A node of its own, in memory: nothing is left behind.
let node: Awaited<ReturnType<typeof startTestNode>>;
beforeAll(async () => {
  node = await startTestNode({ app: import.meta.dirname });
});
afterAll(() => node.stop());

test('a note is stored and served', async () => {
  const put = await node.fetch('/Note/1', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'Water the plants' }),
  });
  expect(put.ok).toBe(true);
  const note = await (await node.fetch('/Note/1')).json();
  expect(note).toMatchObject({ id: '1', title: 'Water the plants' });
});

test('the summary counts what is done', async () => {
  await node.tables.Note.put({ id: '1', title: 'Water the plants', done: false });
  await node.tables.Note.put({ id: '2', title: 'Read', done: true });
  const summary = await (await node.fetch('/Summary/')).json();
  expect(summary).toEqual({ total: 2, done: 1 });
});
