// The store thread: the one writer of the node. Started by start.ts; speaks messages.ts.

import { parentPort } from 'node:worker_threads';
import { type ErrorData, errorFromData, errorToData, systemClock } from '../base/index.ts';
import { StoreEngine } from '../store/index.ts';
import { Metrics, measureThread } from '../telemetry/index.ts';
import type { FromStore, StoreThreadOptions, ToStore } from './messages.ts';
import { servePort } from './store-port.ts';

const metrics = new Metrics('store');
let engine: StoreEngine | undefined;
const copied = new Map<string, (error?: ErrorData) => void>();

parentPort?.on('message', (message: ToStore) => {
  switch (message.type) {
    case 'start':
      return start(message.options);
    case 'connect':
      if (engine) servePort(message.port, engine);
      return;
    case 'applySchema':
      return applySchema(message.call, message.tables);
    case 'walCopied':
      copied.get(message.path)?.(message.error);
      return void copied.delete(message.path);
    case 'metrics':
      return post({ type: 'metrics', call: message.call, snapshot: metrics.snapshot() });
    case 'stop':
      return void stop();
  }
});

function start(options: StoreThreadOptions): void {
  try {
    measureThread(metrics);
    engine = new StoreEngine({
      folder: options.folder,
      nodeId: options.nodeId,
      clock: systemClock,
      clockDriftMs: options.clockDriftMs,
      writeQueue: options.writeQueue,
      logRetentionMs: options.logRetentionMs,
      checkpointBytes: options.checkpointBytes,
      commits: new Int32Array(options.sharedBuffer),
      fatal: (error) => {
        throw error;
      },
      trouble: (what, error) => post({ type: 'trouble', what, error: errorToData(error) }),
      meters: metrics.store,
      copyWal: (path) =>
        new Promise((resolve, reject) => {
          copied.set(path, (error) => (error ? reject(errorFromData(error)) : resolve()));
          post({ type: 'copyWal', path });
        }),
    });
    engine.applySchema(options.systemTables);
    post({ type: 'ready' });
  } catch (error) {
    post({ type: 'failed', error: errorToData(error) });
  }
}

function applySchema(call: number, tables: Parameters<StoreEngine['applySchema']>[0]): void {
  try {
    engine?.applySchema(tables);
    post({ type: 'schemaApplied', call });
  } catch (error) {
    post({ type: 'schemaApplied', call, error: errorToData(error) });
  }
}

async function stop(): Promise<void> {
  await engine?.close();
  post({ type: 'stopped' });
}

function post(message: FromStore): void {
  parentPort?.postMessage(message);
}
