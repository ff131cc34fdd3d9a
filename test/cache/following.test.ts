// Sources that tell of changes: what happens when they fail, and what is invalidated.

import { afterEach, expect, test } from 'bun:test';
import { startTestNode, type TestNode } from '../../src/testing.ts';
import type { TableClass } from '../../src/zerohop.ts';
import { until } from '../support/until.ts';

let node: TestNode | undefined;
afterEach(async () => {
  await node?.stop();
  node = undefined;
});

const productOf = (of: Pick<TestNode, 'tables'>): TableClass => {
  const { Product } = of.tables as unknown as Record<string, TableClass>;
  if (!Product) throw new Error('no table Product');
  return Product;
};

/** A stream that is fed from outside, and can fail. */
class Feed {
  #queue: (() => unknown)[] = [];
  #wake = () => {};

  send(event: unknown): void {
    this.#queue.push(() => event);
    this.#wake();
  }

  fail(why: string): void {
    this.#queue.push(() => {
      throw new Error(why);
    });
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    for (;;) {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) yield next();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

test('a subscription that fails is made again, and goes on', async () => {
  const feeds: Feed[] = [];
  let refusals = 0;
  node = await startTestNode({
    schema: 'type Product @table @export { id: ID @primaryKey  name: String }',
    resources: (bound) => {
      productOf(bound).sourcedFrom({
        subscribe() {
          // The second time it can't even be made.
          if (feeds.length === 1 && refusals === 0) {
            refusals++;
            throw new Error('not now');
          }
          const feed = new Feed();
          feeds.push(feed);
          return feed;
        },
      });
      return {};
    },
  });
  const { fetch } = node;
  const nameOf = async (id: string) => ((await (await fetch(`/Product/${id}`)).json()) as { name?: string }).name;
  feeds[0]?.send({ type: 'put', id: '1', value: { name: 'before' } });
  await until('the first is here', async () => (await nameOf('1')) === 'before');
  feeds[0]?.fail('the line broke');
  await until('it is subscribed again', () => feeds.length === 2);
  expect(refusals).toBe(1);
  feeds[1]?.send({ type: 'put', id: '2', value: { name: 'after' } });
  await until('the second is here', async () => (await nameOf('2')) === 'after');
  expect(await nameOf('1')).toBe('before');
});

test('an event that can’t be applied is like a failure: what comes after it is heard again', async () => {
  const feeds: Feed[] = [];
  node = await startTestNode({
    schema: 'type Product @table @export { id: ID @primaryKey  name: String }',
    resources: (bound) => {
      productOf(bound).sourcedFrom({
        subscribe() {
          const feed = new Feed();
          feeds.push(feed);
          return feed;
        },
      });
      return {};
    },
  });
  const { fetch } = node;
  feeds[0]?.send({ type: 'rename', id: '1' });
  await until('it is subscribed again', () => feeds.length === 2);
  feeds[1]?.send({ type: 'message', id: '1', value: 'hello' });
  feeds[1]?.send({ type: 'put', value: { id: '1', name: 'told' } });
  await until('the record is here', async () => (await fetch('/Product/1')).status === 200);
});

test('`invalidate`: what is named is asked for again at its next read, and no sooner', async () => {
  const feed = new Feed();
  const asked: string[] = [];
  node = await startTestNode({
    schema: 'type Product @table @export { id: ID @primaryKey  name: String }',
    resources: (bound) => {
      productOf(bound).sourcedFrom({
        async get(id: string) {
          asked.push(id);
          return { id, name: `call ${asked.length}` };
        },
        subscribe: () => feed,
      });
      return {};
    },
  });
  const { fetch } = node;
  const nameOf = async (id: string) => ((await (await fetch(`/Product/${id}`)).json()) as { name?: string }).name;
  expect([await nameOf('1'), await nameOf('2'), await nameOf('1')]).toEqual(['call 1', 'call 2', 'call 1']);
  feed.send({ type: 'transaction', writes: [{ type: 'invalidate', id: '1' }] });
  // Comes after it: when this is here, that has happened.
  feed.send({ type: 'put', id: '3', value: { name: 'pushed' } });
  await until('the events are applied', async () => {
    const only = { headers: { 'cache-control': 'only-if-cached' } };
    return (await fetch('/Product/3', only)).status === 200;
  });
  expect(asked).toEqual(['1', '2']);
  expect([await nameOf('1'), await nameOf('2'), await nameOf('3')]).toEqual(['call 3', 'call 2', 'pushed']);
});

test.each([
  ['delete', { type: 'delete' }, undefined],
  ['patch', { type: 'patch', value: { price: 5 } }, 5],
  ['invalidate', { type: 'invalidate' }, 5],
] as const)('a %s of what is being fetched: what comes of that fetch is not kept', async (_type, event, price) => {
  const feed = new Feed();
  const gate = Promise.withResolvers<void>();
  let subscribed = 0;
  let calls = 0;
  node = await startTestNode({
    schema: 'type Product @table @export { id: ID @primaryKey  price: Int }',
    resources: (bound) => {
      productOf(bound).sourcedFrom({
        async get(id: string) {
          if (++calls > 1) return price === undefined ? undefined : { id, price };
          await gate.promise;
          return { id, price: 1 };
        },
        subscribe() {
          subscribed++;
          return feed;
        },
      });
      return {};
    },
  });
  const { fetch } = node;
  const early = fetch('/Product/1');
  await until('the source is asked', () => calls === 1);
  feed.send({ ...event, id: '1' });
  feed.send({ type: 'put', id: '2', value: { price: 2 } });
  const only = { headers: { 'cache-control': 'only-if-cached' } };
  await until('the events are applied', async () => (await fetch('/Product/2', only)).status === 200);
  gate.resolve();
  await early;
  const late = await fetch('/Product/1');
  expect([late.status, ((await late.json()) as { price?: number }).price]).toEqual([price ? 200 : 404, price]);
  expect(subscribed).toBe(1);
});

test('a patch changes what is here, and what came in the same transaction', async () => {
  const feed = new Feed();
  node = await startTestNode({
    schema: 'type Product @table @export { id: ID @primaryKey  name: String  price: Int }',
    resources: (bound) => {
      productOf(bound).sourcedFrom({ get: async (id: string) => ({ id, name: 'fetched' }), subscribe: () => feed });
      return {};
    },
  });
  const { fetch } = node;
  await fetch('/Product/1');
  feed.send({
    type: 'transaction',
    writes: [
      { type: 'patch', id: '1', value: { price: 1 } },
      { type: 'put', id: '2', value: { name: 'pushed' } },
      { type: 'patch', id: '2', value: { price: 2 } },
      { type: 'patch', id: '3', value: { price: 3 } },
    ],
  });
  const only = { headers: { 'cache-control': 'only-if-cached' } };
  const seen = async (id: string) => {
    const { name, price } = (await (await fetch(`/Product/${id}`, only)).json()) as { name?: string; price?: number };
    return [name, price];
  };
  await until('it is applied', async () => (await seen('2'))[1] === 2);
  expect([await seen('1'), await seen('2')]).toEqual([
    ['fetched', 1],
    ['pushed', 2],
  ]);
  expect((await fetch('/Product/3', only)).status).toBe(504);
});
