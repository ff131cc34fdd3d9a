// Records on their way from the source of a table: each is fetched once for all who want it at the same time, in whichever thread, and stored unless
// something newer came meanwhile.

import { type Clock, type Logger, type SharedFlights, ZerohopError } from '../base/index.ts';
import { type Id, tagOf } from '../records/index.ts';
import { type AppNode, type Place, stagePut, TableRecord } from '../resources/index.ts';
import type { Databases, StoredRecord, StoredRow, Table } from '../tables/index.ts';
import { failureElsewhere, flightEnds, knownMsOf, outcomeOf } from './flight-ends.ts';
import { type Directives, noDirectives } from './freshness.ts';
import type { SourceOptions } from './limits.ts';
import { Outcomes } from './outcomes.ts';
import { type Called, type Source, SourceError } from './source.ts';
import { readAnswer, type SourceAnswer } from './source-answer.ts';

/** What the one who asks first wants of it. */
export interface Wanted extends Directives {
  readonly requestContext: Place['context'];
}

/** What a fetch came to: undefined where the source has no such record. */
export type Fetched = StoredRecord | undefined;

/** A fill that was overtaken is fetched again this often; then it is served and not stored. */
const fetchAttempts = 2;

/** Longer than any call takes: after it another asks, in ms. */
const leaseSlackMs = 5_000;

export interface RecordFetchesOptions {
  readonly node: () => AppNode;
  readonly databases: Databases;
  readonly table: Table;
  readonly source: Source;
  readonly options: SourceOptions;
  readonly clock: Clock;
  readonly log: Logger;
  /** What threads share of who asks for what. */
  readonly flights: SharedFlights;
}

export class RecordFetches {
  readonly #options: RecordFetchesOptions;
  readonly #inFlight = new Map<string, Promise<Fetched>>();
  readonly #outcomes: Outcomes;

  constructor(options: RecordFetchesOptions) {
    this.#options = options;
    this.#outcomes = new Outcomes(options.clock);
  }

  /** Nobody is told any more what came of asking for a record. */
  forget(id: Id): void {
    const { databases, table, flights } = this.#options;
    this.#outcomes.forget(id);
    flights.forget(this.#flightName(id, databases.row(table, id)));
  }

  /** As `forget`; and who asks from now on does not wait for a fetch that is under way. */
  leave(id: Id): void {
    this.forget(id);
    this.#inFlight.delete(keyOf(id, noDirectives));
  }

  /** One fetch for all who want the record at the same time. @param row what is here of it */
  once(id: Id, row: StoredRow | undefined, asked: Wanted): Promise<Fetched> {
    const remembered = asked.noCache ? undefined : this.#outcomes.get(id, row ? tagOf(row) : null);
    if (remembered?.kind === 'failed') return Promise.reject(remembered.error);
    if (remembered?.kind === 'missing') return Promise.resolve(undefined);
    const key = keyOf(id, asked);
    const running = this.#inFlight.get(key);
    if (running) return running;
    const fetch = this.#lead(id, row, asked).finally(() => {
      if (this.#inFlight.get(key) === fetch) this.#inFlight.delete(key);
    });
    this.#inFlight.set(key, fetch);
    return fetch;
  }

  /** Of all threads one asks; the others wait for what it puts in the table, or for how it failed. */
  async #lead(id: Id, row: StoredRow | undefined, asked: Wanted): Promise<Fetched> {
    const { flights, clock, options, databases, table } = this.#options;
    // What is not stored is nothing to wait for.
    if (asked.noStore) return this.#fetch(id, asked);
    const leaseMs = options.timeoutMs + leaseSlackMs;
    const name = this.#flightName(id, row);
    const knownMs = (outcome: number) => (asked.noCache ? undefined : knownMsOf(outcome, options));
    for (;;) {
      const lead = flights.tryLead(name, clock.nowMs(), leaseMs, knownMs);
      if (lead.kind === 'lead') return this.#fetchFor(lead.slot, id, row, asked);
      // Waiting for another record's source may be waiting for who waits for this one.
      if (lead.kind === 'wait' && !lead.isSame) return this.#fetch(id, asked);
      const outcome = lead.kind === 'known' ? lead.outcome : await lead.outcome;
      if (outcome === flightEnds.stored) {
        const now = databases.row(table, id);
        return now?.body != null && now.expires !== 0 ? storedOf(id, now) : this.#fetch(id, asked);
      }
      if (outcome === flightEnds.missing) return undefined;
      if (outcome === flightEnds.passing) return this.#fetch(id, asked);
      if (outcome !== undefined) throw failureElsewhere(outcome, this.#options.source.name);
    }
  }

