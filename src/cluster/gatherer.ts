// What a query finds, or counts, of a table whose records are spread over nodes: asked of enough of them.

import { ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { FetchedRecord, Gathered, Search } from '../store/index.ts';
import { askingLimits, type Question, type Reply, Unanswered } from './asking.ts';
import type { Members } from './members.ts';
import type { Placement } from './placement.ts';
import type { Residency } from './residency.ts';

export interface GathererOptions {
  readonly node: string;
  readonly members: Members;
  readonly residency: Residency;
  /** Rejects with `Unanswered`. */
  readonly ask: (member: string, question: Question, waitMs: number) => Promise<Reply>;
  /** What this node itself counts. */
  readonly count: (question: Extract<Question, { type: 'count' }>) => Promise<Reply>;
  /** Those of these members that can be reached. */
  readonly nearestFirst: (members: readonly string[]) => string[];
  readonly nowMs: () => number;
}

export class Gatherer {
  readonly #options: GathererOptions;

  constructor(options: GathererOptions) {
    this.#options = options;
  }

  /** Of enough other nodes that, with this one, they have each record among them. */
  async gather(database: string, search: Search): Promise<Gathered> {
    if (search.counts) return this.#countOnAll(database, search);
    const { node, ask, residency, nearestFirst } = this.#options;
    const { table, query } = search;
    const { placement } = residency;
    if (!placement?.isSpread(database, table)) return { here: true };
    const { from } = placement.covering(`${database}.${table}`);
    if (from.every((member) => member === node)) return { here: true };
    const question: Question = { type: 'search', database, search: { table, query: wholeRecords(table, query) } };
    const waitMs = placement.isByRecord(database, table) ? askingLimits.placedMs : askingLimits.workMs;
    const records: (FetchedRecord & { readonly id: Id })[] = [];
    const answered = new Set([node]);
    const away = new Set<string>();
    for (;;) {
      const others = nearestFirst(from.filter((member) => !answered.has(member) && !away.has(member)));
      const asked = this.#toAsk(`What a query of ${table} finds`, placement, database, table, answered, others);
      if (asked.length === 0) break;
      const replies = await Promise.all(
        asked.map((member) =>
          ask(member, question, waitMs).catch((error: unknown) => {
            if (error instanceof Unanswered) return undefined;
            throw error;
          }),
        ),
      );
      for (const [index, reply] of replies.entries()) {
        const member = asked[index] ?? '';
        if (reply?.type === 'failed') throw new ZerohopError(reply.error.code, reply.error.message, reply.error.fields);
        if (reply?.type === 'records') records.push(...reply.records);
        if (reply?.type === 'records') answered.add(member);
        else away.add(member);
      }
    }
    const newest = new Map<Id, FetchedRecord & { readonly id: Id }>();
    for (const record of records)
      if (record.version > (newest.get(record.id)?.version ?? 0)) newest.set(record.id, record);
    return { here: false, records: [...newest.values()] };
  }

  /**
   * Of nodes that can be reached, as many as have all records with those that have answered; all of them where code chose who has what. Throws
   * UNREACHABLE where records may be on others alone.
   */
  #toAsk(
    what: string,
    placement: Placement,
    database: string,
    table: string,
    answered: ReadonlySet<string>,
    others: readonly string[],
  ): readonly string[] {
    const { members, residency } = this.#options;
    const { from, enough } = placement.covering(`${database}.${table}`);
    const missing = enough - from.filter((member) => answered.has(member)).length;
    if (others.length >= missing) return others.slice(0, Math.max(0, missing));
    const absent = from.filter((member) => !answered.has(member) && !others.includes(member));
    if (residency.hasAllWithout(database, table, absent)) return others;
    const names = absent.map((member) => members.nameOf(member)).sort();
    throw new ZerohopError(
      'UNREACHABLE',
      `${what} may be on nodes alone that can not be reached now: ${names.join(', ')}. Nothing is answered in part.`,
      { tried: from.map((member) => members.nameOf(member)), missing: names },
    );
  }

  /**
   * Each record is counted by the first of the nodes asked that answers for it. Nodes that see the members differently, as they come and go,
   * are asked again. Rejects with UNREACHABLE.
   */
  async #countOnAll(database: string, search: Search): Promise<Gathered> {
    const { node, members, residency, nearestFirst, nowMs } = this.#options;
    const away = new Set<string>();
    for (const untilMs = nowMs() + askingLimits.findMs; ; await Bun.sleep(askingLimits.findPauseMs)) {
      const { placement } = residency;
      if (!placement?.isSpread(database, search.table)) return { here: true };
      const { from } = placement.covering(`${database}.${search.table}`);
      if (from.every((member) => member === node)) return { here: true };
      const others = nearestFirst(from.filter((member) => member !== node && !away.has(member)));
      const own = new Set(from.includes(node) ? [node] : []);
      const what = `What is counted of ${search.table}`;
      const among = [...own, ...this.#toAsk(what, placement, database, search.table, own, others)];
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
          { tried: among.map((member) => members.nameOf(member)) },
        );
    }
  }

  async #countAt(
    member: string,
    question: Extract<Question, { type: 'count' }>,
  ): Promise<number | 'away' | 'seesOthers'> {
    const { node, ask, count } = this.#options;
    try {
      const reply = member === node ? await count(question) : await ask(member, question, askingLimits.workMs);
      if (reply.type === 'failed') throw new ZerohopError(reply.error.code, reply.error.message, reply.error.fields);
      return reply.type === 'count' ? reply.count : 'seesOthers';
    } catch (error) {
      if (error instanceof Unanswered) return 'away';
      throw error;
    }
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

export function tooMany(table: string): ZerohopError {
  return new ZerohopError(
    'INVALID_QUERY',
    `A query of ${table}, whose records are spread over nodes, may take ${askingLimits.foundRecords} records from each of them. Give a smaller limit, or narrower conditions.`,
  );
}
