// The step that finds out who is asking, and holds back those who ask too often.

import { ZerohopError } from '../../base/index.ts';
import type { Attempts, User } from '../../security/index.ts';
import type { HttpStep } from './chain.ts';
import type { HttpRequest } from './http-request.ts';

/** Requests in a minute; 0: as many as they like. */
export interface RateLimits {
  readonly perUser: number;
  /** Of requests without credentials. */
  readonly perAddress: number;
}

export interface AuthenticationOptions {
  /** Where requests are counted; undefined: they are not. */
  readonly attempts?: Attempts | undefined;
  readonly limits?: RateLimits | undefined;
  /** Who has shown the same Authorization before, where that still counts. */
  readonly known?: ((authorization: string) => User | undefined) | undefined;
}

export function authenticationStep({ attempts, limits, known }: AuthenticationOptions = {}): HttpStep {
  const isLimited = attempts !== undefined && limits !== undefined && limits.perUser + limits.perAddress > 0;
  return {
    name: 'authentication',
    atOnce({ headers }, _url, found) {
      if (isLimited || headers.has('cookie')) return undefined;
      const authorization = headers.get('authorization');
      if (authorization === null) return 'pass';
      const user = known?.(authorization);
      if (user === undefined) return undefined;
      found.user = user;
      return 'pass';
    },
    handle(request, next) {
      if (!isLimited) {
        // Without credentials whoever wants to know asks by itself.
        const user = request.hasCredentials ? request.identify() : undefined;
        return user instanceof Promise ? user.then(() => next(request)) : next(request);
      }
      return (async () => {
        await request.identify();
        const rate = takeOne(request, attempts, limits);
        const response = await next(request);
        return rate === undefined ? response : withRate(response, rate);
      })();
    },
  };
}

interface Rate {
  readonly limit: number;
  readonly remaining: number;
  readonly resetS: number;
}

/** Undefined: no limit for this one. Throws TOO_MANY_REQUESTS. */
function takeOne(request: HttpRequest, attempts: Attempts, limits: RateLimits): Rate | undefined {
  const { user } = request;
  const limit = user === null ? limits.perAddress : limits.perUser;
  if (limit === 0) return undefined;
  const { requests, resetS } = attempts.count(user === null ? `address ${request.ip}` : `user ${user.username}`);
  const rate = { limit, remaining: Math.max(0, limit - requests), resetS };
  if (requests <= limit) return rate;
  throw new ZerohopError('TOO_MANY_REQUESTS', `${limit} requests a minute are allowed. Try again in ${resetS} s.`, {
    retryAfterSeconds: resetS,
    rateLimit: rate,
  });
}

function withRate(response: Response, rate: Rate): Response {
  const open = new Response(response.body, response);
  setRate(open.headers, rate);
  return open;
}

/** draft-ietf-httpapi-ratelimit-headers-03. */
export function setRate(headers: Headers, { limit, remaining, resetS }: Rate): void {
  headers.set('ratelimit-limit', String(limit));
  headers.set('ratelimit-remaining', String(remaining));
  headers.set('ratelimit-reset', String(resetS));
}
