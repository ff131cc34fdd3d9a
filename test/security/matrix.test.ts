// Identity × role × door × action, against an oracle that knows nothing of the runtime.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { startNode, type TestNode } from '../support/start-node.ts';
import { type Caller, call, identitiesOf, operate } from './callers.ts';
import { type Case, casesOf, rolesOf, seedsOf, settle } from './cases.ts';

const seed = 20_261_121;
const roles = rolesOf(seed, 14);
const cases = casesOf(seed, roles, 2_100);

let node: TestNode;
const callers = new Map<string, Caller>();

beforeAll(async () => {
  node = await startNode({ app: 'security', threads: 2, settings: { AUTHORIZE_LOCAL: 'false' } });
  for (const [index, role] of roles.entries()) {
    const permission = { data: { tables: Object.fromEntries(Object.entries(role).filter(([, table]) => table)) } };
    await operate(node, { operation: 'add_role', role: `role-${index}`, permission });
    const username = `user-${index}`;
    await operate(node, { operation: 'add_user', username, password: `password ${index}`, role: `role-${index}` });
    for (const caller of await identitiesOf(node, username, `password ${index}`))
      callers.set(`${caller.how} ${index}`, caller);
  }
  callers.set('none', { how: 'none', headers: {} });
  const { items, makers } = seedsOf(cases);
  const [administrator] = await identitiesOf(node, 'admin', await adminPassword(node));
  if (!administrator) throw new Error('no administrator');
  for (const [path, records] of [
    ['/Item/', items],
    ['/Maker/', makers],
  ] as const) {
    const answer = await call(node, administrator, { method: 'PUT', path, body: records });
    if (answer.status !== 204) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  }
}, 30_000);
afterAll(() => node[Symbol.asyncDispose]());

async function adminPassword({ output }: TestNode): Promise<string> {
  const [, password] = await output.match(/user admin with the password (\S+)/);
  return password ?? '';
}

test(`${cases.length} calls come to what the oracle says`, async () => {
  const wrong: string[] = [];
  const seen = new Map<string, number>();
  for (const one of cases) {
    const difference = await differenceOf(one);
    if (difference !== undefined) wrong.push(difference);
    const { expected } = settle(one, roles);
    seen.set(`${expected.status}`, (seen.get(`${expected.status}`) ?? 0) + 1);
  }
  expect(wrong).toEqual([]);
  // The cases are not all of one kind.
  for (const status of ['200', '204', '401', '403', '404'])
    expect([status, (seen.get(status) ?? 0) > 20]).toEqual([status, true]);
}, 60_000);

async function differenceOf(one: Case): Promise<string | undefined> {
  const caller = callers.get(one.role === undefined ? 'none' : `${one.identity} ${one.role}`);
  if (!caller) throw new Error(`no caller for ${one.identity} ${one.role}`);
  const { request, expected } = settle(one, roles);
  const answer = await call(node, caller, request);
  const told = `${one.identity} ${one.role} ${JSON.stringify(one.role === undefined ? {} : roles[one.role])} ${request.method} ${request.path} ${JSON.stringify(request.body) ?? ''}`;
  if (answer.status !== expected.status) return `${told}: ${answer.status}, not ${expected.status}: ${answer.text}`;
  if (expected.body === undefined) return undefined;
  const body: unknown = JSON.parse(answer.text);
  return Bun.deepEquals(body, expected.body)
    ? undefined
    : `${told}: ${answer.text}, not ${JSON.stringify(expected.body)}`;
}
