// Sessions of browsers: a random cookie, and a record under its hash in the database `system`. Who can read the table can not make the cookie.

import { createHash } from 'node:crypto';
import { type Clock, ZerohopError } from '../base/index.ts';
import type { Databases } from '../tables/index.ts';
import { systemDatabase, tableNames } from './system-tables.ts';

export const sessionCookie = 'zerohop_session';

const sessionMs = 14 * 24 * 3_600_000;

export interface Session {
  readonly id: string;
  readonly username: string;
  readonly startedMs: number;
}

export class Sessions {
  readonly #databases: Databases;
  readonly #clock: Clock;

  constructor(databases: Databases, clock: Clock) {
    this.#databases = databases;
    this.#clock = clock;
  }

  /** Gives the cookie's value. */
  async begin(username: string): Promise<string> {
    const value = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
    const startedMs = this.#clock.nowMs();
    await this.#write((transaction, table) => {
      const id = idOf(value);
      transaction.put(table, id, { id, username, startedMs, expiresAt: startedMs + sessionMs });
    });
    return value;
  }

  get(value: string): Session | undefined {
    const table = this.#databases.table(systemDatabase, tableNames.sessions);
    const stored = table && this.#databases.getLatest(table, idOf(value));
    return stored === undefined ? undefined : JSON.parse(stored.body);
  }

  async end(value: string): Promise<void> {
    await this.#write((transaction, table) => transaction.delete(table, idOf(value)));
  }

  async #write(
    stage: (
      transaction: ReturnType<Databases['transaction']>,
      table: NonNullable<ReturnType<Databases['table']>>,
    ) => void,
  ): Promise<void> {
    const table = this.#databases.table(systemDatabase, tableNames.sessions);
    if (table === undefined) throw new ZerohopError('NOT_IMPLEMENTED', 'This node keeps no sessions.');
    const transaction = this.#databases.transaction();
    try {
      stage(transaction, table);
      await transaction.commit();
    } finally {
      transaction.abort();
    }
  }
}

/** The session's cookie among a request's; undefined when there is none. */
export function sessionOf(cookies: string): string | undefined {
  const start = cookies.startsWith(`${sessionCookie}=`) ? 0 : cookies.indexOf(`; ${sessionCookie}=`) + 2;
  if (start === 1) return undefined;
  const from = start + sessionCookie.length + 1;
  const end = cookies.indexOf(';', from);
  const value = cookies.slice(from, end < 0 ? undefined : end).trim();
  return /^[\w-]{43}$/.test(value) ? value : undefined;
}

/** `Set-Cookie` for a session; without a value it is removed. Scripts don't see it, and other sites' forms don't send it (RFC 6265bis §5.6.7). */
export function setCookie(value: string | undefined, isSecure: boolean): string {
  const secure = isSecure ? '; Secure' : '';
  const lifetime = value === undefined ? 0 : sessionMs / 1000;
  return `${sessionCookie}=${value ?? ''}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${lifetime}${secure}`;
}

function idOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url');
}
