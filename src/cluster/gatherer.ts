// What a query finds, or counts, of a table whose records are spread over nodes: asked of enough of them.

import { ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { FetchedRecord, Gathered, Search } from '../store/index.ts';
import { askingLimits, type Question, type Reply, Unanswered } from './asking.ts';
import { unreachable } from './finder.ts';
import type { Members } from './members.ts';
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
    const { node, ask, members, residency, nearestFirst } = this.#options;
    const { table, query } = search;
    const { placement } = residency;
    if (!placement?.isSpread(database, table)) return { here: true };
    const { from, enough } = placement.covering(`${database}.${table}`);
    if (from.every((member) => member === node)) return { here: true };
    const reachable = nearestFirst(from.filter((member) => member !== node));
    const question: Question = { type: 'search', database, search: { table, query: wholeRecords(table, query) } };
    const records: (FetchedRecord & { readonly id: Id })[] = [];
    let missing = enough - (from.includes(node) ? 1 : 0);
    while (missing > 0) {
      const asked = reachable.splice(0, missing);
      if (asked.length < missing) throw unreachable(`What a query of ${table} finds`, from, members);
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
    const { node, members, residency, nearestFirst, nowMs } = this.#options;
    const away = new Set<string>();
    for (const untilMs = nowMs() + askingLimits.findMs; ; await Bun.sleep(askingLimits.findPauseMs)) {
      const { placement } = residency;
      if (!placement?.isSpread(database, search.table)) return { here: true };
      const { from, enough } = placement.covering(`${database}.${search.table}`);
      if (from.every((member) => member === node)) return { here: true };
      const others = nearestFirst(from.filter((member) => member !== node && !away.has(member)));
      const among = (from.includes(node) ? [node, ...others] : others).slice(0, enough);
      if (among.length < enough) throw unreachable(`What is counted of ${search.table}`, from, members);
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
