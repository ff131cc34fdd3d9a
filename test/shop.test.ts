// The shop's endpoints on a real node with its real data.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { startNode, type TestNode } from './support/start-node.ts';

const shop = resolve(import.meta.dirname, '../apps/store');
const ada = { name: 'Ada Byron', email: 'ada@example.com', address: '12 St James’s Square, London' };

let node: TestNode;
beforeAll(async () => {
  node = await startNode({ app: shop });
}, 60_000);
afterAll(() => node?.[Symbol.asyncDispose]());

async function get(path: string): Promise<unknown> {
  const response = await fetch(node.url + path);
  expect(response.status).toBe(200);
  return response.json();
}

function send(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(node.url + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    redirect: 'manual',
  });
}

async function setStock(product: string, quantity: number): Promise<void> {
  expect((await send('PATCH', `/Inventory/${product}`, { quantity })).status).toBe(204);
}

async function stockOf(product: string): Promise<unknown> {
  const { quantity } = Object(await get(`/Inventory/${product}`));
  return quantity;
}

const text = expect.any(String);
const number = expect.any(Number);
const card = {
  id: text,
  name: text,
  brand: text,
  category: text,
  picture: text,
  price: number,
  listPrice: number,
  currency: 'USD',
  rating: number,
  ratingCount: number,
  stock: number,
};

test('Home: 40 categories, a hero, recommended and reduced products', async () => {
  const { categories, hero, featured, reduced } = Object(await get('/Home/'));
  expect(categories).toHaveLength(40);
  expect(categories[0]).toMatchObject({ id: 'c-01', name: 'Mugs', department: 'Kitchen', productCount: 30 });
  expect(hero).toEqual({ ...card, description: text });
  expect(featured).toHaveLength(8);
  expect(reduced).toHaveLength(4);
  for (const { price, listPrice } of reduced) expect(price).toBeLessThan(listPrice);
});

type Row = Record<'id' | 'name' | 'category', string> & Record<'price' | 'rating', number>;

test.each<[string, (a: Row, b: Row) => boolean]>([
  ['rating', (a, b) => a.rating >= b.rating],
  ['price', (a, b) => a.price <= b.price],
  ['-price', (a, b) => a.price >= b.price],
  ['name', (a, b) => a.name.toLowerCase() <= b.name.toLowerCase()],
])('Plp by %s: all of the category, in order', async (sort, inOrder) => {
  const { category, products, ...rest } = Object(await get(`/Plp/c-07?sort=${sort}`));
  expect(category).toMatchObject({ id: 'c-07', name: 'Armchairs' });
  expect(rest).toEqual({ sort, page: 1, pageSize: 50, hasNext: false });
  expect(products).toHaveLength(30);
  for (const [at, product] of products.entries()) {
    expect(product).toEqual(card);
    expect(product.category).toBe('c-07');
    if (at > 0) expect(inOrder(products[at - 1], product)).toBe(true);
  }
});

test('Plp: the category of a longer id is not listed under a shorter one, and a page past the end is empty', async () => {
  expect(Object(await get('/Plp/c-01?page=2')).products).toEqual([]);
  expect(Object(await get('/Plp/c-01')).products).toHaveLength(30);
});

test('Pdp: product, inventory, pricing, reviews that add up to its rating, related', async () => {
  const { product, inventory, pricing, reviews, related } = Object(await get('/Pdp/p-0042'));
  expect(product).toMatchObject({ id: 'p-0042', category: 'c-02', attributes: { Material: text } });
  expect(inventory).toMatchObject({ id: 'p-0042', quantity: number, warehouse: text });
  expect(pricing).toMatchObject({ id: 'p-0042', cents: product.price, currency: 'USD' });
  expect(reviews.length).toBe(product.ratingCount);
  const sum = reviews.reduce((total: number, { stars }: { stars: number }) => total + stars, 0);
  expect(Math.abs(sum / reviews.length - product.rating)).toBeLessThan(0.006);
  expect(related).toHaveLength(4);
  for (const each of related) expect(each).toEqual(card);
  expect(related.map(({ id }: Row) => id)).not.toContain('p-0042');
});

test('every product has 3 to 12 reviews', async () => {
  const reviews = Object(await get('/Review/?select(product)&limit(20000)'));
  const counts = new Map<string, number>();
  for (const product of reviews) counts.set(product, (counts.get(product) ?? 0) + 1);
  expect(counts.size).toBe(1200);
  expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(3);
  expect(Math.max(...counts.values())).toBeLessThanOrEqual(12);
});

test('Search: every word, in name, brand or description; names first', async () => {
  const { total, products } = Object(await get('/Search/?q=Desk%20lamp'));
  expect(total).toBeGreaterThan(5);
  expect(products[0].name).toContain('Desk Lamp');
  expect(Object(await get('/Search/?q=quixotic'))).toEqual({ q: 'quixotic', total: 0, products: [] });
  expect(Object(await get('/Search/?q='))).toEqual({ q: '', total: 0, products: [] });
  // Brand and name together, though they are different attributes.
  const both = Object(await get('/Search/?q=copperline+kettle')).products;
  expect(both.length).toBeGreaterThan(0);
  for (const { brand } of both) expect(brand).toBe('Copperline');
  // Nothing in the words is syntax.
  expect((await fetch(`${node.url}/Search/?q=${encodeURIComponent('"*()&|- NEAR OR')}`)).status).toBe(200);
});

