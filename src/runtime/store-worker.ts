// The store thread, as the main thread has it.

import { type MessagePort, Worker } from 'node:worker_threads';
import { type ErrorData, errorFromData, errorToData, type Logger } from '../base/index.ts';
import type { ClusterAnswer, ClusterRequest } from '../cluster/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import type { DatabaseChange } from '../store/index.ts';
import type { MetricsSnapshot } from '../telemetry/index.ts';
import { Calls } from './calls.ts';
import type { FromStore, StoreThreadOptions, ToStore } from './messages.ts';
import { WalCopies } from './wal-copies.ts';

/** A thread that is busy tells its metrics another time. */
export const metricsMs = 1_000;

export interface StoreEvents {
  readonly log: Logger;
  /** Tables came in from another node. */
  readonly tablesMade: () => void;
  /** It was ready, and has ended without being told to. */
  readonly died: (why: string) => void;
}

export class StoreWorker {
  readonly #worker = new Worker(new URL('./store-thread.ts', import.meta.url));
  readonly #ended = Promise.withResolvers<void>();
  readonly #events: StoreEvents;
  readonly #schemas = new Calls<void>();
  readonly #cluster = new Calls<ClusterAnswer>();
  readonly #metrics = new Calls<MetricsSnapshot>();
  readonly #copies = new WalCopies();
  readonly ready: Promise<void>;

  constructor(events: StoreEvents) {
    this.#events = events;
    const ready = Promise.withResolvers<void>();
    let isReady = false;
    this.#worker.on('message', (message: FromStore) => {
      if (message.type === 'ready') {
        isReady = true;
        ready.resolve();
      } else if (message.type === 'failed') ready.reject(errorFromData(message.error));
      else this.#told(message);
    });
    const died = (why: string): void => {
      if (isReady) events.died(why);
      else ready.reject(new Error(`The store thread failed to start: ${why}`));
      this.#ended.resolve();
    };
    this.#worker.on('error', (error) => died(error.message));
    this.#worker.on('exit', (code) => died(`it ended with code ${code}`));
    this.ready = ready.promise;
    // Whoever starts it may not wait for it yet.
    this.ready.catch(() => {});
  }

  /** Told once; see `ready`. */
  start(options: StoreThreadOptions): void {
    this.#tell({ type: 'start', options });
  }

  /** Writes come through this port. */
  connect(port: MessagePort): void {
    this.#worker.postMessage({ type: 'connect', port } satisfies ToStore, [port]);
  }

  applySchema(tables: readonly TableDefinition[]): Promise<void> {
    return this.#schemas.make((call) => this.#tell({ type: 'applySchema', call, tables }));
  }

  changeDatabase(change: DatabaseChange): Promise<void> {
    return this.#schemas.make((call) => this.#tell({ type: 'changeDatabase', call, change }));
  }

  /** The file of a database may be another one from now on. */
  replaced(database: string): void {
    this.#copies.forget(database);
  }

  async askCluster(request: ClusterRequest): Promise<unknown> {
    const answer = await this.#cluster.make((call) => this.#tell({ type: 'cluster', call, request }));
    if (answer.ok) return answer.value;
    throw errorFromData(answer.error);
  }

  snapshot(): Promise<MetricsSnapshot> {
    return this.#metrics.within(metricsMs, [], (call) => this.#tell({ type: 'metrics', call }));
  }

  /** Resolves when it has closed its files. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#worker.on('message', (message: FromStore) => message.type === 'stopped' && resolve());
      void this.#ended.promise.then(resolve);
      this.#tell({ type: 'stop' });
    });
    await this.#worker.terminate();
    this.#copies.close();
  }

  #told(message: FromStore): void {
    const { log, tablesMade } = this.#events;
    switch (message.type) {
      case 'schemaApplied': {
        const { call, error } = message;
        return error ? this.#schemas.failed(call, errorFromData(error)) : this.#schemas.answered(call, undefined);
      }
      case 'copyWal':
        return this.#tell({ type: 'walCopied', path: message.path, ...this.#copy(message.path) });
      case 'metrics':
        return this.#metrics.answered(message.call, message.snapshot);
      case 'tablesMade':
        return tablesMade();
      case 'clusterAnswered':
        return this.#cluster.answered(message.call, message.answer);
      case 'log':
        return log[message.level](message.message, message.fields);
      case 'trouble':
        return log.error(`Trouble with ${message.what}: ${message.error.message}`, { code: message.error.code });
      default:
        return;
    }
  }

  #copy(path: string): { readonly error?: ErrorData } {
    try {
      this.#copies.copy(path);
      return {};
    } catch (error) {
      return { error: errorToData(error) };
    }
  }

  #tell(message: ToStore): void {
    this.#worker.postMessage(message);
  }
}
