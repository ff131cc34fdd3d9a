// One serve thread, as the main thread has it: from its start to its end. Another one takes its place when it dies.

import { type MessagePort, Worker } from 'node:worker_threads';
import { errorFromData, errorToData, ZerohopError } from '../base/index.ts';
import type { PagesAnswer, PagesOrder, RenderJob, RenderOutcome } from '../pages/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { type MetricsSnapshot, mergeSnapshots, withoutGauges } from '../telemetry/index.ts';
import { Calls } from './calls.ts';
import type { FromServe, ServeThreadOptions, ToServe } from './messages.ts';
import { metricsMs } from './store-worker.ts';

export interface ServeEvents {
  readonly applySchema: (tables: readonly TableDefinition[], from: ServeWorker) => Promise<void>;
  readonly render: (job: RenderJob) => Promise<RenderOutcome>;
  /** It was ready, and has ended without being told to. */
  readonly died: (thread: ServeWorker, why: string, error?: Error) => void;
}

export class ServeWorker {
  readonly number: number;
  port = 0;
  problems: readonly string[] = [];
  state: 'starting' | 'ready' | 'stopping' = 'starting';
  readyAt = 0;
  /** How often those before it died soon after they were ready. */
  restarts = 0;
  /** Names of what it serves, by the numbers it shows in shared memory. */
  readonly endpoints = new Map<number, string>();
  readonly #events: ServeEvents;
  readonly #worker = new Worker(new URL('./serve-thread.ts', import.meta.url));
  /** Resolves when the worker is no more, even before it was told to start. */
  readonly #ended: Promise<{ readonly why: string; readonly error?: Error }>;
  readonly #metrics = new Calls<MetricsSnapshot>();
  readonly #pages = new Calls<PagesAnswer>();
  #isOver = false;
  /** Counts of threads it replaced. */
  #past: MetricsSnapshot = [];
  #last: MetricsSnapshot = [];

  /** Its modules begin to load. */
  constructor(number: number, events: ServeEvents) {
    this.number = number;
    this.#events = events;
    const ended = Promise.withResolvers<{ readonly why: string; readonly error?: Error }>();
    this.#worker.on('error', (error) => ended.resolve({ why: error.message, error }));
    this.#worker.on('exit', (code) => {
      ended.resolve({ why: `it ended with code ${code}` });
      this.#isOver = true;
      this.#pages.allFailed(isEnded);
    });
    this.#ended = ended.promise;
  }

  /** One that goes on with the counts of this. */
  successor(): ServeWorker {
    const next = new ServeWorker(this.number, this.#events);
    next.restarts = this.restarts + 1;
    next.#past = mergeSnapshots([this.#past, withoutGauges(this.#last)]);
    return next;
  }

  /** Resolves when it serves. @param port of its own to the store thread */
  start(options: Omit<ServeThreadOptions, 'thread'>, port: MessagePort): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromServe) => {
        if (message.type === 'ready') {
          this.port = message.port;
          this.problems = message.problems;
          this.state = 'ready';
          this.readyAt = Date.now();
          resolve();
        } else if (message.type === 'failed') reject(errorFromData(message.error));
        else this.#told(message);
      });
      void this.#ended.then(({ why, error }) => {
        if (this.state === 'stopping') return;
        if (this.state === 'starting') reject(new Error(`Serve thread ${this.number} failed to start: ${why}`));
        else this.#events.died(this, why, error);
      });
      const start: ToServe = { type: 'start', port, options: { ...options, thread: this.number } };
      this.#worker.postMessage(start, [port]);
    });
  }

  /** Looks at the schema again. */
  refresh(): void {
    this.#tell({ type: 'refresh' });
  }

  pages(order: PagesOrder): Promise<PagesAnswer> {
    if (this.#isOver) return Promise.reject(isEnded());
    return this.#pages.make((call) => this.#tell({ type: 'pages', call, order }));
  }

  /** Its own, and what it took over. One that is blocked gives what it gave last. */
  async snapshots(): Promise<readonly MetricsSnapshot[]> {
    if (this.state !== 'ready') return [this.#past];
    this.#last = await this.#metrics.within(metricsMs, this.#last, (call) => this.#tell({ type: 'metrics', call }));
    return [this.#last, this.#past];
  }

  /** @param mostMs how long it has to end what is under way: one that app code blocks can't stop by itself */
  async stop(mostMs: number): Promise<void> {
    const wasReady = this.state === 'ready';
    this.state = 'stopping';
    if (wasReady) {
      await new Promise<void>((resolve) => {
        this.#worker.on('message', (message: FromServe) => message.type === 'stopped' && resolve());
        this.#worker.on('exit', () => resolve());
        setTimeout(resolve, mostMs).unref();
        this.#tell({ type: 'stop' });
      });
    }
    await this.#worker.terminate();
  }

  #told(message: FromServe): void {
    switch (message.type) {
      case 'applySchema':
        return void this.#applySchema(message);
      case 'render':
        return void this.#render(message);
      case 'pagesAnswered':
        return this.#pages.answered(message.call, message.answer);
      case 'pagesFailed':
        return this.#pages.failed(message.call, errorFromData(message.error));
      case 'endpoint':
        return void this.endpoints.set(message.number, message.name);
      case 'metrics':
        return this.#metrics.answered(message.call, message.snapshot);
      default:
        return;
    }
  }

  async #applySchema({ call, tables }: Extract<FromServe, { type: 'applySchema' }>): Promise<void> {
    try {
      await this.#events.applySchema(tables, this);
      this.#tell({ type: 'schemaApplied', call });
    } catch (error) {
      this.#tell({ type: 'schemaApplied', call, error: errorToData(error) });
    }
  }

  async #render({ call, job }: Extract<FromServe, { type: 'render' }>): Promise<void> {
    this.#tell({ type: 'rendered', call, outcome: await this.#events.render(job) });
  }

  #tell(message: ToServe): void {
    this.#worker.postMessage(message);
  }
}

function isEnded(): ZerohopError {
  return new ZerohopError('OVERLOADED', 'The thread that was told has ended. Try again.');
}
