// What must be true, kept beside the cluster and by other means: every change that survived, folded by the rules of merging alone, with no
// network, log, vector or disk in between.

import {
  compareStamps,
  mergeFromText,
  mergeRecord,
  mergeToText,
  type RecordState,
  type tagOfRow,
} from '../../src/records/index.ts';
import type { Change, RemoteRow, Written } from '../../src/store/index.ts';
import type { SimNode } from './sim-node.ts';

interface Commit {
  readonly seq: number;
  /** The state each of its records was in on its node right after it. */
  readonly states: readonly { readonly table: string; readonly id: string; readonly state: RecordState }[];
  readonly sums: readonly { readonly id: string; readonly amount: number }[];
  readonly summary: string;
}

/** What was seen under a tag. */
interface Seen {
  readonly node: string;
  readonly state: RecordState;
}

export class Oracle {
  readonly #commits = new Map<string, Commit[]>();
  /** `table/id/tag` → what was seen under it first. */
  readonly #tagged = new Map<string, Seen>();
  /** `table/id/state` → its tag. */
  readonly #tags = new Map<string, number>();
  readonly #tagOf: typeof tagOfRow;

  constructor(tagOf: typeof tagOfRow) {
    this.#tagOf = tagOf;
  }

  committed(node: SimNode, changes: readonly Change[], written: readonly Written[]): void {
    const seq = node.store.vector().get(node.id) ?? 0;
    const keys = new Map(
      changes.map((change, index) => [`${change.table}/${written[index]?.id}`, change.table] as const),
    );
    const states = [...keys].flatMap(([key, table]) => {
      const id = key.slice(table.length + 1);
      const state = stateIn(node, table, id);
      // A deletion of what is deleted already changes nothing.
      return state?.stamp.origin === node.id && state.stamp.version === written[0]?.version
        ? [{ table, id, state }]
        : [];
    });
    const sums = changes.flatMap((change) =>
      change.op === 'patch' && change.table === 'Tally'
        ? [{ id: String(change.id), amount: change.patch.add.sum ?? 0 }]
        : [],
    );
    const summary = changes
      .map((change) => `${change.op} ${change.table} ${change.op === 'index' ? '' : change.id}`)
      .join(', ');
    const commits = this.#commits.get(node.id) ?? [];
    commits.push({ seq, states, sums, summary });
    this.#commits.set(node.id, commits);
  }

  /** A node came back without what it had not synced: that never happened. */
  forget(node: SimNode): void {
    const seq = node.store.vector().get(node.id) ?? 0;
    this.#commits.set(
      node.id,
      (this.#commits.get(node.id) ?? []).filter((commit) => commit.seq <= seq),
    );
  }

  get size(): number {
    return [...this.#commits.values()].reduce((sum, commits) => sum + commits.length, 0);
  }

  /** What every node must hold in the end: `table/id` → state. */
  expected(): Map<string, RecordState> {
    const expected = new Map<string, RecordState>();
    for (const commits of this.#commits.values())
      for (const { states } of commits)
        for (const { table, id, state } of states) {
          const key = `${table}/${id}`;
          expected.set(key, mergeRecord(expected.get(key), state));
        }
    return expected;
  }

  /** The sum of all that was added to a tally. */
  sum(id: string): number {
    let sum = 0;
    for (const commits of this.#commits.values())
      for (const { sums } of commits) for (const one of sums) if (one.id === id) sum += one.amount;
    return sum;
  }

  /** Of the newest commits of all nodes: records that a node has under a tag under which another content was seen, on whichever node. */
  mistakenIn(node: SimNode, newest: number): string[] {
    const keys = new Set(
      [...this.#commits.values()].flatMap((commits) =>
        commits.slice(-newest).flatMap(({ states }) => states.map(({ table, id }) => `${table}/${id}`)),
      ),
    );
    return [...keys].flatMap((key) => {
      const at = key.indexOf('/');
      const state = stateIn(node, key.slice(0, at), key.slice(at + 1));
      return state && state.body !== null ? this.#mistaken(node, key, state) : [];
    });
  }

  #mistaken(node: SimNode, key: string, state: RecordState): string[] {
    const tag = this.#tagOf(state.stamp.version, mergeToText(state.merge));
    const text = `${key}/${JSON.stringify(state)}`;
    const before = this.#tags.get(text) ?? tag;
    this.#tags.set(text, tag);
    const seen = this.#tagged.get(`${key}/${tag}`);
    if (!seen) this.#tagged.set(`${key}/${tag}`, { node: node.id, state });
    const faults = before === tag ? [] : [`${key} is the same under the tags ${before} and ${tag}`];
    // Whole writes of two nodes in one microsecond are all that a tag can't tell apart.
    if (!seen || (state.merge === null && seen.state.stamp.origin !== state.stamp.origin)) return faults;
    if (contentOf(seen.state) === contentOf(state)) return faults;
    return [
      ...faults,
      `${key} has the tag ${tag} on ${node.id} with ${JSON.stringify(state)}, and had it on ${seen.node} with ${JSON.stringify(seen.state)}`,
    ];
  }

  /** Transactions a node says it has and of which a record is older than they left it; a deleted or expired one may be gone. */
  tornIn(node: SimNode, newest: number): string[] {
    const vector = node.store.vector();
    return [...this.#commits].flatMap(([origin, commits]) => {
      const has = vector.get(origin) ?? 0;
      return commits.slice(-newest).flatMap(({ seq, states, summary }) => {
        if (seq > has) return [];
        return states.flatMap(({ table, id, state }) => {
          const current = stateIn(node, table, id);
          if (!current && (state.body === null || table !== 'Group')) return [];
          if (current && compareStamps(current.stamp, state.stamp) >= 0) return [];
          return [
            `${node.id} has transaction ${origin}:${seq} (${summary}) without its ${table} ${id}: ${JSON.stringify(state)} but ${JSON.stringify(current)}`,
          ];
        });
      });
    });
  }
}

function contentOf({ body, expires }: RecordState): string {
  return JSON.stringify([body, expires]);
}

/** Only what a reader of the row can see: straight from the table. */
export function stateIn(node: SimNode, table: string, id: string): RecordState | undefined {
  const row = node.store.connection.first(
    `SELECT _version, origins.id, _expires, _merge, _body FROM "${table}" JOIN _origins AS origins ON number = _origin WHERE _id = ?`,
    [id],
  );
  if (!row) return undefined;
  const [version, origin, expires, merge, body] = row;
  return stateOf({
    version: Number(version),
    origin: String(origin),
    expires: expires === null ? null : Number(expires),
    merge: merge === null ? null : String(merge),
    body: body === null ? null : String(body),
  });
}

export function stateOf(row: Pick<RemoteRow, 'version' | 'origin' | 'expires' | 'merge' | 'body'>): RecordState {
  return {
    stamp: { version: row.version, origin: row.origin },
    expires: row.expires,
    merge: mergeFromText(row.merge),
    body: row.body === null ? null : JSON.parse(row.body),
  };
}
