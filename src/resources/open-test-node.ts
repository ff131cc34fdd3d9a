// A node without doors, on a real store in a temporary folder: for the tests of this floor and of those above.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, limits, systemClock } from '../base/index.ts';
import { parseSdl } from '../schema/index.ts';
import { Accounts, Passwords, securityTables } from '../security/index.ts';
import { StoreEngine } from '../store/index.ts';
import { LiveDatabases } from '../tables/index.ts';
import type { AppNode } from './app-node.ts';
import { AppServer } from './app-server.ts';
import { Registry } from './registry.ts';
import { enterThread } from './scope.ts';

export interface TestNodeParts extends AppNode {
  readonly databases: LiveDatabases;
  /** Lines logged, as `level: message`. */
  readonly lines: string[];
  close(): Promise<void>;
}

/**
 * @param schema schema language; its tables are there when the promise resolves
 * @param roles role → permission
 */
export async function openTestNode(schema = '', roles: Readonly<Record<string, unknown>> = {}): Promise<TestNodeParts> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'zerohop-test-'));
  const commits = new Int32Array(16);
  const fail = (error: unknown) => {
    throw error;
  };
  const engine = new StoreEngine({
    folder,
    nodeId: 'test',
    clock: systemClock,
    clockDriftMs: limits.clockDriftMs,
    writeQueue: limits.writeQueue,
    logRetentionMs: limits.logRetentionMs,
    checkpointBytes: limits.checkpointBytes,
    commits,
    fatal: fail,
    trouble: (_what, error) => fail(error),
  });
  const databases = new LiveDatabases({
    folder,
    clock: systemClock,
    client: engine,
    applySchema: async (tables) => engine.applySchema(tables),
    commits,
    snapshotMs: limits.snapshotMs,
    scanRows: limits.scanRows,
  });
  const lines: string[] = [];
  const registry = new Registry(databases);
  const config = {};
  const server = new AppServer(registry, config, 'localhost');
  const node = { databases, registry, server, log: linesLogger(lines), config };
  const leave = enterThread(node);
  if (schema !== '') await databases.applySchema(parseSdl(schema, 'schema.graphql').tables);
  if (Object.keys(roles).length > 0) {
    await databases.applySchema(securityTables);
    const accounts = new Accounts(databases, new Passwords());
    for (const [id, permission] of Object.entries(roles)) await accounts.setRole(id, permission, 'either');
  }
  return {
    ...node,
    lines,
    async close() {
      leave();
      databases.close();
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function linesLogger(lines: string[]): Logger {
  const logger: Logger = {
    trace: () => {},
    debug: () => {},
    info: (message) => void lines.push(`info: ${message}`),
    warn: (message) => void lines.push(`warn: ${message}`),
    error: (message) => void lines.push(`error: ${message}`),
    fatal: (message) => void lines.push(`fatal: ${message}`),
    isEnabled: () => true,
    child: () => logger,
  };
  return logger;
}
