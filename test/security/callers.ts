// Ways to send a request as somebody.

import type { TestNode } from '../support/start-node.ts';

export interface Caller {
  readonly how: 'none' | 'basic' | 'bearer' | 'session';
  readonly headers: Readonly<Record<string, string>>;
}

export interface CallRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** At the operations port. */
  readonly isOperation?: boolean;
}

export async function call(node: TestNode, { headers }: Caller, { method, path, body, isOperation }: CallRequest) {
  const response = await fetch((isOperation ? node.operationsUrl : node.url) + path, {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** One way to be the user for each kind of credentials. */
export async function identitiesOf(node: TestNode, username: string, password: string): Promise<Caller[]> {
  const basic = { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
  const nobody: Caller = { how: 'none', headers: {} };
  const ask = (operation: string) =>
    call(node, nobody, { method: 'POST', path: '/', body: { operation, username, password }, isOperation: true });
  const tokens = await ask('create_authentication_tokens');
  const { operation_token: token }: { operation_token: string } = JSON.parse(tokens.text);
  const session = await ask('login');
  const cookie = session.headers.get('set-cookie')?.split(';')[0] ?? '';
  return [
    { how: 'basic', headers: basic },
    { how: 'bearer', headers: { authorization: `Bearer ${token}` } },
    { how: 'session', headers: { cookie } },
  ];
}

/** As the administrator, over the socket in the data folder. Throws when it is refused. */
export async function operate(node: TestNode, body: Readonly<Record<string, unknown>>): Promise<unknown> {
  const response = await fetch('http://localhost/', {
    unix: `${node.folder}/operations.sock`,
    method: 'POST',
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${String(body.operation)}: ${response.status} ${text}`);
  return JSON.parse(text);
}