test.each([
  ['/Plp/c-99', 404, 'There is no category c-99.'],
  ['/Plp/c-01?sort=size', 400, 'sort can be rating, price, -price, name; it was size.'],
  ['/Plp/c-01?page=0', 400, 'page is a whole number from 1 to 200; it was 0.'],
  ['/Plp/c-01?page=2.5', 400, 'page is a whole number from 1 to 200; it was 2.5.'],
  ['/Pdp/p-9999', 404, 'There is no product p-9999.'],
  ['/Order/nope', 404, 'There is no order nope.'],
  ['/pictures/mug/tartan-1.svg', 404, 'There is no picture mug/tartan-1.svg.'],
  ['/pictures/submarine/oat-1.svg', 404, 'There is no picture submarine/oat-1.svg.'],
])('%s → %d', async (path, status, detail) => {
  const response = await fetch(node.url + path);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ status, detail });
});

test('pictures are SVG, small, kept by the browser', async () => {
  const response = await fetch(`${node.url}/pictures/mug/terracotta-417-3.svg`);
  expect(response.headers.get('content-type')).toBe('image/svg+xml');
  expect(response.headers.get('cache-control')).toContain('immutable');
  const svg = await response.text();
  expect(svg).toStartWith('<svg xmlns="http://www.w3.org/2000/svg"');
  expect(svg.length).toBeLessThan(6000);
});

test('a basket: add, add again, set, remove; kept by cookie', async () => {
  const first = await send('POST', '/Basket/', { product: 'p-0003', quantity: 2 });
  expect(first.status).toBe(200);
  const cookie = cookieOf(first);
  expect(Object(await first.json())).toMatchObject({ count: 2, lines: [{ quantity: 2, item: { id: 'p-0003' } }] });
  const jar = { cookie };
  expect(Object(await (await send('POST', '/Basket/', { product: 'p-0003' }, jar)).json()).count).toBe(3);
  expect(Object(await (await send('POST', '/Basket/', { product: 'p-0004' }, jar)).json()).count).toBe(4);
  expect(Object(await (await send('PUT', '/Basket/p-0003', { quantity: 1 }, jar)).json()).count).toBe(2);
  const removed = await fetch(`${node.url}/Basket/p-0004`, { method: 'DELETE', headers: jar });
  expect(Object(await removed.json()).count).toBe(1);
  const { lines, itemsCents, deliveryCents, totalCents } = Object(
    await (await fetch(`${node.url}/Basket/`, { headers: jar })).json(),
  );
  expect(lines).toHaveLength(1);
  expect(itemsCents).toBe(lines[0].item.price);
  expect(totalCents).toBe(itemsCents + deliveryCents);
});

function cookieOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}

test.each([
  ['POST', '/Basket/', { product: 'p-9999' }, 404, 'There is no product p-9999.'],
  ['POST', '/Basket/', { quantity: 1 }, 400, 'Please say which product, by its id, such as p-0001.'],
  ['POST', '/Basket/', { product: 'p-0001', quantity: -1 }, 400, 'quantity is a whole number from 1 to 99; it was -1.'],
  ['PUT', '/Basket/p-0001', { quantity: 1.5 }, 400, 'quantity is a whole number from 0 to 99; it was 1.5.'],
  ['POST', '/Basket/', [], 400, 'The body must be a JSON object or a form.'],
  ['POST', '/Order/', { ...ada, items: [] }, 400, 'There is nothing in the basket to order.'],
  ['POST', '/Order/', { ...ada, email: 'ada' }, 400, 'ada is not an email address.'],
  ['POST', '/Order/', { ...ada, name: ' ' }, 400, 'Please tell us your name.'],
  ['POST', '/Order/', { ...ada, items: [{}] }, 400, 'Each of the items names a product by its id.'],
])('%s %s %j → %d', async (method, path, body, status, detail) => {
  const response = await send(method, path, body);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ status, detail });
});

test('ordering the basket lowers the stock, empties the basket, and can be looked at again', async () => {
  await setStock('p-0005', 7);
  const jar = { cookie: cookieOf(await send('POST', '/Basket/', { product: 'p-0005', quantity: 3 })) };
  const placed = await send('POST', '/Order/', ada, jar);
  expect(placed.status).toBe(201);
  const order = Object(await placed.json());
  expect(order).toMatchObject({ ...ada, lines: [{ product: 'p-0005', quantity: 3 }] });
  expect(order.totalCents).toBe(order.itemsCents + order.deliveryCents);
  expect(await stockOf('p-0005')).toBe(4);
  expect(Object(await get(placed.headers.get('location') ?? ''))).toMatchObject(order);
  expect(Object(await (await fetch(`${node.url}/Basket/`, { headers: jar })).json()).count).toBe(0);
  // The basket is empty now, so the same order does not go out twice.
  expect((await send('POST', '/Order/', ada, jar)).status).toBe(400);
});

