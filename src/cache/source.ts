// Calls a source, whatever shape it has: a class of resources or of a table (static methods), or an object with methods. Every call has a time
// limit, a place among those that go on at the same time, and a breaker before it.

import { type Clock, ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import {
  type AppNode,
  isTableClass,
  ownMethod,
  RequestContext,
  RequestTarget,
  Resource,
  runInScope,
  type SourceWrite,
} from '../resources/index.ts';
import { administrator } from '../security/index.ts';
import { Breaker, type BreakerPlace } from './breaker.ts';
import type { SourceFailure } from './freshness.ts';
import { type SourceOptions, waitingCalls } from './limits.ts';

export type SourceVerb = 'get' | SourceWrite;

/** A call of the source failed. `cause` is what it failed with. */
export class SourceError extends Error {
  readonly failure: SourceFailure;

  constructor(failure: SourceFailure, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.failure = failure;
  }
}

type Method = (...args: readonly unknown[]) => unknown;

export class Source {
  readonly #source: object;
  /** For messages: 'Product from CatalogApi'. */
  readonly #name: string;
  readonly #options: SourceOptions;
  readonly #breaker: Breaker;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** Throws APPLICATION_ERROR when `source` can't be one. */
  constructor(source: unknown, tableName: string, options: SourceOptions, clock: Clock, place: BreakerPlace) {
    if ((typeof source !== 'object' && typeof source !== 'function') || source === null)
      throw new ZerohopError(
        'APPLICATION_ERROR',
        `${tableName}.sourcedFrom() takes a class with static methods or an object with methods, such as { get(id) { … } }.`,
      );
    this.#source = source;
    const name: unknown = Reflect.get(source, 'name');
    this.#name = `${tableName} from ${typeof name === 'string' && name !== '' ? name : 'its source'}`;
    this.#options = options;
    const { failures, retryMs, timeoutMs } = options;
    this.#breaker = new Breaker(clock, { failures, retryMs, trialMs: 2 * timeoutMs }, place);
    if (!this.method('get') && !this.method('subscribe'))
      throw new ZerohopError('APPLICATION_ERROR', `The source of ${tableName} has neither get nor subscribe.`);
  }

  /** For messages. */
  get name(): string {
    return this.#name;
  }

  get object(): object {
    return this.#source;
  }

  /** What every class of resources has from its base is no method of the source. */
  method(name: SourceVerb | 'subscribe'): Method | undefined {
    const source = this.#source;
    if (isTableClass(source) ? name === 'subscribe' : isResourceClass(source) && ownMethod(source, name) === undefined)
      return undefined;
    const value: unknown = Reflect.get(this.#source, name);
    if (typeof value !== 'function') return undefined;
    return (...args) => Reflect.apply(value, this.#source, args);
  }

  /**
   * Calls a verb in a context of its own. Rejects with SourceError.
   * @param extra what the source finds in its context
   */
  call(node: AppNode, verb: SourceVerb, id: Id | undefined, data: unknown, extra: object): Promise<Called> {
    const { tracer } = node;
    if (tracer === undefined) return this.#call(node, verb, id, data, extra);
    const attributes = { 'zerohop.source': this.#name, 'zerohop.verb': verb };
    return tracer.run(`${verb} ${this.#name}`, { kind: 'client', attributes }, () =>
      this.#call(node, verb, id, data, extra),
    );
  }

  async #call(node: AppNode, verb: SourceVerb, id: Id | undefined, data: unknown, extra: object): Promise<Called> {
    const method = this.method(verb);
    if (!method) throw new SourceError('refused', new ZerohopError('NOT_FOUND', `${this.#name}: no ${verb}.`));
    if (!this.#breaker.admit()) throw new SourceError('unreachable', this.#left());
    try {
      await this.#takeTurn();
    } catch (error) {
      this.#breaker.withdrawn();
      throw error;
    }
    const context = new RequestContext(node, { user: administrator });
    const abort = new AbortController();
    Object.assign(context, extra, { signal: abort.signal });
    const about = typeof this.#source === 'function' ? targetOf(id) : id;
    const args = verb === 'put' || verb === 'patch' || verb === 'post' ? [about, data, context] : [about, context];
    let timer: Timer | undefined;
    try {
      const value = await Promise.race([
        runInScope(node, context, async () => await method(...args)),
        new Promise<never>((_resolve, reject) => {
          timer = setTimeout(() => {
            const late = new ZerohopError(
              'ORIGIN_FAILED',
              `${this.#name}: ${verb} took longer than ${this.#options.timeoutMs} ms.`,
            );
            abort.abort(late);
            reject(late);
          }, this.#options.timeoutMs);
        }),
      ]);
      const refused = value instanceof Response && value.status >= 500 ? responseError(value, this.#name) : undefined;
      if (refused) throw refused;
      this.#breaker.succeeded();
      return { value, context };
    } catch (error) {
      context.release();
      const failure = failureOf(error);
      if (failure === 'refused') this.#breaker.succeeded();
      else this.#breaker.failed();
      throw new SourceError(failure, presentable(error, this.#name, verb));
    } finally {
      clearTimeout(timer);
      this.#endTurn();
    }
  }

  #left(): ZerohopError {
    return new ZerohopError(
      'ORIGIN_FAILED',
      `${this.#name}: it failed ${this.#options.failures} times in a row and is left alone for a moment.`,
      { retryAfterSeconds: Math.max(1, Math.ceil(this.#breaker.retryInMs / 1000)) },
    );
  }

  async #takeTurn(): Promise<void> {
    if (this.#running < this.#options.concurrency) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= waitingCalls) {
      const full = `${this.#name}: ${waitingCalls} calls wait for it already.`;
      throw new SourceError('unreachable', new ZerohopError('OVERLOADED', full, { retryAfterSeconds: 1 }));
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #endTurn(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running--;
  }
}

export interface Called {
  readonly value: unknown;
  /** Of the call: what the source says in it, and its writes to other tables. To be released. */
  readonly context: RequestContext;
}

function isResourceClass(source: object): source is typeof Resource {
  return typeof source === 'function' && Object.prototype.isPrototypeOf.call(Resource, source);
}

function targetOf(id: Id | undefined): RequestTarget {
  const target = new RequestTarget();
  if (id !== undefined) target.id = id;
  target.isCollection = id === undefined;
  return target;
}

export function responseError(response: Response, name: string): ZerohopError & { statusCode?: number } {
  return new ZerohopError('ORIGIN_FAILED', `${name}: it answered ${response.status} ${response.statusText}`.trim(), {
    sourceStatus: response.status,
  });
}

/** The HTTP status an error says it stands for. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { statusCode, status } = error as { statusCode?: unknown; status?: unknown };
  const given = statusCode ?? status;
  return typeof given === 'number' ? given : undefined;
}

/** An error without a status is of the network, or a time limit: what `fetch` rejects with. */
function failureOf(error: unknown): SourceFailure {
  if (error instanceof ZerohopError && error.code === 'ORIGIN_FAILED')
    return error.fields.sourceStatus === undefined ? 'unreachable' : 'server';
  const status = statusOf(error);
  if (status === undefined) return 'unreachable';
  return status >= 500 ? 'server' : 'refused';
}

/** A refusal is the caller's to hear as it is. */
function presentable(error: unknown, name: string, verb: SourceVerb): unknown {
  const status = statusOf(error);
  if (error instanceof ZerohopError || (status !== undefined && status < 500)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const wrapped = new ZerohopError('ORIGIN_FAILED', `${name}: ${verb} failed: ${reason}`, {
    ...(status !== undefined && { sourceStatus: status }),
  });
  wrapped.cause = error;
  return wrapped;
}
