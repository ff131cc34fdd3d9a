// One serving thread's worth of a node: the app with its tables, behind an HTTP listener. Used by every serve thread, and by a node with
// `threads: 0` in its only one.

import { hostname } from 'node:os';
import { type Logger, systemClock } from '../base/index.ts';
import { loadApp } from '../components/index.ts';
import type { Config } from '../config/index.ts';
import {
  BodyReader,
  ContentTypes,
  createHttpHandler,
  type HttpHandler,
  type Listener,
  listen,
} from '../protocols/http/index.ts';
import { restStep } from '../protocols/rest/index.ts';
import { type AppNode, AppServer, enterThread, Registry } from '../resources/index.ts';
import { identifyByAddress } from '../security/index.ts';
import type { LiveDatabases } from '../tables/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { portError } from './port-error.ts';

export interface ServeOptions {
  readonly config: Config;
  readonly app: string;
  readonly dev: boolean;
  /** Whether this thread applies the schema and loads data. */
  readonly primary: boolean;
  readonly databases: LiveDatabases;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly httpPort: number;
  /** Told the endpoint whose code is about to run. */
  readonly entering?: (endpoint: string) => void;
}

export interface Serving {
  readonly port: number;
  readonly problems: readonly string[];
  /** Stops accepting, waits for requests in flight as long as the configuration says, and closes the app. */
  stop(): Promise<void>;
}

export async function serve(options: ServeOptions): Promise<Serving> {
  const { config, databases, metrics, log, dev } = options;
  const registry = new Registry(databases);
  const appConfig = { http: config.http, operations: config.operations, threads: config.threads };
  const server = new AppServer(registry, appConfig, hostname());
  const contentTypes = new ContentTypes(server.contentTypes);
  const node: AppNode = { databases, registry, server, log, config: appConfig };
  const leaveThread = enterThread(node);
  try {
    const app = await loadApp({ folder: options.app, node, primary: options.primary });
    if (options.primary) await databases.fillComputed();
    const rest =
      app.rest && restStep({ ...restOptions(options, node), contentTypes, lastModified: app.rest.lastModified });
    const handler = createHttpHandler({
      identify: (request) => identifyByAddress(request.ip, config.authorizeLocal),
      steps: [...app.steps, ...(rest ? [rest] : [])],
      middleware: () => server.middleware,
      metrics: metrics.http,
      log,
      dev,
      cors: config.cors,
      urlBytes: config.limits.urlBytes,
      compressionThreshold: config.http.compressionThreshold,
    });
    const listener = listenOrSay(handler, options);
    return {
      port: listener.port,
      problems: app.problems,
      async stop() {
        await listener.stop();
        leaveThread();
      },
    };
  } catch (error) {
    leaveThread();
    throw error;
  }
}

function restOptions({ config, metrics, dev, entering }: ServeOptions, node: AppNode) {
  const { bodyBytes, bodyTimeoutMs } = config.limits;
  return {
    node,
    bodies: new BodyReader({ bytes: bodyBytes, timeoutMs: bodyTimeoutMs }, systemClock),
    metrics: metrics.http,
    bodyBytes,
    compressionThreshold: config.http.compressionThreshold,
    dev,
    entering,
  };
}

function listenOrSay(handler: HttpHandler, { config, httpPort }: ServeOptions): Listener {
  const { host } = config.http;
  try {
    // Shared with the other threads, and with the next one while an app is loaded anew.
    return listen(handler, { hostname: host, port: httpPort, reusePort: true, stopMs: config.limits.stopMs });
  } catch (error) {
    throw portError(error, 'http.port', httpPort);
  }
}
