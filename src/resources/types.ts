// What every door opens onto: one Resource class per endpoint, whether a table or app code.

import type { User } from '../security/index.ts';
import type { Table, Transaction } from '../tables/index.ts';
import type { RequestTarget } from './request-target.ts';

export const verbs = ['get', 'search', 'put', 'patch', 'post', 'delete', 'publish', 'subscribe', 'connect'] as const;
export type Verb = (typeof verbs)[number];

/** What app code learns about the call it is in: `getContext()`. One object per request. */
export interface Context {
  user: User | null;
  /** All table calls of the request join it; begun when first read. Committed by the door when the handler returns. */
  readonly transaction: Transaction;
  /** The HTTP request, when there is one. */
  readonly request: ContextRequest | undefined;
  /** What the handler may say about the response besides its body; made when first read. */
  readonly response: ContextResponse;
  /** Newest version (microseconds) of what the request read; makes the ETag. 0: nothing was read. */
  lastModified: number;
  requestId: string | undefined;
  /** Which other nodes are to confirm writes: names, or how many there are to choose from. */
  replicateTo?: number | readonly string[] | undefined;
  /** How many of them are to have the writes on disk before a commit is done. */
  replicatedConfirmation?: number | undefined;
  /** False: records that other nodes hold are not read from there. */
  replicateFrom?: boolean | undefined;
  /** Whether the last record read from a table with a source had to be fetched; undefined: none was read. */
  loadedFromSource?: boolean | undefined;
  /** In a source's `get`: the copy there is, which may be stale. Returned again, it is as good as new. */
  replacingRecord?: Readonly<Record<string, unknown>> | undefined;
  /** When that was stored, in ms since 1970. */
  replacingVersion?: number | undefined;
  /** In a source's `get`: of the first of those who wait for the record. There may be others, and none where the app's own code reads. */
  requestContext?: Context | undefined;
  /** Set by a source's `get`: when the record becomes stale, in ms since 1970. */
  expiresAt?: number | undefined;
  /** Set by a source's `get`: the record is served and not stored. */
  noCacheStore?: boolean | undefined;
  /** Of a call of a source: aborted when it takes too long. */
  readonly signal?: AbortSignal | undefined;
  /** When the request began, in ms since 1970. */
  readonly timestamp: number;
  // The request's parts by the names apps know; undefined when there is no HTTP request.
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly headers: Headers | undefined;
  readonly pathname: string | undefined;
  readonly host: string | undefined;
  readonly ip: string | undefined;
  readonly protocol: string | undefined;
  readonly body: ReadableStream<Uint8Array> | null | undefined;
  readonly responseHeaders: Headers;
  login(username: string, password: string): Promise<User>;
  logout(): Promise<void>;
}

export interface ContextResponse {
  status?: number;
  readonly headers: Headers;
}

/** A WHATWG Request with the client's address fits. */
export interface ContextRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly ip: string;
  readonly body: ReadableStream<Uint8Array> | null;
}

/**
 * A class as the registry holds it. Its static methods are the verbs; `Resource` answers those a class does not define with
 * METHOD_NOT_ALLOWED. Doors don't call these: they call `dispatch`.
 */
export interface ResourceClass {
  readonly name: string;
  /** Of the class of a table and of what extends it. */
  readonly databaseName?: string | undefined;
  readonly tableName?: string | undefined;
  /** Path pattern: '/widget/:id', './relative', '/files/*path'. */
  readonly path?: string | undefined;
  /** The whole rest of the path and query becomes the id. */
  readonly directURLMapping?: boolean | undefined;
  readonly hidden?: boolean | undefined;
  /** See `Resource.cacheable`. */
  readonly cacheable?: boolean | undefined;
  readonly description?: string | undefined;
  get?(target: RequestTarget, context?: Context): unknown;
  search?(target: RequestTarget, context?: Context): unknown;
  put?(target: RequestTarget, data: unknown, context?: Context): unknown;
  patch?(target: RequestTarget, data: unknown, context?: Context): unknown;
  post?(target: RequestTarget, data: unknown, context?: Context): unknown;
  delete?(target: RequestTarget, context?: Context): unknown;
}

/** Which protocols an endpoint is open to; one that is not named is open. */
export type ExportTypes = Readonly<Record<string, boolean>>;

/** What the registry finds for a path. */
export interface Match {
  readonly resource: ResourceClass;
  /** The table behind the resource, if any. */
  readonly table: Table | undefined;
  /** The path or pattern it was registered under, without slashes around it: 'Product', 'widget/:id'. */
  readonly path: string;
  /** What follows it: '' for '/Product', '/' for '/Product/', '/42' for '/Product/42'. Still percent-encoded. */
  readonly relativeURL: string;
  /** Values of ':name' and '*name', decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly exportTypes: ExportTypes;
}
