// One thread's HTTP door: every request passes here, and every error becomes a response here.
//
//   /health, /ready → limits → CORS → chain (middleware, rest) → response, measured

import type { Server } from 'bun';
import { type Logger, type Span, type Tracer, ZerohopError } from '../../base/index.ts';
import type { RegisteredMiddleware } from '../../resources/index.ts';
import type { HttpMetrics, RouteMetrics } from '../../telemetry/index.ts';
import { composeAtOnce, composeSteps, type Found, type HttpStep, type Next, orderSteps } from './chain.ts';
import { type Cors, preflightResponse, withCors } from './cors.ts';
import { healthResponse } from './health.ts';
import { HttpRequest, type Identify } from './http-request.ts';
import { middlewareStep } from './middleware.ts';
import { isUnexpected, problemResponse } from './problem.ts';
import type { Peer } from './tls-front.ts';

export interface HttpHandlerOptions {
  readonly identify: Identify;
  /** The steps that are there always, last of them the one that finds resources. */
  readonly steps: readonly HttpStep[];
  /** What the app added with server.http so far. */
  readonly middleware: () => readonly RegisteredMiddleware[];
  readonly metrics: HttpMetrics;
  readonly log: Logger;
  /** Show the messages of unexpected errors to the client. */
  readonly dev: boolean;
  readonly cors: Cors;
  readonly urlBytes: number;
  readonly compressionThreshold: number;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

export class HttpHandler {
  /** What /ready says. */
  ready = false;
  /** While stopping, clients are asked to come back on another connection. */
  stopping = false;
  readonly #options: HttpHandlerOptions;
  readonly #unrouted: RouteMetrics;
  readonly #cors: Cors | undefined;
  readonly #sent: (bytes: number) => void;
  #middleware: readonly RegisteredMiddleware[] = [];
  #middlewareCount = -1;
  #run: Next;
  #atOnce: HttpStep['atOnce'];
  readonly #found: Found;

  constructor(options: HttpHandlerOptions) {
    this.#options = options;
    this.#unrouted = options.metrics.route('unrouted');
    this.#found = { route: this.#unrouted, user: null };
    this.#sent = (bytes) => options.metrics.sent(bytes);
    this.#cors = options.cors.origins.length > 0 ? options.cors : undefined;
    this.#run = composeSteps(options.steps, notFound);
  }

  /** For `Bun.serve({ fetch })`. Never throws or rejects. */
  readonly fetch = (raw: Request, server?: Server<unknown>, peer?: Peer): Response | Promise<Response> => {
    const { tracer } = this.#options;
    if (tracer === undefined) return this.#answer(raw, server, undefined, peer);
    const attributes = { 'http.request.method': raw.method };
    return tracer.run(raw.method, { kind: 'server', attributes, from: raw.headers }, (span) =>
      this.#answer(raw, server, span, peer),
    );
  };

  #answer(
    raw: Request,
    server: Server<unknown> | undefined,
    span: Span | undefined,
    peer: Peer | undefined,
  ): Response | Promise<Response> {
    const started = performance.now();
    let request: HttpRequest | undefined;
    try {
      const full = urlOf(raw);
      const url = full.slice(full.indexOf('/', 8));
      const atOnce = peer?.certificate === undefined ? this.#answerAtOnce(raw, url, started) : undefined;
      if (atOnce) return atOnce;
      request = this.#accept(raw, url, server);
      request.span = span;
      if (peer !== undefined) request.peer = peer;
      this.#options.metrics.begun();
      const response = this.#early(request) ?? this.#chain()(request);
      if (!(response instanceof Promise)) return this.#finish(request, response, started);
      return this.#settle(request, response, started);
    } catch (error) {
      return this.#fail(request, raw, error, started);
    }
  }

  /** What is wrong with a request is told in the ordinary way, where it is also measured. */
  #answerAtOnce(raw: Request, url: string, started: number): Response | undefined {
    if (this.#atOnce === undefined || this.stopping || url.length < 9) return undefined;
    const found = this.#found;
    found.route = this.#unrouted;
    found.user = null;
    try {
      const response = this.#atOnce(raw, url, found);
      if (!(response instanceof Response)) return undefined;
      found.route.answered(raw.method, response.status, (performance.now() - started) / 1000);
      return response;
    } catch {
      return undefined;
    }
  }

