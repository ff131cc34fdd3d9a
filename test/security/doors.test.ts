// Every route and every operation there is, asked by somebody who may do nothing: none answers unless it is meant to be open.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { startNode, type TestNode } from '../support/start-node.ts';
import { type Caller, call, identitiesOf, operate } from './callers.ts';

let node: TestNode;
let powerless: readonly Caller[];
const nobody: Caller = { how: 'none', headers: {} };

beforeAll(async () => {
  node = await startNode({ app: 'security', threads: 1, settings: { AUTHORIZE_LOCAL: 'false' } });
  const permission = { data: { tables: { Item: {}, Maker: {} } } };
  await operate(node, { operation: 'add_role', role: 'powerless', permission });
  await operate(node, { operation: 'add_user', username: 'eve', password: 'let me in', role: 'powerless' });
  powerless = await identitiesOf(node, 'eve', 'let me in');
  await call(node, await administrator(), { method: 'PUT', path: '/Item/1', body: { name: 'a', secret: 'swordfish' } });
}, 20_000);
afterAll(() => node[Symbol.asyncDispose]());

async function administrator(): Promise<Caller> {
  const [, password] = await node.output.match(/user admin with the password (\S+)/);
  const [basic] = await identitiesOf(node, 'admin', password ?? '');
  if (!basic) throw new Error('no administrator');
  return basic;
}

/** Endpoints whose own code answers everybody, on purpose, and a table that the role `public` may read. */
const openEndpoints = ['/Kept/', '/SignIn/', '/Maker'];
/** Operations that are how one signs in and out, and need something that only the right one has. */
const openOperations = ['create_authentication_tokens', 'login', 'logout', 'revoke_token'];
/** Operations that tell callers of themselves, and of the tables they may do something with. */
const ownOperations = ['describe_all', 'user_info'];

test('routes: all of what is published, with every method', async () => {
  const { text } = await call(node, await administrator(), { method: 'GET', path: '/openapi' });
  const { paths }: { paths: Readonly<Record<string, Readonly<Record<string, unknown>>>> } = JSON.parse(text);
  expect(Object.keys(paths)).toContain('/Item/{id}');
  const answered: unknown[] = [];
  for (const path of Object.keys(paths)) {
    if (openEndpoints.some((open) => `${path}/`.startsWith(open))) continue;
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'QUERY'])
      for (const caller of [nobody, ...powerless])
        for (const at of [
          path.replace('{id}', '1'),
          `${path.replace('{id}', '1')}/`,
          `${path.replace('{id}', '1')}.name`,
        ]) {
          const body = method === 'GET' || method === 'HEAD' || method === 'QUERY' ? undefined : { name: 'taken' };
          const { status, text: said } = await call(node, caller, { method, path: at, body });
          if (status < 400 || said.includes('swordfish')) answered.push([method, at, caller.how, status]);
        }
  }
  expect(answered).toEqual([]);
});

describe('operations', () => {
  test('none but those for signing in is for everybody', async () => {
    const all = (await operate(node, { operation: 'list_operations' })) as { name: string; access: string }[];
    expect(all.length).toBeGreaterThan(15);
    const open: string[] = [];
    for (const { name } of all) {
      const { status } = await call(node, nobody, operation(name));
      if (status !== 401) open.push(name);
    }
    expect(open.sort()).toEqual([...openOperations].sort());
  });

  test('none but those about themselves is for somebody who may do nothing', async () => {
    const all = (await operate(node, { operation: 'list_operations' })) as { name: string; access: string }[];
    const answered: string[] = [];
    for (const { name, access } of all) {
      if (access === 'anyone') continue;
      for (const caller of powerless) {
        const { status } = await call(node, caller, operation(name));
        if (status < 400) answered.push(name);
      }
    }
    expect([...new Set(answered)].filter((name) => !ownOperations.includes(name))).toEqual([]);
  });
});

function operation(name: string) {
  return { method: 'POST', path: '/', body: { operation: name, table: 'Item', database: 'data' }, isOperation: true };
}

test('the description of the API tells of what the caller may reach', async () => {
  const told = await call(node, nobody, { method: 'GET', path: '/openapi' });
  const { paths }: { paths: Readonly<Record<string, unknown>> } = JSON.parse(told.text);
  expect(Object.keys(paths).filter((path) => path.startsWith('/Item'))).toEqual([]);
  expect(told.text).not.toContain('"secret"');
  expect(Object.keys(paths)).toContain('/Maker/{id}');
});
