// A node's data folder, opened for a program that writes to it through the runtime's own way, while no node runs on it.

import { limits, systemClock } from '../src/base/index.ts';
import { takeDataFolder } from '../src/runtime/data-folder.ts';
import { StoreEngine } from '../src/store/index.ts';
import { LiveDatabases } from '../src/tables/index.ts';

export interface OpenStore extends AsyncDisposable {
  readonly databases: LiveDatabases;
}

export function openStore(path: string): OpenStore {
  const folder = takeDataFolder(path);
  const commits = new Int32Array(1);
  const engine = new StoreEngine({
    folder: folder.path,
    nodeId: folder.nodeId,
    clock: systemClock,
    clockDriftMs: limits.clockDriftMs,
    writeQueue: limits.writeQueue,
    logRetentionMs: limits.logRetentionMs,
    checkpointBytes: 4 * limits.checkpointBytes,
    commits,
    fatal: (error) => {
      throw error;
    },
    trouble: (what, error) => console.error(what, error),
  });
  const databases = new LiveDatabases({
    folder: folder.path,
    clock: systemClock,
    client: engine,
    applySchema: async (tables) => engine.applySchema(tables),
    commits,
    snapshotMs: limits.snapshotMs,
    scanRows: limits.scanRows,
  });
  return {
    databases,
    async [Symbol.asyncDispose]() {
      databases.close();
      await engine.close();
      folder.release();
    },
  };
}
