// The shortest path: `GET /Product/42` of a table whose class leaves `get` to the runtime. The stored text goes out as it is, with as few
// headers read and objects made as possible. Whatever is out of the ordinary is left to the general path.

import { limits, ZerohopError } from '../../base/index.ts';
import { type Match, methodOf, ownMethod, type ResourceClass } from '../../resources/index.ts';
import { allow } from '../../security/index.ts';
import type { Databases, Table } from '../../tables/index.ts';
import { type ContentTypes, entityTag, type HttpRequest, isKnown } from '../http/index.ts';

export class StoredRecordPath {
  readonly #databases: Databases;
  readonly #contentTypes: ContentTypes;
  readonly #threshold: number;
  /** Whether anybody may read what the class serves, and the runtime answers for it. */
  readonly #open = new WeakMap<ResourceClass, boolean>();
  /** Accept headers and whether they choose JSON. */
  readonly #accepts = new Map<string, boolean>();

  constructor(databases: Databases, contentTypes: ContentTypes, threshold: number) {
    this.#databases = databases;
    this.#contentTypes = contentTypes;
    this.#threshold = threshold;
  }

  /** Undefined: take the general path. */
  answer(request: HttpRequest, { resource, table, relativeURL }: Match): Response | undefined {
    if (table === undefined || !isPlainId(relativeURL) || !this.#isOpen(resource, table)) return undefined;
    const { headers } = request;
    if (!this.#choosesJson(headers.get('accept'))) return undefined;
    const id = table.parseId(relativeURL.slice(1));
    const record = this.#databases.getLatest(table, id);
    if (record === undefined) {
      throw new ZerohopError('NOT_FOUND', `${table.definition.name} has no record ${JSON.stringify(id)}.`);
    }
    const { body } = record;
    if (body.length >= this.#threshold || body.includes('"contentType":')) return undefined;
    const etag = entityTag(record.version);
    const ifNoneMatch = headers.get('if-none-match');
    if (ifNoneMatch !== null) {
      if (isKnown(ifNoneMatch, etag)) return new Response(null, { status: 304, headers: { etag, vary } });
    } else if (headers.has('if-modified-since')) return undefined;
    request.sent(Buffer.byteLength(body));
    return new Response(body, { headers: { 'content-type': 'application/json', etag, vary } });
  }

  #isOpen(resource: ResourceClass, table: Table): boolean {
    let open = this.#open.get(resource);
    if (open === undefined) {
      const { database, name } = table.definition;
      const subject = { name, table: { database, name }, appDefined: false };
      const prototype: unknown = Reflect.get(resource, 'prototype');
      const judgesItself =
        methodOf(resource, 'allowRead') !== undefined ||
        (typeof prototype === 'object' && prototype !== null && methodOf(prototype, 'allowRead') !== undefined);
      open =
        ownMethod(resource, 'get') === undefined &&
        !resource.directURLMapping &&
        !judgesItself &&
        allow(null, 'read', subject);
      this.#open.set(resource, open);
    }
    return open;
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
