// The shortest path: `GET /Product/42` of a table whose class leaves `get` to the runtime. The stored text goes out as it is, with as few
// headers read and objects made as possible. Whatever is out of the ordinary is left to the general path.

import { limits, ZerohopError } from '../../base/index.ts';
import { tagOf } from '../../records/index.ts';
import {
  type AppNode,
  type Match,
  methodOf,
  ownMethod,
  type ResourceClass,
  type Sources,
  sourcesOf,
} from '../../resources/index.ts';
import { type Access, accessTo, type User } from '../../security/index.ts';
import type { Databases, Table } from '../../tables/index.ts';
import type { HttpMetrics } from '../../telemetry/index.ts';
import { type ContentTypes, entityTag, type HttpRequest, isKnown, nosniff } from '../http/index.ts';

interface StoredRecordOptions {
  readonly node: AppNode;
  readonly contentTypes: ContentTypes;
  readonly compressionThreshold: number;
  readonly metrics: HttpMetrics;
}

export class StoredRecordPath {
  readonly #databases: Databases;
  readonly #sources: Sources | undefined;
  readonly #access: Access;
  readonly #contentTypes: ContentTypes;
  readonly #threshold: number;
  readonly #metrics: HttpMetrics;
  /** Whether the runtime alone answers for what the class serves. */
  readonly #plain = new WeakMap<ResourceClass, boolean>();
  /** Accept headers and whether they choose JSON. */
  readonly #accepts = new Map<string, boolean>();

  constructor({ node, contentTypes, compressionThreshold, metrics }: StoredRecordOptions) {
    this.#databases = node.databases;
    this.#sources = sourcesOf(node);
    this.#access = accessTo(node.databases);
    this.#contentTypes = contentTypes;
    this.#threshold = compressionThreshold;
    this.#metrics = metrics;
  }

  /** Undefined: take the general path. Throws NOT_FOUND. */
  answer(request: HttpRequest, match: Match): Response | undefined {
    const { resource, table, relativeURL } = match;
    if (table === undefined || !isPlainId(relativeURL) || !this.#isPlain(resource)) return undefined;
    const mayRead = (user: HttpRequest['user']) => this.#mayRead(user, table);
    const isOpen = request.hasCredentials ? mayRead(request.user) : mayRead(null) || mayRead(request.user);
    return isOpen ? this.#read(request.headers, table, relativeURL.slice(1), true) : undefined;
  }

  /** As `answer`, where who is asking is known already. Undefined where there is no record, too. */
  atOnce(headers: Headers, { resource, table, relativeURL }: Match, user: User | null): Response | undefined {
    if (table === undefined || !isPlainId(relativeURL) || !this.#isPlain(resource)) return undefined;
    return this.#mayRead(user, table) ? this.#read(headers, table, relativeURL.slice(1), false) : undefined;
  }

  #read(headers: Headers, table: Table, path: string, isLast: boolean): Response | undefined {
    if (!this.#choosesJson(headers.get('accept'))) return undefined;
    const id = table.parseId(path);
    const record = this.#databases.getLatest(table, id);
    const source = this.#sources?.of(table);
    // The request has a say in how fresh a record must be that comes from elsewhere.
    if (source && (record === undefined || source.isNearby || headers.has('cache-control'))) return undefined;
    if (record === undefined) {
      if (!isLast) return undefined;
      throw new ZerohopError('NOT_FOUND', `${table.definition.name} has no record ${JSON.stringify(id)}.`);
    }
    const { body } = record;
    if (body.length >= this.#threshold || body.includes('"contentType":')) return undefined;
    const etag = entityTag(tagOf(record));
    const ifNoneMatch = headers.get('if-none-match');
    if (ifNoneMatch !== null) {
      if (isKnown(ifNoneMatch, etag)) return new Response(null, { status: 304, headers: { etag, vary, ...nosniff } });
    } else if (headers.has('if-modified-since')) return undefined;
    this.#metrics.sent(Buffer.byteLength(body));
    return new Response(body, {
      headers: { 'content-type': 'application/json', etag, vary, 'x-content-type-options': 'nosniff' },
    });
  }

  /** Whether they may read all of the table. */
  #mayRead(user: HttpRequest['user'], { definition }: Table): boolean {
    return this.#access.grants(user).on(definition).read.isWhole;
  }

  #isPlain(resource: ResourceClass): boolean {
    let plain = this.#plain.get(resource);
    if (plain === undefined) {
      const prototype: unknown = Reflect.get(resource, 'prototype');
      const judgesItself =
        methodOf(resource, 'allowRead') !== undefined ||
        (typeof prototype === 'object' && prototype !== null && methodOf(prototype, 'allowRead') !== undefined);
      plain = ownMethod(resource, 'get') === undefined && !resource.directURLMapping && !judgesItself;
      this.#plain.set(resource, plain);
    }
    return plain;
  }

  #choosesJson(accept: string | null): boolean {
    if (accept === null || accept === '*/*') return true;
    let chosen = this.#accepts.get(accept);
    if (chosen === undefined) {
      chosen = this.#contentTypes.choose(accept).type === 'application/json';
      if (this.#accepts.size < limits.cachedAccepts) this.#accepts.set(accept, chosen);
    }
    return chosen;
  }
}

const vary = 'Accept, Accept-Encoding';

/** One segment that can only be an id: no dot (a property or an extension), nothing encoded. */
function isPlainId(path: string): boolean {
  if (path.length < 2) return false;
  for (let index = 1; index < path.length; index++) {
    const code = path.charCodeAt(index);
    if (code === slash || code === dot || code === percent) return false;
  }
  return true;
}

const slash = 47;
const dot = 46;
const percent = 37;
