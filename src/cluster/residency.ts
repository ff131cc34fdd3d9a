// Records that not every node holds: who holds which as this node knows it, writes and reads of them done where they are, and what other nodes
// ask of this one. In the thread of the store.

import { errorToData, ZerohopError } from '../base/index.ts';
import { type Id, tagFields } from '../records/index.ts';
import type { Residency as DatabaseResidency } from '../replication/index.ts';
import { quoted } from '../storage/index.ts';
import type {
  CommitOutcome,
  Confirmation,
  Fetched,
  FetchedRecord,
  Gathered,
  RecordName,
  Router,
  Search,
  StoreEngine,
  StoreTransaction,
} from '../store/index.ts';
import { askingLimits, type Question, type Reply, Unanswered } from './asking.ts';
import { type Members, replicates } from './members.ts';
import { type Chosen, checkResidence, type Epoch, isHome, Placement, readEpoch } from './placement.ts';

export interface ResidencyOptions {
  readonly engine: StoreEngine;
  readonly node: string;
  readonly members: Members;
  /** Rejects with `Unanswered`. */
  readonly ask: (member: string, question: Question, waitMs: number) => Promise<Reply>;
  /** What a query finds in this node's own tables; undefined: there is no such table. */
  readonly search: (
    database: string,
    table: string,
    query: unknown,
  ) => readonly (FetchedRecord & { readonly id: Id })[] | undefined;
  /** Ids of the records in this node's own table that fit a query, in pages; undefined: there is no such table. */
  readonly ids: (database: string, table: string, query: unknown) => Iterable<readonly Id[]> | undefined;
  /** In ms; undefined: there is no connection to it. */
  readonly distanceTo: (member: string) => number | undefined;
  readonly nowMs: () => number;
}

export class Residency implements Router {
  readonly #options: ResidencyOptions;
  #placement: Placement | undefined;
  #ids: ReadonlySet<string> = new Set();
  #seen: unknown;
  #functions: Readonly<Record<string, string>> = {};

