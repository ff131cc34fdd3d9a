// Which nodes hold a record, when not all do: rendezvous hashing. Every node computes the same from the names alone, and when a node comes or goes,
// only the records move that it gets or had. Pure.

import { compileResidency, isOfRecord, type Residence } from '../schema/index.ts';

/** The `copies` nodes that hold a record, the first choice first; all of them when there are fewer. Order and repetition of `nodes` don't matter. */
export function homesOf(key: string, nodes: readonly string[], copies: number): string[] {
  const scored = [...new Set(nodes)].map((node) => ({ node, score: Bun.hash.xxHash64(`${node}\n${key}`) }));
  scored.sort((a, b) => (a.score === b.score ? (a.node < b.node ? -1 : 1) : a.score > b.score ? -1 : 1));
  return scored.slice(0, copies).map(({ node }) => node);
}

/** How many copies there are of the records of each table that is spread, as `database.table`; and the nodes they are spread over. */
export interface Epoch {
  readonly nodes: readonly string[];
  readonly tables: Readonly<Record<string, number>>;
  /** Where there are tables whose places code chooses. */
  readonly chosen?: Chosen;
}

export interface Chosen {
  /** `database.table` → text of the function. */
  readonly functions: Readonly<Record<string, string>>;
  /** Of nodes that have one: its number. */
  readonly shards: Readonly<Record<string, number>>;
  readonly names: Readonly<Record<string, string>>;
}

/** In place of an epoch: a node that never took part, and has all there was. */
export const everything = '*';

/** Before an epoch: a node still has what belongs to it, and answers for it no more. */
export const leaving = '-';

/** What nodes say of the same epoch is the same text. */
export function epochText({ nodes, tables, chosen }: Epoch): string {
  return JSON.stringify({
    nodes: [...new Set(nodes)].sort(),
    tables: sorted(tables),
    ...(chosen && {
      chosen: { functions: sorted(chosen.functions), shards: sorted(chosen.shards), names: sorted(chosen.names) },
    }),
  });
}

