import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { administrator, roleOf, type User } from '../security/index.ts';
import { appDatabases } from './app-tables.ts';
import { type Answer, dispatch, targetOf } from './dispatch.ts';
import { openTestNode, type TestNodeParts } from './open-test-node.ts';
import { RequestContext } from './request-context.ts';
import { allowedVerbs, Resource } from './resource.ts';
import { getContext } from './scope.ts';
import type { TableClass } from './table-class.ts';
import type { ResourceClass, Verb } from './types.ts';

let node: TestNodeParts;
let Product: TableClass;

beforeEach(async () => {
  node = await openTestNode(
    'type Product @table @export { id: ID @primaryKey  name: String  price: Int }\ntype Ticket @table { id: Int @primaryKey }',
    { public: { data: { '*': { read: true } } } },
  );
  const { data } = appDatabases();
  if (!data?.Product || !data.Ticket) throw new Error('no tables');
  Product = data.Product;
  node.registry.set('Product', Product);
  node.registry.set('Ticket', data.Ticket);
});
afterEach(() => node.close());

interface Options {
  readonly user?: User | null;
  readonly data?: unknown;
}

async function call(verb: Verb, url: string, { user = administrator, data }: Options = {}): Promise<Answer> {
  const { pathname, search } = new URL(url, 'http://localhost');
  const match = node.registry.match(pathname);
  if (!match) throw new Error(`nothing at ${url}`);
  const context = new RequestContext(node, { user });
  const body = data === undefined ? undefined : Promise.resolve(data);
  try {
    return await dispatch({ verb, match, target: targetOf(match, search, node), data: body, context });
  } finally {
    context.release();
  }
}

const publish = (name: string, resource: ResourceClass) => node.registry.set(name, resource);

describe('a table as it is', () => {
  test('answers each verb in the shape that is cheapest to send', async () => {
    expect(await call('put', '/Product/p-1', { data: { name: 'Boot' } })).toEqual({ kind: 'written', existed: true });
    expect(await call('get', '/Product/p-1')).toMatchObject({
      kind: 'record',
      record: { id: 'p-1', body: '{"id":"p-1","name":"Boot"}' },
    });
    expect(await call('get', '/Product/none')).toEqual({ kind: 'missing' });
    expect(await call('get', '/Product/')).toMatchObject({ kind: 'rows', single: false });
    expect(await call('get', '/Product/p-1?select(name)')).toMatchObject({ kind: 'rows', single: true });
    expect(await call('get', '/Product/p-1.name')).toEqual({ kind: 'value', value: 'Boot' });
    expect(await call('get', '/Product')).toMatchObject({ kind: 'value', value: { name: 'Product', records: './' } });
    expect(await call('patch', '/Product/p-1', { data: { price: 1 } })).toEqual({ kind: 'written', existed: true });
    expect(await call('delete', '/Product/p-1')).toEqual({ kind: 'written', existed: true });
    expect(await call('delete', '/Product/p-1')).toEqual({ kind: 'written', existed: false });
  });

  test('tells the id of what it created, also where the store counts', async () => {
    const created = await call('post', '/Product/', { data: { id: 'a b/c', name: 'Boot' } });
    expect(created).toEqual({ kind: 'created', id: 'a b/c', location: 'a%20b/c' });
    expect(await call('post', '/Ticket/', { data: {} })).toEqual({ kind: 'created', id: 1, location: '1' });
  });

  test('puts a list of records into a collection', async () => {
    await call('put', '/Product/', { data: [{ id: 'a' }, { id: 'b' }] });
    expect(await Product.getRecordCount()).toEqual({ recordCount: 2 });
    const half = call('put', '/Product/', { data: [{ id: 'c' }, 'nonsense'] });
    await expect(half).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(await Product.getRecordCount()).toEqual({ recordCount: 2 });
  });

  test('a record takes no POST', async () => {
    await expect(call('post', '/Product/p-1', { data: {} })).rejects.toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
  });

  test('a write that asks to stay on this node is refused, and not made', async () => {
    const local = { metadata: { LOCAL_ONLY: true } };
    const refused = expect.objectContaining({ code: 'NOT_IMPLEMENTED' });
    // As JavaScript may call it.
    const put = (...given: unknown[]): unknown => Reflect.apply(Product.put, Product, given);
    await expect(put({ id: 'p-1', name: 'Boot' }, local)).rejects.toThrow(refused);
    await expect(put('p-1', { name: 'Boot' }, local)).rejects.toThrow(refused);
    expect(await call('get', '/Product/p-1')).toEqual({ kind: 'missing' });
    await Product.put('p-1', { name: 'Boot', metadata: { LOCAL_ONLY: true } });
    expect(await call('get', '/Product/p-1')).toMatchObject({ kind: 'record' });
  });

  test('what changes nothing leaves nothing open', async () => {
    await call('get', '/Product/?price=1').catch(() => {});
    await call('put', '/Product/p-1', { data: 'nonsense' }).catch(() => {});
    expect(node.databases.openTransactions).toBe(0);
  });
});

