// Users, roles, tokens and sessions, at the doors of a running node of several threads.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { statSync } from 'node:fs';
import { startNode, type TestNode } from '../support/start-node.ts';
import { type Caller, call, identitiesOf, operate } from './callers.ts';

let node: TestNode;
let admin: Caller;
let adminPassword: string;
const nobody: Caller = { how: 'none', headers: {} };
const reads = { data: { tables: { Item: { read: true } } } };

beforeAll(async () => {
  node = await startNode({ app: 'security', threads: 3, settings: { AUTHORIZE_LOCAL: 'false' } });
  [, adminPassword = ''] = await node.output.match(/user admin with the password (\S+)/);
  const [basic] = await identitiesOf(node, 'admin', adminPassword);
  if (!basic) throw new Error('no administrator');
  admin = basic;
  await operate(node, { operation: 'add_role', role: 'reader', permission: reads });
  await call(node, admin, { method: 'PUT', path: '/Item/1', body: { name: 'a' } });
}, 20_000);
afterAll(() => node[Symbol.asyncDispose]());

let count = 0;
async function newUser(role = 'reader', password = 'correct horse') {
  const username = `user${++count}`;
  await operate(node, { operation: 'add_user', username, password, role });
  return { username, password };
}

const read = (caller: Caller, path = '/Item/1') => call(node, caller, { method: 'GET', path });
const ask = (caller: Caller, body: Readonly<Record<string, unknown>>) =>
  call(node, caller, { method: 'POST', path: '/', body, isOperation: true });
const bearer = (token: string): Caller => ({ how: 'bearer', headers: { authorization: `Bearer ${token}` } });
const basic = (username: string, password: string): Caller => ({
  how: 'basic',
  headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
});

async function tokensOf(
  username: string,
  password: string,
): Promise<{ operation_token: string; refresh_token: string }> {
  const { text } = await ask(nobody, { operation: 'create_authentication_tokens', username, password });
  return JSON.parse(text);
}

/** The statuses of a read over many connections, so that every thread answers some. */
async function readEverywhere(caller: Caller): Promise<number[]> {
  const headers = { ...caller.headers, connection: 'close' };
  const all = await Promise.all(Array.from({ length: 40 }, () => read({ ...caller, headers })));
  return [...new Set(all.map(({ status }) => status))];
}

describe('who was let in is out at once, on every thread', () => {
  const ways: readonly (readonly [string, (username: string) => Promise<unknown>])[] = [
    ['dropped', (username) => operate(node, { operation: 'drop_user', username })],
    ['made inactive', (username) => operate(node, { operation: 'alter_user', username, active: false })],
    [
      'with a new password',
      (username) => operate(node, { operation: 'alter_user', username, password: 'another one' }),
    ],
    ['signed out everywhere', (username) => operate(node, { operation: 'revoke_user', username })],
  ];
  for (const [name, end] of ways) {
    test(name, async () => {
      const { username, password } = await newUser();
      const callers = await identitiesOf(node, username, password);
      for (const caller of callers) expect([caller.how, await readEverywhere(caller)]).toEqual([caller.how, [200]]);
      await end(username);
      for (const caller of callers) {
        // Signing out everywhere leaves the password what it is.
        const isStillRight = caller.how === 'basic' && name === 'signed out everywhere';
        expect([caller.how, await readEverywhere(caller)]).toEqual([caller.how, [isStillRight ? 200 : 401]]);
      }
    });
  }

  test('with another role, what that one may', async () => {
    const { username, password } = await newUser();
    const [caller] = await identitiesOf(node, username, password);
    if (!caller) throw new Error('no caller');
    expect(await readEverywhere(caller)).toEqual([200]);
    await operate(node, {
      operation: 'add_role',
      role: 'shut',
      permission: { data: { tables: { Item: { read: false } } } },
    });
    await operate(node, { operation: 'alter_user', username, role: 'shut' });
    expect(await readEverywhere(caller)).toEqual([403]);
    await operate(node, { operation: 'alter_role', id: 'shut', permission: reads });
    expect(await readEverywhere(caller)).toEqual([200]);
  });
});

