// The REST door: URL and verb → a call of a resource → its answer as a response.
//
//   1 match the path   2 the shortest path for plain records   3 target, conditions, data   4 dispatch   5 respond

import { ZerohopError } from '../../base/index.ts';
import { tagOf } from '../../records/index.ts';
import {
  type Answer,
  type AppNode,
  allowedMethods,
  dispatch,
  type Match,
  ownMethod,
  RequestContext,
  type RequestTarget,
  sourceOf,
  targetOf,
  type Verb,
} from '../../resources/index.ts';
import { ReadSet } from '../../tables/index.ts';
import type { HttpMetrics } from '../../telemetry/index.ts';
import {
  type BodyReader,
  type ContentTypes,
  extensions,
  type Found,
  type HttpRequest,
  type HttpStep,
  type Next,
  nosniff,
  preconditionOf,
  unmodifiedLimit,
  withSecureHeaders,
} from '../http/index.ts';
import { AnswerWriter } from './answer-writer.ts';
import { splitExtension } from './extension.ts';
import { KeptAnswers } from './kept-answers.ts';
import { NewRecordPath } from './new-record.ts';
import { openApi } from './openapi.ts';
import { readData } from './read-data.ts';
import { replicateAsAsked } from './replicate-to.ts';
import { StoredRecordPath } from './stored-record.ts';

export interface RestOptions {
  readonly node: AppNode;
  readonly contentTypes: ContentTypes;
  readonly bodies: BodyReader;
  readonly metrics: HttpMetrics;
  readonly bodyBytes: number;
  readonly compressionThreshold: number;
  readonly dev: boolean;
  /** Send Last-Modified. */
  readonly lastModified: boolean;
  /** Told the endpoint whose code is about to run. */
  readonly entering?: ((endpoint: string) => void) | undefined;
}

const verbOf: Readonly<Record<string, Verb>> = {
  GET: 'get',
  HEAD: 'get',
  QUERY: 'get',
  PUT: 'put',
  PATCH: 'patch',
  POST: 'post',
  DELETE: 'delete',
};

/** The step of the HTTP chain named 'rest'. Paths that no resource has are handed on. */
export function restStep(options: RestOptions): HttpStep {
  const rest = new Rest(options);
  return {
    name: 'rest',
    handle: (request, next) => rest.handle(request, next),
    atOnce: (raw, url, found) => rest.atOnce(raw, url, found),
  };
}

class Rest {
  readonly #options: RestOptions;
  readonly #stored: StoredRecordPath;
  readonly #writer: AnswerWriter;
  readonly #kept: KeptAnswers;
  readonly #new: NewRecordPath;

  constructor(options: RestOptions) {
    this.#options = options;
    this.#stored = new StoredRecordPath(options);
    this.#writer = new AnswerWriter(options);
    this.#kept = new KeptAnswers(options.node.databases);
    this.#new = new NewRecordPath(options.node.databases);
  }

  handle(request: HttpRequest, next: Next): Response | Promise<Response> {
    const { node, metrics } = this.#options;
    const match = node.registry.match(request.pathname);
    if (match === undefined) return isOpenApi(request) ? this.#describe(request) : next(request);
    request.route = metrics.route(match.path || '/');
    if (request.method === 'GET' && request.pathEnd === request.url.length) {
      const stored = this.#stored.answer(request, match);
      if (stored) return stored;
    }
    if (request.method === 'GET' && match.resource.cacheable === true) return this.#keptOrCall(request, match);
    if (this.#new.fits(request, match) && !this.#isSourced(match)) return this.#create(request, match);
    return this.#call(request, match);
  }

  /** A plain record of a table that who is asking may read all of. */
  atOnce(raw: Request, url: string, found: Found): Response | undefined {
    if (raw.method !== 'GET' || url.includes('?')) return undefined;
    const { node, metrics } = this.#options;
    const match = node.registry.match(url);
    const response = match && this.#stored.atOnce(raw.headers, match, found.user);
    if (!response) return undefined;
    found.route = metrics.route(match.path || '/');
    return response;
  }

  #isSourced({ table }: Match): boolean {
    return table !== undefined && sourceOf({ node: this.#options.node, table }) !== undefined;
  }

  async #create(request: HttpRequest, match: Match): Promise<Response> {
    const { bodies, contentTypes, metrics } = this.#options;
    const bytes = await bodies.read(request.raw);
    metrics.received(bytes.length);
    const data = bytes.length === 0 ? undefined : contentTypes.decode('application/json', bytes)?.value;
    return this.#new.answer(request, match, data) ?? this.#call(request, match, { data });
  }

  #keptOrCall(request: HttpRequest, match: Match): Response | Promise<Response> {
    const key = this.#kept.keyOf(request);
    return this.#kept.answer(key, request) ?? this.#callAndKeep(request, match, key);
  }

