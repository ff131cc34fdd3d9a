// A serve thread: HTTP and app code with this thread's own read connections. Started by threads.ts; speaks messages.ts.

import { parentPort } from 'node:worker_threads';
import { errorFromData, errorToData, systemClock, ZerohopError } from '../base/index.ts';
import type { RenderJob, RenderOutcome } from '../pages/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { LiveDatabases } from '../tables/index.ts';
import {
  createLogger,
  logFileIn,
  Metrics,
  measureThread,
  openTracing,
  TracedStore,
  type Tracing,
} from '../telemetry/index.ts';
import { type FromServe, shared, type ToServe } from './messages.ts';
import { type Serving, serve } from './serve.ts';
import { StorePortClient } from './store-port.ts';
import { version } from './version.ts';

/** How often the thread shows that it is not blocked. */
const beatMs = 250;

let metrics: Metrics | undefined;
let databases: LiveDatabases | undefined;
let serving: Serving | undefined;
let tracing: Tracing | undefined;
let stopMeasuring: () => void = () => {};
const schemaCalls = new Map<number, { resolve(): void; reject(error: Error): void }>();
const renderCalls = new Map<number, (outcome: RenderOutcome) => void>();

parentPort?.on('message', (message: ToServe) => {
  switch (message.type) {
    case 'start':
      return void start(message).catch((error: unknown) => post({ type: 'failed', error: errorToData(error) }));
    case 'schemaApplied': {
      const waiting = schemaCalls.get(message.call);
      schemaCalls.delete(message.call);
      if (message.error) waiting?.reject(errorFromData(message.error));
      else waiting?.resolve();
      return;
    }
    case 'refresh':
      return databases?.refresh();
    case 'metrics':
      return post({ type: 'metrics', call: message.call, snapshot: metrics?.snapshot() ?? [] });
    case 'pages':
      return void tellPages(message);
    case 'rendered':
      renderCalls.get(message.call)?.(message.outcome);
      return void renderCalls.delete(message.call);
    case 'stop':
      return void stop();
  }
});

async function start({ port, options }: Extract<ToServe, { type: 'start' }>): Promise<void> {
  const { config, thread, nodeId } = options;
  const beats = new Int32Array(options.sharedBuffer);
  const at = shared.threads + 2 * thread;
  setInterval(() => Atomics.add(beats, at, 1), beatMs).unref();
  metrics = new Metrics(`serve-${thread}`);
  stopMeasuring = measureThread(metrics);
  const name = `serve-${thread}`;
  const log = (await createLogger({ ...config.log, file: config.log.keep ? logFileIn(config.data) : undefined })).child(
    { thread: name },
  );
  tracing = await openTracing({ ...config.tracing, version, nodeId, thread: name, log });
  const client = new StorePortClient(port, config.limits.writeQueue);
  databases = new LiveDatabases({
    folder: config.data,
    clock: systemClock,
    client: tracing ? new TracedStore(client, tracing.tracer) : client,
    applySchema,
    commits: beats,
    snapshotMs: config.limits.snapshotMs,
    scanRows: config.limits.scanRows,
    meters: metrics.tables,
  });
  const endpoints = new Map<string, number>();
  const entering = (endpoint: string): void => {
    let number = endpoints.get(endpoint);
    if (number === undefined) {
      number = endpoints.size + 1;
      endpoints.set(endpoint, number);
      post({ type: 'endpoint', number, name: endpoint });
    }
    Atomics.store(beats, at + 1, number);
  };
  const { app, dev, httpPort } = options;
  const pagesMemory = { buffer: options.pagesBuffer, thread, renderer: { render } };
  serving = await serve({
    config,
    app,
    dev,
    whole: options.whole,
    trial: options.trial,
    pagesMemory,
    sourcesMemory: options.sourcesBuffer,
    attemptsMemory: options.attemptsBuffer,
    primary: thread === 0,
    log,
    httpPort,
    databases,
    metrics,
    tracer: tracing?.tracer,
    entering,
  });
  post({ type: 'ready', port: serving.port, problems: serving.problems });
}

async function tellPages({ call, order }: Extract<ToServe, { type: 'pages' }>): Promise<void> {
  try {
    if (!serving) throw new ZerohopError('OVERLOADED', 'The app is not loaded yet.');
    post({ type: 'pagesAnswered', call, answer: await serving.pages(order) });
  } catch (error) {
    post({ type: 'pagesFailed', call, error: errorToData(error) });
  }
}

let calls = 0;

function applySchema(tables: readonly TableDefinition[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = ++calls;
    schemaCalls.set(call, { resolve, reject });
    post({ type: 'applySchema', call, tables });
  });
}

/** The main thread has the browsers. */
function render(job: RenderJob): Promise<RenderOutcome> {
  return new Promise((resolve) => {
    const call = ++calls;
    renderCalls.set(call, resolve);
    post({ type: 'render', call, job });
  });
}

async function stop(): Promise<void> {
  await serving?.stop();
  await tracing?.stop();
  databases?.close();
  stopMeasuring();
  post({ type: 'stopped' });
}

function post(message: FromServe): void {
  parentPort?.postMessage(message);
}
