// A listening socket for a handler, and its orderly end.

import type { Server } from 'bun';
import type { HttpHandler } from './handler.ts';

export interface ListenOptions {
  readonly hostname: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whether several threads share the port. */
  readonly reusePort: boolean;
  /** How long a stop waits for requests in flight, in ms. */
  readonly stopMs: number;
}

export interface Listener {
  readonly port: number;
  readonly server: Server<unknown>;
  /** Accepts no more, waits for requests in flight at most `stopMs`, then breaks what is left. True: nothing was broken. */
  stop(): Promise<boolean>;
}

/** In seconds; more than a body may take, so that slow ones are told why. */
const idleTimeout = 120;

/** Throws what Bun.serve throws, with `code` EADDRINUSE or EACCES. */
export function listen(handler: HttpHandler, options: ListenOptions): Listener {
  const server = Bun.serve({
    hostname: options.hostname,
    port: options.port,
    reusePort: options.reusePort,
    idleTimeout,
    // Refused by the handler, which says why.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    fetch: handler.fetch,
  });
  handler.ready = true;
  return {
    port: server.port ?? options.port,
    server,
    async stop() {
      handler.stopping = true;
      const late = Promise.withResolvers<false>();
      const timer = setTimeout(() => late.resolve(false), options.stopMs);
      const inTime = await Promise.race([server.stop().then(() => true), late.promise]);
      clearTimeout(timer);
      if (!inTime) await server.stop(true);
      return inTime;
    },
  };
}
