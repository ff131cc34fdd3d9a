// Tables whose records come from elsewhere: what the floor above, the cache, hands in.

import type { Query } from '../query/index.ts';
import type { Id } from '../records/index.ts';
import type { Precondition } from '../store/index.ts';
import type { Table } from '../tables/index.ts';
import type { AppNode } from './app-node.ts';
import type { Place } from './table-place.ts';

export interface Sources {
  /** Undefined: the table's records are its own. */
  of(table: Table): TableSource | undefined;
  /** From now on the records of `table` come from `source`. Throws APPLICATION_ERROR for what can't be one. */
  add(tableClass: SourcedClass, table: Table, source: unknown, options: unknown): void;
  /** From now on the records of `table` are on the nodes that `place` gives for their ids, or for them. Throws for what can't be such a function. */
  reside?(table: Table, place: unknown, by: 'id' | 'record'): void;
}

/** What of the class of a table the cache asks. */
export interface SourcedClass {
  readonly name: string;
  readonly prototype: object;
}

/** `post`: of a record that must be new. */
export type SourceWrite = 'put' | 'post' | 'patch' | 'delete';

export interface TableSource {
  /** The source is the other nodes of the cluster: see spread-tables.ts. Writes go there by the store. */
  readonly isSpread?: true;
  /** Whether it is known at each read if the source has something newer: it is a table of this node. */
  readonly isNearby: boolean;
  /**
   * Sees to it that the record is there, as fresh as `target`, the request, or the table wants it. Gives the place to read it from: with the
   * record in it where that can't be found in the table (a stale copy, one that is not to be stored). Rejects with what the source failed with.
   */
  ready(place: Place, id: Id, target: unknown): Promise<Place>;
  /** The same for what the cache knows of a query's records without their source: those that were evicted or have become stale. */
  readyAll(place: Place, ids: readonly Id[]): Promise<void>;
  /** Has what a query may find elsewhere ready to be searched with what is here. */
  gather?(place: Place, query: Query): Promise<Place>;
  /**
   * Tells the source of a write before it is committed here. Rejects with what the source failed with, or when `condition` is not met any more: then
   * it must not be. Gives what is to be done when the commit is refused all the same.
   */
  write(verb: SourceWrite, id: Id, data: unknown, condition?: Precondition): Promise<() => Promise<void>>;
  /** Until when a record is fresh that a request writes, if the request says so. Ms since 1970. */
  expiresAt(place: Place): number | undefined;
  /** The next read asks the source. What is being fetched meanwhile is not kept. */
  invalidate(id: Id): Promise<void>;
}

const sourcesOfNodes = new WeakMap<AppNode, Sources>();

/** Gives a node its sources, before an app is loaded. */
export function setSources(node: AppNode, sources: Sources): void {
  sourcesOfNodes.set(node, sources);
}

/** Undefined: no table of the node can have a source. */
export function sourcesOf(node: AppNode): Sources | undefined {
  return sourcesOfNodes.get(node);
}

/** Where the records of a table come from; undefined: they are its own. */
export function sourceOf({ node, table }: Pick<Place, 'node' | 'table'>): TableSource | undefined {
  return sourcesOfNodes.get(node)?.of(table);
}
