// Who sends a request: credentials → user. The same for every door.
//
//   client's certificate → Authorization: Basic | Bearer → session cookie → this machine, where that is trusted → nobody
//
// What came of checking credentials is kept until they expire or users, roles or revocations change: then it is looked at again, a token
// without its signature. Wrong credentials are refused, never taken for none.

import { createHmac, randomBytes } from 'node:crypto';
import { type Clock, ZerohopError } from '../base/index.ts';
import type { Databases } from '../tables/index.ts';
import { Accounts } from './accounts.ts';
import { administrator, isLoopback } from './allow.ts';
import { Attempts, type Counted } from './attempts.ts';
import type { SecurityEvents } from './events.ts';
import { OpenId, type OpenIdOptions } from './openid.ts';
import { Passwords } from './passwords.ts';
import { type RolePermission, readPermission, roleOf } from './permission.ts';
import { Sessions, sessionOf } from './sessions.ts';
import { type Claims, Tokens } from './tokens.ts';
import type { User } from './types.ts';

/** What of a request counts. */
export interface Credentials {
  readonly method: string;
  readonly headers: Headers;
  /** Of the client; asked for only where it matters. */
  readonly address: () => string;
  /** Counts before, and in place of, all else. */
  readonly certificate?: ClientCertificate | undefined;
}

/** A certificate that a client has shown, and has the key of. */
export interface ClientCertificate {
  /** Why it does not count; undefined: it is by an authority that is trusted here, and in its time. */
  readonly fault: string | undefined;
  /** Of a user; undefined: it has none. */
  readonly name: string | undefined;
  /** False: credentials say who it is, beside the certificate. */
  readonly isUser: boolean;
}

export interface IdentitiesOptions {
  readonly databases: Databases;
  readonly clock: Clock;
  /** Where this node's signing key is kept. */
  readonly keyFile: string;
  /** Calls from this machine without credentials are the administrator's. */
  readonly authorizeLocal: boolean;
  readonly events: SecurityEvents;
  /** Where else users may sign in; undefined: nowhere. */
  readonly openId?: OpenIdOptions | undefined;
  /** What threads share of attempts to sign in. */
  readonly memory?: SharedArrayBuffer | undefined;
}

/** How long a right password counts without being checked again, and how many credentials a thread remembers. */
const basicMs = 30_000;
const remembered = 10_000;

interface Known {
  /** Null: the credentials are wrong. */
  user: User | null;
  epoch: number;
  readonly untilMs: number;
  readonly claims: Claims | undefined;
}

export class Identities {
  readonly accounts: Accounts;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly attempts: Attempts;
  readonly events: SecurityEvents;
  readonly openId: OpenId | undefined;
  readonly #passwords = new Passwords();
  readonly #options: IdentitiesOptions;
  readonly #known = new Map<string, Known>();
  readonly #checking = new Map<string, Promise<User>>();
  /** Of passwords only a keyed hash is remembered. */
  readonly #pepper = randomBytes(32);

  constructor(options: IdentitiesOptions) {
    const { databases, clock, keyFile, memory, events } = options;
    this.#options = options;
    this.events = events;
    this.accounts = new Accounts(databases, this.#passwords);
    this.openId = options.openId && new OpenId(options.openId, this.accounts);
    this.tokens = new Tokens(databases, keyFile, clock);
    this.sessions = new Sessions(databases, clock);
    this.attempts = new Attempts(memory, clock);
  }

  /** The user, now or in a while; null: no credentials. Throws UNAUTHENTICATED, TOO_MANY_REQUESTS, FORBIDDEN for a session another site's page uses. */
  identify(credentials: Credentials): User | null | Promise<User | null> {
    const { headers, certificate } = credentials;
    if (certificate !== undefined) {
      const user = this.#ofCertificate(certificate, credentials);
      if (user !== undefined) return user;
    }
    const authorization = headers.get('authorization');
    if (authorization !== null)
      return this.#recall(authorization) ?? this.#checkOnce(authorization, credentials.address());
    const cookies = headers.get('cookie');
    const session = cookies === null ? undefined : sessionOf(cookies);
    if (session !== undefined) return this.#ofSession(session, credentials);
    return this.#options.authorizeLocal && isLoopback(credentials.address()) ? administrator : null;
  }

  /** Undefined: it does not say who it is. */
  #ofCertificate({ fault, name, isUser }: ClientCertificate, { address }: Credentials): User | undefined {
    const refuse = (why: string): never => {
      this.events.note('certificate refused', { username: null, address: address(), detail: why });
      throw new ZerohopError('UNAUTHENTICATED', why);
    };
    if (fault !== undefined) return refuse(`The client's certificate does not count here: ${fault}.`);
    if (!isUser) return undefined;
    if (name === undefined) return refuse("The client's certificate names no user.");
    const user = this.accounts.user(name);
    return (
      user ?? refuse("There is no active user of the name in the client's certificate. Have an administrator add one.")
    );
  }

