// A node with threads: starts the store thread and the serve threads, and watches over them. A serve thread that dies is replaced; without the
// store thread the node can't go on.

import { MessageChannel, Worker } from 'node:worker_threads';
import { type ErrorData, errorFromData, errorToData, limits, systemClock, ZerohopError } from '../base/index.ts';
import type { ClusterAnswer, ClusterRequest } from '../cluster/index.ts';
import type { Config } from '../config/index.ts';
import type { LoadedRenderer, PagesAnswer, PagesOrder } from '../pages/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { Connection } from '../storage/index.ts';
import type { DatabaseChange } from '../store/index.ts';
import type { LiveDatabases } from '../tables/index.ts';
import { type MetricsSnapshot, mergeSnapshots, withoutGauges } from '../telemetry/index.ts';
import { isInCluster } from './data-folder.ts';
import { type FromServe, type FromStore, shared, type ToServe, type ToStore } from './messages.ts';
import type { Workers, WorkersOptions } from './types.ts';

/** Replacing a thread that dies at once again: waits 100 ms, then twice as long each time, 10 s at most. */
const restartMs = { first: 100, most: 10_000 };
/** A thread that was ready for this long is replaced as if it were the first to die. */
const steadyMs = 60_000;
/** How often blocked threads are looked for, and for how long one must not have moved. */
const watchMs = 500;
const blockedMs = 2_000;

