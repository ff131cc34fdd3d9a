// Finds a node that answers for a record and asks it.

import { ZerohopError } from '../base/index.ts';
import type { RemoteRow } from '../store/index.ts';
import { askingLimits, type Question, type Reply, Unanswered } from './asking.ts';
import type { Members } from './members.ts';
import type { Placement } from './placement.ts';
import type { Residency } from './residency.ts';

export interface FinderOptions {
  readonly node: string;
  readonly members: Members;
  readonly residency: Residency;
  /** Rejects with `Unanswered`. */
  readonly ask: (member: string, question: Question, waitMs: number) => Promise<Reply>;
  /** In ms; undefined: there is no connection to it. */
  readonly distanceTo: (member: string) => number | undefined;
  /** Learns of where records are whose places code chose by what is in them. */
  readonly merge: (database: string, rows: readonly RemoteRow[]) => Promise<void>;
  readonly nowMs: () => number;
}

/** Nodes whose round trips differ by less are as near as each other. */
const sameDistanceMs = 20;

export class Finder {
  readonly #options: FinderOptions;

  constructor(options: FinderOptions) {
    this.#options = options;
  }

  /**
   * Asks the nodes that answer for something one after the other, the nearest first; again when none of them does any more because records
   * have moved. Rejects with UNREACHABLE.
   */
  async find<Result>(
    what: string,
    waitMs: number,
    search: {
      readonly database: string;
      readonly homes: (placement: Placement) => readonly string[];
      readonly here: () => Result | Promise<Result>;
      readonly question: Question;
      /** Undefined: another node may know more. */
      readonly take: (reply: Reply, isLast: boolean) => Result | undefined;
    },
  ): Promise<Result> {
    const { node, members, residency, ask, merge, nowMs } = this.#options;
    for (const untilMs = nowMs() + askingLimits.findMs; ; ) {
      const { placement } = residency;
      const homes = placement ? search.homes(placement) : [];
      if (homes.length === 0 || homes.includes(node)) return search.here();
      const reachable = this.nearestFirst(homes);
      let refusal: ZerohopError | undefined;
      let last: Reply | undefined;
      let hasLearned = false;
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
          else if (reply.places && reply.places.length > 0) {
            const news = residency.places.newsIn(search.database, reply.places);
            if (news.length > 0) await merge(search.database, news);
            const known = residency.placement ? search.homes(residency.placement) : [];
            hasLearned = known.length !== homes.length || known.some((one) => !homes.includes(one));
            if (hasLearned) break;
          }
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
      if (hasLearned && nowMs() < untilMs) continue;
      const result = last && search.take(last, true);
      if (result !== undefined) return result;
      if (refusal) throw refusal;
      if (nowMs() >= untilMs || reachable.length === 0) {
        throw unreachable(what, homes, members);
      }
      await Bun.sleep(askingLimits.findPauseMs);
    }
  }

  /** Those there are connections to. Nodes about as far keep their order, so that writes and reads of a record go the same way. */
  nearestFirst(homes: readonly string[]): string[] {
    const { distanceTo } = this.#options;
    return homes
      .flatMap((home) => {
        const ms = distanceTo(home);
        return ms === undefined ? [] : [{ home, far: Math.round(ms / sameDistanceMs) }];
      })
      .sort((a, b) => a.far - b.far)
      .map(({ home }) => home);
  }
}

export function unreachable(what: string, homes: readonly string[], members: Members): ZerohopError {
  const tried = homes.map((home) => members.nameOf(home));
  return new ZerohopError(
    'UNREACHABLE',
    `${what} is on other nodes, and none or too few of them can be reached now: ${tried.join(', ')}.`,
    { tried },
  );
}
