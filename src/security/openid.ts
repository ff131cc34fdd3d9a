// Signing in with an account somewhere else: OpenID Connect Core 1.0, authorization code flow with PKCE (RFC 7636). The provider says who
// somebody is; what they may do is said here, by the role of the user with that name.

import type * as OpenIdClient from 'openid-client';
import { ZerohopError } from '../base/index.ts';
import type { Accounts } from './accounts.ts';
import { isLoopback } from './allow.ts';
import { randomPassword } from './passwords.ts';
import type { User } from './types.ts';

export interface OpenIdOptions {
  /** Address of the provider: where its /.well-known/openid-configuration is. */
  readonly issuer: string;
  readonly clientId: string;
  /** '' for a public client. */
  readonly clientSecret: string;
  /** Of this site, as browsers know it. */
  readonly origin: string;
  /** What the provider says that is the username here. An email must have been verified by it. */
  readonly claim: string;
  /** Of users who come for the first time; '': only those who are users already may come. */
  readonly role: string;
}

/** Below the origin: where signing in begins, and where the provider sends the browser back to. */
export const signInPath = '/.well-known/zerohop/sign-in';
export const signedInPath = `${signInPath}/done`;

/** What is remembered in the browser between the two. */
export interface SignInState {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  /** Path to go on to. */
  readonly next: string;
}

export class OpenId {
  readonly #options: OpenIdOptions;
  readonly #accounts: Accounts;
  #provider: Promise<{ client: typeof OpenIdClient; config: OpenIdClient.Configuration }> | undefined;

  constructor(options: OpenIdOptions, accounts: Accounts) {
    this.#options = options;
    this.#accounts = accounts;
  }

  get isSecure(): boolean {
    return this.#options.origin.startsWith('https:');
  }

  /** Where to send the browser, and what to remember in it. Throws ORIGIN_FAILED when the provider can't be reached. */
  async begin(next: string): Promise<{ readonly url: URL; readonly remember: SignInState }> {
    const { client, config } = await this.#connected();
    const verifier = client.randomPKCECodeVerifier();
    const remember = { verifier, state: client.randomState(), nonce: client.randomNonce(), next: pathOnly(next) };
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: `${this.#options.origin}${signedInPath}`,
      scope: 'openid email profile',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: remember.state,
      nonce: remember.nonce,
    });
    return { url, remember };
  }

  /** The user the provider has sent back. @param search of the URL it sent the browser to. Throws UNAUTHENTICATED, FORBIDDEN. */
  async finish(search: string, { verifier, state, nonce }: SignInState): Promise<User> {
    const { client, config } = await this.#connected();
    const url = new URL(`${this.#options.origin}${signedInPath}${search}`);
    const answer = await client
      .authorizationCodeGrant(config, url, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      })
      .catch((error: unknown) => {
        throw notSignedIn(error instanceof Error ? error.message : String(error));
      });
    return this.#userOf(answer.claims() ?? {});
  }

  async #userOf(claims: Readonly<Record<string, unknown>>): Promise<User> {
    const { claim, role } = this.#options;
    const name = claims[claim];
    if (typeof name !== 'string' || name === '') throw notSignedIn(`the provider said no ${claim}`);
    if (claim === 'email' && claims.email_verified !== true) throw notSignedIn(`${name} is not verified there`);
    const user = this.#accounts.user(name);
    if (user) return user;
    if (this.#accounts.get(name) || role === '') throw new ZerohopError('FORBIDDEN', `${name} may not sign in here.`);
    await this.#accounts.add(name, randomPassword(), role);
    const made = this.#accounts.user(name);
    if (made) return made;
    throw new ZerohopError('FORBIDDEN', `${name} may not sign in here.`);
  }

  /** Loaded, and the provider asked, when somebody signs in for the first time. */
  async #connected(): Promise<{ client: typeof OpenIdClient; config: OpenIdClient.Configuration }> {
    this.#provider ??= this.#connect();
    try {
      return await this.#provider;
    } catch (error) {
      this.#provider = undefined;
      const why = error instanceof Error ? error.message : String(error);
      throw new ZerohopError('ORIGIN_FAILED', `The sign-in provider ${this.#options.issuer} can't be reached: ${why}`);
    }
  }

  async #connect(): Promise<{ client: typeof OpenIdClient; config: OpenIdClient.Configuration }> {
    const client = await import('openid-client');
    const { issuer, clientId, clientSecret } = this.#options;
    const url = new URL(issuer);
    // Without TLS only on this machine.
    const isLocal = url.protocol === 'http:' && (url.hostname === 'localhost' || isLoopback(url.hostname));
    const config = await client.discovery(
      url,
      clientId,
      clientSecret || undefined,
      clientSecret === '' ? client.None() : undefined,
      isLocal ? { execute: [client.allowInsecureRequests] } : undefined,
    );
    return { client, config };
  }
}

/** A path of this site, or its root: never another site. */
function pathOnly(next: string): string {
  return /^\/(?![/\\])[^\s\\]*$/.test(next) && next.length <= 2_000 ? next : '/';
}

function notSignedIn(why: string): ZerohopError {
  return new ZerohopError('UNAUTHENTICATED', `Signing in did not work: ${why}. Begin again at ${signInPath}.`);
}
