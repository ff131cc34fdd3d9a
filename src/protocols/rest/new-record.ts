// The short path of writes: `POST /Product/` of one JSON record to a table whose class leaves `post` to the runtime. One change, one commit, no
// context for app code, as none runs. Whatever is out of the ordinary is left to the general path.

import { type Match, methodOf, ownMethod, pathOfId, type ResourceClass, TableResource } from '../../resources/index.ts';
import { accessTo } from '../../security/index.ts';
import type { Databases, Table } from '../../tables/index.ts';
import { type HttpRequest, nosniff } from '../http/index.ts';

export class NewRecordPath {
  readonly #databases: Databases;
  /** Whether the runtime alone answers a class's `post`. */
  readonly #plain = new WeakMap<ResourceClass, boolean>();

  constructor(databases: Databases) {
    this.#databases = databases;
  }

  /** Whether the request may be answered here, judged before its body is read. */
  fits({ method, headers, pathEnd, url }: HttpRequest, { resource, table, relativeURL }: Match): boolean {
    if (method !== 'POST' || table === undefined || relativeURL !== '/' || pathEnd !== url.length) return false;
    if (headers.get('content-type') !== 'application/json' || headers.has('content-encoding')) return false;
    const accept = headers.get('accept');
    if (accept !== null && accept !== '*/*' && accept !== 'application/json') return false;
    if (headers.has('if-none-match') || headers.has('if-match') || headers.has('if-unmodified-since')) return false;
    if (headers.has('x-replicate-to')) return false;
    return this.#isPlain(resource, table);
  }

  /** @param data the decoded body. Undefined: it is not one plain record, take the general path with it. */
  answer(request: HttpRequest, { path, table }: Match, data: unknown): Promise<Response> | undefined {
    if (table === undefined || !isPlainObject(data)) return undefined;
    const grant = accessTo(this.#databases).demand(request.user, 'insert', {
      name: path,
      table: table.definition,
      appDefined: false,
    });
    // What is allowed in part is looked at more closely.
    if (!grant?.isWhole) return undefined;
    return this.#create(path, table, data);
  }

  #create(path: string, table: Table, record: Readonly<Record<string, unknown>>): Promise<Response> {
    return this.#databases.create(table, record).then((id) => {
      const headers = {
        location: `/${path}/${pathOfId(id)}`,
        'content-type': 'application/json',
        vary: 'Accept, Accept-Encoding',
        ...nosniff,
      };
      return new Response(JSON.stringify(id), { status: 201, headers });
    });
  }

  #isPlain(resource: ResourceClass, table: Table): boolean {
    let plain = this.#plain.get(resource);
    if (plain === undefined) {
      plain = isPlainClass(resource) && !table.definition.attributes.some(isBlob);
      this.#plain.set(resource, plain);
    }
    return plain;
  }
}

function isPlainClass(resource: ResourceClass): boolean {
  if (resource.directURLMapping || !Object.prototype.isPrototypeOf.call(TableResource, resource)) return false;
  const { prototype } = resource as unknown as typeof TableResource;
  return (
    ownMethod(resource, 'post') === undefined &&
    methodOf(resource, 'allowCreate') === undefined &&
    methodOf(prototype, 'allowCreate') === undefined &&
    prototype.validate === TableResource.prototype.validate
  );
}

function isBlob({ type }: Table['definition']['attributes'][number]): boolean {
  return type.kind === 'scalar' && type.scalar === 'Blob';
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
