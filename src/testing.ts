// `import { startTestNode } from 'zerohop/testing'`: a node of its own for a test, in this thread, gone when it is stopped. Its data is on a real
// store in a temporary folder (in memory where the system has such a folder), so what passes here is what the node does.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Clock, type Logger, limits, systemClock } from './base/index.ts';
import { openApp, provideRuntime } from './components/index.ts';
import { type AppNode, appDatabases, type ResourceClass, tableResource } from './resources/index.ts';
import { parseSdl } from './schema/index.ts';
import { Accounts, administrator, Passwords, securityTables, type User } from './security/index.ts';
import { StoreEngine } from './store/index.ts';
import { LiveDatabases } from './tables/index.ts';
import { createLogger, Metrics } from './telemetry/index.ts';
import type { databases, tables } from './zerohop.ts';

export interface TestNodeOptions {
  /** An app's folder, loaded as `zerohop start` does. Relative to the working directory. */
  readonly app?: string;
  /** Schema language, in place of or beside an app's. */
  readonly schema?: string;
  /** Path → class, beside what the app exports; as a function, for classes that extend tables of the schema. */
  readonly resources?: TestResources | ((node: Pick<TestNode, 'tables' | 'databases'>) => TestResources);
  /** Who `fetch` calls as. The administrator unless given; null: nobody known. */
  readonly user?: User | null;
  /** Role → what it may do, as in roles.yaml; beside the app's. */
  readonly roles?: Readonly<Record<string, unknown>>;
  /** Moves what the node takes for the time. */
  readonly clock?: Clock;
  /** Where log lines go; only warnings and worse are printed unless given. */
  readonly log?: Logger;
}

export type TestResources = Readonly<Record<string, ResourceClass>>;

export interface TestNode extends AsyncDisposable {
  /** Calls the node as a client over HTTP does, without a socket. `path`: '/Product/42'. */
  fetch(path: string | Request, init?: RequestInit): Promise<Response>;
  /** The node's own, also while other nodes run. */
  readonly tables: typeof tables;
  readonly databases: typeof databases;
  stop(): Promise<void>;
}

/** Rejects when any of the app could not be loaded. */
export async function startTestNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const { user = administrator, clock = systemClock } = options;
  const log = options.log ?? (await createLogger({ level: 'warn', format: 'pretty' }));
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'zerohop-'));
  const { databases: own, close } = openStore(folder, clock, log);
  const end = async (): Promise<void> => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    provideRuntime();
    const app = await openApp(
      {
        folder: options.app === undefined ? undefined : resolve(options.app),
        databases: own,
        primary: true,
        config: {},
        log,
        metrics: new Metrics('test').http,
        identify: () => user,
        dev: true,
        cors: { origins: [] },
        urlBytes: limits.urlBytes,
        bodyBytes: limits.bodyBytes,
        bodyTimeoutMs: limits.bodyTimeoutMs,
        compressionThreshold: 1024,
        clock,
      },
      async (node) => {
        await own.applySchema(securityTables);
        const accounts = new Accounts(own, new Passwords());
        for (const [id, role] of Object.entries(options.roles ?? {})) await accounts.setRole(id, role, 'either');
        if (options.schema !== undefined) {
          const schema = parseSdl(options.schema, 'schema');
          await own.applySchema(schema.tables);
          for (const { database, name, exportName } of schema.tables) {
            if (exportName !== undefined)
              node.registry.set(exportName, tableResource(database, name, node), {}, 'schema');
          }
        }
        const { resources = {} } = options;
        const given = typeof resources === 'function' ? resources(boundTo(node)) : resources;
        for (const [path, resource] of Object.entries(given)) node.registry.set(path, resource, {}, 'startTestNode');
      },
    );
    if (app.problems.length > 0) {
      app.close();
      throw new Error(`The app could not be loaded:\n${app.problems.join('\n')}`);
    }
    app.handler.ready = true;
    const stop = async (): Promise<void> => {
      app.close();
      await end();
    };
    return {
      fetch: async (path, init) => app.handler.fetch(requestOf(path, init)),
      ...boundTo(app.node),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The node's own tables, as the app declares them. */
function boundTo(node: AppNode): Pick<TestNode, 'tables' | 'databases'> {
  const bound = appDatabases(node);
  return { tables: bound.data as unknown as typeof tables, databases: bound as unknown as typeof databases };
}

function requestOf(path: string | Request, init: RequestInit | undefined): Request {
  if (path instanceof Request) return init === undefined ? path : new Request(path, init);
  return new Request(new URL(path, 'http://localhost:9926').href, init);
}

function openStore(folder: string, clock: Clock, log: Logger) {
  const commits = new Int32Array(16);
  const engine = new StoreEngine({
    folder,
    nodeId: 'test',
    clock,
    clockDriftMs: limits.clockDriftMs,
    writeQueue: limits.writeQueue,
    logRetentionMs: limits.logRetentionMs,
    checkpointBytes: limits.checkpointBytes,
    commits,
    fatal: (error) => log.fatal('The store failed', { error }),
    trouble: (what, error) => log.error(`Trouble with ${what}`, { error }),
  });
  const opened = new LiveDatabases({
    folder,
    clock,
    client: engine,
    applySchema: async (tables) => engine.applySchema(tables),
    commits,
    snapshotMs: limits.snapshotMs,
    scanRows: limits.scanRows,
  });
  const close = async () => {
    opened.close();
    await engine.close();
  };
  return { databases: opened, close };
}
