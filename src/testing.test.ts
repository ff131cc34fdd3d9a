import { describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from './base/index.ts';
import type { AppTables, TableClass } from './resources/index.ts';
import { startTestNode, type TestNode } from './testing.ts';
import {
  tables as declared,
  getContext,
  getResponse,
  getUser,
  type RequestTarget,
  Resource,
  transaction,
} from './zerohop.ts';

const silent: Logger = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  fatal: () => {},
  isEnabled: () => false,
  child: () => silent,
};

/** Without the declarations an app has. */
const tables = declared as unknown as AppTables;
const tablesOf = (node: Pick<TestNode, 'tables'>) => node.tables as unknown as AppTables;

function productOf(node: Pick<TestNode, 'tables'>): TableClass {
  const { Product } = tablesOf(node);
  if (!Product) throw new Error('The schema has no Product.');
  return Product;
}

const schema = `
type Product @table @export { id: ID @primaryKey  name: String  price: Int @indexed }
type Stock @table { id: ID @primaryKey  quantity: Int }
`;

const json = (method: string, body: unknown): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

test('serves tables over HTTP and in code', async () => {
  await using node = await startTestNode({ schema });
  expect((await node.fetch('/Product/p-1', json('PUT', { name: 'Boot' }))).status).toBe(204);
  expect(await tablesOf(node).Product?.get('p-1')).toMatchObject({ name: 'Boot' });
  await tablesOf(node).Product?.put({ id: 'p-2', name: 'Hat', price: 5 });
  expect(await (await node.fetch('/Product/?price=5&select(id)')).json()).toEqual(['p-2']);
  const created = await node.fetch('/Product/', json('POST', { name: 'New' }));
  expect(created.status).toBe(201);
  expect(await (await node.fetch(created.headers.get('location') ?? '')).json()).toMatchObject({ name: 'New' });
  expect((await node.fetch('/Product/none')).status).toBe(404);
});

test('nodes do not mix, and stopping one leaves nothing', async () => {
  const folders = () => readdirSync('/dev/shm').filter((name) => name.startsWith('zerohop-')).length;
  const before = folders();
  const first = await startTestNode({ schema });
  const second = await startTestNode({ schema });
  await tablesOf(first).Product?.put({ id: 'p', name: 'first' });
  expect((await second.fetch('/Product/p')).status).toBe(404);
  await first.stop();
  await second.stop();
  expect(folders()).toBe(before);
});

test('a node that can not load its app says what is wrong', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-bad-'));
  await Bun.write(join(folder, 'resources.ts'), "throw new Error('not today');");
  await expect(startTestNode({ app: folder, log: silent })).rejects.toThrow(/resources\.ts:1:\d+: not today/);
  rmSync(folder, { recursive: true });
});

const publicReads = { public: { data: { Product: { read: true } } } };

describe('who may do what', () => {
  test('the public reads exported tables, calls app code, and writes nothing directly', async () => {
    class Register extends Resource {
      static override async post(_target: RequestTarget, data: unknown) {
        const { name } = (await data) as { name: string };
        return tables.Product?.create({ name, price: getUser() === null ? 0 : 1 });
      }
    }
    await using node = await startTestNode({ schema, user: null, roles: publicReads, resources: { Register } });
    await tablesOf(node).Product?.put({ id: 'p-1', name: 'Boot' });
    const cases: readonly (readonly [string, RequestInit, number])[] = [
      ['/Product/p-1', {}, 200],
      ['/Product/?name=Boot', {}, 200],
      ['/Product/p-1', json('PUT', { name: 'x' }), 401],
      ['/Product/p-1', json('PATCH', { name: 'x' }), 401],
      ['/Product/', json('POST', { name: 'x' }), 401],
      ['/Product/p-1', { method: 'DELETE' }, 401],
      ['/Stock/', {}, 404],
      ['/Register/', json('POST', { name: 'Made' }), 200],
      ['/Register/', {}, 405],
    ];
    for (const [path, init, status] of cases)
      expect([path, (await node.fetch(path, init)).status]).toEqual([path, status]);
    expect(await tablesOf(node).Product?.get('p-1')).toMatchObject({ name: 'Boot' });
  });

  test('a class that extends a table decides on the verbs it writes, but not on what it leaves to the table', async () => {
    await using node = await startTestNode({
      schema,
      user: null,
      roles: publicReads,
      resources: (own) => {
        const Product = productOf(own);
        return {
          Open: class extends Product {
            static override async put(target: RequestTarget, data: unknown) {
              target.checkPermission = false;
              return super.put(target, { ...((await data) as object), price: 7 });
            }
          },
          Half: class extends Product {
            static override async put(target: RequestTarget, data: unknown) {
              return super.put(target, (await data) as Record<string, unknown>);
            }
          },
          Shut: class extends Product {
            allowRead() {
              return false;
            }
          },
        };
      },
    });
    expect((await node.fetch('/Open/p-1', json('PUT', { name: 'a' }))).status).toBe(204);
    expect(await productOf(node).get('p-1')).toMatchObject({ name: 'a', price: 7 });
    expect((await node.fetch('/Half/p-1', json('PUT', { name: 'a' }))).status).toBe(401);
    expect((await node.fetch('/Open/p-1', { method: 'DELETE' })).status).toBe(401);
    expect((await node.fetch('/Open/p-1')).status).toBe(200);
    expect((await node.fetch('/Shut/p-1')).status).toBe(401);
  });
});