describe('tokens', () => {
  test('an operation token counts at both ports, a refresh token only to get another one', async () => {
    const { username, password } = await newUser();
    const tokens = await tokensOf(username, password);
    expect((await read(bearer(tokens.operation_token))).status).toBe(200);
    expect((await ask(bearer(tokens.operation_token), { operation: 'user_info' })).status).toBe(200);
    expect((await read(bearer(tokens.refresh_token))).status).toBe(401);
    for (const [caller, body] of [
      [bearer(tokens.refresh_token), { operation: 'refresh_operation_token' }],
      [nobody, { operation: 'refresh_operation_token', refresh_token: tokens.refresh_token }],
    ] as const) {
      const { operation_token: token }: { operation_token: string } = JSON.parse((await ask(caller, body)).text);
      expect((await read(bearer(token))).status).toBe(200);
    }
    const wrong = { operation: 'refresh_operation_token', refresh_token: tokens.operation_token };
    expect((await ask(nobody, wrong)).status).toBe(401);
  });

  test('one that was revoked counts nowhere, and others do', async () => {
    const { username, password } = await newUser();
    const [first, second] = [await tokensOf(username, password), await tokensOf(username, password)];
    expect(await readEverywhere(bearer(first.operation_token))).toEqual([200]);
    await ask(nobody, { operation: 'revoke_token', token: first.operation_token });
    expect(await readEverywhere(bearer(first.operation_token))).toEqual([401]);
    expect(await readEverywhere(bearer(second.operation_token))).toEqual([200]);
  });

  test('those of a key that was replaced still count', async () => {
    const { username, password } = await newUser();
    const before = await tokensOf(username, password);
    await operate(node, { operation: 'rotate_token_key' });
    const after = await tokensOf(username, password);
    const keyOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;
    expect(keyOf(after.operation_token)).not.toBe(keyOf(before.operation_token));
    expect(await readEverywhere(bearer(before.operation_token))).toEqual([200]);
    expect(await readEverywhere(bearer(after.operation_token))).toEqual([200]);
  });

  test('what is not signed by a node counts nowhere', async () => {
    const { username, password } = await newUser();
    const { operation_token: token } = await tokensOf(username, password);
    const [head = '', body = '', signature = ''] = token.split('.');
    const claims = { ...JSON.parse(Buffer.from(body, 'base64url').toString()), username: 'admin' };
    const forged = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const symmetric = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'x' })).toString('base64url');
    for (const wrong of [
      `${head}.${forged}.${signature}`,
      `${none}.${forged}.`,
      `${symmetric}.${forged}.${signature}`,
      `${head}.${body}.${signature.slice(0, -4)}AAAA`,
      'x',
      '..',
      'a'.repeat(10_000),
    ])
      expect([wrong.slice(0, 20), (await read(bearer(wrong))).status]).toEqual([wrong.slice(0, 20), 401]);
    expect((await read(bearer(token))).status).toBe(200);
  });

  test('the key that signs is for the owner of the process alone', () => {
    expect(statSync(`${node.folder}/keys/token.json`).mode & 0o777).toBe(0o600);
    expect(statSync(`${node.folder}/keys`).mode & 0o777).toBe(0o700);
  });
});