  /** Throws UNAUTHENTICATED, the same for a wrong name as for a wrong password, and TOO_MANY_REQUESTS. */
  async authenticate(username: string, password: string, address: string): Promise<User> {
    const keys = keysOf(username, address);
    this.attempts.demandFew(keys);
    const account = this.accounts.get(username);
    const isRight = await this.#passwords.verify(password, account?.password);
    const user = isRight ? this.accounts.user(username) : undefined;
    if (user === undefined) {
      this.attempts.failed(keys);
      this.events.note('sign-in failed', { username: account?.username ?? null, address });
      throw wrongCredentials();
    }
    const [ofBoth] = keys;
    if (ofBoth) this.attempts.succeeded(ofBoth);
    return user;
  }

  /**
   * The user that a super user acts as: `{ username }`, `{ role_name, username }` or `{ role: { permission }, username }`. Never a super user.
   * Throws FORBIDDEN, NOT_FOUND.
   */
  actAs(user: User | null, wanted: unknown): User {
    if (!user?.superUser) throw new ZerohopError('FORBIDDEN', 'Only a super user may act as somebody else.');
    const { username, role_name: roleName, role } = objectOf(wanted);
    const acting = this.#acted(username, roleName, role);
    this.events.note('impersonated', { username: user.username, address: null, detail: acting.username });
    return acting;
  }

  #acted(username: unknown, roleName: unknown, role: unknown): User {
    const name = typeof username === 'string' ? username : 'impersonated';
    if (role !== undefined) {
      const permission = readPermission(objectOf(role).permission, 'The role to act as');
      return acted(name, 'impersonated', permission);
    }
    if (typeof roleName === 'string') {
      const permission = this.accounts.access.roles.get(roleName);
      if (!permission) throw new ZerohopError('NOT_FOUND', `There is no role ${roleName}.`);
      return acted(name, roleName, permission);
    }
    const account = typeof username === 'string' ? this.accounts.get(username) : undefined;
    if (!account) throw new ZerohopError('NOT_FOUND', `There is no user ${String(username)} to act as.`);
    if (!account.active) throw new ZerohopError('FORBIDDEN', `The user ${account.username} is not active.`);
    const permission = this.accounts.access.roles.get(account.role);
    // Acting as a super user does not give what one may do.
    if (permission !== undefined) return acted(account.username, account.role, permission);
    return { username: account.username, role: roleOf(account.role), active: true, superUser: false };
  }

  /** Whether the user's role lists an operation; undefined: it says nothing of operations, or is limited to others. */
  mayCall(user: User, operation: string): boolean | undefined {
    const listed = (user.permission ?? this.accounts.access.roles.get(user.role.id))?.operations;
    if (listed == null) return undefined;
    return listed.some((name) => name === operation || operationGroups[name]?.includes(operation));
  }

  /** The user a refresh token stands for. Throws UNAUTHENTICATED. */
  async refreshing(token: string): Promise<User> {
    const claims = await this.tokens.verify(token, 'refresh');
    const user = claims && this.#ofClaims(claims);
    if (user !== undefined) return user;
    throw new ZerohopError('UNAUTHENTICATED', 'The refresh token is not valid, or not any more. Sign in again.');
  }

  /** What is known of credentials; undefined: nothing any more. Throws UNAUTHENTICATED for those that were wrong a moment ago: no other guess. */
  /** Who showed this before, where it counts as it did then; undefined: `identify` finds out. */
  known(authorization: string): User | undefined {
    const known = this.#known.get(this.#keyOf(authorization));
    if (known === undefined || known.epoch !== this.accounts.access.epoch) return undefined;
    return known.untilMs > this.#options.clock.nowMs() ? (known.user ?? undefined) : undefined;
  }

  #recall(authorization: string): User | undefined {
    const key = this.#keyOf(authorization);
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    const { epoch } = this.accounts.access;
    const nowMs = this.#options.clock.nowMs();
    if (known.untilMs > nowMs && known.epoch === epoch) {
      if (known.user === null) throw wrongCredentials();
      return known.user;
    }
    // A password is checked again; of a token the signature stands.
    const user = known.untilMs > nowMs && known.claims !== undefined ? this.#ofClaims(known.claims) : undefined;
    if (user === undefined) {
      this.#known.delete(key);
      return undefined;
    }
    known.user = user;
    known.epoch = epoch;
    return user;
  }

  #keyOf(authorization: string): string {
    if (/^bearer /i.test(authorization)) return authorization;
    return createHmac('sha256', this.#pepper).update(authorization).digest('base64');
  }

  /** The same credentials at the same time are checked once. */
  #checkOnce(authorization: string, address: string): Promise<User> {
    const key = this.#keyOf(authorization);
    const checking = this.#checking.get(key) ?? this.#check(authorization, address);
    if (!this.#checking.has(key)) {
      this.#checking.set(key, checking);
      const done = () => void this.#checking.delete(key);
      checking.then(done, done);
    }
    return checking;
  }

  async #check(authorization: string, address: string): Promise<User> {
    const { epoch } = this.accounts.access;
    const space = authorization.indexOf(' ');
    const scheme = authorization.slice(0, space).toLowerCase();
    const value = authorization.slice(space + 1).trim();
    if (scheme === 'basic') {
      const [username, password] = basicOf(value);
      const untilMs = this.#options.clock.nowMs() + basicMs;
      try {
        const user = await this.authenticate(username, password, address);
        this.#remember(authorization, { user, epoch, untilMs, claims: undefined });
        return user;
      } catch (error) {
        if (error instanceof ZerohopError && error.code === 'UNAUTHENTICATED')
          this.#remember(authorization, { user: null, epoch, untilMs, claims: undefined });
        throw error;
      }
    }
    if (scheme !== 'bearer') throw new ZerohopError('UNAUTHENTICATED', 'Authorization is Basic or Bearer.');
    // These can't be guessed: wrong ones are not counted.
    const claims = await this.tokens.verify(value, 'operation');
    const user = claims && this.#ofClaims(claims);
    if (claims === undefined || user === undefined) {
      throw new ZerohopError('UNAUTHENTICATED', 'The token is not valid, or not any more. Sign in again.');
    }
    this.#remember(authorization, { user, epoch, untilMs: claims.expiresMs, claims });
    return user;
  }

  /** The user a token stands for, as of now. */
  #ofClaims(claims: Claims): User | undefined {
    const account = this.accounts.get(claims.username);
    if (!account?.active || claims.issuedMs < account.validFromMs || this.tokens.isRevoked(claims)) return undefined;
    return this.accounts.userOf(account);
  }

  #ofSession(value: string, { method, headers }: Credentials): User | null {
    const session = this.sessions.get(value);
    const account = session && this.accounts.get(session.username);
    // A session that is over is none: whoever had it may sign in again.
    if (!session || !account?.active || session.startedMs < account.validFromMs) return null;
    if (!isSafe(method) && !isSameOrigin(headers)) {
      this.events.note('cross-site request refused', { username: account.username, address: null });
      throw new ZerohopError('FORBIDDEN', "A page of another site may not use this site's session.");
    }
    return this.accounts.userOf(account);
  }

  #remember(authorization: string, known: Known): void {
    const key = this.#keyOf(authorization);
    this.#known.delete(key);
    if (this.#known.size >= remembered)
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    this.#known.set(key, known);
  }
}

