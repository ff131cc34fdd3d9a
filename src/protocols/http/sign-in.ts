// Signing in with an account somewhere else: sends the browser there, takes it back, and begins a session.
//
//   GET /.well-known/zerohop/sign-in?next=/path → the provider → GET …/sign-in/done?code=… → /path, with a session

import { ZerohopError } from '../../base/index.ts';
import { type Identities, type SignInState, setCookie, signedInPath, signInPath } from '../../security/index.ts';
import type { HttpStep } from './chain.ts';
import type { HttpRequest } from './http-request.ts';

const stateCookie = 'zerohop_sign_in';

/** How long somebody may take at the provider, in s. */
const stateSeconds = 600;

export function signInStep(identities: Identities): HttpStep {
  return {
    name: 'sign-in',
    handle(request, next) {
      const { openId } = identities;
      if (openId === undefined || !request.url.startsWith(signInPath)) return next(request);
      const { pathname, method } = request;
      if (pathname !== signInPath && pathname !== signedInPath) return next(request);
      if (method !== 'GET')
        throw new ZerohopError('METHOD_NOT_ALLOWED', 'Signing in begins with GET.', { allow: ['GET'] });
      return pathname === signInPath ? begin(request, identities) : finish(request, identities);
    },
  };
}

async function begin(request: HttpRequest, { openId }: Identities): Promise<Response> {
  if (openId === undefined) throw new Error('Bug: nobody to sign in with');
  const { url, remember } = await openId.begin(new URLSearchParams(request.search).get('next') ?? '/');
  const value = Buffer.from(JSON.stringify(remember)).toString('base64url');
  return redirect(url.href, [stateIn(value, openId.isSecure, stateSeconds)]);
}

async function finish(request: HttpRequest, identities: Identities): Promise<Response> {
  const { openId, sessions, events } = identities;
  const remembered = stateOf(request.headers.get('cookie') ?? '');
  if (openId === undefined || remembered === undefined)
    throw new ZerohopError(
      'UNAUTHENTICATED',
      `Signing in took too long, or began in another browser. Begin again at ${signInPath}.`,
    );
  const user = await openId.finish(request.search, remembered);
  const session = await sessions.begin(user.username);
  events.note('signed in', { username: user.username, address: request.ip, detail: 'OpenID Connect' });
  return redirect(remembered.next, [setCookie(session, openId.isSecure), stateIn('', openId.isSecure, 0)]);
}

function redirect(location: string, cookies: readonly string[]): Response {
  const headers = new Headers({ location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  for (const cookie of cookies) headers.append('set-cookie', cookie);
  return new Response(null, { status: 302, headers });
}

/** Lax: the provider's page sends the browser back. */
function stateIn(value: string, isSecure: boolean, seconds: number): string {
  const secure = isSecure ? '; Secure' : '';
  return `${stateCookie}=${value}; Path=${signInPath}; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`;
}

function stateOf(cookies: string): SignInState | undefined {
  const [, value = ''] = new RegExp(`(?:^|; )${stateCookie}=([\\w-]{1,4000})`).exec(cookies) ?? [];
  try {
    const { verifier, state, nonce, next }: Partial<Record<keyof SignInState, unknown>> = JSON.parse(
      Buffer.from(value, 'base64url').toString(),
    );
    const isWhole = [verifier, state, nonce, next].every((part) => typeof part === 'string' && part !== '');
    return isWhole
      ? { verifier: String(verifier), state: String(state), nonce: String(nonce), next: String(next) }
      : undefined;
  } catch {
    return undefined;
  }
}