describe('sessions', () => {
  test("are for this site's pages alone", async () => {
    const { username, password } = await newUser('super_user');
    const [, , session] = await identitiesOf(node, username, password);
    if (!session) throw new Error('no session');
    const put = (headers: Readonly<Record<string, string>>) =>
      call(
        node,
        { ...session, headers: { ...session.headers, ...headers } },
        { method: 'PUT', path: '/Item/s', body: {} },
      );
    expect((await put({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await put({ 'sec-fetch-site': 'cross-site', origin: 'null' })).status).toBe(403);
    expect((await put({ 'sec-fetch-site': 'same-site' })).status).toBe(403);
    expect((await put({ origin: node.url })).status).toBe(204);
    expect((await put({ 'sec-fetch-site': 'same-origin' })).status).toBe(204);
    expect((await put({})).status).toBe(204);
  });

  test('have a cookie that scripts and other sites do not get, and end', async () => {
    const { username, password } = await newUser();
    const { headers } = await ask(nobody, { operation: 'login', username, password });
    const cookie = headers.get('set-cookie') ?? '';
    for (const part of ['HttpOnly', 'SameSite=Lax', 'Path=/']) expect(cookie).toContain(part);
    const session: Caller = { how: 'session', headers: { cookie: cookie.split(';')[0] ?? '' } };
    expect(await readEverywhere(session)).toEqual([200]);
    await ask(session, { operation: 'logout' });
    expect(await readEverywhere(session)).toEqual([401]);
  });
});

test('code of the application signs in and out, and finds users', async () => {
  const { username, password } = await newUser();
  const post = (body: unknown) => call(node, nobody, { method: 'POST', path: '/SignIn/', body });
  expect((await post({ username, password: 'not this one' })).status).toBe(401);
  const { headers, text } = await post({ username, password });
  expect(JSON.parse(text)).toEqual({ username, asking: username });
  const session: Caller = { how: 'session', headers: { cookie: headers.get('set-cookie')?.split(';')[0] ?? '' } };
  expect(await readEverywhere(session)).toEqual([200]);
  const told = await call(node, session, { method: 'GET', path: `/SignIn/${username}` });
  expect(JSON.parse(told.text)).toEqual({ asking: username, role: 'reader' });
  await call(node, session, { method: 'DELETE', path: '/SignIn/' });
  expect(await readEverywhere(session)).toEqual([401]);
});

describe('passwords', () => {
  test('a wrong name is answered as a wrong password is', async () => {
    const { username } = await newUser();
    const wrongPassword = await read(basic(username, 'not this one'));
    const wrongName = await read(basic('nobody-of-this-name', 'not this one'));
    expect([wrongName.status, wrongName.text]).toEqual([wrongPassword.status, wrongPassword.text]);
    expect(wrongName.status).toBe(401);
    await operate(node, { operation: 'alter_user', username, active: false });
    expect((await read(basic(username, 'correct horse'))).text).toBe(wrongName.text);
  });

  test('who guesses must wait, longer each time, and does not shut others out', async () => {
    const { username, password } = await newUser();
    const { username: other } = await newUser();
    const statuses: number[] = [];
    for (let guess = 0; guess < 7; guess++) statuses.push((await read(basic(username, `guess ${guess}`))).status);
    expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401]);
    expect(statuses.at(-1)).toBe(429);
    const right = await read(basic(username, password));
    expect(right.status).toBe(429);
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await read(basic(other, password))).status).toBe(200);
  });

  test('are long enough', async () => {
    const body = { operation: 'add_user', username: 'short', password: 'short', role: 'reader' };
    expect((await ask(admin, body)).status).toBe(400);
  });
});

describe('administrators', () => {
  test('the last one stays', async () => {
    for (const body of [
      { operation: 'drop_user', username: 'admin' },
      { operation: 'alter_user', username: 'admin', active: false },
      { operation: 'alter_user', username: 'admin', role: 'reader' },
      { operation: 'alter_role', id: 'super_user', permission: { super_user: false } },
    ]) {
      const others = JSON.parse((await ask(admin, { operation: 'list_users' })).text) as {
        username: string;
        role: { id: string };
      }[];
      for (const { username, role } of others)
        if (role.id === 'super_user' && username !== 'admin') await operate(node, { operation: 'drop_user', username });
      expect([body, (await ask(admin, body)).status]).toEqual([body, 409]);
    }
    expect((await ask(admin, { operation: 'drop_role', id: 'super_user' })).status).toBe(409);
    expect((await read(admin)).status).toBe(200);
  });

  test('act as others, and never get more by it', async () => {
    const { username } = await newUser();
    const as = (impersonate: unknown, operation = 'user_info') => ask(admin, { operation, impersonate });
    expect(JSON.parse((await as({ username })).text)).toMatchObject({ username, role: { id: 'reader' } });
    expect((await as({ username }, 'list_users')).status).toBe(403);
    expect((await as({ username: 'admin' }, 'list_users')).status).toBe(403);
    expect((await as({ role: { permission: { super_user: true } } }, 'list_users')).status).toBe(403);
    expect((await as({ role_name: 'super_user' }, 'list_users')).status).toBe(403);
    expect((await as({ username: 'nobody here' })).status).toBe(404);
    expect((await as({ role_name: 'none such' })).status).toBe(404);
    const [reader] = await identitiesOf(node, username, 'correct horse');
    expect((await ask(reader ?? nobody, { operation: 'user_info', impersonate: { username: 'admin' } })).status).toBe(
      403,
    );
  });
});

