// Operations on users, roles, tokens and sessions.

import { type JsonObject, ZerohopError } from '../../base/index.ts';
import {
  type Account,
  administrator,
  type Identities,
  permissionToJson,
  sessionOf,
  setCookie,
  type User,
} from '../../security/index.ts';
import type { Operation, OperationCall } from './types.ts';

export function userOperations(identities: Identities): Operation[] {
  const { accounts, tokens, sessions, events } = identities;

  /** Tells of a change, when it is done. */
  const noted =
    (event: string, change: (call: OperationCall) => Promise<{ readonly about: string; readonly answer: unknown }>) =>
    async (call: OperationCall): Promise<unknown> => {
      const { about, answer } = await change(call);
      const { user, address } = call;
      events.note(event, { username: user?.username ?? null, address, detail: about });
      return answer;
    };

  /** By name and password, or whoever is calling. */
  const signIn = async ({ body, user, address }: OperationCall): Promise<User> => {
    if (body.username === undefined && body.password === undefined && user !== null) {
      if (accounts.user(user.username)) return user;
      throw new ZerohopError('INVALID_REQUEST', 'You are nobody with a password here: give username and password.');
    }
    return identities.authenticate(text(body, 'username'), text(body, 'password'), address ?? 'socket');
  };

  const describe = (account: Account): JsonObject => {
    const role = accounts.access.roles.get(account.role);
    return {
      username: account.username,
      active: account.active,
      role: { id: account.role, role: account.role, permission: role ? permissionToJson(role) : null },
    };
  };

  return [
    {
      name: 'add_user',
      access: 'super_user',
      run: noted('user added', async ({ body }) => {
        const username = text(body, 'username');
        await accounts.add(username, text(body, 'password'), text(body, 'role'), flag(body, 'active') ?? true);
        return { about: username, answer: { message: `${username} successfully added` } };
      }),
    },
    {
      name: 'alter_user',
      access: 'super_user',
      run: noted('user altered', async ({ body }) => {
        const username = text(body, 'username');
        const [role, password] = [optional(body, 'role'), optional(body, 'password')];
        const active = flag(body, 'active');
        if (role === undefined && password === undefined && active === undefined)
          throw new ZerohopError('INVALID_REQUEST', 'Give what to change: role, password or active.');
        await accounts.alter(username, { role, password, active });
        return { about: username, answer: { message: 'updated 1 of 1 records', updated_hashes: [username] } };
      }),
    },
    {
      name: 'drop_user',
      access: 'super_user',
      run: noted('user dropped', async ({ body }) => {
        const username = text(body, 'username');
        await accounts.drop(username);
        return { about: username, answer: { message: `${username} successfully deleted` } };
      }),
    },
    { name: 'list_users', access: 'super_user', run: async () => accounts.list().map(describe) },
    {
      name: 'user_info',
      access: 'user',
      async run({ user }) {
        const account = user && accounts.get(user.username);
        if (account) return describe(account);
        const { username, superUser } = user ?? administrator;
        return {
          username,
          active: true,
          role: { id: 'super_user', role: 'super_user', permission: { super_user: superUser } },
        };
      },
    },
    {
      name: 'add_role',
      access: 'super_user',
      run: noted('role added', async ({ body }) => {
        const id = text(body, 'role');
        await accounts.setRole(id, body.permission, 'new');
        return { about: id, answer: roleAnswer(accounts.roles(), id) };
      }),
    },
    {
      name: 'alter_role',
      access: 'super_user',
      run: noted('role altered', async ({ body }) => {
        const id = optional(body, 'id') ?? text(body, 'role');
        const name = optional(body, 'role') ?? id;
        if (name !== id)
          throw new ZerohopError(
            'INVALID_REQUEST',
            `A role keeps its name: add the role ${name}, and give it to the users of ${id}.`,
          );
        await accounts.setRole(id, body.permission, 'existing');
        return { about: id, answer: roleAnswer(accounts.roles(), id) };
      }),
    },
    {
      name: 'drop_role',
      access: 'super_user',
      run: noted('role dropped', async ({ body }) => {
        const id = optional(body, 'id') ?? text(body, 'role');
        await accounts.dropRole(id);
        return { about: id, answer: { message: `${id} successfully deleted` } };
      }),
    },
    {
      name: 'list_roles',
      access: 'super_user',
      run: async () => [...accounts.roles()].map(([id, permission]) => ({ id, role: id, permission })),
    },
    {
      name: 'create_authentication_tokens',
      access: 'anyone',
      async run(call) {
        const { username } = await signIn(call);
        const [operationToken, refreshToken] = await Promise.all([
          tokens.issue(username, 'operation'),
          tokens.issue(username, 'refresh'),
        ]);
        events.note('tokens created', { username, address: call.address });
        return { operation_token: operationToken, refresh_token: refreshToken };
      },
    },
    {
      name: 'refresh_operation_token',
      access: 'anyone',
      async run({ body, headers }) {
        const given = optional(body, 'refresh_token') ?? headers.get('authorization')?.replace(/^bearer /i, '') ?? '';
        const user = await identities.refreshing(given);
        return { operation_token: await tokens.issue(user.username, 'operation') };
      },
    },
    {
      name: 'revoke_token',
      access: 'anyone',
      async run({ body, address }) {
        // Whoever has a token may end it.
        const token = text(body, 'token');
        const claims = (await tokens.verify(token, 'operation')) ?? (await tokens.verify(token, 'refresh'));
        if (claims !== undefined) {
          await tokens.revoke(claims);
          events.note('token revoked', { username: claims.username, address });
        }
        return { message: 'The token does not count any more.' };
      },
    },
    {
      name: 'revoke_user',
      access: 'super_user',
      run: noted('user signed out everywhere', async ({ body }) => {
        const username = text(body, 'username');
        await accounts.alter(username, { revoke: true });
        return { about: username, answer: { message: `All tokens and sessions of ${username} have ended.` } };
      }),
    },
    {
      name: 'rotate_token_key',
      access: 'super_user',
      run: noted('token key replaced', async () => {
        await tokens.rotate();
        return { about: 'token key', answer: { message: 'This node signs tokens with a new key.' } };
      }),
    },
    {
      name: 'login',
      access: 'anyone',
      async run(call) {
        const { username } = await signIn(call);
        const cookie = setCookie(await sessions.begin(username), call.headers.get('x-forwarded-proto') === 'https');
        events.note('signed in', { username, address: call.address });
        return Response.json({ message: `Signed in as ${username}` }, { headers: { 'set-cookie': cookie } });
      },
    },
    {
      name: 'logout',
      access: 'anyone',
      async run({ headers, user, address }) {
        const session = sessionOf(headers.get('cookie') ?? '');
        if (session !== undefined) await sessions.end(session);
        if (user !== null) events.note('signed out', { username: user.username, address });
        return Response.json({ message: 'Signed out' }, { headers: { 'set-cookie': setCookie(undefined, false) } });
      },
    },
    {
      name: 'list_security_events',
      access: 'super_user',
      run: async ({ body }) => events.list({ event: optional(body, 'event'), limit: Number(body.limit ?? 100) }),
    },
  ];
}

function roleAnswer(roles: ReadonlyMap<string, JsonObject>, id: string): JsonObject {
  return { id, role: id, permission: roles.get(id) ?? null };
}

function text(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = optional(body, name);
  if (value !== undefined) return value;
  throw new ZerohopError('INVALID_REQUEST', `${String(body.operation)} needs "${name}".`);
}

function optional(body: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw new ZerohopError('INVALID_REQUEST', `"${name}" is text.`);
}

function flag(body: Readonly<Record<string, unknown>>, name: string): boolean | undefined {
  const value = body[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw new ZerohopError('INVALID_REQUEST', `"${name}" is true or false.`);
}
