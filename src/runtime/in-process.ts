// A node with `threads: 0`: the writer, the app and the listener in one thread, on the same classes as with several.

import { errorFromData, systemClock } from '../base/index.ts';
import type { Cluster } from '../cluster/index.ts';
import { StoreEngine } from '../store/index.ts';
import { LiveDatabases } from '../tables/index.ts';
import { openTracing, TracedStore } from '../telemetry/index.ts';
import { isInCluster } from './data-folder.ts';
import { serve } from './serve.ts';
import type { Workers, WorkersOptions } from './types.ts';
import { version } from './version.ts';

export async function startInProcess(options: WorkersOptions): Promise<Workers> {
  const { config, app, dev, log, metrics, folder, nodeId, fatal } = options;
  const commits = new Int32Array(16);
  const engine = new StoreEngine({
    folder,
    nodeId,
    clock: systemClock,
    clockDriftMs: config.limits.clockDriftMs,
    writeQueue: config.limits.writeQueue,
    logRetentionMs: config.storage.logRetentionMs,
    checkpointBytes: config.storage.checkpointBytes,
    commits,
    fatal: (error) =>
      fatal(`The disk refused to sync: ${error.message}. The node ends; what was acknowledged is on disk.`),
    trouble: (what, error) => log.error(`Trouble with ${what}`, { error }),
    meters: metrics.store,
  });
  engine.applySchema(await options.systemTables);
  const tracing = await openTracing({ ...config.tracing, version, nodeId, thread: 'main', log });
  if (tracing) engine.trace(tracing.tracer);
  let cluster: Cluster | undefined;
  const openCluster = async (): Promise<Cluster> => {
    const { Cluster } = await import('../cluster/index.ts');
    cluster ??= new Cluster({
      engine,
      node: nodeId,
      clock: systemClock,
      config: config.replication,
      ports: { http: config.http.port, agent: config.agent.port, tls: config.tls.certificate !== '' },
      folder,
      version,
      log: (level, message, fields) => log[level](message, fields),
      tablesMade: () => databases.refresh(),
    });
    return cluster;
  };
  const databases = new LiveDatabases({
    folder,
    clock: systemClock,
    client: tracing ? new TracedStore(engine, tracing.tracer) : engine,
    applySchema: async (tables) => {
      engine.applySchema(tables);
      cluster?.schemaChanged();
    },
    commits,
    snapshotMs: config.limits.snapshotMs,
    scanRows: config.limits.scanRows,
    meters: metrics.tables,
  });
  let running = app;
  const start = (httpPort: number, whole: boolean, folder = running, trial = false) =>
    serve({
      config,
      app: folder,
      dev,
      whole,
      trial,
      primary: true,
      databases,
      metrics,
      log,
      httpPort,
      attemptsMemory: options.attemptsMemory,
      tracer: tracing?.tracer,
    });
  const joinCluster = async () => {
    if (isInCluster(config.replication, folder)) await (await openCluster()).start();
  };
  const close = async () => {
    await cluster?.stop();
    databases.close();
    await engine.close();
    await tracing?.stop();
  };
  let serving = await joinCluster()
    .then(() => start(config.http.port, false))
    .catch(async (error: unknown) => {
      await close();
      throw error;
    });
  return {
    openDatabases: async () => databases,
    changeDatabase: (change) => engine.changeDatabase(change).finally(() => databases.refresh()),
    get httpPort() {
      return serving.port;
    },
    get problems() {
      return serving.problems;
    },
    async check(other) {
      await (await start(0, true, other, true)).stop();
    },
    async reload(other = running) {
      const before = serving;
      serving = await start(before.port, true, other);
      running = other;
      await before.stop();
      return serving.problems;
    },
    async stop() {
      await serving.stop();
      await close();
    },
    async askCluster(request) {
      const answer = await (await openCluster()).ask(request);
      if (!answer.ok) throw errorFromData(answer.error);
      return answer.value;
    },
    pages: async (order) => [await serving.pages(order)],
    async snapshots() {
      return cluster ? [cluster.metrics()] : [];
    },
  };
}
