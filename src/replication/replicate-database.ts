// Joins a database of a store engine and its conversations: what is committed goes out once it is on disk, what comes in is committed and synced.

import type { Clock } from '../base/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import type { Confirmed, ReplicationDoor, StoreEngine } from '../store/index.ts';
import { Replicator, type Report, type Residency } from './replicator.ts';
import type { SchemaState } from './session.ts';

export interface ReplicateDatabaseOptions {
  readonly engine: StoreEngine;
  readonly database: string;
  readonly cluster: string;
  readonly node: string;
  readonly clock: Clock;
  /** Ids of the other members: nothing is taken out that one of them misses. */
  readonly members: () => readonly string[];
  /** What people call a member. */
  readonly nameOf?: (id: string) => string;
  readonly report: (report: Report) => void;
  /** See `ReplicatorOptions`. */
  readonly residency?: () => Residency | undefined;
  readonly copied?: () => void;
  /** Tables of a peer were made here. */
  readonly tablesMade?: () => void;
}

/** Resolves when all that the database holds is on disk: before that nobody may hear of it. Undefined: there is no such database. */
export async function replicateDatabase(options: ReplicateDatabaseOptions): Promise<Replicator | undefined> {
  const { engine, database, cluster, node, clock, members, report, nameOf = (id) => id } = options;
  let replicator: Replicator | undefined;
  const door = engine.replicate(database, {
    committed: () => {
      replicator?.committed();
      if (door) sync(door);
    },
    members: () => members().map((member) => replicator?.durableAt(member) ?? new Map()),
    memberNames: () => members().map(nameOf),
    whenConfirmed: ({ count, among }, done) => {
      const ids = among && members().filter((id) => among.includes(nameOf(id)));
      const seq = door?.store.vector().get(node) ?? 0;
      const told = ({ isEnough, reached }: Confirmed) => done({ isEnough, reached: reached.map(nameOf) });
      if (replicator) replicator.confirmations.wait({ count, among: ids, seq }, told);
      else done({ isEnough: false, reached: [] });
    },
  });
  if (!door) return undefined;
  const sync = ({ store, whenDurable }: ReplicationDoor) => {
    const vector = store.vector();
    whenDurable(() => replicator?.durable(vector));
  };
  const durable = await new Promise<ReturnType<typeof door.store.vector>>((resolve) => {
    const vector = door.store.vector();
    door.whenDurable(() => resolve(vector));
  });
  replicator = new Replicator({
    cluster,
    node,
    database,
    store: {
      readSince: (request) => door.store.readSince(request),
      readCopy: (position, limitBytes) => door.store.readCopy(position, limitBytes),
      reachesBack: (vector) => door.store.reachesBack(vector),
      vector: () => door.store.vector(),
      copies: () => door.store.copies(),
      merge: door.merge,
    },
    blobs: {
      read: (blob, offset, most) => door.blobs.readPiece(blob, offset, most),
      write: (from, piece) => door.blobs.writePiece(from, piece),
    },
    schema: schemaOf(door),
    durable,
    nowMs: () => clock.nowMs(),
    members,
    ...(options.residency && { residency: options.residency }),
    ...(options.copied && { copied: options.copied }),
    applySchema: (definitions) => {
      if (makeMissing(engine, door, database, definitions)) options.tablesMade?.();
    },
    digests: () =>
      new Map(
        door.store
          .figures()
          .filter(({ table }) => isWhole(door.store.tables.get(table)?.entry.definition))
          .map(({ table, digest }) => [table, digest]),
      ),
    report,
  });
  // What was committed meanwhile.
  sync(door);
  return replicator;
}

/** Whether every node that replicates it has all of a table. */
function isWhole(definition: TableDefinition | undefined): boolean {
  return definition?.replicate === true && definition.copies === undefined;
}

/** The replicated tables of a database, for peers. */
export function schemaOf({ store }: Pick<ReplicationDoor, 'store'>): SchemaState {
  const tables = [...store.tables.values()]
    .map(({ entry }) => entry.definition)
    .filter(({ replicate }) => replicate)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const definitions = JSON.stringify(tables);
  return { digest: Bun.hash(definitions).toString(16), definitions };
}

/**
 * Tables and attributes that are not here are made. What is here already stays as this node's own schema says; an attribute it does not know
 * restrains nobody: writes made here can't know it. Returns whether anything was made.
 */
function makeMissing(engine: StoreEngine, door: ReplicationDoor, database: string, definitions: string): boolean {
  const tables = JSON.parse(definitions) as TableDefinition[];
  const missing = tables
    .filter((table) => table.database === database)
    .flatMap((table) => {
      const here = door.store.tables.get(table.name)?.entry.definition;
      if (!here) return [table];
      const known = new Set(here.attributes.map(({ name }) => name));
      const unknown = table.attributes
        .filter(({ name, type, computed }) => !known.has(name) && type.kind !== 'relation' && !computed)
        .map((attribute) => ({ ...attribute, required: false, unique: false }));
      return unknown.length > 0 ? [{ ...here, attributes: [...here.attributes, ...unknown] }] : [];
    });
  if (missing.length > 0) engine.applySchema(missing);
  return missing.length > 0;
}
