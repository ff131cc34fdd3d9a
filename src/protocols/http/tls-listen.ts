// Listeners over TLS 1.2 and 1.3. Without certificates of clients it is Bun.serve's own; with them, tls-front.ts in front of it. When files change,
// new connections get the new certificate: the front takes it, and of Bun.serve's own there is a new listener on the same port.

import type { Server } from 'bun';
import { type Logger, ZerohopError } from '../../base/index.ts';
import { problemResponse } from './problem.ts';
import { followTlsFiles, type TlsFiles, type TlsSettings } from './tls-files.ts';
import type { Peer, TlsFront } from './tls-front.ts';

type Fetch = (request: Request, server: Server<unknown>, peer?: Peer) => Response | Promise<Response>;

export interface TlsListenOptions {
  readonly files: TlsFiles;
  readonly settings: TlsSettings;
  readonly hostname: string;
  readonly port: number;
  readonly maxRequestBodySize: number;
  /** In seconds. */
  readonly idleTimeout?: number;
  readonly log: Logger;
}

export interface TlsListener {
  readonly port: number;
  /** Accepts no more and waits for requests in flight. */
  close(): Promise<void>;
  /** Breaks what is left. */
  destroy(): Promise<void>;
}

/** Rejects with what Bun.serve throws, `code` EADDRINUSE or EACCES. */
export async function listenTls(answer: Fetch, options: TlsListenOptions): Promise<TlsListener> {
  const { settings } = options;
  const fetch = settings.hstsSeconds > 0 ? withHsts(answer, settings.hstsSeconds) : answer;
  return settings.clients === 'none' ? listenDirectly(fetch, options) : await listenBehindFront(fetch, options);
}

function listenDirectly(fetch: Fetch, options: TlsListenOptions): TlsListener {
  const { files, settings, hostname, port, maxRequestBodySize, idleTimeout = 120, log } = options;
  const open = (at: number, { cert, key }: TlsFiles) =>
    Bun.serve({
      hostname,
      port: at,
      reusePort: true,
      idleTimeout,
      maxRequestBodySize,
      development: false,
      tls: { cert, key },
      fetch: (request, server) => fetch(request, server),
    });
  let server = open(port, files);
  const bound = server.port ?? port;
  const closing = new Set<Server<unknown>>();
  const unfollow = followTlsFiles(settings, log, (next) => {
    const before = server;
    server = open(bound, next);
    closing.add(before);
    void before.stop().then(() => closing.delete(before));
  });
  return {
    port: bound,
    async close() {
      unfollow();
      await Promise.all([server, ...closing].map((one) => one.stop()));
    },
    async destroy() {
      await Promise.all([server, ...closing].map((one) => one.stop(true)));
    },
  };
}

async function listenBehindFront(fetch: Fetch, options: TlsListenOptions): Promise<TlsListener> {
  const { files, settings, hostname, port, maxRequestBodySize, idleTimeout = 120, log } = options;
  const inner = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout,
    maxRequestBodySize,
    development: false,
    fetch(request, server) {
      const peer = front?.peerOf(server.requestIP(request)?.port ?? 0);
      return peer === undefined ? notTheFront() : fetch(request, server, peer);
    },
  });
  let front: TlsFront | undefined;
  try {
    // Loaded where there are certificates of clients only.
    const { openTlsFront } = await import('./tls-front.ts');
    const innerPort = inner.port ?? 0;
    front = await openTlsFront(files, settings, { hostname, port, reusePort: true, innerPort });
  } catch (error) {
    await inner.stop(true);
    throw error;
  }
  const opened = front;
  const unfollow = followTlsFiles(settings, log, (next) => opened.use(next));
  return {
    port: opened.port,
    async close() {
      unfollow();
      opened.close();
      await inner.stop();
    },
    async destroy() {
      opened.destroy();
      await inner.stop(true);
    },
  };
}

/** Somebody on this machine has found the port behind the front. */
function notTheFront(): Response {
  return problemResponse(new ZerohopError('FORBIDDEN', 'This port is for the node itself.'), { dev: false });
}

/** RFC 6797 §7.1. */
function withHsts(answer: Fetch, seconds: number): Fetch {
  const value = `max-age=${seconds}`;
  return async (request, server, peer) => {
    const response = await answer(request, server, peer);
    try {
      response.headers.set('strict-transport-security', value);
      return response;
    } catch {
      // Responses that came from fetch() have headers that can not be set.
      const own = new Response(response.body, response);
      own.headers.set('strict-transport-security', value);
      return own;
    }
  };
}

/** Sends whoever comes by plain HTTP to the same address with HTTPS: 308, which keeps the method (RFC 9110 §15.4.9). */
export function redirectToTls(hostname: string, port: number, tlsPort: number): { stop(): Promise<void> } {
  const server = Bun.serve({
    hostname,
    port,
    development: false,
    fetch(request) {
      const url = URL.parse(request.url);
      if (url === null) return new Response(null, { status: 400 });
      url.protocol = 'https:';
      url.port = String(tlsPort);
      return new Response(null, { status: 308, headers: { location: url.href } });
    },
  });
  return { stop: () => server.stop(true) };
}