  constructor(options: ResidencyOptions) {
    this.#options = options;
    this.refresh();
    options.engine.routeBy(this);
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
    for (const { id, residencies } of this.#options.members.others) {
      // It has not said yet.
      if (residencies === undefined) continue;
      const theirs = new Set(residencies);
      for (const one of [...own.difference(theirs), ...theirs.difference(own)]) {
        const table = one.slice(0, one.lastIndexOf(' '));
        const members = differing.get(table) ?? new Set();
        differing.set(table, members.add(this.#options.members.nameOf(id)));
      }
    }
    return [...differing].map(([table, members]) => ({ table, members: [...members].sort() }));
  }

  /** Number of a shard → names of its nodes. */
  get shards(): Readonly<Record<string, readonly string[]>> {
    const shards: Record<string, string[]> = {};
    for (const { name, shard = 0, removed } of this.#options.members.all.values())
      if (shard !== 0 && !removed) shards[shard] = [...(shards[shard] ?? []), name].sort();
    return shards;
  }

  /** Members may have changed. */
  look(): void {
    if (this.#seen !== this.#options.members.all) this.refresh();
  }

  /** Members or tables have changed. */
  refresh(): void {
    const { members, node } = this.#options;
    this.#seen = members.all;
    const live = [...members.all.values()].filter(({ removed }) => !removed);
    this.#ids = new Set(live.map(({ id }) => id));
    const tables = this.#tables();
    this.#functions = this.#functionsOf(tables);
    const isUsed = Object.keys(tables).length > 0 || live.some(({ holds }) => (holds?.length ?? 0) > 0);
    if (!isUsed) this.#placement = undefined;
    else this.#placement = new Placement({ node, members: live, current: this.#current(tables) });
  }

  /** For the conversations about a database. */
  of(database: string): DatabaseResidency | undefined {
    const placement = this.#placement;
    if (!placement?.isSpread(database)) return undefined;
    return { wants: (member, table, id) => placement.wants(member, database, table, id), members: this.#ids };
  }

  route(transaction: StoreTransaction, done: (outcome: CommitOutcome) => void): boolean {
    const placement = this.#placement;
    const { database, confirm } = transaction;
    if (!placement?.isSpread(database)) return false;
    try {
      const homes = this.#homesOf(placement, transaction);
      if (homes === undefined) return false;
      if (homes.includes(this.#options.node)) {
        if (!confirm) return false;
        this.#options.engine.submitHere({ ...transaction, confirm: this.#amongHomes(confirm, homes) }, done);
        return true;
      }
      this.#forward(transaction).then(done, (error: unknown) => done({ ok: false, error: errorToData(error) }));
    } catch (error) {
      done({ ok: false, error: errorToData(error) });
    }
    return true;
  }

  async fetch(database: string, { table, id }: RecordName): Promise<Fetched> {
    return this.#find<Fetched>(`The record ${JSON.stringify(id)} of ${table}`, askingLimits.readMs, {
      homes: (placement) => (placement.isSpread(database, table) ? placement.answering(database, table, id) : []),
      here: () => ({ here: true }),
      question: { type: 'read', database, table, id },
      take: (reply, isLast) =>
        reply.type === 'record' && (reply.isKnown || isLast) ? { here: false, record: reply.record } : undefined,
    });
  }

  /** Of enough other nodes that, with this one, they have each record among them. */
  async gather(database: string, search: Search): Promise<Gathered> {
    if (search.counts) return this.#countOnAll(database, search);
    const { table, query } = search;
    const placement = this.#placement;
    if (!placement?.isSpread(database, table)) return { here: true };
    const { node, ask } = this.#options;
    const { from, enough } = placement.covering(`${database}.${table}`);
    if (from.every((member) => member === node)) return { here: true };
    const reachable = this.#nearestFirst(from.filter((member) => member !== node));
    const question: Question = { type: 'search', database, search: { table, query: wholeRecords(table, query) } };
    const records: (FetchedRecord & { readonly id: Id })[] = [];
    let missing = enough - (from.includes(node) ? 1 : 0);
    while (missing > 0) {
      const asked = reachable.splice(0, missing);
      if (asked.length < missing) throw this.#unreachable(`What a query of ${table} finds`, from);
      const replies = await Promise.all(
        asked.map((member) =>
          ask(member, question, askingLimits.workMs).catch((error: unknown) => {
            if (error instanceof Unanswered) return undefined;
            throw error;
          }),
        ),
      );
      for (const reply of replies) {
        if (reply?.type === 'failed') throw new ZerohopError(reply.error.code, reply.error.message, reply.error.fields);
        if (reply?.type !== 'records') continue;
        records.push(...reply.records);
        missing--;
      }
    }
    const newest = new Map<Id, FetchedRecord & { readonly id: Id }>();
    for (const record of records)
      if (record.version > (newest.get(record.id)?.version ?? 0)) newest.set(record.id, record);
    return { here: false, records: [...newest.values()] };
  }

  /**
   * Each record is counted by the first of the nodes asked that answers for it. Nodes that see the members differently, as they come and go,
   * are asked again. Rejects with UNREACHABLE.
   */
  async #countOnAll(database: string, search: Search): Promise<Gathered> {
    const { node, nowMs } = this.#options;
    const away = new Set<string>();
    for (const untilMs = nowMs() + askingLimits.findMs; ; await Bun.sleep(askingLimits.findPauseMs)) {
      const placement = this.#placement;
      if (!placement?.isSpread(database, search.table)) return { here: true };
      const { from, enough } = placement.covering(`${database}.${search.table}`);
      if (from.every((member) => member === node)) return { here: true };
      const others = this.#nearestFirst(from.filter((member) => member !== node && !away.has(member)));
      const among = (from.includes(node) ? [node, ...others] : others).slice(0, enough);
      if (among.length < enough) throw this.#unreachable(`What is counted of ${search.table}`, from);
      const question = { type: 'count', database, search, among, view: placement.view } as const;
      const counts = await Promise.all(among.map((member) => this.#countAt(member, question)));
      let total = 0;
      for (const [index, count] of counts.entries()) {
        if (typeof count === 'number') total += count;
        else if (count === 'away') away.add(among[index] ?? '');
      }
      if (counts.every((count) => typeof count === 'number')) return { here: false, records: [], total };
      if (!counts.includes('away') && nowMs() >= untilMs)
        throw new ZerohopError(
          'UNREACHABLE',
          `The records of ${search.table} can not be counted now, as the nodes do not see the same members. Try again.`,
          { tried: among.map((member) => this.#options.members.nameOf(member)) },
        );
    }
  }

  async #countAt(
    member: string,
    question: Extract<Question, { type: 'count' }>,
  ): Promise<number | 'away' | 'seesOthers'> {
    const { node, ask } = this.#options;
    try {
      const reply = member === node ? await this.#count(question) : await ask(member, question, askingLimits.workMs);
      if (reply.type === 'failed') throw new ZerohopError(reply.error.code, reply.error.message, reply.error.fields);
      return reply.type === 'count' ? reply.count : 'seesOthers';
    } catch (error) {
      if (error instanceof Unanswered) return 'away';
      throw error;
    }
  }

  /** What another member asks. Never rejects. */
  async answer(member: string, question: Exclude<Question, { type: 'verify' }>): Promise<Reply> {
    try {
      switch (question.type) {
        case 'read':
          return this.#read(question);
        case 'write':
          return await this.#write(question.transaction);
        case 'search':
          return this.#search(question);
        case 'count':
          return await this.#count(question);
        case 'move':
          return await this.#rowsFor(member, question);
      }
    } catch (error) {
      return { type: 'failed', error: errorToData(error) };
    }
  }

  #tables(): Record<string, number> {
    const { engine } = this.#options;
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
      const dot = name.indexOf('.');
      const store = this.#options.engine.store(name.slice(0, dot));
      const text = store?.tables.get(name.slice(dot + 1))?.entry.definition.residency ?? '';
      if (text !== '') functions[name] = text;
    }
    return functions;
  }

  /** Records are spread over members that are all connected to each other, and replicate all such tables. */
  #current(tables: Record<string, number>): Epoch | undefined {
    const { members } = this.#options;
    const live = [...members.all.values()].filter(({ removed }) => !removed);
    if (live.length === 0 || live.some(({ mesh }) => mesh !== 'full')) return undefined;
    const databases = [...new Set(Object.keys(tables).map((name) => name.slice(0, name.indexOf('.'))))];
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

  /** The nodes that hold all that a transaction is about; undefined: this node does it in any case. Throws NOT_IMPLEMENTED. */
  #homesOf(placement: Placement, { database, changes, reads }: StoreTransaction): string[] | undefined {
    let homes: string[] | undefined;
    const narrow = (table: string, id: string | number) => {
      if (placement.current) checkResidence(placement.current, `${database}.${table}`, id);
      const answering = placement.answering(database, table, id);
      if (answering.length > 0) homes = homes ? homes.filter((home) => answering.includes(home)) : answering;
    };
    for (const change of changes) {
      // What is computed of a record is computed where the record is.
      if (change.op === 'index' || !placement.isSpread(database, change.table)) continue;
      if (change.id !== null) narrow(change.table, change.id);
      else if (placement.current && placement.current.nodes.length > 1)
        throw new ZerohopError(
          'NOT_IMPLEMENTED',
          `${change.table} is spread over nodes (replicateTo), which follow from the id: give the id, or use a primary key of type ID.`,
        );
    }
    for (const [table, id] of reads ?? []) if (placement.isSpread(database, table)) narrow(table, id);
    if (homes?.length === 0)
      throw new ZerohopError(
        'NOT_IMPLEMENTED',
        'No node holds all records of this transaction, as their tables are spread (replicateTo). Write them in transactions of their own.',
      );
    return homes;
  }

  #forward(transaction: StoreTransaction): Promise<CommitOutcome> {
    return this.#find('What is to be written', askingLimits.workMs, {
      homes: (placement) => this.#homesOf(placement, transaction) ?? [],
      here: () => new Promise((done) => this.#options.engine.submitHere(transaction, done)),
      question: { type: 'write', transaction },
      take: (reply) => (reply.type === 'written' ? reply.outcome : undefined),
    });
  }

  /**
   * Asks the nodes that answer for something one after the other, the nearest first; again when none of them does any more because records
   * have moved. Rejects with UNREACHABLE.
   */
  async #find<Result>(
    what: string,
    waitMs: number,
    search: {
      readonly homes: (placement: Placement) => readonly string[];
      readonly here: () => Result | Promise<Result>;
      readonly question: Question;
      /** Undefined: another node may know more. */
      readonly take: (reply: Reply, isLast: boolean) => Result | undefined;
    },
  ): Promise<Result> {
    const { node, members, ask, nowMs } = this.#options;
    for (const untilMs = nowMs() + askingLimits.findMs; ; ) {
      const placement = this.#placement;
      const homes = placement ? search.homes(placement) : [];
      if (homes.length === 0 || homes.includes(node)) return search.here();
      const reachable = this.#nearestFirst(homes);
      let refusal: ZerohopError | undefined;
      let last: Reply | undefined;
      for (const home of reachable) {
        try {
          const reply = await ask(home, search.question, waitMs);
          if (reply.type === 'failed') {
            refusal = new ZerohopError(reply.error.code, reply.error.message, reply.error.fields);
            continue;
          }
          const result = search.take(reply, false);
          if (result !== undefined) return result;
          if (reply.type !== 'notMine') last = reply;
        } catch (error) {
          if (!(error instanceof Unanswered)) throw error;
          if (error.mayBeDone && search.question.type === 'write')
            throw new ZerohopError(
              'UNREACHABLE',
              `${members.nameOf(home)} did not say whether it wrote the record: ${error.message} Read it before you try again.`,
              { tried: [members.nameOf(home)], written: null },
            );
        }
      }
      const result = last && search.take(last, true);
      if (result !== undefined) return result;
      if (refusal) throw refusal;
      if (nowMs() >= untilMs || reachable.length === 0) {
        throw this.#unreachable(what, homes);
      }
      await Bun.sleep(askingLimits.findPauseMs);
    }
  }

