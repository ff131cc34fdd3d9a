// The operations port: health, readiness and metrics. Loopback only by default (configuration `operations.host`).

export interface OperationsOptions {
  /** Null: ready. Otherwise why not. */
  readonly notReady: () => string | null;
  /** The Prometheus page and its content type. */
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
}

export function createOperationsHandler({
  notReady,
  metrics,
}: OperationsOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return problem(405, 'METHOD_NOT_ALLOWED', `${pathname} can only be read.`, { allow: 'GET, HEAD' });
    switch (pathname) {
      case '/health':
        return new Response('Zerohop is running.\n');
      case '/ready': {
        const reason = notReady();
        return new Response(reason === null ? 'ready\n' : `not ready: ${reason}\n`, {
          status: reason === null ? 200 : 503,
        });
      }
      case '/metrics': {
        const { text, contentType } = await metrics();
        return new Response(text, { headers: { 'content-type': contentType } });
      }
      default:
        return problem(404, 'NOT_FOUND', `There is no ${pathname} here. Try /health, /ready or /metrics.`);
    }
  };
}

function problem(status: number, code: string, detail: string, headers: Record<string, string> = {}): Response {
  return Response.json(
    { type: 'about:blank', status, code, detail },
    { status, headers: { ...headers, 'content-type': 'application/problem+json' } },
  );
}