describe('a class of the app', () => {
  test('with static methods gets the target, a promise of the body, and the context', async () => {
    publish(
      'Echo',
      class Echo extends Resource {
        static override async put(target: { id?: unknown }, data: unknown, context?: unknown) {
          return { id: target.id, body: await data, isContext: context === getContext() };
        }
      },
    );
    expect(await call('put', '/Echo/7', { data: { a: 1 } })).toEqual({
      kind: 'value',
      value: { id: '7', body: { a: 1 }, isContext: true },
    });
  });

  test('a record it has changed itself is answered without a version: it has none yet', async () => {
    publish(
      'Visit',
      class Visit extends Resource {
        static override async get(target: { id?: unknown }) {
          if (target.id === 'new') await Product.put({ id: 'p-9', name: 'Boot' });
          if (target.id === 'changed') await Product.patch('p-9', { name: 'Sock' });
          return Product.get('p-9');
        }
      },
    );
    expect(await call('get', '/Visit/new')).toMatchObject({ kind: 'value', value: { name: 'Boot' } });
    expect(await call('get', '/Visit/changed')).toMatchObject({ kind: 'value', value: { name: 'Sock' } });
    expect(await call('get', '/Visit/as-it-is')).toMatchObject({ kind: 'record', record: { id: 'p-9' } });
  });

  test('with instance methods gets (target, data), or in the older form (data, target) and an id', async () => {
    publish(
      'Newer',
      class Newer extends Resource {
        static override loadAsInstance = false;
        post(target: { id?: unknown }, data: unknown) {
          return [this.getId(), target.id, data];
        }
      },
    );
    publish(
      'Older',
      class Older extends Resource {
        post(data: unknown, target: { id?: unknown }) {
          return [this.getId(), target.id, data];
        }
      },
    );
    expect(await call('post', '/Newer/7', { data: 'x' })).toEqual({ kind: 'value', value: [undefined, '7', 'x'] });
    expect(await call('post', '/Older/7', { data: 'x' })).toEqual({ kind: 'value', value: ['7', '7', 'x'] });
  });

  test('in the older form is bound to the record, and what it sets is saved', async () => {
    await Product.put({ id: 'p-1', name: 'Boot', price: 1 });
    publish(
      'Shop',
      class Shop extends Product {
        override async post(data: { by?: number }) {
          Object.assign(this, { name: `${this.name}!` });
          this.addTo('price', data.by ?? 0);
          return 'done';
        }
        override async put(data: object) {
          return super.put({ ...data, name: 'put' });
        }
      },
    );
    await call('post', '/Shop/p-1', { data: { by: 4 } });
    expect({ ...(await Product.get('p-1')) }).toEqual({ id: 'p-1', name: 'Boot!', price: 5 });
    await call('put', '/Shop/p-2', { data: { price: 2 } });
    expect({ ...(await Product.get('p-2')) }).toEqual({ id: 'p-2', name: 'put', price: 2 });
  });

  test('in the older form adds to its answer without saving it, unless it says so', async () => {
    await Product.put({ id: 'p-1', name: 'Boot', price: 1 });
    publish(
      'Shown',
      class Shown extends Product {
        override get(target: object) {
          Object.assign(this, { twice: Number(this.price) * 2 });
          if (!String(target).includes('save')) return super.get(target);
          this.update({ name: 'saved' });
          return 'done';
        }
      },
    );
    expect(await call('get', '/Shown/p-1')).toMatchObject({ value: { id: 'p-1', name: 'Boot', price: 1, twice: 2 } });
    expect(await call('get', '/Shown/p-1?view=full')).toMatchObject({ value: { twice: 2 } });
    expect(await call('get', '/Shown/?name=Boot')).toMatchObject({ kind: 'rows' });
    expect(await Product.getRecordCount()).toEqual({ recordCount: 1 });
    expect({ ...(await Product.get('p-1')) }).toEqual({ id: 'p-1', name: 'Boot', price: 1 });
    await call('get', '/Shown/p-1?save');
    expect({ ...(await Product.get('p-1')) }).toEqual({ id: 'p-1', name: 'saved', price: 1, twice: 2 });
  });

  test('with instance methods gets one to change by update(target)', async () => {
    await Product.put({ id: 'p-1', name: 'Boot', price: 1 });
    publish(
      'Seen',
      class Seen extends Product {
        static override loadAsInstance = false;
        override async get(target: { readonly id: string }) {
          const record = await super.get(target);
          this.update(target, { name: 'seen' }).addTo('price', 1);
          return record;
        }
      },
    );
    expect(await call('get', '/Seen/p-1')).toMatchObject({ kind: 'record', record: { id: 'p-1' } });
    expect({ ...(await Product.get('p-1')) }).toEqual({ id: 'p-1', name: 'seen', price: 2 });
    await expect(call('get', '/Seen/')).rejects.toMatchObject({ code: 'INVALID_ID' });
  });

  test('may answer with what it created, whose id is counted at commit; asking earlier is an error', async () => {
    const Ticket = appDatabases().data?.Ticket as TableClass;
    publish(
      'Buy',
      class Buy extends Resource {
        static override async post(target: { readonly id?: unknown }) {
          const ticket = await Ticket.create({ seat: 7 });
          if (target.id === 'early') return { id: ticket.id };
          if (target.id === 'committed') await getContext().transaction?.commit();
          return target.id === 'committed' ? { id: ticket.id } : ticket;
        }
      },
    );
    expect(await call('post', '/Buy/')).toEqual({ kind: 'value', value: { id: 1, seat: 7 } });
    expect(await call('post', '/Buy/committed')).toEqual({ kind: 'value', value: { id: 2 } });
    await expect(call('post', '/Buy/early')).rejects.toThrow('Ticket gets its id when it is committed');
    expect(await Ticket.getRecordCount()).toEqual({ recordCount: 2 });
  });

  test('may write and answer with a search: its rows have what was written', async () => {
    publish(
      'Logged',
      class Logged extends Product {
        static override async get(target: Parameters<TableClass['get']>[0]) {
          await Product.put({ id: 'p-1', name: 'written' });
          return super.get(target);
        }
      },
    );
    const match = node.registry.match('/Logged/');
    if (!match) throw new Error('not published');
    const context = new RequestContext(node, { user: null });
    const answer = await dispatch({ verb: 'get', match, target: targetOf(match, '', node), context });
    if (answer.kind !== 'rows') throw new Error(answer.kind);
    expect([...answer.result.rows]).toMatchObject([{ id: 'p-1' }]);
    context.release();
    expect(node.databases.openTransactions).toBe(0);
  });

  test('answers nothing it does not define, and says what it does', async () => {
    const Echo = class Echo extends Resource {
      static override get() {
        return 1;
      }
      static override delete() {}
    };
    publish('Echo', Echo);
    expect(allowedVerbs(Echo)).toEqual(['get', 'delete']);
    await expect(call('put', '/Echo/1', { data: 1 })).rejects.toMatchObject({
      code: 'METHOD_NOT_ALLOWED',
      fields: { allow: ['GET', 'HEAD', 'DELETE', 'OPTIONS'] },
    });
    expect(await call('delete', '/Echo/1')).toEqual({ kind: 'none' });
  });

  test('that writes only search is searched through it', async () => {
    publish(
      'Found',
      class Found extends Product {
        static override search(): never {
          throw Object.assign(new Error('searched'), { statusCode: 418 });
        }
      },
    );
    await expect(call('get', '/Found/', { user: null })).rejects.toThrow('searched');
  });

  test('that passes on what a table gave sends it as stored', async () => {
    await Product.put({ id: 'p-1', name: 'Boot' });
    publish(
      'Pass',
      class Pass extends Product {
        static override async get(target: Parameters<TableClass['get']>[0]) {
          return super.get(target);
        }
      },
    );
    expect(await call('get', '/Pass/p-1')).toMatchObject({ kind: 'record', record: { version: expect.any(Number) } });
    expect(await call('get', '/Pass/')).toMatchObject({ kind: 'rows' });
    expect(await call('get', '/Pass/none')).toEqual({ kind: 'missing' });
    // Of a record's URL a selection counts; other parameters are the app's own.
    expect(await call('get', '/Pass/p-1?view=full&plain')).toMatchObject({ kind: 'record' });
    expect(await call('get', '/Pass/p-1?view=full&select(name)')).toMatchObject({ value: 'Boot' });
    await expect(call('get', '/Pass/p-1?select(nme)')).rejects.toMatchObject({ code: 'UNKNOWN_ATTRIBUTE' });
    await expect(call('get', '/Product/p-1?view=full')).rejects.toMatchObject({ code: 'UNKNOWN_ATTRIBUTE' });
    await expect(call('get', '/Pass/?view=full')).rejects.toMatchObject({ code: 'UNKNOWN_ATTRIBUTE' });
  });
});

