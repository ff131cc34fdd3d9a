// /health: the process answers. /ready: it should be sent requests. The same on every port, before anything else.

/** The answer to GET or HEAD of /health and /ready; undefined for any other path. */
export function healthResponse(path: string, isReady: boolean): Response | undefined {
  if (path === '/health') return new Response('Zerohop is running.\n', { headers: plainText });
  if (path !== '/ready') return undefined;
  if (isReady) return new Response('ready\n', { headers: plainText });
  return new Response('not ready\n', { status: 503, headers: { ...plainText, 'retry-after': '1' } });
}

const plainText = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
