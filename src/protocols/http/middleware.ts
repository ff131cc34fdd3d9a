// `server.http` middleware of the app as steps of the chain.

import { ZerohopError } from '../../base/index.ts';
import type { RegisteredMiddleware } from '../../resources/index.ts';
import { appRequestOf, requestBehind } from './app-request.ts';
import type { HttpStep } from './chain.ts';
import { compressResponse } from './compress-response.ts';
import { HttpRequest } from './http-request.ts';
import { isResponseLike, responseOf } from './response-like.ts';

export interface MiddlewareOptions {
  readonly compressionThreshold: number;
}

export function middlewareStep({ handle, options: place }: RegisteredMiddleware, options: MiddlewareOptions): HttpStep {
  return {
    name: place.name,
    before: place.before,
    after: place.after,
    runFirst: place.runFirst,
    async handle(request, next) {
      const url = urlBelow(request, place.urlPath);
      if (url === undefined || !isHost(request, place.host)) return next(request);
      const given: unknown = await handle(appRequestOf(request, url), async (handedOn) => {
        return next(requestBehind(handedOn) ?? ownRequest(handedOn, request));
      });
      const response = isResponseLike(given) && !(given instanceof Response) ? responseOf(given) : given;
      if (!(response instanceof Response)) {
        const name = place.name ?? (handle.name || 'server.http(...)');
        throw new ZerohopError(
          'APPLICATION_ERROR',
          `The middleware ${name} returned no response. Return what next(request) gives, a Response, or { status, headers, body }.`,
        );
      }
      return compressResponse(response, request.headers, options.compressionThreshold);
    },
  };
}

/** What remains of the URL below a path that ends at a segment; undefined when it is elsewhere. */
function urlBelow(request: HttpRequest, urlPath: string | undefined): string | undefined {
  const prefix = urlPath?.replace(/^\.?\/*/, '/').replace(/\/+$/, '');
  if (!prefix) return request.url;
  const { pathname } = request;
  if (pathname === prefix) return `/${request.search}`;
  return pathname.startsWith(`${prefix}/`) ? request.url.slice(prefix.length) : undefined;
}

/** Without the port, in any case (RFC 9110 §4.2.3). */
function isHost(request: HttpRequest, host: string | undefined): boolean {
  if (host === undefined) return true;
  return request.host.replace(/:\d+$/, '').toLowerCase() === host.toLowerCase();
}

/** A request the middleware made itself, for example with another URL. */
function ownRequest(raw: Request, original: HttpRequest): HttpRequest {
  const { url } = raw;
  const path = url.startsWith('/') ? url : url.slice(url.indexOf('/', url.indexOf('//') + 2));
  return new HttpRequest(raw, path, undefined, () => original.identify());
}
