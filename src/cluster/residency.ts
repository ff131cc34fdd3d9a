// Which records of this cluster's tables are on which nodes, as this node knows it: from the members, what they say they hold, and the tables there
// are. In the thread of the store.

import type { Residency as DatabaseResidency } from '../replication/index.ts';
import type { StoreEngine } from '../store/index.ts';
import { type Members, replicates } from './members.ts';
import { type Chosen, type Epoch, Placement } from './placement.ts';
import { Places, partsOf, residenceFrom } from './places.ts';

export class Residency {
  /** Of records whose places code chooses by what is in them. */
  readonly places: Places;
  readonly #engine: StoreEngine;
  readonly #node: string;
  readonly #members: Members;
  #placement: Placement | undefined;
  #ids: ReadonlySet<string> = new Set();
  #seen: unknown;
  #functions: Readonly<Record<string, string>> = {};

  constructor(engine: StoreEngine, node: string, members: Members) {
    this.#engine = engine;
    this.#node = node;
    this.#members = members;
    this.places = new Places(engine);
    this.refresh();
  }

  /** Undefined: no table is spread. */
  get placement(): Placement | undefined {
    return this.#placement;
  }

  /** Tables whose places code chooses on this node, each with a hash of that code: as `Member.residencies`. */
  get residencies(): readonly string[] {
    return Object.entries(this.#functions)
      .map(([table, text]) => `${table} ${Bun.hash(text).toString(16)}`)
      .sort();
  }

  /** Tables for which the code of members chooses differently, and which members differ from this node. */
  get disagreements(): readonly { readonly table: string; readonly members: readonly string[] }[] {
    const own = new Set(this.residencies);
    const differing = new Map<string, Set<string>>();
    for (const { id, residencies } of this.#members.others) {
      // It has not said yet.
      if (residencies === undefined) continue;
      const theirs = new Set(residencies);
      for (const one of [...own.difference(theirs), ...theirs.difference(own)]) {
        const table = one.slice(0, one.lastIndexOf(' '));
        const members = differing.get(table) ?? new Set();
        differing.set(table, members.add(this.#members.nameOf(id)));
      }
    }
    return [...differing].map(([table, members]) => ({ table, members: [...members].sort() }));
  }

  /** Number of a shard → names of its nodes. */
  get shards(): Readonly<Record<string, readonly string[]>> {
    const shards: Record<string, string[]> = {};
    for (const { name, shard = 0, removed } of this.#members.all.values())
      if (shard !== 0 && !removed) shards[shard] = [...(shards[shard] ?? []), name].sort();
    return shards;
  }

  /** Members may have changed. */
  look(): void {
    if (this.#seen !== this.#members.all) this.refresh();
  }

  /** Members or tables have changed. */
  refresh(): void {
    const members = this.#members;
    this.#seen = members.all;
    const live = [...members.all.values()].filter(({ removed }) => !removed);
    this.#ids = new Set(live.map(({ id }) => id));
    const tables = this.#tables();
    this.#functions = this.#functionsOf(tables);
    const isUsed = Object.keys(tables).length > 0 || live.some(({ holds }) => (holds?.length ?? 0) > 0);
    if (!isUsed) this.#placement = undefined;
    else {
      const current = this.#current(tables);
      const placeOf = this.places.of.bind(this.places);
      this.#placement = new Placement({ node: this.#node, members: live, current, placeOf });
      for (const name of this.#placement.tablesByRecord) this.places.prepare(partsOf(name)[0]);
    }
  }

  /** For the conversations about a database. */
  of(database: string): DatabaseResidency | undefined {
    const placement = this.#placement;
    if (!placement?.isSpread(database)) return undefined;
    return {
      wants: (member, { table, id, body }) =>
        // Who sends a record by what is in it knows best; and whoever may still have it is to hear that it is deleted.
        ((body === null || member === this.#node) && placement.isByRecord(database, table)) ||
        placement.wants(member, database, table, id),
      members: this.#ids,
    };
  }

  /** Whether each record of a table has a home beside these members. */
  hasAllWithout(database: string, table: string, absent: readonly string[]): boolean {
    const placement = this.#placement;
    if (!placement?.isSettled || !placement.isByRecord(database, table)) return false;
    const places = this.places.different(database, table);
    return (
      places !== undefined &&
      ['', ...places].every((place) => placement.isHadWithout(`${database}.${table}`, residenceFrom(place), absent))
    );
  }

  #tables(): Record<string, number> {
    const engine = this.#engine;
    const tables: Record<string, number> = {};
    for (const database of engine.databases)
      for (const [name, { entry }] of engine.store(database)?.tables ?? [])
        if (entry.definition.replicate && entry.definition.copies !== undefined)
          tables[`${database}.${name}`] = entry.definition.copies;
    return tables;
  }

  #functionsOf(tables: Readonly<Record<string, number>>): Record<string, string> {
    const functions: Record<string, string> = {};
    for (const name of Object.keys(tables)) {
      const [database, table] = partsOf(name);
      const text = this.#engine.store(database)?.tables.get(table)?.entry.definition.residency ?? '';
      if (text !== '') functions[name] = text;
    }
    return functions;
  }

  /** Records are spread over members that are all connected to each other, and replicate all such tables. */
  #current(tables: Record<string, number>): Epoch | undefined {
    const live = [...this.#members.all.values()].filter(({ removed }) => !removed);
    if (live.length === 0 || live.some(({ mesh }) => mesh !== 'full')) return undefined;
    const databases = [...new Set(Object.keys(tables).map((name) => partsOf(name)[0]))];
    const nodes = live.filter((member) => databases.every((database) => replicates(member.databases, database)));
    const functions = this.#functions;
    const chosen: Chosen | undefined =
      Object.keys(functions).length === 0
        ? undefined
        : {
            functions,
            shards: Object.fromEntries(nodes.flatMap(({ id, shard = 0 }) => (shard === 0 ? [] : [[id, shard]]))),
            names: Object.fromEntries(nodes.map(({ id, name }) => [id, name])),
          };
    return { nodes: nodes.map(({ id }) => id).sort(), tables, ...(chosen && { chosen }) };
  }
}
