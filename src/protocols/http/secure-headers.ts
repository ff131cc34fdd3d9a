// What tells browsers to take content for nothing but what it says it is, and not to show pages inside those of other sites.

/** For every answer (Fetch standard, "X-Content-Type-Options header"). */
export const nosniff = { 'x-content-type-options': 'nosniff' } as const;

/** Adds what the response does not say by itself. */
export function withSecureHeaders(response: Response): Response {
  const isPage = response.headers.get('content-type')?.startsWith('text/html') === true;
  try {
    add(response.headers, isPage);
    return response;
  } catch {
    // Responses that came from fetch() have headers that can not be set.
    const own = new Response(response.body, response);
    add(own.headers, isPage);
    return own;
  }
}

function add(headers: Headers, isPage: boolean): void {
  if (!headers.has('x-content-type-options')) headers.set('x-content-type-options', 'nosniff');
  if (!isPage) return;
  if (!headers.has('content-security-policy') && !headers.has('x-frame-options'))
    headers.set('x-frame-options', 'SAMEORIGIN');
  if (!headers.has('referrer-policy')) headers.set('referrer-policy', 'strict-origin-when-cross-origin');
}
