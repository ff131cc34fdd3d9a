// Compares this node's tables with those of other members by ranges of ids, and heals what differs. A range whose sums differ is divided until
// its records can be listed. Nodes go on writing meanwhile: a difference counts only if it is still there, unchanged on both sides, when each
// has all that the other had when it was seen.
//
//   verify    this node's part: asks, compares, decides what the right state is
//   answer    the other's: sums, heads and rows of its tables, and merging what it is given

import { type ErrorData, errorFromData, parseExact, ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { RemoteOutcome, RemoteRow, StoreEngine, Vector } from '../store/index.ts';
import { covers } from '../store/index.ts';
import { headsOf, type IdRange, type RangeSum, type RowHead, rowsOf, sumOf } from './table-ranges.ts';
import type {
  Difference,
  Place,
  Standing,
  VerifyCursor,
  VerifyQuestion,
  VerifyReply,
  VerifyReport,
} from './verify-messages.ts';

export interface VerifierOptions {
  readonly engine: StoreEngine;
  /** Rejects with `Unanswered`. */
  readonly ask: (member: string, question: VerifyQuestion) => Promise<{ readonly type: string } | VerifyReply>;
  /** Merges rows into a table of this node. */
  readonly merge: (database: string, rows: readonly RemoteRow[]) => Promise<RemoteOutcome>;
  /** Ids of the members that can be asked about a database. */
  readonly peers: (database: string) => readonly string[];
  readonly nameOf: (member: string) => string;
  readonly nowMs: () => number;
}

export interface VerifyRequest {
  readonly repair: boolean;
  /** Null: from the beginning. */
  readonly from: VerifyCursor | null;
  /** Databases that are compared. */
  readonly databases: readonly string[];
}

export const verifyLimits = {
  /** Records whose sum is taken at once. */
  chunk: 4_000,
  /** Parts a range is divided into. */
  parts: 16,
  /** Records that are listed rather than divided further. */
  listed: 300,
  /** After this long the answer says where to go on, in ms. */
  callMs: 2_000,
  /** Differences in one answer. */
  differences: 1_000,
  /** How often, and how long between, it is looked whether a difference is one. */
  looks: 40,
  lookPauseMs: 50,
} as const;

export class Verifier {
  readonly #options: VerifierOptions;

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /** One stretch of the way: from where the one before ended. */
  async verify({ repair, from, databases }: VerifyRequest): Promise<VerifyReport> {
    const { nowMs } = this.#options;
    const endMs = nowMs() + verifyLimits.callMs;
    const places = this.#places(databases);
    let index = from
      ? places.findIndex(({ database, table }) => database === from.database && table === from.table)
      : 0;
    if (index < 0)
      throw new ZerohopError('NOT_FOUND', `There is no table ${from?.database}.${from?.table} to go on with.`);
    let after = from?.after ?? null;
    const differences: Difference[] = [];
    let [compared, unsettled] = [0, 0];
    for (let place = places[index]; place; place = places[index]) {
      if (nowMs() >= endMs || differences.length >= verifyLimits.differences)
        return { compared, unsettled, differences, next: { ...place, after } };
      const peers = this.#options.peers(place.database);
      const { range, own, differing } = await this.#compare(peers, place, after);
      compared += own.count;
      for (const peer of differing) {
        const found = await this.#narrow(peer, place, range);
        for (const [id, where] of found) {
          const outcome = await this.#settle(peer, place, id);
          if (outcome === 'equal') continue;
          if (outcome === 'unsettled') unsettled++;
          else {
            const isRepaired = repair && (await this.#repair(peers, place, id));
            differences.push({ ...place, peer: this.#options.nameOf(peer), id, range: where, ...outcome, isRepaired });
          }
        }
      }
      if (repair && differences.some(({ table, database }) => table === place.table && database === place.database))
        await this.#recount(peers, place);
      after = range.upTo;
      if (after === null) index++;
    }
    return { compared, unsettled, differences, next: null };
  }

  /** The next records of a table, and who has something else there. */
  async #compare(
    peers: readonly string[],
    place: Place,
    after: Id | null,
  ): Promise<{ readonly range: IdRange; readonly own: RangeSum; readonly differing: readonly string[] }> {
    let own = this.#sum(place, { after, upTo: null }, verifyLimits.chunk);
    for (let range: IdRange = { after, upTo: own.last }; ; own = this.#sum(place, range, mostSummed)) {
      const sums = new Map<string, RangeSum>();
      for (const peer of peers) {
        const [sum] = await this.#sumsOf(peer, place, [range]);
        if (sum) sums.set(peer, sum);
      }
      // Where another has more in between than it reads at once, the range ends there.
      const cut = [...sums.values()].find(({ last }) => last !== null && last !== range.upTo);
      if (cut) {
        range = { after, upTo: cut.last };
        continue;
      }
      const isOther = (sum: RangeSum | undefined) => sum?.sum !== own.sum || sum.count !== own.count;
      return { range, own, differing: peers.filter((peer) => isOther(sums.get(peer))) };
    }
  }

  /** Throws what the member was hindered by. */
  async #ask(peer: string, question: VerifyQuestion): Promise<VerifyReply | { readonly type: string }> {
    const { ask, nameOf } = this.#options;
    const reply = await ask(peer, question).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new ZerohopError('ORIGIN_FAILED', `${nameOf(peer)} did not answer. ${why} Verify again.`);
    });
    if ('error' in reply) throw errorFromData(reply.error as ErrorData);
    return reply;
  }

  /** What another member asks. */
  async answer(question: VerifyQuestion): Promise<VerifyReply> {
    const { place } = question;
    const store = this.#store(place);
    switch (question.ask) {
      case 'sums':
        return { type: 'sums', sums: question.ranges.map((range) => sumOf(store, place.table, range, mostSummed)) };
      case 'heads':
        return { type: 'heads', heads: headsOf(store, place.table, question.range, mostListed) };
      case 'rows':
        return { type: 'verified', rows: rowsOf(store, place.table, question.ids), vector: [...store.vector()] };
      case 'merge':
        await this.#mergeHere(place, question.rows);
        return { type: 'merged' };
      case 'recount':
        store.recount(place.table);
        return { type: 'merged' };
    }
  }

  /** Tables that every node has all of. */
  #places(databases: readonly string[]): Place[] {
    return databases.toSorted().flatMap((database) =>
      [...(this.#options.engine.store(database)?.tables.values() ?? [])]
        .filter(({ entry: { definition } }) => definition.replicate && definition.copies === undefined)
        .map(({ entry }) => ({ database, table: entry.definition.name }))
        .sort((a, b) => (a.table < b.table ? -1 : 1)),
    );
  }

  #store({ database, table }: Place) {
    const store = this.#options.engine.store(database);
    if (store?.tables.has(table)) return store;
    throw new ZerohopError('NOT_FOUND', `There is no table ${database}.${table} here.`);
  }

  #sum(place: Place, range: IdRange, limit: number): RangeSum {
    return sumOf(this.#store(place), place.table, range, limit);
  }

  async #sumsOf(peer: string, place: Place, ranges: readonly IdRange[]): Promise<readonly RangeSum[]> {
    const reply = await this.#ask(peer, { type: 'verify', ask: 'sums', place, ranges });
    return 'sums' in reply ? reply.sums : unexpected();
  }

  /** Ids whose records differ for now, each with the range it was found in. */
  async #narrow(peer: string, place: Place, whole: IdRange): Promise<ReadonlyMap<Id, IdRange>> {
    const found = new Map<Id, IdRange>();
    const open: IdRange[] = [whole];
    for (let range = open.pop(); range; range = open.pop()) {
      const heads = headsOf(this.#store(place), place.table, range, mostListed);
      const parts = heads.length > verifyLimits.listed ? divided(range, heads) : [range];
      const theirs = await this.#sumsOf(peer, place, parts);
      for (const [index, part] of parts.entries()) {
        const own = this.#sum(place, part, mostSummed);
        const other = theirs[index];
        if (own.sum === other?.sum && own.count === other.count) continue;
        if (own.count > verifyLimits.listed && parts.length > 1) open.push(part);
        else for (const id of await this.#list(peer, place, part)) found.set(id, part);
      }
    }
    return found;
  }

  async #list(peer: string, place: Place, range: IdRange): Promise<Id[]> {
    const reply = await this.#ask(peer, { type: 'verify', ask: 'heads', place, range });
    if (!('heads' in reply)) return unexpected();
    const keyOf = ({ id, version, origin, hash }: RowHead) => `${version} ${origin} ${hash} ${typeof id}${id}`;
    const own = headsOf(this.#store(place), place.table, range, mostListed);
    const [here, there] = [new Set(own.map(keyOf)), new Set(reply.heads.map(keyOf))];
    return [
      ...new Set([
        ...own.filter((head) => !there.has(keyOf(head))).map(({ id }) => id),
        ...reply.heads.filter((head) => !here.has(keyOf(head))).map(({ id }) => id),
      ]),
    ];
  }

  async #rowsAt(peer: string, place: Place, id: Id): Promise<Both> {
    const reply = await this.#ask(peer, { type: 'verify', ask: 'rows', place, ids: [id] });
    if (!('vector' in reply)) return unexpected();
    const store = this.#store(place);
    return {
      here: rowsOf(store, place.table, [id])[0],
      there: reply.rows[0],
      ours: store.vector(),
      theirs: new Map(reply.vector),
    };
  }

  /** Waits until it is known whether two nodes really differ in a record, and how. */
  async #settle(
    peer: string,
    place: Place,
    id: Id,
  ): Promise<'equal' | 'unsettled' | { readonly here: Standing; readonly there: Standing }> {
    let before = await this.#rowsAt(peer, place, id);
    for (let look = 0; look < verifyLimits.looks; look++) {
      if (areEqual(before.here, before.there)) return 'equal';
      const now = await this.#rowsAt(peer, place, id);
      if (!isSame(now.here, before.here) || !isSame(now.there, before.there)) before = now;
      else if (covers(now.ours, before.theirs) && covers(now.theirs, before.ours))
        return { here: standingOf(now.here), there: standingOf(now.there) };
      await Bun.sleep(verifyLimits.lookPauseMs);
    }
    return 'unsettled';
  }

  /** Merges what each has into all. What has the same version and differs nevertheless is written anew, as most have it. */
  async #repair(peers: readonly string[], place: Place, id: Id): Promise<boolean> {
    const states = await this.#statesOf(peers, place, id);
    const rows = [...states.values()].filter((row) => row !== undefined);
    await this.#mergeHere(place, rows);
    for (const peer of peers) await this.#ask(peer, { type: 'verify', ask: 'merge', place, rows });
    const after = await this.#statesOf(peers, place, id);
    const [first, ...others] = [...after.values()];
    if (others.every((row) => areEqual(row, first))) return true;
    const right = mostCommon(after);
    const change =
      right.body === null
        ? ({ op: 'delete', table: place.table, id } as const)
        : ({ op: 'put', table: place.table, id, body: right.body, expires: right.expires } as const);
    await this.#options.engine.commit({ database: place.database, changes: [change] });
    return true;
  }

  /** By member; '': this node. */
  async #statesOf(peers: readonly string[], place: Place, id: Id): Promise<ReadonlyMap<string, RemoteRow | undefined>> {
    const states = new Map<string, RemoteRow | undefined>([['', rowsOf(this.#store(place), place.table, [id])[0]]]);
    for (const peer of peers) states.set(peer, (await this.#rowsAt(peer, place, id)).there);
    return states;
  }

  async #mergeHere({ database }: Place, rows: readonly RemoteRow[]): Promise<void> {
    const outcome = await this.#options.merge(database, rows);
    if (!outcome.ok)
      throw new ZerohopError('CONFLICT', `Rows could not be merged (${outcome.refusal.kind}). Verify again later.`);
  }

  async #recount(peers: readonly string[], place: Place): Promise<void> {
    this.#store(place).recount(place.table);
    for (const peer of peers) await this.#ask(peer, { type: 'verify', ask: 'recount', place });
  }
}

interface Both {
  readonly here: RemoteRow | undefined;
  readonly there: RemoteRow | undefined;
  readonly ours: Vector;
  readonly theirs: Vector;
}

/** Rows of a peer's table that are summed and listed at once. */
const mostSummed = 4 * verifyLimits.chunk;
const mostListed = 4 * verifyLimits.chunk;

/** Into parts of about as many of these records, which are some or all of the range. */
function divided({ after, upTo }: IdRange, heads: readonly RowHead[]): IdRange[] {
  const size = Math.ceil(heads.length / verifyLimits.parts);
  const ends = heads.filter((_, index) => (index + 1) % size === 0 && index < heads.length - 1).map(({ id }) => id);
  return [...ends, upTo].map((end, index) => ({ after: index === 0 ? after : (ends[index - 1] ?? after), upTo: end }));
}

/** Whether two nodes hold the same, however it is written. A deletion that one has forgotten is one. */
function areEqual(a: RemoteRow | undefined, b: RemoteRow | undefined): boolean {
  const [one, other] = [a?.body ?? null, b?.body ?? null];
  if (one === null || other === null) return one === other;
  if (a === undefined || b === undefined || a.version !== b.version || a.origin !== b.origin) return false;
  return one === other || Bun.deepEquals(parseExact(one), parseExact(other), true);
}

function isSame(a: RemoteRow | undefined, b: RemoteRow | undefined): boolean {
  return a?.version === b?.version && a?.origin === b?.origin && a?.body === b?.body;
}

function standingOf(row: RemoteRow | undefined): Standing {
  if (row === undefined) return 'absent';
  return row.body === null ? 'deleted' : { version: row.version, origin: row.origin };
}

/** Of states with the same stamp: as most nodes have it; else as the node that wrote it; else as this node. */
function mostCommon(states: ReadonlyMap<string, RemoteRow | undefined>): Pick<RemoteRow, 'body' | 'expires'> {
  const rows = [...states].flatMap(([member, row]) => (row ? [{ member, row }] : []));
  const groups = [...Map.groupBy(rows, ({ row }) => row.body).values()];
  const rank = (group: typeof rows) =>
    group.length * 4 +
    (group.some(({ member, row }) => member === row.origin) ? 2 : 0) +
    (group.some(({ member }) => member === '') ? 1 : 0);
  const [best] = groups.sort((a, b) => rank(b) - rank(a));
  return best?.[0]?.row ?? { body: null, expires: null };
}

function unexpected(): never {
  throw new ZerohopError(
    'ORIGIN_FAILED',
    'A member answered something else than it was asked. Are all of the same version?',
  );
}
