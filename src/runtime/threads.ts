// A node with threads: starts the store thread and the serve threads, and watches over them. A serve thread that dies is replaced; without the
// store thread the node can't go on.

import { MessageChannel } from 'node:worker_threads';
import { limits, systemClock } from '../base/index.ts';
import type { ClusterRequest } from '../cluster/index.ts';
import type { Config } from '../config/index.ts';
import type { LoadedRenderer, PagesAnswer, PagesOrder, RenderJob, RenderOutcome } from '../pages/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import type { DatabaseChange } from '../store/index.ts';
import type { LiveDatabases } from '../tables/index.ts';
import type { MetricsSnapshot } from '../telemetry/index.ts';
import { BlockedThreads } from './blocked-threads.ts';
import { isInCluster } from './data-folder.ts';
import { shared } from './messages.ts';
import { ServeWorker } from './serve-worker.ts';
import { StoreWorker } from './store-worker.ts';
import type { Workers, WorkersOptions } from './types.ts';

/** Replacing a thread that dies at once again: waits 100 ms, then twice as long each time, 10 s at most. */
const restartMs = { first: 100, most: 10_000 };
/** A thread that was ready for this long is replaced as if it were the first to die. */
const steadyMs = 60_000;
/** Beyond the time requests have to end. */
const stopSlackMs = 1_000;

export async function startThreads(options: WorkersOptions): Promise<Workers> {
  const node = new Threads(options);
  try {
    await node.start();
  } catch (error) {
    await node.stop();
    throw error;
  }
  return node;
}

export function threadCount(config: Config): number {
  return config.threads === 'auto' ? Math.max(1, navigator.hardwareConcurrency - 1) : config.threads;
}

