// Tables whose records are spread over the nodes of a cluster (`replicateTo`): a record that is not here is read from a node that has it. What
// would take all records, or several, is refused, rather than answered with those of this node.

import { ZerohopError } from '../base/index.ts';
import type { Query } from '../query/index.ts';
import type { Id } from '../records/index.ts';
import { isOfRecord, residencyText } from '../schema/index.ts';
import type { Databases, Table } from '../tables/index.ts';
import type { AppNode } from './app-node.ts';
import type { SourcedClass, Sources, TableSource } from './sources.ts';
import { type Place, readingIn } from './table-place.ts';

/** The sources of a node, with those of spread tables: the other nodes. */
export class SpreadTables implements Sources {
  readonly #others: Sources;
  readonly #source = new OtherNodes();
  readonly #databases: Databases;
  readonly #declared: Promise<void>[] = [];

  constructor(others: Sources, databases: Databases) {
    this.#others = others;
    this.#databases = databases;
  }

  /** Resolves when what `reside` says of tables is known to the store. Rejects with what was refused. */
  async ready(): Promise<void> {
    await Promise.all(this.#declared.splice(0));
  }

  reside({ definition }: Table, place: unknown, by: 'id' | 'record'): void {
    const { name, copies } = definition;
    if (copies === undefined)
      throw new ZerohopError(
        'INVALID_SCHEMA',
        `${by === 'id' ? 'setResidencyById' : 'setResidency'} of ${name}: every node has all of its records. Say in the schema on how many nodes each is to be: @table(replicateTo: 2).`,
      );
    const residency = place === undefined ? '' : residencyText(place, name, by);
    if ((definition.residency ?? '') === residency) return;
    const declared = this.#databases.applySchema([{ ...definition, residency }]);
    // Whoever waits is told.
    declared.catch(() => {});
    this.#declared.push(declared);
  }

  of(table: Table): TableSource | undefined {
    return table.definition.copies === undefined ? this.#others.of(table) : this.#source;
  }

  add(tableClass: SourcedClass, table: Table, source: unknown, options: unknown): void {
    if (table.definition.copies !== undefined)
      throw new ZerohopError(
        'NOT_IMPLEMENTED',
        `${table.definition.name} has "replicateTo" in the schema, and can not have a source as well.`,
      );
    this.#others.add(tableClass, table, source, options);
  }
}

class OtherNodes implements TableSource {
  readonly isNearby = false;
  readonly isSpread = true;

  async ready(place: Place, id: Id): Promise<Place> {
    const { node, table, context } = place;
    const joined = readingIn(place);
    const here = joined === undefined ? node.databases.getLatest(table, id) : joined.get(table, id);
    // What is on its way to another place may be older than what is there.
    const isCertain = here !== undefined && (!isOfRecord(table.definition.residency ?? '') || joined?.hasWrites);
    if (isCertain || context?.replicateFrom === false) return { ...place, isReady: true };
    const fetched = await node.databases.fetch(table, id);
    if (fetched.here) return { ...place, isReady: true };
    // What is made of it can not be told when it changes.
    context?.reads?.giveUp();
    if (fetched.record === null) return { ...place, instead: null };
    const record = { id, ...fetched.record };
    return { ...place, instead: record, gathered: [record], isReady: true };
  }

  async gather(place: Place, query: Query): Promise<Place> {
    const { node, table, context } = place;
    if (context?.replicateFrom === false) return { ...place, isReady: true };
    if (readingIn(place)?.hasWrites) demandWhole(node, table, 'a query beside writes of its transaction');
    const [gathered, counted] = await Promise.all([
      node.databases.gather(table, query),
      query.total === true ? node.databases.count(table, query) : undefined,
    ]);
    if (gathered.here && (counted?.here ?? true)) return { ...place, isReady: true };
    context?.reads?.giveUp();
    const total = counted?.here === false ? counted.total : undefined;
    const records = gathered.here ? [] : gathered.records;
    return { ...place, gathered: records, ...(total !== undefined && { total }), isReady: true };
  }

  async readyAll(): Promise<void> {}

  async write(): Promise<() => Promise<void>> {
    return async () => {};
  }

  expiresAt(): undefined {
    return undefined;
  }

  async invalidate(): Promise<void> {
    throw new ZerohopError(
      'NOT_IMPLEMENTED',
      'The records of a table with "replicateTo" have no source to be asked again.',
    );
  }
}

/** Throws NOT_IMPLEMENTED for a table of whose records this node may have only some, unless the call is about these alone. */
export function demandWhole(node: Pick<AppNode, 'databases'>, table: Table, what: string): void {
  const { name, copies, residency = '' } = table.definition;
  if (copies === undefined || membersOf(node.databases) <= (residency === '' ? copies : 1)) return;
  throw new ZerohopError(
    'NOT_IMPLEMENTED',
    `The records of ${name} are spread over the nodes of the cluster (replicateTo: ${copies}), and ${what} would miss those of other nodes. Read and write them by id${what === aQuery ? ', or ask for those of this node alone with "X-Replicate-From: none"' : ''}.`,
  );
}

export const aQuery = 'a query';

/** Nodes that are or were in the cluster, with this one; 1 outside of one. */
function membersOf(databases: Databases): number {
  return databases.table('system', 'nodes')?.recordCount() ?? 1;
}
