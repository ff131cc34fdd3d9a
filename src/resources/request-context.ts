// The context of one request, or of one `transaction(fn)`: who asks, the transaction, what the handler says about the response.
// What few requests need is made when it is first read.

import { type Id, type Tagged, tagOf } from '../records/index.ts';
import { sessionOf, type User } from '../security/index.ts';
import type { ReadSet } from '../tables/index.ts';
import type { AppNode } from './app-node.ts';
import { confirmationOf } from './confirmation.ts';
import { ScopedTransaction } from './scoped-transaction.ts';
import type { Context, ContextRequest, ContextResponse } from './types.ts';

export interface RequestContextOptions {
  readonly user: User | null;
  readonly request?: ContextRequest;
  readonly requestId?: string;
  /** Is given what the handler reads from tables, to keep its answer; whoever looks at the request itself gives that up. */
  readonly reads?: ReadSet;
}

export class RequestContext implements Context {
  /** Whatever else app code keeps with the request. */
  [extra: string]: unknown;

  user: User | null;
  readonly #request: ContextRequest | undefined;
  requestId: string | undefined;
  lastModified = 0;
  replicateTo: number | readonly string[] | undefined;
  replicatedConfirmation: number | undefined;
  replicateFrom: boolean | undefined;
  readonly timestamp = Date.now();
  readonly node: AppNode;
  readonly reads: ReadSet | undefined;
  /** Path of the endpoint the call came in by: 'Product'. */
  endpoint: string | undefined;
  /** Of the record that a POST of the request made. */
  createdId: Id | undefined;
  #newest: Tagged | undefined;
  #transaction: ScopedTransaction | undefined;
  #response: ContextResponse | undefined;
  #url: URL | undefined;
  #phase: 'open' | 'answered' | 'released' = 'open';

  constructor(node: AppNode, options: RequestContextOptions) {
    this.node = node;
    this.user = options.user;
    this.#request = options.request;
    this.reads = options.reads;
    this.requestId = options.requestId;
  }

  get transaction(): ScopedTransaction {
    this.#transaction ??= this.#begin();
    return this.#transaction;
  }

  /** Makes the ETag of what is made of it, unless something newer is read. */
  noteRead(record: Tagged): void {
    if (record.version < this.lastModified) return;
    this.lastModified = record.version;
    this.#newest = record;
  }

  /** Of the newest record that was read; `lastModified` where app code set that. */
  get tag(): number {
    return this.#newest?.version === this.lastModified ? tagOf(this.#newest) : this.lastModified;
  }

  #begin(): ScopedTransaction {
    const transaction = new ScopedTransaction(
      this.node.databases.transaction(this.reads),
      (record) => this.noteRead(record),
      () => confirmationOf(this),
    );
    if (this.#phase !== 'open') transaction.close(() => this.#name);
    return transaction;
  }

  /** For messages: 'GET /Product/42'. */
  get #name(): string {
    return this.#request === undefined
      ? 'the transaction it was called in'
      : `${this.#request.method} ${this.pathname}`;
  }

  /** Undefined when nothing has used it. */
  get begunTransaction(): ScopedTransaction | undefined {
    return this.#transaction;
  }

  get response(): ContextResponse {
    this.#response ??= { headers: new Headers() };
    return this.#response;
  }

  /** Undefined when the handler said nothing about the response. */
  get givenResponse(): ContextResponse | undefined {
    return this.#response;
  }

  /** open: writes join it. answered: it was committed and may still be read from. released: it is over. */
  get phase(): 'open' | 'answered' | 'released' {
    return this.#phase;
  }

  /** Called by the door after its commit. */
  markAnswered(): void {
    this.#phase = 'answered';
    this.#transaction?.close(() => this.#name);
  }

  /** Signs a browser in: who asks is that user from here on, and a cookie says so from now on. Rejects with UNAUTHENTICATED. */
  async login(username: string, password: string): Promise<User> {
    // A proxy in front may be what speaks TLS.
    const isSecure = this.protocol === 'https' || this.headers?.get('x-forwarded-proto') === 'https';
    const { user, cookie } = await this.node.server.beginSession(username, password, {
      address: this.ip ?? '',
      isSecure,
    });
    this.user = user;
    this.response.headers.append('set-cookie', cookie);
    return user;
  }

  /** Ends the session the request came with. */
  async logout(): Promise<void> {
    const cookie = await this.node.server.endSession(sessionOf(this.headers?.get('cookie') ?? ''));
    this.user = null;
    this.response.headers.append('set-cookie', cookie);
  }

  /** Lets go of the snapshot, and of writes that were not committed. Called by the door when the response is done. */
  release(): void {
    this.#phase = 'released';
    this.#transaction?.abort();
    this.#transaction = undefined;
  }

  get request(): ContextRequest | undefined {
    this.reads?.giveUp();
    return this.#request;
  }
  get url(): string | undefined {
    const url = this.#parsedUrl;
    return url && url.pathname + url.search;
  }
  get method(): string | undefined {
    return this.#request?.method;
  }
  get headers(): Headers | undefined {
    return this.request?.headers;
  }
  get pathname(): string | undefined {
    return this.#parsedUrl?.pathname;
  }
  get host(): string | undefined {
    return this.request?.headers.get('host') ?? undefined;
  }
  get ip(): string | undefined {
    return this.request?.ip;
  }
  get protocol(): string | undefined {
    return this.#parsedUrl?.protocol.slice(0, -1);
  }
  get body(): ReadableStream<Uint8Array> | null | undefined {
    return this.request?.body;
  }
  get responseHeaders(): Headers {
    return this.response.headers;
  }

  get #parsedUrl(): URL | undefined {
    if (this.#request === undefined) return undefined;
    this.#url ??= new URL(this.#request.url, 'http://localhost');
    return this.#url;
  }
}
