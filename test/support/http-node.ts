// A node in this process, on a real socket and a folder of its own: for tests of the doors.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits, systemClock } from '../../src/base/index.ts';
import {
  authenticationStep,
  BodyReader,
  ContentTypes,
  createHttpHandler,
  type HttpHandler,
  listen,
} from '../../src/protocols/http/index.ts';
import { restStep } from '../../src/protocols/rest/index.ts';
import { type AppNode, AppServer, Registry, type ResourceClass, tableResource } from '../../src/resources/index.ts';
import { parseSdl } from '../../src/schema/index.ts';
import { Accounts, administrator, Passwords, securityTables, type User } from '../../src/security/index.ts';
import { StoreEngine } from '../../src/store/index.ts';
import { LiveDatabases } from '../../src/tables/index.ts';
import { createLogger, Metrics } from '../../src/telemetry/index.ts';

export interface HttpNodeOptions {
  readonly schema: string;
  /** By path; given the node, so that they can reach its tables. */
  readonly resources?: (node: AppNode) => Readonly<Record<string, ResourceClass>>;
  readonly user?: User | null;
  /** Role → permission; unless given, everybody may read everything. */
  readonly roles?: Readonly<Record<string, unknown>>;
  readonly dev?: boolean;
  readonly cors?: readonly string[];
  readonly lastModified?: boolean;
  readonly bodyBytes?: number;
  readonly bodyTimeoutMs?: number;
  readonly stopMs?: number;
}

export interface HttpNode {
  readonly url: string;
  readonly port: number;
  readonly node: AppNode;
  readonly handler: HttpHandler;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** The JSON of a 200. */
  get(path: string, headers?: Record<string, string>): Promise<unknown>;
  /** Sends a body, JSON unless it is text, and gives the response. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  stop(): Promise<boolean>;
}

export async function startHttpNode(options: HttpNodeOptions): Promise<HttpNode> {
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-http-'));
  const commits = new Int32Array(16);
  const metrics = new Metrics('test');
  const log = await createLogger({ level: 'silent', format: 'json' });
  const engine = new StoreEngine({
    folder,
    nodeId: 'test',
    clock: systemClock,
    clockDriftMs: limits.clockDriftMs,
    writeQueue: limits.writeQueue,
    logRetentionMs: limits.logRetentionMs,
    checkpointBytes: limits.checkpointBytes,
    commits,
    fatal: (error) => {
      throw error;
    },
    trouble: () => {},
    meters: metrics.store,
  });
  const databases = new LiveDatabases({
    folder,
    clock: systemClock,
    client: engine,
    applySchema: async (tables) => engine.applySchema(tables),
    commits,
    snapshotMs: limits.snapshotMs,
    scanRows: limits.scanRows,
    meters: metrics.tables,
  });
  const { tables } = parseSdl(options.schema, 'schema.graphql');
  await databases.applySchema(tables);
  if (!(options.user === undefined || options.user?.superUser) || options.roles) {
    await databases.applySchema(securityTables);
    const accounts = new Accounts(databases, new Passwords());
    const roles = options.roles ?? { public: { data: { '*': { read: true } } } };
    for (const [id, permission] of Object.entries(roles)) await accounts.setRole(id, permission, 'either');
  }
  const registry = new Registry(databases);
  const server = new AppServer(registry, {}, 'test');
  const node: AppNode = { databases, registry, server, log, config: {} };
  for (const { database, name, exportName } of tables) {
    if (exportName !== undefined) registry.set(exportName, tableResource(database, name, node));
  }
  for (const [path, resource] of Object.entries(options.resources?.(node) ?? {})) registry.set(path, resource);
  const bodyBytes = options.bodyBytes ?? limits.bodyBytes;
  const contentTypes = new ContentTypes(server.contentTypes);
  const rest = restStep({
    node,
    contentTypes,
    bodies: new BodyReader({ bytes: bodyBytes, timeoutMs: options.bodyTimeoutMs ?? limits.bodyTimeoutMs }, systemClock),
    metrics: metrics.http,
    bodyBytes,
    compressionThreshold: 1200,
    dev: options.dev ?? false,
    lastModified: options.lastModified ?? false,
  });
  const handler = createHttpHandler({
    identify: () => (options.user === undefined ? administrator : options.user),
    steps: [authenticationStep(), rest],
    middleware: () => server.middleware,
    metrics: metrics.http,
    log,
    dev: options.dev ?? false,
    cors: { origins: options.cors ?? [] },
    urlBytes: limits.urlBytes,
    compressionThreshold: 1200,
  });
  const listener = listen(handler, {
    hostname: '127.0.0.1',
    port: 0,
    reusePort: false,
    stopMs: options.stopMs ?? limits.stopMs,
  });
  const url = `http://127.0.0.1:${listener.port}`;
  const call = (path: string, init?: RequestInit) => fetch(url + path, init);
  return {
    url,
    port: listener.port,
    node,
    handler,
    fetch: call,
    async get(path, headers = {}) {
      const response = await call(path, { headers });
      if (response.status !== 200) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
      return response.json();
    },
    send(method, path, body, headers = {}) {
      const isJson =
        body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array) && !(body instanceof FormData);
      return call(path, {
        method,
        headers: { ...(isJson && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: isJson ? JSON.stringify(body) : (body as string) }),
      });
    },
    async stop() {
      const inTime = await listener.stop();
      databases.close();
      await engine.close();
      rmSync(folder, { recursive: true });
      return inTime;
    },
  };
}