  async #fetchFor(slot: number, id: Id, row: StoredRow | undefined, asked: Wanted): Promise<Fetched> {
    const { flights, clock, databases, table } = this.#options;
    let outcome = 0;
    try {
      // Another may have stored it in the moment before.
      const now = databases.row(table, id);
      if (
        !asked.noCache &&
        now?.body != null &&
        (row === undefined || tagOf(now) !== tagOf(row)) &&
        now.expires !== 0
      ) {
        outcome = flightEnds.stored;
        return storedOf(id, now);
      }
      const fetched = await this.#fetch(id, asked);
      const stored = databases.row(table, id)?.version;
      outcome =
        fetched === undefined ? flightEnds.missing : flightEnds[fetched.version === stored ? 'stored' : 'passing'];
      return fetched;
    } catch (error) {
      if (error instanceof SourceError) outcome = outcomeOf(error);
      throw error;
    } finally {
      flights.end(slot, outcome, clock.nowMs());
    }
  }

  /** A fetch is for the row that was there: what has been written or invalidated since then is another one's. */
  #flightName(id: Id, row: StoredRow | undefined): string {
    const { database, name } = this.#options.table.definition;
    return `${database}/${name} ${typeof id} ${id} ${row ? tagOf(row) : ''}`;
  }

  async #fetch(id: Id, asked: Wanted): Promise<Fetched> {
    const { databases, table, options } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const row = databases.row(table, id);
      const tag = row ? tagOf(row) : null;
      try {
        return await this.#fetchWith(id, row, asked, attempt === fetchAttempts);
      } catch (error) {
        if (error instanceof SourceError) {
          this.#outcomes.set(id, tag, { kind: 'failed', error }, options.errorMs);
          this.#options.log.warn(error.message);
          throw error;
        }
        if (!isOvertaken(error)) throw error;
        // A newer value came meanwhile: that is the one to serve, unless it was taken away again.
        const now = databases.getLatest(table, id);
        if (now) return now;
      }
    }
  }

  async #fetchWith(id: Id, row: StoredRow | undefined, asked: Wanted, isLast: boolean): Promise<Fetched> {
    const { table, clock, options } = this.#options;
    const node = this.#options.node();
    const usable = row?.body !== null && row !== undefined && row.expires !== 0 ? storedOf(id, row) : undefined;
    const replacingRecord =
      usable && new TableRecord(table, usable, [], () => node.databases.blobs(table.definition.database));
    const called = await this.#options.source.call(node, 'get', id, undefined, {
      requestContext: asked.requestContext,
      ...(usable && {
        replacingRecord,
        replacingVersion: changedMsOf(table, usable) ?? Math.floor(usable.version / 1000),
      }),
    });
    const { context } = called;
    try {
      const answer = await readAnswer(called.value, context, table.definition.name, clock.nowMs());
      if (answer.kind === 'missing' || (answer.kind === 'same' && !usable)) {
        if (row !== undefined && row.body !== null) context.transaction.delete(table, id, { if: { row: tagOf(row) } });
        await context.transaction.commit();
        this.#outcomes.set(id, null, { kind: 'missing' }, options.missMs);
        return undefined;
      }
      if (answer.kind === 'record' && (answer.passing || asked.noStore)) return this.#passing(id, answer);
      try {
        return await this.#store(id, row, called, answer, usable);
      } catch (error) {
        if (isOvertaken(error) && isLast && answer.kind === 'record') return this.#passing(id, answer);
        throw error;
      }
    } finally {
      context.release();
    }
  }

  async #store(
    id: Id,
    row: StoredRow | undefined,
    { context }: Called,
    answer: Exclude<SourceAnswer, { kind: 'missing' }>,
    usable: StoredRecord | undefined,
  ): Promise<Fetched> {
    const { databases, table, node } = this.#options;
    const { primaryKey } = table.definition;
    const { expiresAt } = answer;
    const updatedMs = answer.updatedMs ?? (answer.kind === 'same' && usable ? changedMsOf(table, usable) : undefined);
    const fields =
      answer.kind === 'same' && usable ? table.decode(usable) : answer.kind === 'record' ? answer.fields : {};
    const place: Place = { node: node(), table, context, fromSource: true };
    const record = fields[primaryKey] === undefined ? { ...fields, [primaryKey]: id } : fields;
    const condition = { row: row ? tagOf(row) : null };
    await stagePut(place, context.transaction, id, record, {
      if: condition,
      ...(expiresAt !== undefined && { expiresAt: Math.max(1, expiresAt) }),
      ...(updatedMs !== undefined && { updatedMs }),
    });
    await context.transaction.commit();
    const stored = databases.row(table, id);
    return stored && storedOf(id, stored);
  }

  /** What is served without being stored. */
  #passing(id: Id, { fields }: Extract<SourceAnswer, { kind: 'record' }>): StoredRecord {
    const { table, clock } = this.#options;
    const { primaryKey } = table.definition;
    const body = JSON.stringify({ [primaryKey]: id, ...fields });
    return { id, version: clock.nowMs() * 1000, expires: null, body };
  }
}

/** When it was changed at its source, where the table has an attribute for it. */
export function changedMsOf(table: Table, record: StoredRecord): number | undefined {
  const attribute = table.definition.attributes.find(({ role }) => role === 'updatedTime');
  const value: unknown = attribute && table.decode(record)[attribute.name];
  if (value instanceof Date) return value.getTime();
  return typeof value === 'number' ? value : undefined;
}

export function storedOf(id: Id, { body, ...row }: StoredRow): StoredRecord {
  return { ...row, id, body: body ?? '{}' };
}

function keyOf(id: Id, { noStore }: Directives): string {
  return `${noStore ? 'passing' : 'stored'} ${typeof id} ${id}`;
}

export function isOvertaken(error: unknown): boolean {
  return error instanceof ZerohopError && error.code === 'PRECONDITION_FAILED';
}