interface ServeThread {
  readonly number: number;
  worker: Worker;
  port: number;
  problems: readonly string[];
  state: 'starting' | 'ready' | 'stopping';
  restarts: number;
  readyAt: number;
  /** Counts of threads it replaced. */
  past: MetricsSnapshot;
  lastSnapshot: MetricsSnapshot;
  beat: number;
  beatAt: number;
  reported: boolean;
  readonly endpoints: Map<number, string>;
  /** Resolves when the worker is no more, even before it was told to start. */
  readonly ended: Promise<{ readonly why: string; readonly error?: Error }>;
}

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
  readonly #store: Worker;
  readonly #storeEnded = Promise.withResolvers<void>();
  readonly #serve: ServeThread[] = [];
  /** Folder of the app that runs. */
  #app: string;
  readonly #copyConnections = new Map<string, Connection>();
  readonly #asked = new Map<number, (snapshot: MetricsSnapshot) => void>();
  #calls = 0;
  readonly #pagesCalls = new Map<number, { resolve(answer: PagesAnswer): void; reject(error: Error): void }>();
  /** Schema calls on their way to the store: whose, and how it learns of the end. */
  readonly #schemaCalls = new Map<
    number,
    { readonly from: ServeThread | 'main'; readonly done: (error?: ErrorData) => void }
  >();
  readonly #clusterCalls = new Map<number, (answer: ClusterAnswer) => void>();
  #databases: LiveDatabases | undefined;
  #renderer: Promise<LoadedRenderer> | undefined;
  #state: 'running' | 'stopping' = 'running';
  #watch: Timer | undefined;
  httpPort: number;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#app = options.app;
    this.httpPort = options.config.http.port;
    this.#store = new Worker(new URL('./store-thread.ts', import.meta.url));
    this.#store.on('error', () => this.#storeEnded.resolve());
    this.#store.on('exit', () => this.#storeEnded.resolve());
  }

  get problems(): readonly string[] {
    return this.#serve[0]?.problems ?? [];
  }

  async start(): Promise<void> {
    // Its modules load while the store opens its files.
    const first = this.#serveThread(0);
    this.#serve.push(first);
    const { config, folder, nodeId } = this.#options;
    const storeReady = this.#storeReady();
    // Also heard of when the tables are known.
    storeReady.catch(() => {});
    const systemTables = await this.#options.systemTables;
    this.#tellStore({
      type: 'start',
      options: {
        folder,
        nodeId,
        systemTables,
        sharedBuffer: this.#sharedBuffer,
        clockDriftMs: config.limits.clockDriftMs,
        writeQueue: config.limits.writeQueue,
        logRetentionMs: config.storage.logRetentionMs,
        checkpointBytes: config.storage.checkpointBytes,
        replication: config.replication,
        ports: { http: config.http.port, agent: config.agent.port, tls: config.tls.certificate !== '' },
        tracing: config.tracing,
        isInCluster: isInCluster(config.replication, folder),
      },
    });
    await storeReady;
    // The first brings schema and data in place, and finds a free port where none is given.
    for (let number = 0; number < threadCount(config); number++) {
      const thread = number === 0 ? first : this.#serveThread(number);
      if (number > 0) this.#serve.push(thread);
      await this.#startServe(thread);
      this.httpPort = thread.port;
    }
    this.#watch = setInterval(() => this.#lookForBlocked(), watchMs);
    this.#watch.unref();
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
    this.#store.postMessage({ type: 'connect', port: port1 } satisfies ToStore, [port1]);
    this.#databases = new LiveDatabases({
      folder,
      clock: systemClock,
      client: new StorePortClient(port2, config.limits.writeQueue),
      applySchema: (tables) =>
        new Promise((resolve, reject) => {
          this.#applySchema(tables, 'main', (error) => (error ? reject(errorFromData(error)) : resolve()));
        }),
      commits: this.#beats,
      snapshotMs: config.limits.snapshotMs,
      scanRows: config.limits.scanRows,
      meters: metrics.tables,
    });
    return this.#databases;
  }

  changeDatabase(change: DatabaseChange): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const call = ++this.#calls;
      const done = (error?: ErrorData): void => (error ? reject(errorFromData(error)) : resolve());
      this.#schemaCalls.set(call, { from: 'main', done });
      this.#tellStore({ type: 'changeDatabase', call, change });
    }).finally(async () => {
      this.#databases?.refresh();
      // They were told to look, and answer in order: when they have, each has looked.
      await this.snapshots();
      // The file of this name may be another one from now on.
      for (const [path, connection] of this.#copyConnections) {
        if (!path.endsWith(`/${change.database}.db`)) continue;
        connection.close();
        this.#copyConnections.delete(path);
      }
    });
  }

  askCluster(request: ClusterRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = ++this.#calls;
      this.#clusterCalls.set(call, (answer) =>
        answer.ok ? resolve(answer.value) : reject(errorFromData(answer.error)),
      );
      this.#tellStore({ type: 'cluster', call, request });
    });
  }

  async check(app: string): Promise<void> {
    const trial = this.#serveThread(0);
    try {
      await this.#startServe(trial, { app, whole: true, trial: true });
    } finally {
      await this.#stopServe(trial);
    }
  }

  async reload(app: string = this.#app): Promise<readonly string[]> {
    // All of the new ones listen before the first of the old stops: there is always one to answer, and either all have changed or none.
    const next: ServeThread[] = [];
    try {
      for (const { number } of this.#serve) {
        const thread = this.#serveThread(number);
        next.push(thread);
        await this.#startServe(thread, { app, whole: true });
      }
    } catch (error) {
      for (const thread of next) thread.state = 'stopping';
      await Promise.all(next.map(({ worker }) => worker.terminate()));
      throw error;
    }
    this.#app = app;
    const before = this.#serve.splice(0, this.#serve.length, ...next);
    // What was told while they loaded.
    for (const thread of next) tell(thread, { type: 'refresh' });
    await Promise.all(before.map((thread) => this.#stopServe(thread)));
    return this.problems;
  }

  async stop(): Promise<void> {
    this.#state = 'stopping';
    clearInterval(this.#watch);
    await Promise.all(this.#serve.map((thread) => this.#stopServe(thread)));
    await (await this.#renderer)?.close();
    // The store closes its files last: then what is in the logs is in the databases.
    this.#databases?.close();
    await new Promise<void>((resolve) => {
      this.#store.on('message', (message: FromStore) => message.type === 'stopped' && resolve());
      void this.#storeEnded.promise.then(resolve);
      this.#tellStore({ type: 'stop' });
    });
    await this.#store.terminate();
    for (const connection of this.#copyConnections.values()) connection.close();
  }

  pages(order: PagesOrder, whose: 'first' | 'all'): Promise<readonly PagesAnswer[]> {
    const first = this.#serve.slice(0, 1);
    const asked = whose === 'first' ? first : this.#serve.filter(({ state }) => state === 'ready');
    return Promise.all((asked.length > 0 ? asked : first).map((thread) => this.#tellPages(thread, order)));
  }

  #tellPages(thread: ServeThread, order: PagesOrder): Promise<PagesAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<PagesAnswer>();
    const call = ++this.#calls;
    const { worker } = thread;
    const died = (): void => reject(new ZerohopError('OVERLOADED', 'The thread that was told has ended. Try again.'));
    worker.once('exit', died);
    this.#pagesCalls.set(call, { resolve, reject });
    tell(thread, { type: 'pages', call, order });
    return promise.finally(() => {
      worker.off('exit', died);
      this.#pagesCalls.delete(call);
    });
  }

  async snapshots(): Promise<readonly MetricsSnapshot[]> {
    const ready = this.#serve.filter(({ state }) => state === 'ready');
    const store = this.#ask((call) => this.#tellStore({ type: 'metrics', call }));
    const serve = ready.map(async (thread) => {
      thread.lastSnapshot = await this.#ask((call) => tell(thread, { type: 'metrics', call }), thread.lastSnapshot);
      return thread.lastSnapshot;
    });
    return [await store, ...(await Promise.all(serve)), ...this.#serve.map(({ past }) => past)];
  }

  #storeReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      let isReady = false;
      this.#store.on('message', (answer: FromStore) => {
        if (answer.type === 'ready') {
          isReady = true;
          resolve();
        } else if (answer.type === 'failed') reject(errorFromData(answer.error));
        else this.#fromStore(answer);
      });
      const died = (why: string): void => {
        if (isReady) this.#storeDied(why);
        else reject(new Error(`The store thread failed to start: ${why}`));
      };
      this.#store.on('error', (error) => died(error.message));
      this.#store.on('exit', (code) => died(`it ended with code ${code}`));
    });
  }

  #storeDied(why: string): void {
    if (this.#state === 'stopping') return;
    this.#state = 'stopping';
    this.#options.fatal(
      `The store thread failed: ${why}. The node ends, as nothing can be written. What was acknowledged is on disk; start it again.`,
    );
  }

  #fromStore(message: FromStore): void {
    switch (message.type) {
      case 'schemaApplied':
        return this.#schemaApplied(message);
      case 'copyWal':
        return this.#copyWal(message.path);
      case 'metrics':
        this.#asked.get(message.call)?.(message.snapshot);
        return void this.#asked.delete(message.call);
      case 'tablesMade':
        this.#databases?.refresh();
        for (const thread of this.#serve) tell(thread, { type: 'refresh' });
        return;
      case 'clusterAnswered':
        this.#clusterCalls.get(message.call)?.(message.answer);
        return void this.#clusterCalls.delete(message.call);
      case 'log':
        return this.#options.log[message.level](message.message, message.fields);
      case 'trouble':
        return this.#options.log.error(`Trouble with ${message.what}: ${message.error.message}`, {
          code: message.error.code,
        });
      default:
        return;
    }
  }

  #applySchema(
    tables: readonly TableDefinition[],
    from: ServeThread | 'main',
    done: (error?: ErrorData) => void,
  ): void {
    const call = ++this.#calls;
    this.#schemaCalls.set(call, { from, done });
    this.#tellStore({ type: 'applySchema', call, tables });
  }

  #schemaApplied({ call, error }: Extract<FromStore, { type: 'schemaApplied' }>): void {
    const asked = this.#schemaCalls.get(call);
    this.#schemaCalls.delete(call);
    if (!asked) return;
    asked.done(error);
    if (asked.from !== 'main') this.#databases?.refresh();
    for (const thread of this.#serve) if (thread !== asked.from) tell(thread, { type: 'refresh' });
  }

  /** Copies the WAL into the database file as far as it goes without waiting for anyone, while the store goes on committing. */
  #copyWal(path: string): void {
    try {
      const connection = this.#copyConnections.get(path) ?? new Connection(path, { readonly: false });
      this.#copyConnections.set(path, connection);
      connection.all('PRAGMA wal_checkpoint(PASSIVE)');
      this.#tellStore({ type: 'walCopied', path });
    } catch (error) {
      this.#tellStore({ type: 'walCopied', path, error: errorToData(error) });
    }
  }

  #serveThread(number: number): ServeThread {
    const worker = new Worker(new URL('./serve-thread.ts', import.meta.url));
    const ended = Promise.withResolvers<{ readonly why: string; readonly error?: Error }>();
    worker.on('error', (error) => ended.resolve({ why: error.message, error }));
    worker.on('exit', (code) => ended.resolve({ why: `it ended with code ${code}` }));
    return {
      number,
      worker,
      ended: ended.promise,
      port: this.httpPort,
      problems: [],
      state: 'starting',
      restarts: 0,
      readyAt: 0,
      past: [],
      lastSnapshot: [],
      beat: 0,
      beatAt: Date.now(),
      reported: false,
      endpoints: new Map(),
    };
  }

  /** @param whole whether an app that can't be loaded in full is refused @param trial whether it is only looked whether it loads */
  #startServe(
    thread: ServeThread,
    { app = this.#app, whole = false, trial = false }: { app?: string; whole?: boolean; trial?: boolean } = {},
  ): Promise<void> {
    const { config, dev, nodeId } = this.#options;
    const { port1, port2 } = new MessageChannel();
    const { worker } = thread;
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromServe) => {
        if (message.type === 'ready') {
          thread.port = message.port;
          thread.problems = message.problems;
          thread.state = 'ready';
          thread.readyAt = Date.now();
          thread.beatAt = Date.now();
          resolve();
        } else if (message.type === 'failed') reject(errorFromData(message.error));
        else this.#fromServe(thread, message);
      });
      void thread.ended.then(({ why, error }) => this.#serveDied(thread, worker, why, reject, error));
      this.#store.postMessage({ type: 'connect', port: port1 } satisfies ToStore, [port1]);
      const start: ToServe = {
        type: 'start',
        port: port2,
        options: {
          thread: thread.number,
          config,
          app,
          dev,
          nodeId,
          whole,
          trial,
          sharedBuffer: this.#sharedBuffer,
          pagesBuffer: this.#pagesBuffer,
          sourcesBuffer: this.#sourcesBuffer,
          attemptsBuffer: this.#options.attemptsMemory,
          httpPort: this.httpPort,
        },
      };
      worker.postMessage(start, [port2]);
    });
  }

  #fromServe(thread: ServeThread, message: FromServe): void {
    switch (message.type) {
      case 'applySchema': {
        const { call, tables } = message;
        return this.#applySchema(tables, thread, (error) =>
          tell(thread, { type: 'schemaApplied', call, ...(error && { error }) }),
        );
      }
      case 'render':
        return void this.#render(thread, message);
      case 'pagesAnswered':
        return this.#pagesCalls.get(message.call)?.resolve(message.answer);
      case 'pagesFailed':
        return this.#pagesCalls.get(message.call)?.reject(errorFromData(message.error));
      case 'endpoint':
        return void thread.endpoints.set(message.number, message.name);
      case 'metrics':
        this.#asked.get(message.call)?.(message.snapshot);
        return void this.#asked.delete(message.call);
      default:
        return;
    }
  }

  async #render(thread: ServeThread, { call, job }: Extract<FromServe, { type: 'render' }>): Promise<void> {
    this.#renderer ??= this.#openRenderer();
    tell(thread, { type: 'rendered', call, outcome: await (await this.#renderer).render(job) });
  }

  async #openRenderer(): Promise<LoadedRenderer> {
    const { openRenderer, rendererThread, SharedState } = await import('../pages/index.ts');
    const state = new SharedState(this.#pagesBuffer, rendererThread);
    return openRenderer({ folder: this.#app, state, log: this.#options.log });
  }

  #serveDied(thread: ServeThread, worker: Worker, why: string, reject: (error: Error) => void, error?: Error): void {
    if (thread.worker !== worker || thread.state === 'stopping' || this.#state === 'stopping') return;
    if (thread.state === 'starting') return reject(new Error(`Serve thread ${thread.number} failed to start: ${why}`));
    // One that ran well for long dies for another reason than the one before it.
    if (Date.now() - thread.readyAt > steadyMs) thread.restarts = 0;
    const waitMs = Math.min(restartMs.most, restartMs.first * 2 ** thread.restarts);
    this.#options.log.error(`Serve thread ${thread.number} died: ${why}. It is replaced in ${waitMs} ms.`, {
      ...(error && { error }),
    });
    this.#options.metrics.counter('zerohop_thread_restarts_total', 'Serve threads that died and were replaced').add(1);
    thread.state = 'starting';
    setTimeout(() => this.#replace(thread), waitMs);
  }

  #replace(thread: ServeThread): void {
    const index = this.#serve.indexOf(thread);
    if (this.#state === 'stopping' || index < 0) return;
    const next = this.#serveThread(thread.number);
    next.restarts = thread.restarts + 1;
    next.past = mergeSnapshots([thread.past, withoutGauges(thread.lastSnapshot)]);
    this.#serve[index] = next;
    this.#startServe(next).catch((error: Error) => {
      this.#options.log.error(error.message);
      next.restarts++;
      setTimeout(() => this.#replace(next), Math.min(restartMs.most, restartMs.first * 2 ** next.restarts));
    });
  }

  async #stopServe(thread: ServeThread): Promise<void> {
    const wasReady = thread.state === 'ready';
    thread.state = 'stopping';
    if (wasReady) {
      await new Promise<void>((resolve) => {
        thread.worker.on('message', (message: FromServe) => message.type === 'stopped' && resolve());
        thread.worker.on('exit', () => resolve());
        // A thread that app code blocks can't stop by itself.
        setTimeout(resolve, this.#options.config.limits.stopMs + 1_000).unref();
        tell(thread, { type: 'stop' });
      });
    }
    await thread.worker.terminate();
  }

  #lookForBlocked(): void {
    const now = Date.now();
    for (const thread of this.#serve) {
      const at = shared.threads + 2 * thread.number;
      const beat = Atomics.load(this.#beats, at);
      if (beat !== thread.beat || thread.state !== 'ready') {
        if (thread.reported)
          this.#options.log.warn(`Serve thread ${thread.number} runs again after ${now - thread.beatAt} ms.`);
        thread.reported = false;
        thread.beat = beat;
        thread.beatAt = now;
      } else if (!thread.reported && now - thread.beatAt >= blockedMs) {
        thread.reported = true;
        const endpoint = thread.endpoints.get(Atomics.load(this.#beats, at + 1)) ?? 'the app';
        this.#options.log.warn(
          `${endpoint} has blocked serve thread ${thread.number} for ${now - thread.beatAt} ms: nothing else is answered there. Make its work asynchronous or shorter.`,
          { endpoint, thread: thread.number },
        );
      }
    }
  }

  #ask(send: (call: number) => void, otherwise: MetricsSnapshot = []): Promise<MetricsSnapshot> {
    return new Promise((resolve) => {
      const call = ++this.#calls;
      this.#asked.set(call, resolve);
      // A blocked thread answers late: the page shows what it said last.
      setTimeout(() => {
        this.#asked.delete(call);
        resolve(otherwise);
      }, 1_000).unref();
      send(call);
    });
  }

  #tellStore(message: ToStore): void {
    this.#store.postMessage(message);
  }
}

function tell(thread: ServeThread, message: ToServe): void {
  thread.worker.postMessage(message);
}