class Threads implements Workers {
  readonly #options: WorkersOptions;
  readonly #sharedBuffer = new SharedArrayBuffer(4 * (shared.threads + 2 * 64));
  readonly #beats = new Int32Array(this.#sharedBuffer);
  readonly #pagesBuffer = new SharedArrayBuffer(limits.sharedPagesBytes);
  readonly #sourcesBuffer = new SharedArrayBuffer(limits.sharedSourcesBytes);
  readonly #store: StoreWorker;
  readonly #serve: ServeWorker[] = [];
  /** Folder of the app that runs. */
  #app: string;
  #databases: LiveDatabases | undefined;
  #renderer: Promise<LoadedRenderer> | undefined;
  #isStopping = false;
  #blocked: BlockedThreads | undefined;
  httpPort: number;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#app = options.app;
    this.httpPort = options.config.http.port;
    this.#store = new StoreWorker({
      log: options.log,
      tablesMade: () => this.#refresh(),
      died: (why) => this.#storeDied(why),
    });
  }

  get problems(): readonly string[] {
    return this.#serve[0]?.problems ?? [];
  }

  async start(): Promise<void> {
    const { config, folder, nodeId, log } = this.#options;
    // Its modules load while the store opens its files.
    const first = this.#newServe(0);
    this.#serve.push(first);
    this.#store.start({
      folder,
      nodeId,
      systemTables: await this.#options.systemTables,
      sharedBuffer: this.#sharedBuffer,
      clockDriftMs: config.limits.clockDriftMs,
      writeQueue: config.limits.writeQueue,
      logRetentionMs: config.storage.logRetentionMs,
      checkpointBytes: config.storage.checkpointBytes,
      replication: config.replication,
      ports: { http: config.http.port, agent: config.agent.port, tls: config.tls.certificate !== '' },
      tracing: config.tracing,
      isInCluster: isInCluster(config.replication, folder),
    });
    await this.#store.ready;
    // The first brings schema and data in place, and finds a free port where none is given.
    for (let number = 0; number < threadCount(config); number++) {
      const thread = number === 0 ? first : this.#newServe(number);
      if (number > 0) this.#serve.push(thread);
      await this.#startServe(thread);
      this.httpPort = thread.port;
    }
    this.#blocked = new BlockedThreads(() => this.#serve, this.#beats, log);
  }

  async openDatabases(): Promise<LiveDatabases> {
    if (this.#databases) return this.#databases;
    // Nobody waits for the app while this is loaded.
    const [{ LiveDatabases }, { StorePortClient }] = await Promise.all([
      import('../tables/index.ts'),
      import('./store-port.ts'),
    ]);
    const { config, folder, metrics } = this.#options;
    const { port1, port2 } = new MessageChannel();
    this.#store.connect(port1);
    this.#databases = new LiveDatabases({
      folder,
      clock: systemClock,
      client: new StorePortClient(port2, config.limits.writeQueue),
      applySchema: (tables) => this.#applySchema(tables, 'main'),
      commits: this.#beats,
      snapshotMs: config.limits.snapshotMs,
      scanRows: config.limits.scanRows,
      meters: metrics.tables,
    });
    return this.#databases;
  }

  async changeDatabase(change: DatabaseChange): Promise<void> {
    try {
      await this.#store.changeDatabase(change);
    } finally {
      this.#refresh();
      // They were told to look, and answer in order: when they have, each has looked.
      await this.snapshots();
      this.#store.replaced(change.database);
    }
  }

  askCluster(request: ClusterRequest): Promise<unknown> {
    return this.#store.askCluster(request);
  }

  async check(app: string): Promise<void> {
    const trial = this.#newServe(0);
    try {
      await this.#startServe(trial, { app, whole: true, trial: true });
    } finally {
      await this.#stopServe(trial);
    }
  }

  async reload(app: string = this.#app): Promise<readonly string[]> {
    // All of the new ones listen before the first of the old stops: there is always one to answer, and either all have changed or none.
    const next: ServeWorker[] = [];
    try {
      for (const { number } of this.#serve) {
        const thread = this.#newServe(number);
        next.push(thread);
        await this.#startServe(thread, { app, whole: true });
      }
    } catch (error) {
      await Promise.all(next.map((thread) => thread.stop(0)));
      throw error;
    }
    this.#app = app;
    const before = this.#serve.splice(0, this.#serve.length, ...next);
    // What was told while they loaded.
    for (const thread of next) thread.refresh();
    await Promise.all(before.map((thread) => this.#stopServe(thread)));
    return this.problems;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#blocked?.stop();
    await Promise.all(this.#serve.map((thread) => this.#stopServe(thread)));
    await (await this.#renderer)?.close();
    // The store closes its files last: then what is in the logs is in the databases.
    this.#databases?.close();
    await this.#store.stop();
  }

  pages(order: PagesOrder, whose: 'first' | 'all'): Promise<readonly PagesAnswer[]> {
    const first = this.#serve.slice(0, 1);
    const asked = whose === 'first' ? first : this.#serve.filter(({ state }) => state === 'ready');
    return Promise.all((asked.length > 0 ? asked : first).map((thread) => thread.pages(order)));
  }

  async snapshots(): Promise<readonly MetricsSnapshot[]> {
    const [store, ...serve] = await Promise.all([
      this.#store.snapshot(),
      ...this.#serve.map((thread) => thread.snapshots()),
    ]);
    return [store, ...serve.flat()];
  }

  #storeDied(why: string): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#options.fatal(
      `The store thread failed: ${why}. The node ends, as nothing can be written. What was acknowledged is on disk; start it again.`,
    );
  }

  /** The schema is made once; whoever did not ask for it looks at it again. */
  async #applySchema(tables: readonly TableDefinition[], from: ServeWorker | 'main'): Promise<void> {
    try {
      await this.#store.applySchema(tables);
    } finally {
      this.#refresh(from);
    }
  }

  #refresh(knows?: ServeWorker | 'main'): void {
    if (knows !== 'main') this.#databases?.refresh();
    for (const thread of this.#serve) if (thread !== knows) thread.refresh();
  }

  #newServe(number: number): ServeWorker {
    return new ServeWorker(number, {
      applySchema: (tables, from) => this.#applySchema(tables, from),
      render: (job) => this.#render(job),
      died: (thread, why, error) => this.#serveDied(thread, why, error),
    });
  }

  /** @param whole whether an app that can't be loaded in full is refused @param trial whether it is only looked whether it loads */
  #startServe(
    thread: ServeWorker,
    { app = this.#app, whole = false, trial = false }: { app?: string; whole?: boolean; trial?: boolean } = {},
  ): Promise<void> {
    const { config, dev, nodeId, attemptsMemory } = this.#options;
    const { port1, port2 } = new MessageChannel();
    this.#store.connect(port1);
    const options = {
      config,
      app,
      dev,
      nodeId,
      whole,
      trial,
      sharedBuffer: this.#sharedBuffer,
      pagesBuffer: this.#pagesBuffer,
      sourcesBuffer: this.#sourcesBuffer,
      attemptsBuffer: attemptsMemory,
      httpPort: this.httpPort,
    };
    return thread.start(options, port2);
  }

  #stopServe(thread: ServeWorker): Promise<void> {
    return thread.stop(this.#options.config.limits.stopMs + stopSlackMs);
  }

  async #render(job: RenderJob): Promise<RenderOutcome> {
    this.#renderer ??= this.#openRenderer();
    return (await this.#renderer).render(job);
  }

  async #openRenderer(): Promise<LoadedRenderer> {
    const { openRenderer, rendererThread, SharedState } = await import('../pages/index.ts');
    const state = new SharedState(this.#pagesBuffer, rendererThread);
    return openRenderer({ folder: this.#app, state, log: this.#options.log });
  }

  #serveDied(thread: ServeWorker, why: string, error?: Error): void {
    if (this.#isStopping) return;
    // One that ran well for long dies for another reason than the one before it.
    if (Date.now() - thread.readyAt > steadyMs) thread.restarts = 0;
    thread.state = 'starting';
    const waitMs = this.#replaceSoon(thread);
    this.#options.log.error(`Serve thread ${thread.number} died: ${why}. It is replaced in ${waitMs} ms.`, {
      ...(error && { error }),
    });
    this.#options.metrics.counter('zerohop_thread_restarts_total', 'Serve threads that died and were replaced').add(1);
  }

  /** Returns in how many ms. */
  #replaceSoon(thread: ServeWorker): number {
    const waitMs = Math.min(restartMs.most, restartMs.first * 2 ** thread.restarts);
    setTimeout(() => this.#replace(thread), waitMs);
    return waitMs;
  }

  #replace(thread: ServeWorker): void {
    const index = this.#serve.indexOf(thread);
    if (this.#isStopping || index < 0) return;
    const next = thread.successor();
    this.#serve[index] = next;
    this.#startServe(next).catch((error: Error) => {
      this.#options.log.error(error.message);
      void next.stop(0);
      this.#replaceSoon(next);
    });
  }
}