  #unreachable(what: string, homes: readonly string[]): ZerohopError {
    const tried = homes.map((home) => this.#options.members.nameOf(home));
    return new ZerohopError(
      'UNREACHABLE',
      `${what} is on other nodes, and none or too few of them can be reached now: ${tried.join(', ')}.`,
      { tried },
    );
  }

  /** Those there are connections to. Nodes about as far keep their order, so that writes and reads of a record go the same way. */
  #nearestFirst(homes: readonly string[]): string[] {
    const { distanceTo } = this.#options;
    return homes
      .flatMap((home) => {
        const ms = distanceTo(home);
        return ms === undefined ? [] : [{ home, far: Math.round(ms / sameDistanceMs) }];
      })
      .sort((a, b) => a.far - b.far)
      .map(({ home }) => home);
  }

  /** Only nodes that hold a record can confirm that they have it. */
  #amongHomes({ count, among }: Confirmation, homes: readonly string[]): Confirmation {
    const { members, node } = this.#options;
    const names = homes.filter((home) => home !== node).map((home) => members.nameOf(home));
    return { count, among: among ? names.filter((name) => among.includes(name)) : names };
  }

  /** Where this node does what another was asked for, and is one of those that are to have it, it has. */
  #counted({ count, ...rest }: Confirmation, among: readonly string[] | undefined): Confirmation {
    const own = this.#options.members.nameOf(this.#options.node);
    return { ...rest, count: among?.includes(own) ? count - 1 : count };
  }

  #search({ database, search }: Extract<Question, { type: 'search' }>): Reply {
    const { node, search: run } = this.#options;
    const placement = this.#placement;
    if (!placement?.isSpread(database, search.table)) return { type: 'notMine' };
    const { limit: wanted = askingLimits.foundRecords + 1 } = search.query as { readonly limit?: number };
    // What is being taken out here stands in the way of what comes after it.
    for (let limit = wanted; ; limit *= 2) {
      const found = run(database, search.table, { ...(search.query as object), limit });
      if (!found) return { type: 'notMine' };
      const records = found
        .filter(({ id }) => placement.answering(database, search.table, id).includes(node))
        .slice(0, wanted);
      if (records.length > askingLimits.foundRecords) throw tooMany(search.table);
      if (records.length === wanted || found.length < limit) return { type: 'records', records };
    }
  }

  async #count({ database, search, among, view }: Extract<Question, { type: 'count' }>): Promise<Reply> {
    const { node, ids } = this.#options;
    const placement = this.#placement;
    if (placement?.view !== view) return { type: 'notMine' };
    const pages = ids(database, search.table, search.query);
    if (!pages) return { type: 'notMine' };
    let count = 0;
    for (const page of pages) {
      for (const id of page) if (placement.counting(database, search.table, id, among) === node) count++;
      await Bun.sleep(0);
      // What has moved meanwhile was perhaps counted by two, or by nobody.
      if (this.#placement?.view !== view) return { type: 'notMine' };
    }
    return { type: 'count', count };
  }

  #read({ database, table, id }: Extract<Question, { type: 'read' }>): Reply {
    const { engine, node, nowMs } = this.#options;
    const store = engine.store(database);
    const entry = store?.tables.get(table)?.entry;
    if (!store || !entry || !this.#placement?.answering(database, table, id).includes(node)) return { type: 'notMine' };
    const found = store.connection.first(
      `SELECT _version, _expires, _body, _merge FROM ${quoted(entry.names.table)} WHERE _id = ?`,
      [id],
    );
    if (!found) return { type: 'record', record: null, isKnown: false };
    const [version, expires, body, merge] = found;
    const isGone = body === null || (expires !== null && Number(expires) <= nowMs());
    const record = {
      version: Number(version),
      ...tagFields(Number(version), merge),
      expires: expires === null ? null : Number(expires),
      body: String(body),
    };
    return { type: 'record', record: isGone ? null : record, isKnown: true };
  }

  #write(transaction: StoreTransaction): Reply | Promise<Reply> {
    const { engine, node } = this.#options;
    const homes = this.#placement && this.#homesOf(this.#placement, transaction);
    if (!homes?.includes(node)) return { type: 'notMine' };
    const { confirm } = transaction;
    const { confirm: _confirm, ...unconfirmed } = transaction;
    const wanted = confirm && this.#counted(this.#amongHomes(confirm, homes), confirm.among);
    const own = wanted && wanted.count > 0 ? { ...transaction, confirm: wanted } : unconfirmed;
    return new Promise((resolve) => engine.submitHere(own, (outcome) => resolve({ type: 'written', outcome })));
  }

  /** Rows that `member` is to have: told when they are on disk here. */
  async #rowsFor(member: string, asked: Extract<Question, { type: 'move' }>): Promise<Reply> {
    const { epoch, known, database, table, after } = asked;
    const placement = this.#placement;
    const store = this.#options.engine.store(database);
    // Once both know the epoch, whatever is written from now on reaches the other by the stream.
    if (!placement?.current || placement.currentText !== epoch || !store) return { type: 'notMine' };
    const { current } = placement;
    const before = known.flatMap((text) => readEpoch(text) ?? []);
    const name = `${database}.${table}`;
    const { rows, next } = store.readSome(
      table,
      after,
      askingLimits.moveBytes,
      (id) => isHome(current, member, name, id) && !before.some((one) => isHome(one, member, name, id)),
    );
    await new Promise<void>((resolve) => this.#options.engine.whenDurable(database, resolve));
    return { type: 'rows', rows, next };
  }
}

/** The same query for whole records, and so many that what is skipped can be skipped when all are together. */
function wholeRecords(table: string, query: unknown): unknown {
  const {
    select: _select,
    offset = 0,
    limit,
    total: _total,
    ...rest
  } = query as { select?: unknown; offset?: number; limit?: number; total?: boolean; cursor?: string };
  // A page by a cursor goes on where there is one record more.
  const more = rest.cursor === undefined ? 0 : 1;
  const most = limit === undefined ? askingLimits.foundRecords + 1 : offset + limit + more;
  if (most > askingLimits.foundRecords + 1) throw tooMany(table);
  return { ...rest, limit: most };
}

function tooMany(table: string): ZerohopError {
  return new ZerohopError(
    'INVALID_QUERY',
    `A query of ${table}, whose records are spread over nodes, may take ${askingLimits.foundRecords} records from each of them. Give a smaller limit, or narrower conditions.`,
  );
}

/** Nodes whose round trips differ by less are as near as each other. */
const sameDistanceMs = 20;
