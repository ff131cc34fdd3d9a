// An origin for the page cache, on loopback: answers as it is told, counts what it is asked, and can fail in every way an origin does.

export interface PageOrigin extends AsyncDisposable {
  readonly url: string;
  /** Requests so far, oldest first. */
  readonly seen: { readonly method: string; readonly path: string; readonly headers: Headers }[];
  /** What it answers from now on. */
  answer: (request: Request, path: string) => Response | Promise<Response>;
  /** Refuses connections until `start`, on the same port after that. */
  stop(): Promise<void>;
  start(): void;
}

export function startOrigin(answer: PageOrigin['answer']): PageOrigin {
  const seen: PageOrigin['seen'] = [];
  const serve = (port: number) =>
    Bun.serve({
      hostname: '127.0.0.1',
      port,
      idleTimeout: 0,
      fetch(request) {
        const { pathname, search } = new URL(request.url);
        seen.push({ method: request.method, path: pathname + search, headers: request.headers });
        return origin.answer(request, pathname);
      },
    });
  let server: ReturnType<typeof serve> | undefined = serve(0);
  const { port } = server;
  const origin: PageOrigin = {
    url: `http://127.0.0.1:${port}`,
    seen,
    answer,
    async stop() {
      await server?.stop(true);
      server = undefined;
    },
    start() {
      server ??= serve(port ?? 0);
    },
    async [Symbol.asyncDispose]() {
      await server?.stop(true);
    },
  };
  return origin;
}
