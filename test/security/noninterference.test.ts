// Two nodes that differ in nothing but what a caller may not see answer that caller alike, whatever is asked: nothing hidden can be found out
// by values, counts, orders, errors or tags.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { roleOf, type User } from '../../src/security/index.ts';
import { type HttpNode, startHttpNode } from '../support/http-node.ts';

const schema = `
type Item @table @export {
  id: ID @primaryKey
  name: String @indexed
  price: Int @indexed
  secret: String @indexed @fulltext
  rank: Int @indexed
  owner: ID @indexed
  maker: ID @indexed
  made: Maker @relationship(from: maker)
  notes: [Note] @relationship(to: item)
}
type Maker @table @export { id: ID @primaryKey  name: String @indexed  tax: String @indexed }
type Note @table @export { id: ID @primaryKey  item: ID @indexed  text: String }
`;

const visible = {
  id: {},
  name: { read: true, update: true },
  price: { read: true },
  owner: { read: true },
  maker: { read: true },
  made: { read: true },
  notes: { read: true },
};
const { id: _, ...attributes } = visible;
const roles = {
  member: {
    data: {
      Item: { read: true, update: true, delete: true, rows: 'owner=$user', attributes },
      Maker: { read: true, attributes: { name: { read: true } } },
      Note: { read: false },
    },
  },
};
const user: User = { username: 'ann', role: roleOf('member'), active: true, superUser: false };

let nodes: readonly HttpNode[];

beforeAll(async () => {
  nodes = await Promise.all(['a', 'b'].map((variant) => nodeWith(variant)));
});
afterAll(() => Promise.all(nodes.map((node) => node.stop())));

/** What ann sees is the same for every variant: three of her own records, and makers by name. */
async function nodeWith(variant: string): Promise<HttpNode> {
  const node = await startHttpNode({ schema, user, roles });
  const { databases } = node.node;
  const put = async (name: string, records: readonly Readonly<Record<string, unknown>>[]) => {
    const table = databases.table('data', name);
    if (!table) throw new Error(`no table ${name}`);
    const transaction = databases.transaction();
    for (const record of records) transaction.put(table, String(record.id), record);
    await transaction.commit();
  };
  const hidden = (at: number) => ({ secret: `${variant} swordfish ${at}`, rank: variant === 'a' ? at : 100 - 3 * at });
  const own = [1, 2, 3].map((at) => ({
    id: `own-${at}`,
    name: `name ${at}`,
    price: at * 10,
    owner: 'ann',
    maker: `m-${at % 2}`,
    ...hidden(at),
  }));
  const others = Array.from({ length: variant === 'a' ? 5 : 9 }, (_, at) => ({
    id: `other-${variant}-${at}`,
    name: `name ${at}`,
    price: at * 7,
    owner: variant === 'a' ? 'bob' : 'carl',
    maker: 'm-0',
    ...hidden(at),
  }));
  await put('Item', [...own, ...others]);
  await put(
    'Maker',
    ['m-0', 'm-1'].map((id) => ({ id, name: `maker ${id}`, tax: `${variant} ${id}` })),
  );
  await put('Note', variant === 'a' ? [{ id: 'n', item: 'own-1', text: 'hidden' }] : []);
  return node;
}

const names = [
  'id',
  'name',
  'price',
  'secret',
  'rank',
  'owner',
  'maker',
  'made',
  'made.name',
  'made.tax',
  'made.id',
  'notes',
  'notes.text',
  'notes.item',
  'nothing',
  '$id',
  '$updatedtime',
  '$score',
];
const name = fc.constantFrom(...names);
const value = fc.constantFrom(
  '1',
  '20',
  'name*',
  'ann',
  'bob',
  'null',
  'a*',
  'swordfish',
  'm-0',
  'other-a-1',
  'own-1',
  '',
  'true',
  'number:5',
);
const comparator = fc.constantFrom('=', '==', '!=', '=lt=', '=gt=', '=ge=', '=ct=', '=sw=', '=ew=', '=ft=', '=in=');
const condition = fc.tuple(name, comparator, value).map((parts) => parts.join(''));
const selection = fc.oneof(
  name.map((one) => one),
  fc.tuple(name, name).map(([one, two]) => `${one.split('.')[0]}{${two.split('.').at(-1)},}`),
);
const part = fc.oneof(
  condition,
  fc.tuple(condition, condition).map(([one, two]) => `[${one}|${two}]`),
  fc
    .array(name, { minLength: 1, maxLength: 3 })
    .map((list) => `sort(${list.map((one, at) => `${at % 2 ? '-' : '+'}${one}`).join(',')})`),
  fc.array(selection, { minLength: 1, maxLength: 4 }).map((list) => `select(${list.join(',')},)`),
  fc.nat(9).map((count) => `limit(${count})`),
  fc.constantFrom('explain()', 'total()', 'cursor()', 'limit(1,3)'),
);
const query = fc.array(part, { maxLength: 4 }).map((parts) => (parts.length === 0 ? '' : `?${parts.join('&')}`));
const path = fc.oneof(
  fc.constantFrom(
    '/Item/',
    '/Item',
    '/Maker/',
    '/Note/',
    '/Item/own-',
    '/Item/own-1',
    '/Item/own-2',
    '/Item/other-a-1',
    '/Item/other-b-1',
    '/Item/none',
    '/Maker/m-0',
    '/openapi',
  ),
  fc.tuple(fc.constantFrom('own-1', 'other-a-1', 'other-b-1'), name).map(([id, one]) => `/Item/${id}.${one}`),
);
const request = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD', 'PATCH', 'PUT', 'POST', 'DELETE', 'OPTIONS'),
  path,
  query,
  body: fc.constantFrom(
    { secret: 'x' },
    { rank: 1 },
    { nothing: 1 },
    { owner: 'bob' },
    { id: 'other-a-1', name: 'x' },
    [],
  ),
  accept: fc.constantFrom('application/json', 'text/csv', '*/*'),
});

test('what is hidden has no effect on any answer', async () => {
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path: at, query: search, body, accept }) => {
      const hasBody = method === 'PATCH' || method === 'PUT' || method === 'POST';
      const answers = await Promise.all(
        nodes.map(async (node) => {
          const response = await node.fetch(encodeURI(at + search), {
            method,
            headers: { accept, ...(hasBody && { 'content-type': 'application/json' }) },
            ...(hasBody && { body: JSON.stringify(body) }),
          });
          // Times differ, as the nodes were filled one after the other.
          const text = (await response.text()).replaceAll(/\d{13}/g, 'a time').replaceAll(/"cursor[^,}]*/g, '');
          return { status: response.status, type: response.headers.get('content-type'), text };
        }),
      );
      const [first, second] = answers;
      if (!first || !second) throw new Error('two nodes answer');
      statuses.add(first.status);
      expect(first.status).toBeLessThan(500);
      expect(first.text).not.toContain('swordfish ');
      expect(second).toEqual(first);
    }),
    { numRuns: 1_500, seed: 20_261_121 },
  );
  // Some is answered, some refused, some not there.
  for (const status of [200, 400, 403, 404]) expect([status, statuses.has(status)]).toEqual([status, true]);
}, 60_000);
