// Who is in the cluster: the table `nodes` of the database `system`, which replicates like any other. Each node writes its own row, whoever
// removes a node marks its row; a row stays for good, so that a removed node is refused by everybody who hears of it.

import { type Clock, ZerohopError } from '../base/index.ts';
import type { Attribute, ScalarType, TableDefinition } from '../schema/index.ts';
import { quoted } from '../storage/index.ts';
import type { StoreEngine } from '../store/index.ts';

export const systemDatabase = 'system';
const tableName = 'nodes';

export interface Member {
  /** The node's id: its origin in every vector. */
  readonly id: string;
  readonly name: string;
  /** Where others reach it. */
  readonly host: string;
  readonly port: number;
  /** Ports of its application and of its agent for load balancers; 0 or absent: none that others can know. */
  readonly http?: number;
  readonly agent?: number;
  /** Whether its application's port speaks HTTPS. */
  readonly tls?: boolean;
  readonly region?: string;
  /** `['*']`: all. */
  readonly databases: readonly string[];
  /** 'routes': it connects, and is connected to, by routes only. */
  readonly mesh: 'full' | 'routes';
  /** Of the runtime. */
  readonly version: string;
  /** SHA-256 of its certificate. */
  readonly certificate: string;
  /** Whether it admits others. */
  readonly authority: boolean;
  /** Its number for integer ids. */
  readonly slot: number;
  /** In ms since 1970. */
  readonly joined: number;
  readonly removed?: boolean;
  /** SHA-256 of certificates it may no longer use. */
  readonly revoked?: readonly string[];
  /** Of its configuration; 0 or absent: none. */
  readonly shard?: number;
  /** Tables whose places code chooses, and what of: `database.table` and a hash. */
  readonly residencies?: readonly string[];
  /** What it holds of tables that are spread: see placement.ts. */
  readonly holds?: readonly string[];
}

const attribute = (name: string, scalar: ScalarType, isList = false): Attribute => ({
  name,
  type: isList ? { kind: 'list', of: { kind: 'scalar', scalar }, itemRequired: true } : { kind: 'scalar', scalar },
  required: name === 'id',
  indexed: false,
  unique: false,
  fulltext: false,
  hidden: false,
});

/** In place on every node that is in a cluster. */
export const clusterTables: readonly TableDefinition[] = [
  {
    database: systemDatabase,
    name: tableName,
    primaryKey: 'id',
    attributes: [
      attribute('id', 'ID'),
      attribute('name', 'String'),
      attribute('host', 'String'),
      attribute('port', 'Int'),
      attribute('http', 'Int'),
      attribute('agent', 'Int'),
      attribute('tls', 'Boolean'),
      attribute('region', 'String'),
      attribute('databases', 'String', true),
      attribute('mesh', 'String'),
      attribute('version', 'String'),
      attribute('certificate', 'String'),
      attribute('authority', 'Boolean'),
      attribute('slot', 'Int'),
      attribute('joined', 'Long'),
      attribute('removed', 'Boolean'),
      attribute('revoked', 'String', true),
      attribute('shard', 'Int'),
      attribute('residencies', 'String', true),
      attribute('holds', 'String', true),
    ],
    sealed: false,
    replicate: true,
    audit: true,
    hidden: true,
  },
];

export class Members {
  readonly #engine: StoreEngine;
  readonly #node: string;
  readonly #clock: Clock;
  #rows: ReadonlyMap<string, Member> = new Map();
  #digest = '';

  constructor(engine: StoreEngine, node: string, clock: Clock) {
    this.#engine = engine;
    this.#node = node;
    this.#clock = clock;
    this.refresh();
  }

  /** All that ever were, by id. */
  get all(): ReadonlyMap<string, Member> {
    return this.#rows;
  }

  /** Those that are, without this node. */
  get others(): readonly Member[] {
    return [...this.#rows.values()].filter(({ id, removed }) => id !== this.#node && !removed);
  }

  get own(): Member | undefined {
    return this.#rows.get(this.#node);
  }

  /** Ids of the other members that replicate a database. */
  othersWith(database: string): readonly string[] {
    return this.others
      .filter(({ databases }) => database === systemDatabase || replicates(databases, database))
      .map(({ id }) => id);
  }

  /** By id or name. Throws NOT_FOUND. */
  find(nameOrId: string): Member {
    const found =
      this.#rows.get(nameOrId) ??
      [...this.#rows.values()].find(({ name, removed }) => name === nameOrId && !removed) ??
      [...this.#rows.values()].find(({ name }) => name === nameOrId);
    if (found) return found;
    const names = [...this.#rows.values()].filter(({ removed }) => !removed).map(({ name }) => name);
    throw new ZerohopError('NOT_FOUND', `There is no node ${nameOrId} in the cluster. There are: ${names.join(', ')}.`);
  }

  /** What a person calls a node. */
  nameOf(id: string): string {
    return this.#rows.get(id)?.name ?? id;
  }

  /** Reads the table if it has changed; whether it had. */
  refresh(): boolean {
    const store = this.#engine.store(systemDatabase);
    const digest = store?.figures().find(({ table }) => table === tableName)?.digest;
    const entry = store?.tables.get(tableName)?.entry;
    if (!store || !entry || digest === undefined || digest === this.#digest) return false;
    this.#digest = digest;
    const rows = store.connection.all(`SELECT _body FROM ${quoted(entry.names.table)} WHERE _body IS NOT NULL`);
    this.#rows = new Map(
      rows.map(([body]) => {
        const row = JSON.parse(String(body)) as Partial<Member> & { readonly id: string };
        return [row.id, { ...unknownMember, ...row }] as const;
      }),
    );
    return true;
  }

  /** Writes what differs of a row, attribute by attribute, so that what others wrote of it stays. */
  async write(id: string, values: Partial<Member>): Promise<void> {
    const before = this.#rows.get(id);
    const set = Object.fromEntries(
      Object.entries(values).filter(
        ([name, value]) => JSON.stringify(value) !== JSON.stringify(before?.[name as keyof Member]),
      ),
    );
    if (before && Object.keys(set).length === 0) return;
    const change = before
      ? ({ op: 'patch', table: tableName, id, patch: { set, add: {} } } as const)
      : ({
          op: 'put',
          table: tableName,
          id,
          body: JSON.stringify({ ...set, id, joined: this.#clock.nowMs() }),
          expires: null,
        } as const);
    await this.#engine.commit({ database: systemDatabase, changes: [change] });
    this.refresh();
  }
}

const unknownMember: Omit<Member, 'id'> = {
  name: '',
  host: '',
  port: 0,
  databases: ['*'],
  mesh: 'full',
  version: '',
  certificate: '',
  authority: false,
  slot: 0,
  joined: 0,
};

export function replicates(databases: readonly string[], database: string): boolean {
  return database === systemDatabase || databases.includes('*') || databases.includes(database);
}