  async #settle(request: HttpRequest, response: Promise<Response>, started: number): Promise<Response> {
    try {
      return this.#finish(request, await response, started);
    } catch (error) {
      return this.#fail(request, request.raw, error, started);
    }
  }

  #accept(raw: Request, url: string, server: Server<unknown> | undefined): HttpRequest {
    const request = new HttpRequest(raw, url, server, this.#options.identify);
    request.sent = this.#sent;
    return request;
  }

  /** Answers that need no chain. */
  #early(request: HttpRequest): Response | undefined {
    const { url } = request;
    if (url.length < 9) {
      const health = healthResponse(url, this.ready && !this.stopping);
      if (health) return health;
    }
    if (url.length > this.#options.urlBytes) {
      throw new ZerohopError(
        'URI_TOO_LONG',
        `The path and query have ${url.length} bytes; ${this.#options.urlBytes} are allowed. Send a long query with the QUERY method.`,
        { limit: this.#options.urlBytes },
      );
    }
    return this.#cors && preflightResponse(this.#cors, request.method, request.headers);
  }

  /** Composed anew when the app has added middleware. */
  #chain(): Next {
    const middleware = this.#options.middleware();
    if (middleware === this.#middleware && middleware.length === this.#middlewareCount) return this.#run;
    const added = middleware.map((one) => middlewareStep(one, this.#options));
    const { steps, tracer } = this.#options;
    this.#run = composeSteps(orderSteps(steps, added), notFound);
    const isAlone = added.length === 0 && !tracer && !this.#cors;
    this.#atOnce = isAlone ? composeAtOnce(steps) : undefined;
    this.#middleware = middleware;
    this.#middlewareCount = middleware.length;
    return this.#run;
  }

  #finish(request: HttpRequest, response: Response, started: number): Response {
    const { metrics } = this.#options;
    metrics.ended();
    const route = request.route ?? this.#unrouted;
    route.answered(request.method, response.status, (performance.now() - started) / 1000);
    if (request.span !== undefined) describeSpan(request.span, request, response.status);
    let finished = response;
    if (this.#cors) finished = withCors(this.#cors, request.headers, finished);
    if (this.stopping) finished.headers.set('connection', 'close');
    return finished;
  }

  #fail(request: HttpRequest | undefined, raw: Request, error: unknown, started: number): Response {
    const { dev, log } = this.#options;
    const unexpected = isUnexpected(error);
    const response = problemResponse(error, {
      dev,
      requestId: unexpected ? request?.requestId : request?.knownRequestId,
    });
    request?.span?.fail(error);
    if (unexpected) {
      const where = request ? { url: request.pathname, requestId: request.requestId } : {};
      // What the app threw, rather than what is made of it for the client.
      const reason = error instanceof ZerohopError && error.cause instanceof Error ? error.cause : error;
      const what = reason instanceof Error ? reason.message : String(reason);
      log.error(`${raw.method} ${request?.pathname ?? ''} failed: ${what}`, { error: reason, ...where });
    }
    return request ? this.#finish(request, response, started) : response;
  }
}

/** By the semantic conventions for HTTP servers. What follows the path is left out: it may be private. */
function describeSpan(span: Span, request: HttpRequest, status: number): void {
  const { route, method, pathname, protocol } = request;
  const path = route && `/${route.path.replace(/^\//, '')}`;
  if (path !== undefined) span.rename(`${method} ${path}`);
  span.set({
    'url.path': pathname,
    'url.scheme': protocol,
    'http.response.status_code': status,
    ...(path !== undefined && { 'http.route': path }),
  });
  if (status >= 500) span.fail(new Error(`${status}`));
}

/** The absolute URL. Throws INVALID_REQUEST for a Host that is none (RFC 9112 §3.2); then there is no URL, or the listener gives only the path. */
function urlOf(raw: Request): string {
  let url: string | undefined;
  try {
    url = raw.url;
  } catch {
    // Not even a path.
  }
  if (url === undefined || url.startsWith('/')) {
    throw new ZerohopError('INVALID_REQUEST', 'The path and the Host header make no valid URL.');
  }
  return url;
}

function notFound(request: HttpRequest): Response {
  throw new ZerohopError('NOT_FOUND', `Nothing is served at ${request.pathname}. Paths are case-sensitive.`);
}

export function createHttpHandler(options: HttpHandlerOptions): HttpHandler {
  return new HttpHandler(options);
}
