// A request as the steps see it. What few requests need is made when it is first read: a header costs about as much as everything else
// on the shortest path.

import type { Server } from 'bun';
import type { Span } from '../../base/index.ts';
import type { User } from '../../security/index.ts';
import type { RouteMetrics } from '../../telemetry/index.ts';
import type { Peer } from './tls-front.ts';

/** Decides who is asking: at once, or when credentials have been checked. May throw or reject with UNAUTHENTICATED. */
export type Identify = (request: HttpRequest) => User | null | Promise<User | null>;

export class HttpRequest {
  /** As the listener gave it. Its `url` is absolute. */
  readonly raw: Request;
  /** Path and query as they came, percent-encoded: '/Product/42?select(name)'. */
  readonly url: string;
  readonly method: string;
  /** The route's meter, once a step has found the route. */
  route: RouteMetrics | undefined;
  /** Of the request, where there is tracing. */
  span: Span | undefined;
  /** Where TLS ends in this process and clients may have certificates. */
  peer: Peer | undefined;
  /** Told the bytes of response bodies. */
  sent: (bytes: number) => void = ignore;
  readonly #server: Server<unknown> | undefined;
  readonly #identify: Identify;
  #user: User | null | undefined;
  #identified: User | null | Promise<User | null> | undefined;
  #hasCredentials: boolean | undefined;
  #requestId: string | undefined;
  #pathEnd = -1;

  constructor(raw: Request, url: string, server: Server<unknown> | undefined, identify: Identify) {
    this.raw = raw;
    this.url = url;
    this.method = raw.method;
    this.#server = server;
    this.#identify = identify;
  }

  /** Without the query, percent-encoded. */
  get pathname(): string {
    return this.url.slice(0, this.pathEnd);
  }

  /** The query with its '?', or ''. */
  get search(): string {
    return this.url.slice(this.pathEnd);
  }

  /** Where in `url` the path ends. */
  get pathEnd(): number {
    if (this.#pathEnd < 0) {
      const mark = this.url.indexOf('?');
      this.#pathEnd = mark < 0 ? this.url.length : mark;
    }
    return this.#pathEnd;
  }

  get headers(): Headers {
    return this.raw.headers;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.raw.body;
  }

  /** The client's address; '' when it is gone. */
  get ip(): string {
    return this.peer?.address ?? this.#server?.requestIP(this.raw)?.address ?? '';
  }

  get host(): string {
    return this.raw.headers.get('host') ?? '';
  }

  get protocol(): string {
    return this.peer ? 'https' : this.raw.url.slice(0, this.raw.url.indexOf(':'));
  }

  /** Aborted when the client goes away. */
  get signal(): AbortSignal {
    return this.raw.signal;
  }

  /** Whether it may say who is asking. */
  get hasCredentials(): boolean {
    this.#hasCredentials ??=
      this.raw.headers.has('authorization') || this.raw.headers.has('cookie') || this.peer?.certificate !== undefined;
    return this.#hasCredentials;
  }

  /** Who is asking; null: nobody known. Before the step that identifies, those whose credentials take a while to check are nobody yet. */
  get user(): User | null {
    if (this.#user === undefined) {
      const found = this.identify();
      if (!(found instanceof Promise)) return found;
      // Whoever waits for it is told.
      found.catch(() => {});
      return null;
    }
    return this.#user;
  }

  /** Finds out who is asking. Throws or rejects with UNAUTHENTICATED for credentials that are wrong. */
  identify(): User | null | Promise<User | null> {
    if (this.#user !== undefined) return this.#user;
    this.#identified ??= this.#identify(this);
    if (!(this.#identified instanceof Promise)) {
      this.#user = this.#identified;
      return this.#user;
    }
    return this.#identified.then((user) => {
      this.#user = user;
      return user;
    });
  }

  /** The client's own X-Request-Id when it is fit for a log, otherwise one of ours. */
  get requestId(): string {
    if (this.#requestId === undefined) {
      const given = this.raw.headers.get('x-request-id');
      this.#requestId = given !== null && /^[\w.:/+=-]{1,128}$/.test(given) ? given : nextRequestId();
    }
    return this.#requestId;
  }

  /** The id if one was asked for, without making one. */
  get knownRequestId(): string | undefined {
    return this.#requestId;
  }
}

/** Unique among all threads and restarts: 64 random bits of the thread, and a count. */
const thread = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex');
let count = 0;

function nextRequestId(): string {
  return `${thread}-${(count++).toString(36)}`;
}

function ignore(): void {}
