// The store thread: the one writer of the node. Started by start.ts; speaks messages.ts.

import { parentPort } from 'node:worker_threads';
import { assert, type ErrorData, errorFromData, errorToData, systemClock } from '../base/index.ts';
import type { Cluster, ClusterRequest } from '../cluster/index.ts';
import { type DatabaseChange, StoreEngine } from '../store/index.ts';
import { Metrics, measureThread, openTracing, type Tracing } from '../telemetry/index.ts';
import type { FromStore, StoreThreadOptions, ToStore } from './messages.ts';
import { servePort } from './store-port.ts';
import { version } from './version.ts';

const metrics = new Metrics('store');
let engine: StoreEngine | undefined;
let options: StoreThreadOptions | undefined;
let cluster: Cluster | undefined;
let tracing: Tracing | undefined;
const copied = new Map<string, (error?: ErrorData) => void>();

parentPort?.on('message', (message: ToStore) => {
  switch (message.type) {
    case 'start':
      return void start(message.options);
    case 'connect':
      if (engine) servePort(message.port, engine);
      return;
    case 'applySchema':
      return applySchema(message.call, message.tables);
    case 'changeDatabase':
      return void changeDatabase(message.call, message.change);
    case 'walCopied':
      copied.get(message.path)?.(message.error);
      return void copied.delete(message.path);
    case 'metrics':
      return post({
        type: 'metrics',
        call: message.call,
        snapshot: [...metrics.snapshot(), ...(cluster?.metrics() ?? [])],
      });
    case 'cluster':
      return void askCluster(message.call, message.request);
    case 'stop':
      return void stop();
  }
});

async function start(given: StoreThreadOptions): Promise<void> {
  try {
    options = given;
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
    if (options.isInCluster) await (await openCluster()).start();
    post({ type: 'ready' });
  } catch (error) {
    post({ type: 'failed', error: errorToData(error) });
  }
}

function applySchema(call: number, tables: Parameters<StoreEngine['applySchema']>[0]): void {
  try {
    engine?.applySchema(tables);
    cluster?.schemaChanged();
    post({ type: 'schemaApplied', call });
  } catch (error) {
    post({ type: 'schemaApplied', call, error: errorToData(error) });
  }
}

async function changeDatabase(call: number, change: DatabaseChange): Promise<void> {
  try {
    await engine?.changeDatabase(change);
    post({ type: 'schemaApplied', call });
  } catch (error) {
    post({ type: 'schemaApplied', call, error: errorToData(error) });
  }
}

/** Its modules are loaded when they are needed first: a node alone starts without them. */
async function openCluster(): Promise<Cluster> {
  if (cluster) return cluster;
  const { Cluster } = await import('../cluster/index.ts');
  assert(engine && options, 'the store is open before there is a cluster');
  tracing ??= await openTracing({ ...options.tracing, version, nodeId: options.nodeId, thread: 'store', log });
  if (tracing) engine.trace(tracing.tracer);
  cluster ??= new Cluster({
    engine,
    node: options.nodeId,
    clock: systemClock,
    config: options.replication,
    ports: options.ports,
    folder: options.folder,
    version,
    log: (level, message, fields = {}) => post({ type: 'log', level, message, fields }),
    tablesMade: () => post({ type: 'tablesMade' }),
  });
  return cluster;
}

async function askCluster(call: number, request: ClusterRequest): Promise<void> {
  const answer = await (await openCluster()).ask(request);
  post({ type: 'clusterAnswered', call, answer });
}

async function stop(): Promise<void> {
  await cluster?.stop();
  await tracing?.stop();
  await engine?.close();
  post({ type: 'stopped' });
}

const log = {
  info: (message: string, fields = {}) => post({ type: 'log', level: 'info', message, fields }),
  warn: (message: string, fields = {}) => post({ type: 'log', level: 'warn', message, fields }),
} as const;

function post(message: FromStore): void {
  parentPort?.postMessage(message);
}