const readOnly: readonly string[] = [
  'search',
  'search_by_id',
  'search_by_hash',
  'search_by_value',
  'search_by_conditions',
  'sql',
  'describe_all',
  'describe_database',
  'describe_table',
  'user_info',
  'get_job',
  'get_analytics',
  'list_metrics',
  'describe_metric',
];

/** Groups of operations that a role may list in place of each. */
const operationGroups: Readonly<Record<string, readonly string[]>> = {
  read_only: readOnly,
  standard_user: [
    ...readOnly,
    'insert',
    'update',
    'upsert',
    'delete',
    'csv_data_load',
    'csv_file_load',
    'csv_url_load',
    'import_from_s3',
  ],
};

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new ZerohopError(
    'INVALID_REQUEST',
    'impersonate is { "username" }, { "role_name" } or { "role": { "permission" } }.',
  );
}

/** By name and address together, by address, and by name, from wherever: the last late, or anybody could keep somebody out. */
function keysOf(username: string, address: string): Counted[] {
  return [
    { key: `user ${username} ${address}`, free: 5, longestS: 900 },
    { key: `address ${address}`, free: 50, longestS: 60 },
    { key: `user ${username}`, free: 500, longestS: 60 },
  ];
}

function basicOf(value: string): [username: string, password: string] {
  const text = Buffer.from(value, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

function wrongCredentials(): ZerohopError {
  return new ZerohopError('UNAUTHENTICATED', 'The username or the password is wrong.');
}

/** RFC 9110 §9.2.1, and QUERY. */
function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'QUERY';
}

/** What browsers say of where a request comes from; other clients say nothing, and send no cookie by themselves. */
export function isSameOrigin(headers: Headers): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin' || site === 'none';
  const origin = headers.get('origin');
  return origin === null || URL.parse(origin)?.host === headers.get('host');
}

/** Somebody a super user acts as: never one. */
function acted(username: string, role: string, given: RolePermission): User {
  const permission = { ...given, superUser: false };
  return { username, role: roleOf(role, permission), active: true, superUser: false, permission };
}
