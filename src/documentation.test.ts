// The examples of docs/reference/resources.md are apps that load and do what the page says.

import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { AppTables } from './resources/index.ts';
import { startTestNode, type TestNode } from './testing.ts';

/** Section → its files. */
async function examples(): Promise<Map<string, Record<string, string>>> {
  const text = await Bun.file(resolve(import.meta.dirname, '../docs/reference/resources.md')).text();
  const found = new Map<string, Record<string, string>>();
  for (const section of text.split(/^#{1,2} /m).slice(1)) {
    const files = [...section.matchAll(/^```\w+ file=(\S+)\n(.*?)^```$/gms)].map(([, name = '', body = '']) => [
      name,
      body,
    ]);
    if (files.length > 0) found.set(section.slice(0, section.indexOf('\n')), Object.fromEntries(files));
  }
  return found;
}

const post = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

const promises: Readonly<Record<string, (node: TestNode) => Promise<void>>> = {
  async 'Resources: endpoints in code'(node) {
    expect(await (await node.fetch('/Hello/')).json()).toEqual({ hello: 'world' });
    expect(await (await node.fetch('/Hello/ann')).json()).toEqual({ hello: 'ann' });
  },
  async Tables(node) {
    const { Product, Order } = node.tables as unknown as AppTables;
    await Product?.put({ id: 'p-1', price: 5, stock: 3 });
    const order = (quantity: number) => node.fetch('/Orders/', post({ product: 'p-1', quantity }));
    expect([(await order(2)).status, (await order(2)).status]).toEqual([200, 409]);
    expect(await Product?.get('p-1')).toMatchObject({ stock: 1 });
    expect(await Order?.getRecordCount()).toEqual({ recordCount: 1 });
    expect(await (await node.fetch('/Cheap/10')).json()).toEqual([{ id: 'p-1', price: 5 }]);
  },
  async 'Extending a table'(node) {
    const created = await node.fetch('/Note/', post({ text: 'abc' }));
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe(`/Note/${await created.json()}`);
    const note = await (await node.fetch(created.headers.get('location') ?? '')).json();
    expect(note).toMatchObject({ text: 'abc', author: 'administrator', length: 3 });
    expect(await (await node.fetch('/Note/')).json()).toHaveLength(1);
    expect((await node.fetch('/Note/', post({ text: '' }))).status).toBe(400);
  },
  async 'Keeping answers'(node) {
    const { Product } = node.tables as unknown as AppTables;
    const answer = async () => (await node.fetch('/Cheapest/')).text();
    await Product?.put({ id: 'p-1', price: 5 });
    const first = await answer();
    expect(await answer()).toBe(first);
    await Product?.patch('p-1', { price: 6 });
    expect(JSON.parse(await answer())).toMatchObject({ products: [{ id: 'p-1', price: 6 }] });
  },
  async 'The request and its transaction'(node) {
    const response = await node.fetch('/Who/', { headers: { 'user-agent': 'me' } });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({ method: 'GET', agent: 'me', user: 'administrator' });
  },
  async Middleware(node) {
    expect((await node.fetch('/openapi')).headers.get('x-served-by')).toBe('notes');
  },
};

test('every example has its promises', async () => {
  expect([...(await examples()).keys()]).toEqual(Object.keys(promises));
});

for (const [section, hold] of Object.entries(promises)) {
  test(section, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zerohop-docs-'));
    try {
      const files = (await examples()).get(section) ?? {};
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      await using node = await startTestNode({ app: folder });
      await hold(node);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
