// Signing in with OpenID Connect, at a real provider on this machine, as a browser does it: cookies kept, redirects followed, forms sent.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Provider from 'oidc-provider';
import { freePort } from '../support/free-port.ts';
import { startNode, type TestNode } from '../support/start-node.ts';
import { operate } from './callers.ts';

const path = '/.well-known/zerohop/sign-in';
const secret = 'what the provider gave the shop';
let node: TestNode;
let server: Server;
let folder: string;
const accounts: Readonly<Record<string, { email: string; email_verified: boolean }>> = {
  ann: { email: 'ann@example.com', email_verified: true },
  bob: { email: 'bob@example.com', email_verified: true },
  eve: { email: 'ann@example.com', email_verified: false },
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-openid-'));
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const port = freePort();
  const origin = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'shop', client_secret: secret, redirect_uris: [`${origin}${path}/done`] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: [] },
    conformIdTokenClaims: false,
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
    pkce: { required: () => true },
    cookies: { keys: ['a key of this test'] },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
  });
  server.on('request', provider.callback());
  writeFileSync(join(folder, 'secret'), `${secret}\n`);
  const settings = {
    AUTHORIZE_LOCAL: 'false',
    HTTP_PORT: String(port),
    OPENID_ISSUER: issuer,
    OPENID_CLIENT_ID: 'shop',
    OPENID_CLIENT_SECRET_FILE: join(folder, 'secret'),
    OPENID_ORIGIN: origin,
  };
  node = await startNode({ app: 'security', threads: 2, settings });
  const permission = { data: { tables: { Item: { read: true } } } };
  await operate(node, { operation: 'add_role', role: 'reader', permission });
  const user = { operation: 'add_user', username: 'ann@example.com', password: 'never told anybody', role: 'reader' };
  await operate(node, user);
}, 20_000);
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

/** Follows redirects and keeps cookies, by origin; fills in the provider's forms. */
class Browser {
  readonly #cookies = new Map<string, string>();
  readonly visited: string[] = [];

  async go(url: string, form?: URLSearchParams): Promise<Response> {
    this.visited.push(url);
    const { origin } = new URL(url);
    const cookie = [...this.#cookies].flatMap(([key, value]) =>
      key.startsWith(`${origin} `) ? `${key.slice(origin.length + 1)}=${value}` : [],
    );
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: cookie.join('; ') },
      ...(form && { method: 'POST', body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';')[0]?.split(/=(.*)/s) ?? [];
      if (value === '') this.#cookies.delete(`${origin} ${name}`);
      else this.#cookies.set(`${origin} ${name}`, value);
    }
    const next = response.headers.get('location');
    return next === null || response.status >= 400 ? response : this.go(new URL(next, url).href);
  }

  /** Signs in at the provider as `login`, and agrees to everything; the answer of the page it ends at. */
  async signIn(login: string, next: string): Promise<Response> {
    let page = await this.go(`${node.url}${path}?next=${encodeURIComponent(next)}`);
    for (let step = 0; step < 4; step++) {
      const html = await page.clone().text();
      const [, action] = /<form[^>]* action="([^"]+)"/.exec(html) ?? [];
      if (action === undefined) break;
      const [, prompt = ''] = /name="prompt" value="([^"]+)"/.exec(html) ?? [];
      const fields = new URLSearchParams({ prompt, ...(prompt === 'login' && { login, password: 'any' }) });
      page = await this.go(new URL(action, this.visited.at(-1)).href, fields);
    }
    return page;
  }
}

test('whoever is a user here signs in there, and has a session', async () => {
  const browser = new Browser();
  const page = await browser.signIn('ann', '/Item/');
  expect([page.url, page.status]).toEqual([`${node.url}/Item/`, 200]);
  // The session is what let them in.
  expect((await fetch(`${node.url}/Item/`)).status).toBe(401);
});

test('whoever is not a user stays out, and so does an address nobody has verified', async () => {
  const strange = await new Browser().signIn('bob', '/Item/');
  expect([strange.status, await strange.text()]).toEqual([403, expect.stringContaining('bob@example.com may not')]);
  const pretended = await new Browser().signIn('eve', '/Item/');
  expect([pretended.status, await pretended.text()]).toEqual([401, expect.stringContaining('not verified')]);
});

test('an answer that nobody asked for, or of somebody else, begins no session', async () => {
  const alone = await fetch(`${node.url}${path}/done?code=x&state=y`, { redirect: 'manual' });
  expect([alone.status, alone.headers.getSetCookie()]).toEqual([401, []]);
  const browser = new Browser();
  await browser.go(`${node.url}${path}`);
  const other = await browser.go(`${node.url}${path}/done?code=x&state=y`);
  expect(other.status).toBe(401);
});

test('leads to no other site', async () => {
  for (const next of ['https://evil.example/', '//evil.example/', '/\\evil.example/', 'javascript:alert(1)']) {
    const browser = new Browser();
    await browser.signIn('ann', next);
    expect([next, browser.visited.some((url) => url.includes('evil') && !url.includes('next='))]).toEqual([
      next,
      false,
    ]);
  }
});