describe('instance methods of a class that extends a table', () => {
  test('their search answers a collection, and calls in code', async () => {
    class Loud extends Product {
      static override loadAsInstance = false;
      // A generator, as plain JavaScript may have it.
      override search(target?: unknown): never {
        const records = super.search(target) as Iterable<{ name: string }>;
        return (function* () {
          for (const { name } of records) yield `${name}!`;
        })() as never;
      }
    }
    await Product.put({ id: 'p-1', name: 'Boot' });
    await Product.put({ id: 'p-2', name: 'Sock' });
    publish('Loud', Loud);
    const answer = await call('get', '/Loud/?name=Boot');
    if (answer.kind !== 'value') throw new Error(`a ${answer.kind}`);
    expect(await Array.fromAsync(answer.value as AsyncIterable<string>)).toEqual(['Boot!']);
    expect([...(Loud.search({ sort: { attribute: 'id' } }) as Iterable<unknown>)]).toEqual(['Boot!', 'Sock!']);
  });

  test('what their put and patch return is the answer', async () => {
    class Told extends Product {
      override async put(first: unknown) {
        await super.put(first);
        return { was: 'put' };
      }
      override async patch(first: unknown) {
        await super.patch(first);
        return { was: 'patched' };
      }
    }
    publish('Told', Told);
    expect(await call('put', '/Told/p-1', { data: { name: 'Boot' } })).toMatchObject({ value: { was: 'put' } });
    expect(await call('patch', '/Told/p-1', { data: { name: 'Sock' } })).toMatchObject({ value: { was: 'patched' } });
    expect(await Product.get('p-1')).toMatchObject({ name: 'Sock' });
  });
});

describe('allowRead and its kin decide for their class', () => {
  const visitor: User = { username: 'ann', role: roleOf('visitor'), active: true, superUser: false };
  const cases: readonly (readonly [string, User | null, string, Verb, string])[] = [
    ['a user let in', visitor, 'allowUpdate', 'put', 'written'],
    ['a user kept out', visitor, 'allowDelete', 'delete', 'FORBIDDEN'],
    ['nobody known, kept out', null, 'allowRead', 'get', 'UNAUTHENTICATED'],
    ['a verb without a hook', null, 'allowUpdate', 'delete', 'UNAUTHENTICATED'],
  ];
  for (const [name, user, hook, verb, expected] of cases) {
    test(name, async () => {
      publish(
        'Judged',
        class Judged extends Product {
          static {
            Object.defineProperty(Judged.prototype, hook, {
              value: (asking: User | null) => asking?.username === 'ann' && hook === 'allowUpdate',
            });
          }
        },
      );
      const outcome = await call(verb, '/Judged/p-1', { user, data: { name: 'x' } }).then(
        ({ kind }) => kind,
        ({ code }) => code,
      );
      expect(outcome).toBe(expected);
    });
  }
});