  async #callAndKeep(request: HttpRequest, match: Match, key: string): Promise<Response> {
    const reads = new ReadSet();
    return this.#kept.keep(key, await this.#call(request, match, { reads }), reads);
  }

  /** `reads` is given what the answer is made from; `data` is the body, where it was read already. */
  async #call(
    request: HttpRequest,
    found: Match,
    { reads, data: body }: { reads?: ReadSet; data?: unknown } = {},
  ): Promise<Response> {
    const verb = verbOf[request.method];
    if (verb === undefined) return this.#otherMethod(request, found);
    const { match, type } = this.#withoutExtension(request, found);
    const { node, entering } = this.#options;
    const context = new RequestContext(node, {
      user: request.user,
      request,
      ...(reads && { reads }),
      ...(request.knownRequestId !== undefined && { requestId: request.knownRequestId }),
    });
    if (request.headers.get('x-replicate-from')?.trim().toLowerCase() === 'none') context.replicateFrom = false;
    if (verb !== 'get') replicateAsAsked(request.headers, context);
    const search = request.method === 'QUERY' ? `?${await this.#queryIn(request)}` : request.search;
    const target = targetOf(match, search, node);
    if (request.method === 'QUERY') target.isCollection = true;
    if (verb !== 'get') this.#setPrecondition(request, match, target);
    const data = body === undefined ? this.#data(request, match, target, verb) : Promise.resolve(body);
    // A handler that fails before it reads the body leaves the body's own failure to nobody.
    data?.catch(() => {});
    entering?.(match.path);
    let answer: Answer;
    try {
      answer = await dispatch({ verb, match, target, data, context });
    } catch (error) {
      throw this.#failure(error, verb, match, target);
    }
    try {
      return withSecureHeaders(await this.#writer.write({ request, answer, context, target, match, verb, type }));
    } catch (error) {
      context.release();
      throw error;
    }
  }

  /** `/Product/42.csv` as `/Product/42` and the type it asks for. On writes a dot is part of the id. */
  #withoutExtension(request: HttpRequest, match: Match): { match: Match; type?: string } {
    const { table, relativeURL } = match;
    if (table === undefined || match.resource.directURLMapping || verbOf[request.method] !== 'get') return { match };
    const split = splitExtension(relativeURL, extensions, table.definition, (id) => {
      try {
        return this.#options.node.databases.getLatest(table, table.parseId(decodeURIComponent(id))) !== undefined;
      } catch {
        return false;
      }
    });
    if (split === undefined) return { match };
    const type = extensions[split.extension];
    return { match: { ...match, relativeURL: split.path }, ...(type !== undefined && { type }) };
  }

  #setPrecondition(request: HttpRequest, { table }: Match, target: RequestTarget): void {
    target.precondition = preconditionOf(request.headers);
    const newest = unmodifiedLimit(request.headers);
    if (newest === undefined || table === undefined || target.isCollection) return;
    const id = target.idIn(table);
    const record = id === undefined ? undefined : this.#options.node.databases.getLatest(table, id);
    if (record === undefined) return;
    // What was read here must still be so at commit.
    target.precondition = {
      ...target.precondition,
      exists: true,
      versions: record.version <= newest ? [tagOf(record)] : [],
    };
  }

  #data(request: HttpRequest, match: Match, target: RequestTarget, verb: Verb): Promise<unknown> | undefined {
    return verb === 'get' || verb === 'delete' ? undefined : this.#body(request, match, target.property);
  }

  #body(request: HttpRequest, match: Match, property: string | undefined): Promise<unknown> {
    const { node, bodies, contentTypes, bodyBytes, metrics } = this.#options;
    const { table } = match;
    const blobs = table && node.databases.blobs(table.definition.database);
    return readData(
      request,
      { table, property, blobs },
      { bodies, contentTypes, bodyBytes, received: (bytes) => metrics.received(bytes) },
    );
  }

  /** The query of the QUERY method: what would stand after the question mark. */
  async #queryIn(request: HttpRequest): Promise<string> {
    const type = request.headers.get('content-type');
    if (type !== null && !/^(text\/plain|application\/x-www-form-urlencoded)\b/i.test(type)) {
      throw new ZerohopError(
        'UNSUPPORTED_MEDIA_TYPE',
        `QUERY takes a query as text, like category=shoes&limit(10), with Content-Type: text/plain; not ${type}.`,
      );
    }
    const body = new TextDecoder().decode(await this.#options.bodies.read(request.raw));
    return request.search.length > 1 ? `${request.search.slice(1)}&${body}` : body;
  }

  #otherMethod(request: HttpRequest, { resource, relativeURL }: Match): Response {
    const allow = allowedMethods(resource, relativeURL.length > 1 && !relativeURL.endsWith('/'));
    if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow: allow.join(', ') } });
    throw new ZerohopError('METHOD_NOT_ALLOWED', `${request.method} is not possible here. ${allow.join(', ')} are.`, {
      allow,
    });
  }

  /** A condition of the request that does not hold is a 412, whatever the store calls it. What app code threw is the app's. */
  #failure(error: unknown, verb: Verb, match: Match, target: RequestTarget): unknown {
    if (error instanceof ZerohopError) {
      const isCondition =
        target.precondition !== undefined && (error.code === 'CONFLICT' || error.code === 'NOT_FOUND');
      return isCondition ? new ZerohopError('PRECONDITION_FAILED', error.message, error.fields) : error;
    }
    const isOwn = ownMethod(match.resource, verb) !== undefined;
    return isOwn && error instanceof Error && !saysStatus(error) ? applicationError(error, this.#options.dev) : error;
  }

  #describe(request: HttpRequest): Response {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new ZerohopError('METHOD_NOT_ALLOWED', 'The description of the API can only be read.', {
        allow: ['GET', 'HEAD'],
      });
    }
    const { registry, databases } = this.#options.node;
    return Response.json(openApi(registry, databases, request.user), { headers: nosniff });
  }
}

function isOpenApi({ pathname }: HttpRequest): boolean {
  return pathname === '/openapi' || pathname === '/openapi.json';
}

function saysStatus(error: Error): boolean {
  return 'statusCode' in error || 'status' in error;
}

function applicationError(error: Error, dev: boolean): ZerohopError {
  const message = dev
    ? `${error.name}: ${error.message}`
    : 'The code of the application failed. The log of the node says where.';
  const wrapped = new ZerohopError('APPLICATION_ERROR', message);
  wrapped.cause = error;
  return wrapped;
}
