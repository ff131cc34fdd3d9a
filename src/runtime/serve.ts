// One serving thread's worth of a node: the app with its tables, behind an HTTP listener. Used by every serve thread, and by a node with
// `threads: 0` in its only one.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, systemClock, type Tracer, ZerohopError } from '../base/index.ts';
import { type OpenAppOptions, openApp } from '../components/index.ts';
import type { Config } from '../config/index.ts';
import type { PagesAnswer, PagesOrder } from '../pages/index.ts';
import {
  type HttpHandler,
  type Identify,
  listen,
  listenTls,
  readTlsFiles,
  type TlsFiles,
} from '../protocols/http/index.ts';
import { Identities, isLoopback, type OpenIdOptions, SecurityEvents } from '../security/index.ts';
import type { LiveDatabases } from '../tables/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { listenError } from './port-error.ts';

export interface ServeOptions {
  readonly config: Config;
  readonly app: string;
  readonly dev: boolean;
  /** Whether an app that can't be loaded in full is refused, as when it is loaded anew. */
  readonly whole: boolean;
  /** Whether it is only looked whether the app loads: nothing listens. */
  readonly trial?: boolean | undefined;
  /** Whether this thread applies the schema and loads data. */
  readonly primary: boolean;
  readonly databases: LiveDatabases;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly httpPort: number;
  /** What the page cache shares with other threads; undefined: there are none. */
  readonly pagesMemory?: OpenAppOptions['pagesMemory'];
  readonly sourcesMemory?: OpenAppOptions['sourcesMemory'];
  /** What threads share of attempts to sign in. */
  readonly attemptsMemory?: SharedArrayBuffer;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Told the endpoint whose code is about to run. */
  readonly entering?: (endpoint: string) => void;
}

export interface Serving {
  readonly port: number;
  readonly problems: readonly string[];
  /** What the page cache of the app is told. Throws NOT_FOUND when it has none. */
  pages(order: PagesOrder): Promise<PagesAnswer>;
  /** Stops accepting, waits for requests in flight as long as the configuration says, and closes the app. */
  stop(): Promise<void>;
}

export async function serve(options: ServeOptions): Promise<Serving> {
  const { config, databases, metrics, log, dev, primary, entering } = options;
  const identities = new Identities({
    databases,
    clock: systemClock,
    keyFile: join(config.data, 'keys', 'token.json'),
    authorizeLocal: config.authorizeLocal,
    events: new SecurityEvents(databases, systemClock, log),
    openId: openIdOf(config),
    memory: options.attemptsMemory,
  });
  const app = await openApp({
    folder: options.app,
    databases,
    primary,
    config: { http: config.http, operations: config.operations, threads: config.threads },
    log,
    metrics: metrics.http,
    identify: identifierOf(identities, config),
    identities,
    rateLimits: config.rateLimit,
    dev,
    cors: config.cors,
    urlBytes: config.limits.urlBytes,
    bodyBytes: config.limits.bodyBytes,
    bodyTimeoutMs: config.limits.bodyTimeoutMs,
    compressionThreshold: config.http.compressionThreshold,
    pagesMemory: options.pagesMemory,
    sourcesMemory: options.sourcesMemory,
    meters: metrics,
    tracer: options.tracer,
    ...(entering && { entering }),
  });
  // A promise of the app that fails and that nobody awaits, such as a write it forgot: one request's mistake, not the thread's end.
  const reportStray = (error: unknown): void =>
    log.error(`Nobody awaited a call of the app that failed: ${messageOf(error)}`, { error });
  process.on('unhandledRejection', reportStray);
  const close = (): void => {
    process.off('unhandledRejection', reportStray);
    app.close();
  };
  try {
    if (options.trial && app.isEmpty) {
      throw new ZerohopError(
        'APPLICATION_ERROR',
        'there is no application in it: neither config.yaml nor a schema (*.graphql), resources.ts, data/ or web/',
      );
    }
    if (options.whole && app.problems.length > 0) throw new ZerohopError('APPLICATION_ERROR', app.problems.join('; '));
    if (primary) await databases.fillComputed();
    const listener = options.trial ? { port: 0, stop: async () => {} } : await listenOrSay(app.handler, options);
    return {
      port: listener.port,
      problems: app.problems,
      async pages(order) {
        if (app.pages) return await app.pages.run(order);
        throw new ZerohopError('NOT_FOUND', 'This app has no page cache: its config.yaml has no "pages".');
      },
      async stop() {
        await listener.stop();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Whoever reaches a listener on a loopback address is on this machine: no need to ask for each request's address. */
function identifierOf(identities: Identities, { http }: Config): Identify {
  const isLocal = http.host === 'localhost' || isLoopback(http.host);
  return (request) =>
    identities.identify({
      method: request.method,
      headers: request.headers,
      address: isLocal ? () => '127.0.0.1' : () => request.ip,
      certificate: request.peer?.certificate,
    });
}

/** Throws INVALID_CONFIG for what is there in part. */
function openIdOf({ openid }: Config): OpenIdOptions | undefined {
  const { issuer, clientId, clientSecretFile, origin, claim, role } = openid;
  if (issuer === '') return undefined;
  if (clientId === '' || URL.parse(origin)?.origin !== origin || !URL.canParse(issuer)) {
    throw new ZerohopError(
      'INVALID_CONFIG',
      'To sign in with OpenID Connect, openid needs issuer (an address), clientId, and origin, such as https://shop.example.',
    );
  }
  const clientSecret = clientSecretFile === '' ? '' : readFileSync(clientSecretFile, 'utf8').trim();
  return { issuer, clientId, clientSecret, origin, claim, role };
}

interface Door {
  readonly port: number;
  stop(): Promise<unknown>;
}

async function listenOrSay(handler: HttpHandler, options: ServeOptions): Promise<Door> {
  const { config, httpPort } = options;
  const { host } = config.http;
  const files = readTlsFiles(config.tls);
  try {
    // Shared with the other threads, and with the next one while an app is loaded anew.
    if (files === undefined)
      return listen(handler, { hostname: host, port: httpPort, reusePort: true, stopMs: config.limits.stopMs });
    return await listenOverTls(handler, files, options);
  } catch (error) {
    throw listenError(error, { host, port: httpPort, section: 'http' });
  }
}

/** A listener over TLS, ended as `listen` ends one without. */
async function listenOverTls(
  handler: HttpHandler,
  files: TlsFiles,
  { config, httpPort, log }: ServeOptions,
): Promise<Door> {
  const listener = await listenTls(handler.fetch, {
    files,
    settings: config.tls,
    hostname: config.http.host,
    port: httpPort,
    // Refused by the handler, which says why.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    log,
  });
  handler.ready = true;
  return {
    port: listener.port,
    async stop() {
      handler.stopping = true;
      const late = Promise.withResolvers<false>();
      const timer = setTimeout(() => late.resolve(false), config.limits.stopMs);
      const inTime = await Promise.race([listener.close().then(() => true), late.promise]);
      clearTimeout(timer);
      if (!inTime) await listener.destroy();
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