function sorted<Value>(values: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Of an epoch a node holds or is leaving. Undefined: it is everything. */
export function readEpoch(held: string): Epoch | undefined {
  const text = held.startsWith(leaving) ? held.slice(1) : held;
  if (!text.startsWith('{')) return undefined;
  const { nodes, tables, chosen } = JSON.parse(text) as Partial<Epoch>;
  return nodes && tables ? { nodes, tables, ...(chosen && { chosen }) } : undefined;
}

export interface Holder {
  readonly id: string;
  /** Epochs of which it has all that it is to have, as text, or `leaving` and one; undefined: it never said so. */
  readonly holds?: readonly string[] | undefined;
}

interface Held {
  readonly hasAll: boolean;
  readonly answers: readonly Epoch[];
  readonly receives: readonly Epoch[];
}

export interface PlacementOptions {
  /** This node. */
  readonly node: string;
  readonly members: readonly Holder[];
  /** How it is to become; undefined: every node is to have everything. */
  readonly current: Epoch | undefined;
  /** Places of records that code chose by what is in them; absent: of none. */
  readonly placeOf?: PlaceOf;
}

/** The place of a record that code chose by what is in it; undefined: nobody has said, and it is on any nodes. */
export type PlaceOf = (name: string, id: string | number) => Residence;

/**
 * Who has which record while the members change. A node answers for a record when it has said that it holds all of an epoch in which it is a
 * home of the record. Records go to the homes of the current epoch and of all that a node holds, so that it can go on answering.
 */
export class Placement {
  readonly #node: string;
  readonly #members = new Map<string, Held>();
  readonly current: Epoch | undefined;
  readonly currentText: string | undefined;
  /** Who holds what, as this node knows it: of equal views follow equal answers. */
  readonly view: string;
  readonly #spread = new Set<string>();
  readonly #databases = new Set<string>();
  readonly #placeOf: PlaceOf | undefined;
  #isSettled: boolean | undefined;

  constructor({ node, members, current, placeOf }: PlacementOptions) {
    this.#node = node;
    this.#placeOf = placeOf;
    this.current = current;
    this.currentText = current && epochText(current);
    const known = members.map(({ id, holds = [] }) => [id, ...holds].join('\n')).sort();
    this.view = Bun.hash([this.currentText, ...known].join('\0')).toString(16);
    const read = new Map<string, Epoch | undefined>();
    for (const { id, holds } of members) {
      const epochsOf = (texts: readonly string[]) =>
        texts.flatMap((text) => {
          if (!read.has(text)) read.set(text, readEpoch(text));
          return read.get(text) ?? [];
        });
      this.#members.set(id, {
        hasAll: holds?.some((text) => text === everything || text === leaving + everything) ?? true,
        answers: epochsOf((holds ?? []).filter((text) => !text.startsWith(leaving))),
        receives: epochsOf(holds ?? []),
      });
    }
    for (const epoch of [...read.values(), current])
      for (const table of Object.keys(epoch?.tables ?? {})) {
        this.#spread.add(table);
        this.#databases.add(table.slice(0, table.indexOf('.')));
      }
  }

  /** As `database.table`: of any epoch there still is. */
  get spreadTables(): readonly string[] {
    return [...this.#spread];
  }

  isSpread(database: string, table?: string): boolean {
    return table === undefined ? this.#databases.has(database) : this.#spread.has(`${database}.${table}`);
  }

  /** `database.table` of those whose places code chooses by what is in a record. */
  get tablesByRecord(): readonly string[] {
    return Object.entries(this.current?.chosen?.functions ?? {}).flatMap(([name, text]) =>
      isOfRecord(text) ? name : [],
    );
  }

  isByRecord(database: string, table: string): boolean {
    const text = this.current?.chosen?.functions[`${database}.${table}`];
    return text !== undefined && isOfRecord(text);
  }

  /** Whether each node of the current epoch holds that and answers for no other. */
  get isSettled(): boolean {
    const { current } = this;
    if (!current) return false;
    this.#isSettled ??= current.nodes.every((member) => {
      const answers = this.#members.get(member)?.answers ?? [];
      return answers.length > 0 && answers.every((epoch) => epochText(epoch) === this.currentText);
    });
    return this.#isSettled;
  }

  isHome(epoch: Epoch, node: string, name: string, id: string | number): boolean {
    return isHome(epoch, node, name, id, this.#placeOf);
  }

  /** In the current epoch, the first choice first. @param place of a record, in place of what is known of it */
  homes(name: string, id: string | number, place?: PlaceOf): readonly string[] {
    return this.current ? homesIn(this.current, name, id, place ?? this.#placeOf) : [];
  }

  /** Whether every record with this place has a home that is none of these. */
  isHadWithout(name: string, residence: Residence, absent: readonly string[]): boolean {
    const { current } = this;
    if (!current) return false;
    const chosen = current.chosen && chosenBy(() => residence, current.chosen, current.nodes, name);
    const nodes = chosen?.nodes ?? current.nodes;
    const isList = chosen !== undefined && typeof chosen.residence !== 'number';
    const copies = isList ? nodes.length : Math.min(current.tables[name] ?? nodes.length, nodes.length);
    return nodes.filter((node) => absent.includes(node)).length < copies;
  }

  /** Where code would have a record. Throws APPLICATION_ERROR where it fails for it. */
  placeFor(name: string, record: unknown): Residence {
    return this.current && functionIn(this.current, name)?.place(record);
  }

  /** Whether a node is to have a record. */
  wants(member: string, database: string, table: string, id: string | number): boolean {
    const name = `${database}.${table}`;
    if (this.current === undefined || !this.#spread.has(name)) return true;
    const known = this.#members.get(member);
    // Two that never took part give each other everything, as before.
    if ((known?.hasAll ?? true) && (this.#members.get(this.#node)?.hasAll ?? true)) return true;
    if (this.isHome(this.current, member, name, id)) return true;
    return known?.receives.some((epoch) => this.isHome(epoch, member, name, id)) ?? false;
  }

  /**
   * Nodes any `enough` of which have all records of a table among them. While records move these are all that hold something.
   * @param name `database.table`
   */
  covering(name: string): { readonly from: readonly string[]; readonly enough: number } {
    const holding = [...this.#members].flatMap(([member, { answers }]) => (answers.length > 0 ? [member] : []));
    const { current } = this;
    if (!current || !this.isSettled) return { from: holding, enough: holding.length };
    // Whom code chose may be a node alone.
    if (current.chosen?.functions[name] !== undefined) return { from: current.nodes, enough: current.nodes.length };
    const copies = Math.min(current.tables[name] ?? current.nodes.length, current.nodes.length);
    return { from: current.nodes, enough: current.nodes.length - copies + 1 };
  }

  /** Of some nodes that have all records of a table among them, the one that counts a record: each is counted once. */
  counting(database: string, table: string, id: string | number, among: readonly string[]): string | undefined {
    return this.answering(database, table, id).find((member) => among.includes(member));
  }

  /**
   * The nodes that answer for a record, homes of the current epoch first. None: each node has what there is.
   * @param place of a record that code chose by what is in it, in place of what is known of it
   */
  answering(database: string, table: string, id: string | number, place = this.#placeOf): string[] {
    const name = `${database}.${table}`;
    const answering = [...this.#members].flatMap(([member, { answers }]) =>
      answers.some((epoch) => isHome(epoch, member, name, id, place)) ? [member] : [],
    );
    const homes = this.current ? homesIn(this.current, name, id, place) : [];
    const rank = (member: string) => (homes.includes(member) ? homes.indexOf(member) : homes.length);
    return answering.sort((a, b) => rank(a) - rank(b));
  }
}

/** `name`: `database.table`. */
export function isHome(epoch: Epoch, node: string, name: string, id: string | number, placeOf?: PlaceOf): boolean {
  return homesIn(epoch, name, id, placeOf).includes(node);
}

/** Throws APPLICATION_ERROR where the code that chooses the places of a table by ids fails for one. */
export function checkResidence(epoch: Epoch, name: string, id: string | number): void {
  const chosen = functionIn(epoch, name);
  if (chosen && !chosen.isOfRecord) chosen.place(id);
}

function homesIn(epoch: Epoch, name: string, id: string | number, placeOf?: PlaceOf): readonly string[] {
  const { tables } = epoch;
  const copies = tables[name];
  const by = functionIn(epoch, name);
  const place = by?.isOfRecord ? () => placeOf?.(name, id) : by?.place;
  const chosen = place && epoch.chosen && chosenBy(place, epoch.chosen, epoch.nodes, id);
  if (chosen && typeof chosen.residence !== 'number') return chosen.nodes;
  const nodes = chosen?.nodes ?? epoch.nodes;
  return copies === undefined || copies >= nodes.length ? nodes : homesOf(`${name}/${id}`, nodes, copies);
}

type Place = (about: unknown) => Residence;

interface Choice {
  readonly isOfRecord: boolean;
  /** Of an id or a record. */
  readonly place: Place;
}

/** Undefined where the function names no node there is, or fails: then the record is where it would be without one, and is never lost. */
function chosenBy(
  place: Place,
  { shards, names }: Chosen,
  nodes: readonly string[],
  id: string | number,
): { readonly residence: Residence; readonly nodes: readonly string[] } | undefined {
  let residence: Residence;
  try {
    residence = place(id);
  } catch {
    return undefined;
  }
  if (residence === undefined) return undefined;
  const wanted = residence;
  const found =
    typeof wanted === 'number'
      ? nodes.filter((node) => shards[node] === wanted)
      : nodes.filter((node) => wanted.includes(names[node] ?? ''));
  return found.length > 0 ? { residence, nodes: found } : undefined;
}

/** Of an epoch, compiled once. Undefined: the table's places are not chosen, or by what is no function. */
function functionIn(epoch: Epoch, name: string): Choice | undefined {
  const text = epoch.chosen?.functions[name];
  if (text === undefined) return undefined;
  let compiled = compiledOf.get(epoch);
  if (!compiled) {
    compiled = new Map();
    compiledOf.set(epoch, compiled);
  }
  let choice = compiled.get(name);
  if (choice === undefined) {
    try {
      choice = { isOfRecord: isOfRecord(text), place: compileResidency(text, name) };
    } catch {
      choice = null;
    }
    compiled.set(name, choice);
  }
  return choice ?? undefined;
}

const compiledOf = new WeakMap<Epoch, Map<string, Choice | null>>();
