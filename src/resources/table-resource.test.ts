import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { appDatabases } from './app-tables.ts';
import { createBlob } from './blob.ts';
import { openTestNode, type TestNodeParts } from './open-test-node.ts';
import { RequestTarget } from './request-target.ts';
import type { TableClass } from './table-class.ts';
import { transaction } from './transaction.ts';

const schema = `
type Product @table {
  id: ID @primaryKey
  name: String
  price: Float @indexed
  stock: Int
  tags: [String]
  size: Size
  picture: Blob
  brandId: ID @indexed
  brand: Brand @relationship(from: brandId)
  label: String @computed
  changedAt: Date
}
type Size { width: Int height: Int }
type Brand @table { id: ID @primaryKey  name: String }
type Ticket @table { id: Int @primaryKey  title: String! }
type Session @table(expiration: 60) { id: ID @primaryKey  user: String }
`;

/** As `zerohop types` declares them. */
interface Product {
  readonly id: string;
  readonly name?: string;
  readonly price?: number;
  readonly stock?: number;
  readonly tags?: readonly string[];
  readonly size?: { width?: number; height?: number };
  readonly picture?: Blob;
  readonly changedAt?: Date;
  readonly undeclared?: boolean;
}
interface ProductInsert extends Omit<Product, 'picture'> {
  readonly picture?: Blob | string;
  readonly brandId?: string;
}

let node: TestNodeParts;
let Product: TableClass<Product, Partial<ProductInsert>>;
let Brand: TableClass;
let Ticket: TableClass;

beforeEach(async () => {
  node = await openTestNode(schema);
  const { data } = appDatabases();
  Product = data?.Product as unknown as typeof Product;
  Brand = data?.Brand as typeof Brand;
  Ticket = data?.Ticket as typeof Ticket;
});
afterEach(() => node.close());

