// `server`: what app code may add to the node beyond its resources. The doors read it; nothing in here serves.

import { ZerohopError } from '../base/index.ts';
import { type Identities, setCookie, type User } from '../security/index.ts';
import type { AppMeters } from '../telemetry/index.ts';
import type { Registry } from './registry.ts';

export type HttpNext = (request: Request) => Promise<Response>;
/** A response written by hand in place of a Response. */
export interface HandmadeResponse {
  readonly status?: number;
  readonly headers: Headers | Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly data?: unknown;
}

type MiddlewareAnswer = Response | HandmadeResponse;

/** Answers, or hands on with `next(request)` and may change what comes back. */
export type HttpMiddleware = (request: Request, next: HttpNext) => MiddlewareAnswer | Promise<MiddlewareAnswer>;

export interface HttpMiddlewareOptions {
  readonly name?: string;
  /** Name of the middleware this one runs before or after: 'authentication', 'static', 'rest', or one of the app's. `before: false`: last. */
  readonly before?: string | false;
  readonly after?: string;
  readonly runFirst?: boolean;
  /** Only requests under this path, which is cut off for the handler. */
  readonly urlPath?: string;
  /** Only requests to this host name. */
  readonly host?: string;
}

export interface RegisteredMiddleware {
  readonly handle: HttpMiddleware;
  readonly options: HttpMiddlewareOptions;
}

/** How bodies of a media type are read and written. */
export interface ContentType {
  readonly serialize?: (data: unknown) => string | Uint8Array<ArrayBuffer>;
  readonly serializeStream?: (data: AsyncIterable<unknown> | Iterable<unknown>) => ReadableStream<Uint8Array>;
  readonly deserialize?: (body: Uint8Array<ArrayBuffer>) => unknown;
  /** Preference among types the client accepts alike: 0 to 1. */
  readonly q?: number;
}

const optionNames: readonly string[] = ['name', 'before', 'after', 'runFirst', 'urlPath', 'host', 'port', 'securePort'];

export class AppServer {
  readonly resources: Registry;
  readonly config: Readonly<Record<string, unknown>>;
  readonly hostname: string;
  /** Media type → codec; overrides the built-in ones. */
  readonly contentTypes = new Map<string, ContentType>();
  readonly #middleware: RegisteredMiddleware[] = [];

  readonly #identities: Identities | undefined;
  readonly #meters: AppMeters | undefined;

  /** @param identities where users sign in; undefined: nobody can @param meters undefined: nothing is measured */
  constructor(
    resources: Registry,
    config: Readonly<Record<string, unknown>>,
    hostname: string,
    identities?: Identities,
    meters?: AppMeters,
  ) {
    this.#meters = meters;
    this.#identities = identities;
    this.resources = resources;
    this.config = config;
    this.hostname = hostname;
  }

  /** Adds to the chain every HTTP request of the app port passes. In order of adding, but for `before`, `after` and `runFirst`. */
  http(handle: HttpMiddleware, options: HttpMiddlewareOptions = {}): void {
    if (typeof handle !== 'function') {
      throw new ZerohopError('INVALID_CONFIG', 'server.http needs a function (request, next) => Response.');
    }
    const unknown = Object.keys(options).find((name) => !optionNames.includes(name));
    if (unknown !== undefined) {
      throw new ZerohopError(
        'INVALID_CONFIG',
        `server.http has no option "${unknown}". It has: ${optionNames.join(', ')}.`,
      );
    }
    this.#middleware.push({ handle, options });
  }

  request(handle: HttpMiddleware, options: HttpMiddlewareOptions = {}): void {
    this.http(handle, options);
  }

  ws(): never {
    throw notSupported('ws');
  }
  upgrade(): never {
    throw notSupported('upgrade');
  }
  socket(): never {
    throw notSupported('socket');
  }
  operation(): never {
    throw notSupported('operation');
  }
  /** Counts a value, a number or true or false, under the name of a metric: for `/metrics` and `get_analytics`. */
  recordAnalytics(value: unknown, metric: unknown, path?: unknown, method?: unknown, type?: unknown): void {
    this.#meters?.record(value, metric, path, method, type);
  }

  /** The user with this name and password. Rejects with UNAUTHENTICATED, or TOO_MANY_REQUESTS when too many attempts have failed. */
  async authenticateUser(username: string, password: string, address = ''): Promise<User> {
    return this.#signingIn.authenticate(String(username), String(password), address);
  }

  /** The user of a name, as far as it is active. */
  async getUser(username: string): Promise<User | undefined> {
    return this.#signingIn.accounts.user(String(username));
  }

  /** Begins a session: the user, and the `Set-Cookie` that carries it. */
  async beginSession(
    username: string,
    password: string,
    { address, isSecure }: { readonly address: string; readonly isSecure: boolean },
  ): Promise<{ readonly user: User; readonly cookie: string }> {
    const user = await this.#signingIn.authenticate(username, password, address);
    const cookie = setCookie(await this.#signingIn.sessions.begin(user.username), isSecure);
    this.#signingIn.events.note('signed in', { username: user.username, address });
    return { user, cookie };
  }

  /** Ends a session; gives the `Set-Cookie` that removes it. */
  async endSession(value: string | undefined): Promise<string> {
    if (value !== undefined) await this.#signingIn.sessions.end(value);
    return setCookie(undefined, false);
  }

  get #signingIn(): Identities {
    if (this.#identities !== undefined) return this.#identities;
    throw new ZerohopError('NOT_IMPLEMENTED', 'This node has no users: nobody can sign in.');
  }

  /** As added. */
  get middleware(): readonly RegisteredMiddleware[] {
    return this.#middleware;
  }
}

function notSupported(name: string): ZerohopError {
  return new ZerohopError('NOT_IMPLEMENTED', `server.${name}() is not supported by this version of the runtime.`);
}
