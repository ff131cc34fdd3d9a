// Answers that are no stored pages: the origin's own for one client, and those when it failed or said that it did.

import { type ErrorCode, problemType } from '../base/index.ts';
import { tell } from './answer.ts';
import type { CacheStatus, NotAsked } from './cache-status.ts';
import { ownHeaders } from './fetch-page.ts';
import type { SharedBody } from './shared-body.ts';

const words: Readonly<Record<NotAsked, string>> = {
  dns_error: 'its name is not known',
  connection_refused: 'it refuses connections',
  connection_timeout: 'it can not be reached',
  connection_terminated: 'it broke the connection off',
  http_response_timeout: 'it takes too long to answer',
  tls_protocol_error: 'no secure connection could be made',
  http_protocol_error: 'its answer is not valid HTTP',
  connection_limit_reached: 'it has as many requests as it may have',
  destination_unavailable: 'it has failed and is left alone for a moment',
  proxy_internal_error: 'the page could not be made from its answer',
  http_request_error: 'the body did not come in whole',
  outage_drill: 'it is switched off',
  proxy_loop_detected: 'it leads back to this cache. `origin` must name the server itself, not what visitors ask',
};

/** 504 when the origin was too slow, 503 when it was not asked, 508 when it is this cache (RFC 5842 §7.2), 502 otherwise (RFC 9110 §15.6). */
const statuses: Partial<Readonly<Record<NotAsked, number>>> = {
  connection_timeout: 504,
  http_response_timeout: 504,
  connection_limit_reached: 503,
  destination_unavailable: 503,
  outage_drill: 503,
  http_request_error: 408,
  proxy_loop_detected: 508,
};

/** @param what can't be done */
export function failureResponse(
  failure: NotAsked,
  status: CacheStatus,
  what = 'The page is not in the cache, and its origin can not be asked',
): Response {
  const code = statuses[failure] ?? 502;
  return problem(code, `${what}: ${words[failure]}.`, status, failure);
}

type ServerError =
  | { readonly kind: 'error'; readonly status: number; readonly headers: Headers; readonly body: SharedBody }
  | { readonly kind: 'error elsewhere'; readonly status: number };

/** The origin's own error, or that it had one when it was asked a moment ago. */
export function errorResponse(error: ServerError, method: string, status: CacheStatus): Response {
  if (error.kind === 'error elsewhere')
    return problem(error.status, 'The origin answered with an error a moment ago.', status);
  const headers = new Headers(error.headers);
  tell(headers, { status });
  return new Response(method === 'HEAD' ? null : error.body.stream(), { status: error.status, headers });
}

/** RFC 9457. */
function problem(code: number, detail: string, status: CacheStatus, failure?: NotAsked): Response {
  const headers = new Headers({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'retry-after': '1',
  });
  tell(headers, { status, ...(failure !== undefined && { failure }) });
  const errorCode: ErrorCode = 'ORIGIN_FAILED';
  const type = problemType(errorCode);
  const body = { type, title: 'The origin has failed', status: code, detail, code: errorCode };
  return new Response(JSON.stringify(body), { status: code, headers });
}

/** An answer of the origin for the one who asked. */
export function passedResponse(response: Response, method: string, status: CacheStatus): Response {
  const headers = ownHeaders(response.headers, 'keep');
  const length = response.headers.get('content-length');
  if (length !== null) headers.set('content-length', length);
  const age = response.headers.get('age');
  if (age !== null) headers.set('age', age);
  tell(headers, { status });
  if (method === 'HEAD') void response.body?.cancel();
  const hasBody = method !== 'HEAD' && response.body !== null;
  return new Response(hasBody ? response.body : null, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}