test('an order that can not be filled changes nothing, not even for its other lines', async () => {
  await setStock('p-0006', 5);
  await setStock('p-0007', 1);
  const items = [
    { product: 'p-0006', quantity: 2 },
    { product: 'p-0007', quantity: 2 },
  ];
  const response = await send('POST', '/Order/', { ...ada, items });
  expect(response.status).toBe(409);
  expect(Object(await response.json()).detail).toMatch(/^There is only 1 of .+ left\. Please order fewer\.$/);
  expect([await stockOf('p-0006'), await stockOf('p-0007')]).toEqual([5, 1]);
});

test('200 orders at once for the last 10: exactly 10 are placed', async () => {
  await setStock('p-0008', 10);
  const items = [{ product: 'p-0008', quantity: 1 }];
  const answers = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const response = await send('POST', '/Order/', { ...ada, items });
      return { status: response.status, detail: Object(await response.json()).detail };
    }),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
  const refused = answers.filter(({ status }) => status === 409);
  expect(refused).toHaveLength(190);
  for (const { detail } of refused) expect(detail).toMatch(/has just sold out|Somebody else was faster/);
  expect(await stockOf('p-0008')).toBe(0);
  expect(Object(await get('/Plp/c-01')).products.find(({ id }: Row) => id === 'p-0008').stock).toBe(0);
}, 30_000);

test('additions to one basket at the same time add up', async () => {
  const jar = { cookie: cookieOf(await send('POST', '/Basket/', { product: 'p-0009' })) };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => send('POST', '/Basket/', { product: 'p-0009' }, jar)),
  );
  for (const { status } of answers) expect(status).toBe(200);
  expect(Object(await (await fetch(`${node.url}/Basket/`, { headers: jar })).json()).count).toBe(21);
});

test.each([
  ['/', 'Larkmoor: good things for every day'],
  ['/c/c-01', 'Mugs · Larkmoor'],
  ['/c/c-01?sort=price&page=2', 'Mugs, page 2 · Larkmoor'],
  ['/p/p-0001', 'by'],
  ['/search?q=lamp', '“lamp” · Larkmoor'],
  ['/search?q=%3Cscript%3Ealert(1)%3C/script%3E', '“&lt;script&gt;alert(1)&lt;/script&gt;” · Larkmoor'],
  ['/basket', 'Your basket · Larkmoor'],
])('page %s', async (path, title) => {
  const response = await fetch(node.url + path);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(/<title>(.*?)<\/title>/.exec(await response.text())?.[1]).toContain(title);
});

test('a page that has not changed is not sent again', async () => {
  const first = await fetch(`${node.url}/p/p-0011`);
  const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
  expect((await fetch(`${node.url}/p/p-0011`, { headers })).status).toBe(304);
  await setStock('p-0011', (await stockOf('p-0011')) === 2 ? 3 : 2);
  const changed = await fetch(`${node.url}/p/p-0011`, { headers });
  expect(changed.status).toBe(200);
  expect(await changed.text()).toMatch(/Only [23] left/);
});

test.each([['/c/c-99'], ['/p/p-9999'], ['/order/nope']])('page %s: not found, said as a page', async (path) => {
  const response = await fetch(node.url + path);
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('<h1>Not found</h1>');
});

test('a path nothing answers is a page for people and a problem for programs', async () => {
  const get = (accept: string) => fetch(`${node.url}/no/such/page`, { headers: { accept } });
  const page = await get('text/html,application/xhtml+xml,*/*;q=0.8');
  expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
  expect(await page.text()).toContain('There is no such page.');
  expect(await (await get('*/*')).json()).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  expect((await fetch(`${node.url}/openapi`, { headers: { accept: 'text/html' } })).status).toBe(200);
});

test('without scripts: the forms of the pages do it all', async () => {
  await setStock('p-0010', 3);
  const form = (fields: Record<string, string>, cookie = '') =>
    fetch(`${node.url}/basket`, {
      method: 'POST',
      headers: { cookie },
      body: new URLSearchParams(fields),
      redirect: 'manual',
    });
  const added = await form({ change: 'add', product: 'p-0010', quantity: '1' });
  expect([added.status, added.headers.get('location')]).toEqual([303, '/basket']);
  const cookie = cookieOf(added);
  expect((await form({ change: 'set', product: 'p-0010', quantity: '4' }, cookie)).status).toBe(303);
  const refused = await form({ change: 'order', ...ada }, cookie);
  expect(refused.status).toBe(409);
  expect(await refused.text()).toContain('There are only 3 of');
  expect((await form({ change: 'set', product: 'p-0010', quantity: '3' }, cookie)).status).toBe(303);
  const placed = await form({ change: 'order', ...ada }, cookie);
  expect(placed.status).toBe(303);
  expect(await (await fetch(node.url + placed.headers.get('location'))).text()).toContain('Thank you, Ada.');
  expect(await stockOf('p-0010')).toBe(0);
});
