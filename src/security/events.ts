// What happened that matters to security, in a table of the database `system`: kept for a while, and so many of a kind in a minute at most,
// so that an attack can't fill the disk. Nothing secret is in it.

import { type Clock, type Json, type JsonObject, type Logger, limits } from '../base/index.ts';
import type { Condition } from '../query/index.ts';
import type { Databases } from '../tables/index.ts';
import { systemDatabase, tableNames } from './system-tables.ts';

export interface EventAbout {
  /** Null: nobody that exists. */
  readonly username: string | null;
  /** Of the client; null: not of a client. */
  readonly address: string | null;
  readonly detail?: Json;
}

/** Of one kind, in a minute. */
const mostInMinute = 60;

export class SecurityEvents {
  readonly #databases: Databases;
  readonly #clock: Clock;
  readonly #log: Logger;
  #minute = 0;
  #counts = new Map<string, number>();

  constructor(databases: Databases, clock: Clock, log: Logger) {
    this.#databases = databases;
    this.#clock = clock;
    this.#log = log;
  }

  /** Does not wait until it is written, and does not fail the call it is about. */
  note(event: string, { username, address, detail }: EventAbout): void {
    const nowMs = this.#clock.nowMs();
    if (!this.#isCounted(event, nowMs)) return;
    const table = this.#databases.table(systemDatabase, tableNames.events);
    if (table === undefined) return;
    const expiresAt = nowMs + limits.securityEventsMs;
    const record = { event, atMs: nowMs, username, address, ...(detail !== undefined && { detail }), expiresAt };
    this.#databases
      .create(table, record)
      .catch((error: unknown) => this.#log.error(`A security event could not be written: ${event}`, { error }));
  }

  /** The newest first. */
  list({ event, limit }: { readonly event?: string | undefined; readonly limit: number }): JsonObject[] {
    const table = this.#databases.table(systemDatabase, tableNames.events);
    if (table === undefined) return [];
    const transaction = this.#databases.transaction();
    const of: Condition = { attribute: ['event'], comparator: 'equals', value: event ?? null };
    try {
      const { rows } = transaction.search(table, {
        sort: [{ attribute: ['atMs'], descending: true }],
        limit: Math.min(1_000, Math.max(1, Math.trunc(limit) || 1)),
        ...(event !== undefined && { conditions: { operator: 'and', conditions: [of] } }),
      });
      return Array.from(rows, ({ json }) => JSON.parse(json));
    } finally {
      transaction.abort();
    }
  }

  #isCounted(event: string, nowMs: number): boolean {
    const minute = Math.floor(nowMs / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#counts = new Map();
    }
    const count = (this.#counts.get(event) ?? 0) + 1;
    this.#counts.set(event, count);
    return count <= mostInMinute;
  }
}