describe('reading', () => {
  beforeEach(async () => {
    await Brand.put({ id: 'b', name: 'Acme' });
    await Product.put({ id: 'p-1', name: 'Boot', price: 10, stock: 3, brandId: 'b', changedAt: new Date(5) });
    await Product.put({ id: 'p-2', name: 'Hat', price: 20, stock: 0 });
    await Product.put({ id: 'p-3', name: 'Scarf', price: 30, stock: 9 });
  });

  test('a record is frozen and knows when it was written', async () => {
    const record = await Product.get('p-1');
    expect(record).toMatchObject({ id: 'p-1', name: 'Boot', changedAt: new Date(5) });
    expect(Object.isFrozen(record)).toBe(true);
    expect(record?.getUpdatedTime()).toBeGreaterThan(1_600_000_000_000);
    expect(record?.getExpiresAt()).toBeUndefined();
    expect(await Product.get('none')).toBeUndefined();
  });

  test('a record knows when it expires, however it was found', async () => {
    const Session = appDatabases().data?.Session as TableClass;
    await Session.put({ id: 's', user: 'ann' });
    const expires = (await Session.get('s'))?.getExpiresAt();
    expect(expires).toBeGreaterThan(Date.now());
    const [found] = Session.search({ conditions: [{ attribute: 'user', value: 'ann' }] });
    expect(found?.getExpiresAt()).toBe(expires);
    const [product] = Product.search();
    expect(product?.getExpiresAt()).toBeUndefined();
  });

  test('a search, or a read of one record, tells how it would be answered', async () => {
    const asked = Product.search({ conditions: [{ attribute: 'price', value: 10 }], explain: true });
    expect(asked).toMatchObject({ table: 'Product', access: 'equal', statements: [{ sql: expect.any(String) }] });
    expect(await Product.get({ id: 'p-1', explain: true })).toMatchObject({ table: 'Product', limit: 1 });
  });

  test('a query object selects, sorts and joins', async () => {
    const rows = Product.search<unknown>({
      conditions: [{ attribute: 'price', comparator: 'less_than', value: 25 }],
      sort: { attribute: 'price', descending: true },
      select: ['id', { name: 'brand', select: ['name'] }],
    });
    expect([...rows]).toEqual([{ id: 'p-2' }, { id: 'p-1', brand: { name: 'Acme' } }]);
  });

  test('one record by id with a selection', async () => {
    expect<unknown>(await Product.get({ id: 'p-1', select: ['name', { name: 'brand', select: 'name' }] })).toEqual({
      name: 'Boot',
      brand: 'Acme',
    });
  });

  test('a target from a URL reads as the URL says', async () => {
    expect(await Product.get(new RequestTarget('/p-1'))).toMatchObject({ name: 'Boot' });
    expect([...Product.search<unknown>(new RequestTarget('/?price=gt=15&select(id)'))]).toEqual(['p-2', 'p-3']);
  });

  test('what app code sets on a target wins over the URL', async () => {
    const target = new RequestTarget('/?price=gt=5&sort(-price)&limit(3)');
    target.limit = 1;
    expect([...Product.search<unknown>(target)]).toMatchObject([{ id: 'p-3' }]);
    target.conditions?.push({ attribute: 'price', comparator: 'less_than', value: 25 });
    expect([...Product.search<unknown>(target)]).toMatchObject([{ id: 'p-2' }]);
    target.conditions = [];
    target.sort = { attribute: 'price' };
    target.allowFullScan = true;
    expect([...Product.search<unknown>(target)]).toMatchObject([{ id: 'p-1' }]);
  });

  test('results map and filter lazily, tell the total and where the next page starts', async () => {
    const rows = Product.search<Product>({
      sort: { attribute: 'price' },
      limit: 2,
      total: true,
      cursor: '',
      allowFullScan: true,
    });
    expect([...rows.map((row) => row.id)]).toEqual(['p-1', 'p-2']);
    expect(rows.total).toBe(3);
    const next = rows.nextCursor();
    expect([
      ...Product.search<unknown>({ sort: { attribute: 'price' }, limit: 2, cursor: next ?? '', allowFullScan: true }),
    ]).toMatchObject([{ id: 'p-3' }]);
  });

  test('a computed attribute is there when selected', async () => {
    Product.setComputedAttribute('label', (record) => `${record.name} at ${record.price}`);
    expect<unknown>(await Product.get({ id: 'p-1', select: ['label'] })).toEqual({ label: 'Boot at 10' });
    expect(await Product.get('p-1')).not.toHaveProperty('label');
  });

  test('the class tells about its table', async () => {
    expect(Product.name).toBe('Product');
    expect(Product.primaryKey).toBe('id');
    expect(Product.attributes).toContainEqual({ name: 'size', type: 'Size', isPrimaryKey: false });
    expect(await Product.getRecordCount()).toEqual({ recordCount: 3 });
  });
});

