// A slow, obvious model of tables and transactions, for histories to be compared with: every state is a map of records.

import type { JsonObject } from '../../base/index.ts';

export type TableName = 'Item' | 'Session';
export const expirationMs = 10_000;

export interface ModelRecord {
  readonly body: JsonObject;
  readonly expires: number | null;
  /** 0 until the store has said. */
  readonly version: number;
}

/** `table/id` → record, expired ones included. */
export type State = ReadonlyMap<string, ModelRecord>;

export interface Write {
  readonly op: 'put' | 'patch' | 'delete';
  readonly table: TableName;
  readonly id: string;
  readonly values: JsonObject;
  /** To `n`, which may not go below 0. */
  readonly add?: number;
  readonly exists?: boolean;
  readonly versions?: readonly number[];
  /** Of a put: when the record is to expire, whatever its table says. */
  readonly expiresAt?: number;
  readonly nowMs: number;
}

export function keyOf({ table, id }: { readonly table: TableName; readonly id: string }): string {
  return `${table}/${id}`;
}

export function live(record: ModelRecord | null | undefined, nowMs: number): ModelRecord | undefined {
  return record && (record.expires === null || record.expires > nowMs) ? record : undefined;
}

/** The state after all writes and whether each write's record was there before; or the code they are refused with. */
export function commit(
  before: State,
  writes: readonly Write[],
  nowMs: number,
): { readonly state: Map<string, ModelRecord>; readonly existed: readonly boolean[] } | string {
  const state = new Map(before);
  const existed: boolean[] = [];
  for (const write of writes) {
    const key = keyOf(write);
    const old = live(state.get(key), nowMs);
    existed.push(old !== undefined);
    if (write.exists === false && old) return 'CONFLICT';
    if (write.exists === true && !old) return 'NOT_FOUND';
    if (write.versions && !(old && write.versions.includes(old.version))) return 'PRECONDITION_FAILED';
    if (write.op === 'patch' && !old) return 'NOT_FOUND';
    const next = after(write, old);
    if (write.add !== undefined && Number(next?.body.n) < 0) return 'BELOW_MINIMUM';
    if (next && isCodeTaken(state, key, next, nowMs)) return 'NOT_UNIQUE';
    if (next) state.set(key, next);
    else state.delete(key);
  }
  return { state, existed };
}

/** A record after a write, preconditions aside; undefined when there is none. */
function after(write: Write, old: ModelRecord | undefined): ModelRecord | undefined {
  const { op, table, id, values, add, expiresAt, nowMs } = write;
  if (op === 'delete') return undefined;
  if (op === 'put') {
    const created = table === 'Item' ? { created: old?.body.created ?? nowMs } : {};
    return {
      body: { id, ...values, ...created },
      expires: expiresAt ?? (table === 'Session' ? nowMs + expirationMs : null),
      version: 0,
    };
  }
  if (!old) return undefined;
  const sum = add === undefined ? {} : { n: Number(old.body.n ?? 0) + add };
  return { body: { ...old.body, ...values, ...sum }, expires: old.expires, version: 0 };
}

function isCodeTaken(state: State, own: string, { body: { code } }: ModelRecord, nowMs: number): boolean {
  if (code === undefined) return false;
  return [...state].some(([key, record]) => key !== own && record.body.code === code && live(record, nowMs));
}

/** What one transaction sees: its snapshot, taken at its first read, and what its writes make of that. */
export class ModelTransaction {
  writes: Write[] = [];
  #snapshot: State | undefined;
  #applied = 0;
  readonly #own = new Map<string, ModelRecord | null>();

  /** `isOwn`: the transaction has written the record. */
  see(
    of: { readonly table: TableName; readonly id: string },
    latest: State,
    nowMs: number,
  ): { readonly record: ModelRecord | undefined; readonly isOwn: boolean } {
    this.#snapshot ??= latest;
    for (; this.#applied < this.writes.length; this.#applied++) this.#apply(this.#snapshot, nowMs);
    const own = this.#own.get(keyOf(of));
    if (own !== undefined) return { record: live(own, nowMs), isOwn: true };
    return { record: live(this.#snapshot.get(keyOf(of)), nowMs), isOwn: false };
  }

  /** Later reads see a newer state. */
  rebase(): void {
    this.#snapshot = undefined;
    this.#applied = 0;
    this.#own.clear();
  }

  #apply(snapshot: State, nowMs: number): void {
    const write = this.writes[this.#applied];
    if (!write) return;
    const key = keyOf(write);
    const own = this.#own.get(key);
    const old = own === undefined ? live(snapshot.get(key), nowMs) : (own ?? undefined);
    // A change of nothing will be refused at the commit.
    if (write.op !== 'patch' || old) this.#own.set(key, after(write, old) ?? null);
  }
}
