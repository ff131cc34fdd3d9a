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