describe('writing', () => {
  test('put replaces, patch changes what it names', async () => {
    await Product.put('p-1', { name: 'Boot', price: 10 });
    await Product.patch('p-1', { price: 12 });
    expect({ ...(await Product.get('p-1')) }).toEqual({ id: 'p-1', name: 'Boot', price: 12 });
    await Product.put('p-1', { stock: 1 });
    expect({ ...(await Product.get('p-1')) }).toEqual({ id: 'p-1', stock: 1 });
  });

  test('create gives the new record its id', async () => {
    const product = await Product.create({ name: 'Boot' });
    expect(await Product.get(product.id)).toMatchObject({ name: 'Boot' });
    const first = await Ticket.create({ title: 'one' });
    const second = await Ticket.create({ title: 'two' });
    expect(await Product.post({ id: 'posted', name: 'alone' })).toBe('posted');
    expect(Number(second.getId())).toBeGreaterThan(Number(first.getId()));
    expect(await Ticket.get(Number(second.getId()))).toMatchObject({ title: 'two' });
  });

  test('create of a record that is there is refused', async () => {
    await Product.put({ id: 'p-1', name: 'Boot' });
    await expect(Product.create({ id: 'p-1', name: 'Hat' })).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('patch of a record that is not there is refused', async () => {
    await expect(Product.patch('none', { price: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('delete says whether there was something', async () => {
    await Product.put({ id: 'p-1' });
    expect(await Product.delete('p-1')).toBe(true);
    expect(await Product.delete('p-1')).toBe(false);
    expect(await Product.get('p-1')).toBeUndefined();
  });

  test('delete with a query deletes what matches, and never everything by mistake', async () => {
    for (const id of ['a', 'b', 'c']) await Product.put({ id, price: id === 'b' ? 5 : 1 });
    expect(await Product.delete(new RequestTarget('/?price=1'))).toBe(true);
    expect([...Product.search<unknown>({ select: 'id' })]).toEqual(['b']);
    await expect(Product.delete(new RequestTarget('/'))).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  test('bytes go in as a blob, a stream or text, and come out as a Blob', async () => {
    async function* chunks() {
      yield new TextEncoder().encode('one ');
      yield new TextEncoder().encode('two');
    }
    const given = ['plain', createBlob('blob', { type: 'text/html' }), createBlob(chunks(), { type: 'text/css' })];
    for (const picture of given) await Product.put({ id: 'p-1', picture });
    const record = await Product.get('p-1');
    expect(await record?.picture?.text()).toBe('one two');
    expect(record?.picture?.type).toStartWith('text/css');
    await Product.put('p-2', { ...record, id: 'p-2' });
    await Product.delete('p-1');
    expect(await (await Product.get('p-2'))?.picture?.text()).toBe('one two');
  });

  test('a reference to bytes is taken back only by the record it came from', async () => {
    await Product.put({ id: 'p-1', picture: 'bytes' });
    const sent = JSON.parse(JSON.stringify(await Product.get('p-1')));
    await Product.put('p-1', { ...sent, name: 'Boot' });
    expect(await (await Product.get('p-1'))?.picture?.text()).toBe('bytes');
    await expect(Product.put('p-2', { picture: sent.picture })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  test('a class validates what is written through it', async () => {
    class Checked extends Product {
      override validate(record: { readonly price?: unknown }, isPartial?: boolean) {
        if (!isPartial && record.price === undefined) throw new Error('Every product has a price.');
      }
    }
    await expect(Checked.put('p-1', { name: 'Boot' })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    await Checked.put('p-1', { name: 'Boot', price: 1 });
    await Checked.patch('p-1', { name: 'Hat' });
    expect(await Product.get('p-1')).toMatchObject({ name: 'Hat', price: 1 });
  });
});

describe('an instance to change', () => {
  beforeEach(async () => {
    await Product.put({ id: 'p-1', name: 'Boot', price: 10, stock: 3, tags: ['a'], size: { width: 1 } });
  });

  test('is saved with what changed, and only that', async () => {
    const product = await Product.update('p-1');
    product.name = 'Shoe';
    if (product.size) product.size.height = 2;
    product.undeclared = true;
    await Product.patch('p-1', { price: 99 });
    await product.save();
    expect(await Product.get('p-1')).toMatchObject({
      name: 'Shoe',
      size: { width: 1, height: 2 },
      undeclared: true,
      price: 99,
    });
  });

  test('is saved with the commit inside a transaction', async () => {
    await transaction(async () => {
      const product = await Product.update('p-1');
      product.set('name', 'Shoe');
    });
    expect(await Product.get('p-1')).toMatchObject({ name: 'Shoe' });
  });

  test('given updates saves them right away', async () => {
    await Product.update('p-1', { price: 11 });
    expect(await Product.get('p-1')).toMatchObject({ name: 'Boot', price: 11 });
  });

  test('counts so that concurrent additions all hold', async () => {
    const edits = await Promise.all(Array.from({ length: 5 }, () => Product.update('p-1')));
    for (const edit of edits) edit.addTo('stock', 2);
    await Promise.all(edits.map((edit) => edit.save()));
    expect(await Product.get('p-1')).toMatchObject({ stock: 13 });
  });

  test('never goes below the floor it is given, however many try', async () => {
    const orders = Array.from({ length: 10 }, () =>
      transaction(async () => {
        const product = await Product.update('p-1');
        product.subtractFrom('stock', 1, { min: 0 });
        await Ticket.create({ title: 'order' });
      }),
    );
    const results = await Promise.allSettled(orders);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'BELOW_MINIMUM' } });
    expect(await Product.get('p-1')).toMatchObject({ stock: 0 });
    expect(await Ticket.getRecordCount()).toEqual({ recordCount: 3 });
  });

  test('removes an attribute, or the record', async () => {
    const product = await Product.update('p-1');
    await product.delete('tags');
    await product.save();
    expect(await Product.get('p-1')).not.toHaveProperty('tags');
    await product.delete();
    expect(await Product.get('p-1')).toBeUndefined();
  });

  test('of a record that does not exist creates it when something is set', async () => {
    await transaction(async () => {
      await Product.update('looked-at');
      const product = await Product.update('new');
      product.name = 'Fresh';
    });
    expect(await Product.get('new')).toMatchObject({ id: 'new', name: 'Fresh' });
    expect(await Product.get('looked-at')).toBeUndefined();
  });
});

describe('transaction', () => {
  test('happens as a whole or not at all', async () => {
    const failed = transaction(async () => {
      await Product.put({ id: 'p-1' });
      await Brand.put({ id: 'b' });
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');
    await failed.catch(() => {});
    expect(await Product.get('p-1')).toBeUndefined();
    expect(await Brand.get('b')).toBeUndefined();
  });

  test('reads its own writes, and others do not until the commit', async () => {
    await transaction(async () => {
      await Product.put({ id: 'p-1', price: 4 });
      expect(await Product.get('p-1')).toMatchObject({ price: 4 });
      expect([...Product.search<unknown>({ conditions: [{ attribute: 'price', value: 4 }], select: 'id' })]).toEqual([
        'p-1',
      ]);
      expect(node.databases.getLatest(node.databases.table('data', 'Product') ?? never(), 'p-1')).toBeUndefined();
    });
    expect(await Product.get('p-1')).toMatchObject({ price: 4 });
  });

  test('an inner transaction is part of the outer one', async () => {
    const outer = transaction(async () => {
      await transaction(() => Product.put({ id: 'p-1' }));
      throw new Error('outer fails');
    });
    await outer.catch(() => {});
    expect(await Product.get('p-1')).toBeUndefined();
  });

  test('writes after a commit in the middle are kept too', async () => {
    await transaction(async (current) => {
      await Product.put({ id: 'first' });
      await current.commit();
      expect(await Product.get('first')).toBeDefined();
      await Product.put({ id: 'second' });
    });
    expect(await Product.get('second')).toMatchObject({ id: 'second' });
  });

  test('a write that comes too late fails, naming the call', async () => {
    const late = Promise.withResolvers<void>();
    let writing: Promise<unknown> | undefined;
    await transaction(async () => {
      writing = late.promise.then(() => Product.put('p-1', {}));
    });
    late.resolve();
    await expect(writing).rejects.toThrow(/Product\.put\("p-1"\) was called after/);
    await writing?.catch(() => {});
    expect(await Product.get('p-1')).toBeUndefined();
    expect(node.databases.openTransactions).toBe(0);
  });
});

test('calls outside of a transaction leave nothing open', async () => {
  await Product.put({ id: 'p-1', price: 1 });
  await Product.get('p-1');
  for (const _ of Product.search<unknown>({ limit: 1 })) break;
  [...Product.search<unknown>()];
  await Product.delete('p-1');
  expect(node.databases.openTransactions).toBe(0);
  expect(node.databases.heldSnapshots).toBe(0);
});

test('classes of two nodes do not mix', async () => {
  const other = await openTestNode(schema);
  try {
    const ours = appDatabases(node).data?.Product;
    const theirs = appDatabases(other).data?.Product;
    await ours?.put({ id: 'p-1', name: 'ours' });
    await theirs?.put({ id: 'p-1', name: 'theirs' });
    expect(await ours?.get('p-1')).toMatchObject({ name: 'ours' });
    expect(() => Product.primaryKey).toThrow(/Several nodes/);
  } finally {
    await other.close();
  }
});

function never(): never {
  throw new Error('the table is missing');
}
