// What every door opens onto: one Resource class per endpoint, whether a table or app code.

import type { Transaction } from '../tables/index.ts';
import type { RequestTarget } from './request-target.ts';

export type Verb = 'get' | 'put' | 'patch' | 'post' | 'delete' | 'search' | 'publish' | 'subscribe' | 'connect';

/** Who is asking; decided by the door, judged by security's `allow`. */
export interface User {
  readonly username: string;
  readonly role: string;
  readonly superUser: boolean;
}

/** What app code learns about the call it is in: `getContext()`. One object per request. */
export interface Context {
  user: User | null;
  transaction: Transaction;
  /** The HTTP request, when there is one. */
  request?: ContextRequest;
  /** What the handler may say about the response besides its body. */
  response: { status?: number; headers: Headers };
  /** Newest version (microseconds) of what the request read or wrote; makes the ETag. */
  lastModified: number;
  requestId?: string;
  [extra: string]: unknown;
}

export interface ContextRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly ip: string;
  readonly body: ReadableStream<Uint8Array> | null;
}

/** A class as the registry holds it. Static methods are the verbs. `target` says what; `data` may be a promise of the decoded body. */
export interface ResourceClass {
  readonly name: string;
  /** Path pattern: '/widget/:id', './relative', '/files/*path'. */
  path?: string;
  /** The whole rest of the path and query becomes the id. */
  directURLMapping?: boolean;
  hidden?: boolean;
  description?: string;
  get?(target: RequestTarget, context?: Context): unknown;
  search?(target: RequestTarget, context?: Context): unknown;
  put?(target: RequestTarget, data: unknown, context?: Context): unknown;
  patch?(target: RequestTarget, data: unknown, context?: Context): unknown;
  post?(target: RequestTarget, data: unknown, context?: Context): unknown;
  delete?(target: RequestTarget, context?: Context): unknown;
}
