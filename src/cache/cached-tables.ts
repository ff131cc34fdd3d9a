// The tables of a node that have a source, for one thread.

import { type Clock, type Logger, SharedFlights, systemClock, ZerohopError } from '../base/index.ts';
import { type AppNode, isTableClass, type SourcedClass, type Sources, type TableSource } from '../resources/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import type { Databases, Table } from '../tables/index.ts';
import { BreakerMemory } from './breaker.ts';
import { CachedTable } from './cached-table.ts';
import { Follower } from './follow-source.ts';
import { readLifetimes, readSourceOptions } from './limits.ts';

export interface CacheOptions {
  readonly databases: Databases;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Whether this is the thread that follows sources. */
  readonly primary: boolean;
  /** What threads share of who asks for what; undefined: there are no other threads. */
  readonly memory?: SharedArrayBuffer | undefined;
}

export class CachedTables implements Sources {
  readonly #options: CacheOptions;
  readonly #flights: SharedFlights;
  readonly #breakers: BreakerMemory;
  readonly #tables = new Map<string, CachedTable>();
  readonly #followers: Follower[] = [];
  readonly #declared: Promise<void>[] = [];
  #node: AppNode | undefined;

  constructor(options: CacheOptions) {
    this.#options = options;
    this.#flights = new SharedFlights(options.memory);
    this.#breakers = new BreakerMemory(options.memory);
  }

  /** The node it is part of: to be given before an app is loaded. */
  set node(node: AppNode) {
    this.#node = node;
  }

  of(table: Table): TableSource | undefined {
    return this.#tables.size === 0 ? undefined : this.#tables.get(keyOf(table));
  }

  add(tableClass: SourcedClass, table: Table, source: unknown, given: unknown): void {
    const { databases, log, clock = systemClock, primary } = this.#options;
    const { name } = table.definition;
    if (this.#tables.has(keyOf(table)))
      throw new ZerohopError('APPLICATION_ERROR', `${name} has a source already: sourcedFrom() was called twice.`);
    const node = (): AppNode => {
      if (this.#node) return this.#node;
      throw new ZerohopError('APPLICATION_ERROR', 'The node is not there yet.');
    };
    const origin = isTableClass(source) ? databases.table(source.databaseName, source.tableName) : undefined;
    const options = readSourceOptions(given);
    const flights = this.#flights;
    const cached = new CachedTable({
      node,
      databases,
      table,
      tableClass,
      source,
      options,
      origin,
      clock,
      log,
      flights,
      breaker: this.#breakers.placeOf(keyOf(table)),
    });
    this.#tables.set(keyOf(table), cached);
    if (primary) this.#declare(table, { ...readLifetimes(given), sourced: true });
    // A table's own subscriptions say nothing that its versions don't.
    if (!primary || origin || !cached.source.method('subscribe')) return;
    const cachedIn = (other: Table) => this.#tables.get(keyOf(other));
    this.#followers.push(new Follower({ node, table, cached, cachedIn, log }));
  }

  /** Resolves when what `add` says of tables is known wherever they are written. Rejects with what was refused. */
  async ready(): Promise<void> {
    await Promise.all(this.#declared.splice(0));
  }

  /** The schema language does not say where records come from. */
  #declare({ definition }: Table, more: Partial<TableDefinition>): void {
    const next = { ...definition, ...more };
    if (Bun.deepEquals(next, definition)) return;
    const declared = this.#options.databases.applySchema([next]);
    // Whoever waits is told.
    declared.catch(() => {});
    this.#declared.push(declared);
  }

  close(): void {
    for (const follower of this.#followers.splice(0)) follower.stop();
  }
}

function keyOf({ definition: { database, name } }: Table): string {
  return `${database}/${name}`;
}
