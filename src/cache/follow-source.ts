// Active caches: applies the events of a source's `subscribe()` as they come, and subscribes again when it ends.

import type { Logger } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import { type AppNode, type Place, RequestContext, runInScope, stagePatch, stagePut } from '../resources/index.ts';
import { administrator } from '../security/index.ts';
import type { Table } from '../tables/index.ts';
import type { CachedTable } from './cached-table.ts';
import { eventWrites } from './limits.ts';

/** Between two tries to subscribe: doubled each time, up to the longest. In ms. */
const retryMs = { first: 1_000, longest: 30_000 };

export interface SourceEvent {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly value?: unknown;
  readonly table?: unknown;
  readonly writes?: unknown;
}

export interface FollowOptions {
  readonly node: () => AppNode;
  readonly table: Table;
  readonly cached: CachedTable;
  /** The cache of another table of the database, for events that name one. */
  readonly cachedIn: (table: Table) => CachedTable | undefined;
  readonly log: Logger;
}

/** Follows until it is stopped. */
export class Follower {
  readonly #options: FollowOptions;
  #iterator: AsyncIterator<unknown> | undefined;
  #stopped = false;
  #wake: () => void = () => {};

  constructor(options: FollowOptions) {
    this.#options = options;
    void this.#follow();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
    this.#iterator?.return?.()?.catch(() => {});
  }

  async #follow(): Promise<void> {
    const { table, log } = this.#options;
    for (let waitMs = retryMs.first; !this.#stopped; waitMs = Math.min(waitMs * 2, retryMs.longest)) {
      try {
        for await (const event of this.#events()) {
          await this.#apply(event);
          waitMs = retryMs.first;
        }
        return;
      } catch (error) {
        if (this.#stopped) return;
        const reason = error instanceof Error ? error.message : String(error);
        log.warn(
          `The source of ${table.definition.name} sends no changes: ${reason}. It is asked again in ${waitMs} ms.`,
        );
        await this.#pause(waitMs);
      }
    }
  }

  async *#events(): AsyncGenerator<unknown> {
    const { cached, node, table } = this.#options;
    const subscribe = cached.source.method('subscribe');
    const stream: unknown = await runInScope(node(), undefined, async () => await subscribe?.({}));
    if (typeof stream !== 'object' || stream === null || !(Symbol.asyncIterator in stream))
      throw new TypeError(`subscribe() of the source of ${table.definition.name} must give an async iterable`);
    const iterator = (stream as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    this.#iterator = iterator;
    for (;;) {
      const { done, value } = await iterator.next();
      if (done || this.#stopped) return;
      yield value;
    }
  }

  async #apply(event: unknown): Promise<void> {
    const { type, writes } = asEvent(event);
    if (type !== 'transaction') return this.#commit([asEvent(event)]);
    if (!Array.isArray(writes) || writes.length > eventWrites)
      throw new TypeError(`an event of type transaction needs a list of ${eventWrites} writes at most`);
    await this.#commit(writes.map(asEvent));
  }

  async #commit(events: readonly SourceEvent[]): Promise<void> {
    const { node, cachedIn } = this.#options;
    const context = new RequestContext(node(), { user: administrator });
    const invalidated: (() => Promise<void>)[] = [];
    try {
      for (const event of events) {
        const table = this.#tableOf(event);
        const id = idOf(event, table);
        const place: Place = { node: node(), table, context, fromSource: true };
        switch (event.type) {
          case 'put':
            await stagePut(place, context.transaction, id, {
              ...(event.value as object),
              [table.definition.primaryKey]: id,
            });
            break;
          case 'patch':
            // What is not here is asked for whole when it is wanted; what is being asked for may come from before the change.
            if (!context.transaction.hasStaged(table, id) && cachedIn(table)?.lacks(id)) {
              invalidated.push(async () => cachedIn(table)?.invalidate(id));
              break;
            }
            await stagePatch(place, context.transaction, id, event.value, { if: { exists: true } });
            break;
          case 'delete':
            if (cachedIn(table)?.lacks(id)) invalidated.push(async () => cachedIn(table)?.invalidate(id));
            context.transaction.delete(table, id);
            break;
          case 'invalidate':
            invalidated.push(async () => cachedIn(table)?.invalidate(id));
            break;
          case 'message':
            break;
          default:
            throw new TypeError(`an event of a source can't be of type ${String(event.type)}`);
        }
      }
      await context.transaction.commit();
      for (const invalidate of invalidated) await invalidate();
    } finally {
      context.release();
    }
  }

  #tableOf({ table: name }: SourceEvent): Table {
    const { table, node } = this.#options;
    if (typeof name !== 'string' || name === table.definition.name) return table;
    const other = node().databases.table(table.definition.database, name);
    if (!other) throw new TypeError(`an event names the table ${name}, which does not exist`);
    return other;
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function asEvent(event: unknown): SourceEvent {
  if (typeof event !== 'object' || event === null) throw new TypeError('an event of a source must be an object');
  return event;
}

function idOf({ id, value }: SourceEvent, { definition }: Table): Id {
  const inValue: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, definition.primaryKey) : undefined;
  const found = id ?? inValue;
  if (typeof found === 'string' || typeof found === 'number') return found;
  throw new TypeError(`an event for ${definition.name} names no record: give it an id`);
}