describe('roles', () => {
  test('an attribute may not be allowed what its table is not', async () => {
    const attribute_permissions = [{ attribute_name: 'name', read: true }];
    const permission = { data: { tables: { Item: { read: false, attribute_permissions } } } };
    expect((await ask(admin, { operation: 'add_role', role: 'impossible', permission })).status).toBe(400);
  });

  test('one that has users stays', async () => {
    await newUser('reader');
    expect((await ask(admin, { operation: 'drop_role', id: 'reader' })).status).toBe(409);
  });

  test('the public is not super user, and nobody has it for a role', async () => {
    const body = { operation: 'alter_role', id: 'public', permission: { super_user: true } };
    expect((await ask(admin, body)).status).toBe(400);
    const user = { operation: 'add_user', username: 'p', password: 'long enough', role: 'public' };
    expect((await ask(admin, user)).status).toBe(404);
  });

  test('may list operations, which then count before anything else', async () => {
    const permission = { operations: ['list_roles'], ...reads };
    await operate(node, { operation: 'add_role', role: 'listing', permission });
    const { username, password } = await newUser('listing');
    const [caller] = await identitiesOf(node, username, password);
    expect((await ask(caller ?? nobody, { operation: 'list_roles' })).status).toBe(200);
    expect((await ask(caller ?? nobody, { operation: 'list_users' })).status).toBe(403);
    expect((await ask(caller ?? nobody, { operation: 'user_info' })).status).toBe(403);
  });
});

test('what happened is told, and nothing secret with it', async () => {
  const { username, password } = await newUser();
  await tokensOf(username, password);
  const { text } = await ask(admin, { operation: 'list_security_events', limit: 1000 });
  const kinds = new Set((JSON.parse(text) as { event: string }[]).map(({ event }) => event));
  for (const event of ['tokens created', 'sign-in failed', 'signed in', 'impersonated', 'cross-site request refused'])
    expect([event, kinds.has(event)]).toEqual([event, true]);
  for (const secret of [password, 'correct horse', adminPassword, '$argon2id'])
    expect([secret, text.includes(secret)]).toEqual([secret, false]);
  const users = await ask(admin, { operation: 'list_users' });
  expect(users.text).not.toContain('$argon2id');
  // Once, when it was made.
  expect(node.output.text.split(adminPassword).length).toBe(2);
  expect(node.output.text).not.toContain(password);
});

test('a second start makes no other administrator', async () => {
  const first = await startNode({
    app: 'security',
    threads: 0,
    settings: { AUTHORIZE_LOCAL: 'false' },
    data: `${node.folder}-2`,
  });
  await first.stop();
  await using second = await startNode({
    app: 'security',
    threads: 0,
    settings: { AUTHORIZE_LOCAL: 'false' },
    data: `${node.folder}-2`,
  });
  expect(first.output.text).toContain('user admin with the password');
  expect(second.output.text).not.toContain('user admin with the password');
}, 20_000);

test('who asks too often is held back, each on their own', async () => {
  const settings = { AUTHORIZE_LOCAL: 'false', RATE_LIMIT_PER_ADDRESS: '5', RATE_LIMIT_PER_USER: '8' };
  await using limited = await startNode({ app: 'security', threads: 2, settings });
  const statuses = async (caller: Caller) => {
    const all: number[] = [];
    for (let at = 0; at < 12; at++) all.push((await call(limited, caller, { method: 'GET', path: '/Maker/1' })).status);
    return all.filter((status) => status !== 429).length;
  };
  await operate(limited, { operation: 'add_role', role: 'reader', permission: reads });
  await operate(limited, { operation: 'add_user', username: 'a', password: 'password a', role: 'reader' });
  // The minute may turn in between, once.
  expect([5, 10]).toContain(await statuses(nobody));
  const [caller] = await identitiesOf(limited, 'a', 'password a');
  expect([8, 12]).toContain(await statuses(caller ?? nobody));
  const { headers } = await call(limited, nobody, { method: 'GET', path: '/Maker/1' });
  expect(headers.get('ratelimit-limit')).toBe('5');
  expect(Number(headers.get('ratelimit-reset'))).toBeGreaterThan(0);
}, 20_000);