describe('a handler', () => {
  test('commits when it returns and rolls back when it throws, across tables', async () => {
    class Order extends Resource {
      static override async post(_target: RequestTarget, data: unknown) {
        const { fail } = (await data) as { fail: boolean };
        await tables.Product?.put({ id: 'ordered', name: 'x' });
        await tables.Stock?.put({ id: 'ordered', quantity: 1 });
        if (fail) throw Object.assign(new Error('Sold out.'), { statusCode: 409 });
        return { done: true };
      }
    }
    await using node = await startTestNode({ schema, resources: { Order } });
    const refused = await node.fetch('/Order/', json('POST', { fail: true }));
    expect([refused.status, await refused.json()]).toEqual([409, expect.objectContaining({ detail: 'Sold out.' })]);
    expect(await tablesOf(node).Product?.get('ordered')).toBeUndefined();
    expect(await tablesOf(node).Stock?.get('ordered')).toBeUndefined();
    expect((await node.fetch('/Order/', json('POST', { fail: false }))).status).toBe(200);
    expect(await tablesOf(node).Stock?.get('ordered')).toMatchObject({ quantity: 1 });
  });

  test('that does not await its write is told', async () => {
    const gate = Promise.withResolvers<void>();
    let stray: Promise<unknown> | undefined;
    class Hasty extends Resource {
      static override get() {
        stray = gate.promise.then(() => tables.Product?.put({ id: 'stray' }));
        return 'done';
      }
    }
    await using node = await startTestNode({ schema, resources: { Hasty } });
    await (await node.fetch('/Hasty/')).text();
    gate.resolve();
    await expect(stray).rejects.toThrow(/Product\.put\(.*\) was called after GET \/Hasty\/ had ended/);
    expect(await tablesOf(node).Product?.get('stray')).toBeUndefined();
  });

  test('may work on after its answer in a transaction of its own', async () => {
    const gate = Promise.withResolvers<void>();
    let later: Promise<unknown> | undefined;
    class Patient extends Resource {
      static override get() {
        later = gate.promise.then(() => transaction(async () => tables.Product?.put({ id: 'later' })));
        return 'done';
      }
    }
    await using node = await startTestNode({ schema, resources: { Patient } });
    await (await node.fetch('/Patient/')).text();
    gate.resolve();
    await later;
    expect(await tablesOf(node).Product?.get('later')).toMatchObject({ id: 'later' });
  });

  test('sees the request, and sets status and headers of the response', async () => {
    class Echo extends Resource {
      static override get() {
        const { method, pathname, headers, host } = getContext();
        const response = getResponse();
        response.status = 202;
        response.headers.set('x-mine', 'yes');
        return { method, pathname, host, agent: headers?.get('user-agent') };
      }
    }
    await using node = await startTestNode({ resources: { Echo } });
    const answer = await node.fetch('/Echo/?a=1', { headers: { 'user-agent': 'me', host: 'shop.example' } });
    expect([answer.status, answer.headers.get('x-mine')]).toEqual([202, 'yes']);
    expect(await answer.json()).toMatchObject({ method: 'GET', pathname: '/Echo/', agent: 'me' });
  });

  test('streams what it yields, with its context', async () => {
    class Lines extends Resource {
      static override async *get() {
        for (let n = 1; n <= 3; n++) {
          await tables.Product?.get('p');
          yield { n, path: getContext().pathname };
        }
      }
    }
    await using node = await startTestNode({ schema, resources: { Lines } });
    expect(await (await node.fetch('/Lines/')).json()).toEqual([1, 2, 3].map((n) => ({ n, path: '/Lines/' })));
  });
});

test('If-Match holds when an override calls super', async () => {
  await using node = await startTestNode({
    schema,
    resources: (own) => ({
      Careful: class extends productOf(own) {
        static override async put(target: RequestTarget, data: unknown) {
          return super.put(target, (await data) as Record<string, unknown>);
        }
      },
    }),
  });
  await productOf(node).put({ id: 'p', name: 'one' });
  const etag = (await node.fetch('/Careful/p')).headers.get('etag') ?? '';
  const put = (name: string) => {
    const request = json('PUT', { name });
    return node.fetch('/Careful/p', { ...request, headers: { 'content-type': 'application/json', 'if-match': etag } });
  };
  expect([(await put('two')).status, (await put('three')).status]).toEqual([204, 412]);
  expect(await productOf(node).get('p')).toMatchObject({ name: 'two' });
});
