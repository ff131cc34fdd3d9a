// An app with its HTTP handler: everything of a serving thread but the socket.

import { hostname } from 'node:os';
import { type Clock, type Logger, systemClock, type Tracer, ZerohopError } from '../base/index.ts';
import { CachedTables } from '../cache/index.ts';
import type { PagesControl, PagesMeters } from '../pages/index.ts';
import {
  authenticationStep,
  BodyReader,
  ContentTypes,
  type Cors,
  createHttpHandler,
  type HttpHandler,
  type HttpStep,
  type Identify,
  orderSteps,
  type RateLimits,
  signInStep,
} from '../protocols/http/index.ts';
import { restStep } from '../protocols/rest/index.ts';
import { type AppNode, AppServer, enterThread, Registry, SpreadTables, setSources } from '../resources/index.ts';
import type { Identities } from '../security/index.ts';
import type { Databases } from '../tables/index.ts';
import { AppMeters, type HttpMetrics } from '../telemetry/index.ts';
import { type LoadedApp, loadApp } from './load-app.ts';
import type { PagesMemory } from './pages.ts';

export interface OpenAppOptions {
  /** Undefined: no app, tables only. */
  readonly folder: string | undefined;
  readonly databases: Databases;
  /** Whether this thread applies the schema and loads data. */
  readonly primary: boolean;
  /** What app code sees as `config`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly log: Logger;
  readonly metrics: HttpMetrics;
  readonly identify: Identify;
  /** Where users sign in; undefined: nobody can. */
  readonly identities?: Identities | undefined;
  readonly rateLimits?: RateLimits | undefined;
  readonly dev: boolean;
  readonly cors: Cors;
  readonly urlBytes: number;
  readonly bodyBytes: number;
  readonly bodyTimeoutMs: number;
  readonly compressionThreshold: number;
  readonly clock?: Clock;
  /** What the page cache shares with other threads; undefined: there are none. */
  readonly pagesMemory?: PagesMemory | undefined;
  /** What threads share of who asks sources of tables; undefined: there are none. */
  readonly sourcesMemory?: SharedArrayBuffer | undefined;
  /** What the parts of the app measure by themselves. */
  readonly meters?: PagesMeters;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Told the endpoint whose code is about to run. */
  readonly entering?: (endpoint: string) => void;
}

export interface OpenApp {
  readonly node: AppNode;
  readonly handler: HttpHandler;
  /** What of the app could not be loaded, one line each. */
  readonly problems: readonly string[];
  /** There is nothing in its folder that an app is made of. */
  readonly isEmpty: boolean;
  /** Of the page cache in it. */
  readonly pages: PagesControl | undefined;
  close(): void;
}

/** @param prepare called with the node before its app is loaded */
export async function openApp(options: OpenAppOptions, prepare?: (node: AppNode) => Promise<void>): Promise<OpenApp> {
  const { databases, config, log, folder, primary, pagesMemory, tracer } = options;
  const registry = new Registry(databases);
  const server = new AppServer(
    registry,
    config,
    hostname(),
    options.identities,
    options.meters && new AppMeters(options.meters),
  );
  const { clock } = options;
  const sources = new CachedTables({ databases, log, primary, memory: options.sourcesMemory, ...(clock && { clock }) });
  const node: AppNode = { databases, registry, server, log, config, ...(tracer && { tracer }) };
  const spread = new SpreadTables(sources, databases);
  setSources(node, spread);
  sources.node = node;
  const close = enterThread(node);
  try {
    await prepare?.(node);
    const app =
      folder === undefined ? noApp : await loadApp({ folder, node, primary, pagesMemory, meters: options.meters });
    await Promise.all([sources.ready(), spread.ready()]);
    return {
      node,
      handler: handlerOf(app, node, options),
      problems: app.problems,
      isEmpty: app.isEmpty,
      pages: app.pages,
      close() {
        sources.close();
        app.close();
        close();
      },
    };
  } catch (error) {
    sources.close();
    close();
    throw error;
  }
}

const noApp: LoadedApp = { problems: [], isEmpty: true, steps: [], close: () => {}, rest: { lastModified: true } };

/** Whoever develops an app looks for it in the browser first, and should find out there why it is not. */
function unloadedStep(problems: readonly string[]): HttpStep {
  return {
    handle({ pathname }) {
      throw new ZerohopError(
        'NOT_FOUND',
        `Nothing is served at ${pathname}. The application could not be loaded in full: ${problems.join('; ')}`,
      );
    },
  };
}

function handlerOf({ steps, rest, problems }: LoadedApp, node: AppNode, options: OpenAppOptions): HttpHandler {
  const { metrics, dev, bodyBytes, bodyTimeoutMs, compressionThreshold, entering, clock = systemClock } = options;
  const door =
    rest &&
    restStep({
      node,
      contentTypes: new ContentTypes(node.server.contentTypes),
      bodies: new BodyReader({ bytes: bodyBytes, timeoutMs: bodyTimeoutMs }, clock),
      metrics,
      bodyBytes,
      compressionThreshold,
      dev,
      lastModified: rest.lastModified,
      entering,
    });
  const signIn = options.identities?.openId && signInStep(options.identities);
  const { identities, rateLimits } = options;
  const authentication = authenticationStep({
    attempts: identities?.attempts,
    limits: rateLimits,
    known: identities && ((authorization) => identities.known(authorization)),
  });
  return createHttpHandler({
    ...options,
    steps: orderSteps(
      [
        ...(signIn ? [signIn] : []),
        authentication,
        ...(door ? [door] : []),
        ...(dev && problems.length > 0 ? [unloadedStep(problems)] : []),
      ],
      steps,
    ),
    middleware: () => node.server.middleware,
  });
}
