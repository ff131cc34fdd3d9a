// Cross-origin calls (the Fetch standard, "CORS protocol"): closed unless the configuration names origins.

export interface Cors {
  /** '*' for any. */
  readonly origins: readonly string[];
}

const methods = 'GET, HEAD, PUT, PATCH, POST, DELETE, QUERY';
const exposed = 'ETag, Last-Modified, Location, Content-Range, X-Total-Count, X-Next-Cursor';
const maxAgeSeconds = '600';

/** The origin as the answer must name it, or undefined when it may not read the answer. */
export function allowedOrigin(cors: Cors, origin: string | null): string | undefined {
  if (origin === null) return undefined;
  return cors.origins.includes('*') || cors.origins.includes(origin) ? origin : undefined;
}

/** The answer to a preflight, or undefined when the request is none. */
export function preflightResponse(cors: Cors, method: string, headers: Headers): Response | undefined {
  if (method !== 'OPTIONS' || !headers.has('access-control-request-method')) return undefined;
  const origin = allowedOrigin(cors, headers.get('origin'));
  const response = new Response(null, { status: 204, headers: { vary: 'Origin' } });
  if (origin === undefined) return response;
  response.headers.set('access-control-allow-origin', origin);
  response.headers.set('access-control-allow-methods', methods);
  // Credentials ride in Authorization; the client says which other headers it needs.
  const asked = headers.get('access-control-request-headers');
  if (asked !== null) response.headers.set('access-control-allow-headers', asked);
  response.headers.set('access-control-max-age', maxAgeSeconds);
  return response;
}

/** The response with what lets pages of the origin read it. */
export function withCors(cors: Cors, request: Headers, response: Response): Response {
  const origin = allowedOrigin(cors, request.get('origin'));
  const open = changeable(response);
  open.headers.append('vary', 'Origin');
  if (origin !== undefined) {
    open.headers.set('access-control-allow-origin', origin);
    open.headers.set('access-control-expose-headers', exposed);
  }
  return open;
}

/** Responses that came from fetch() have headers that can not be set. */
function changeable(response: Response): Response {
  try {
    response.headers.delete('x-none');
    return response;
  } catch {
    return new Response(response.body, response);
  }
}
