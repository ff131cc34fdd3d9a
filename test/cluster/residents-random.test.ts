// Records whose places follow from what is in them, in a cluster within one process, written by chance on all nodes while nodes end, start and lose
// their connections. In the end each record is on its homes alone, the same on all, with every addition that was acknowledged, and what was deleted
// is gone; and all the time, who looks for a record finds it.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '../../src/base/index.ts';
import { ClusterNode } from '../../src/cluster/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { overPlainTcp } from '../../src/net/index.ts';
import { parseSdl, residencyText } from '../../src/schema/index.ts';
import { type Change, StoreEngine, sameVector } from '../../src/store/index.ts';
import { Random } from '../simulation/random.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

setDefaultTimeout(120_000);

/** So that what waits some seconds waits less. */
const hurry = 8;
const startedMs = Date.now();
/** Of deletions and the log: longer than a run, but for what is skipped in the end. */
const retentionMs = 600_000;
let skippedMs = 0;
const clock = { nowMs: () => Math.floor(startedMs + skippedMs + (Date.now() - startedMs) * hurry) };
const choices = ['1', '2', 'n-0', 'n-0+n-3', 'n-1+n-2', ''];
const place = ({ at }: { readonly at: string }) =>
  at === '' ? undefined : at.startsWith('n') ? at.split('+') : Number(at);
const tables = parseSdl(
  'type Person @table(replicateTo: 2) { id: ID @primaryKey  at: String  count: Int }',
  's',
).tables.map((table) => ({ ...table, residency: residencyText(place, 'Person', 'record') }));

interface Running {
  readonly engine: StoreEngine;
  readonly cluster: ClusterNode;
}

class Node {
  readonly id: string;
  readonly port = freePort();
  running: Running | undefined;
  readonly #folder: string;
  readonly #shard: number;

  constructor(folder: string, number: number) {
    this.id = `n-${number}`;
    this.#folder = join(folder, this.id);
    this.#shard = 1 + (number % 2);
  }

  async start(first: Node): Promise<void> {
    const fail = (...said: unknown[]) => {
      throw new Error(said.map(String).join(' '));
    };
    const engine = new StoreEngine({
      folder: this.#folder,
      nodeId: this.id,
      clock,
      clockDriftMs: limits.clockDriftMs,
      writeQueue: 1000,
      logRetentionMs: retentionMs,
      checkpointBytes: limits.checkpointBytes,
      commits: new Int32Array(1),
      fatal: fail,
      trouble: fail,
    });
    engine.applySchema(tables);
    const settings = {
      hostname: this.id,
      host: '127.0.0.1',
      port: this.port,
      address: '127.0.0.1',
      shard: this.#shard,
    };
    const flags = Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [`replication.${key}`, String(value)]),
    );
    const cluster = await ClusterNode.start({
      engine,
      node: this.id,
      clock,
      config: loadConfig({ flags, env: {}, folder: this.#folder }).replication,
      ports: { http: 0, agent: 0, tls: false },
      version: 'test',
      cluster: 'test',
      transport: overPlainTcp(`URI:zerohop://test/${this.id}`),
      certificate: () => undefined,
      isAuthority: false,
      slot: undefined,
      seeds: first === this ? [] : [{ node: '', host: '127.0.0.1', port: first.port }],
      isAdmitted: false,
      log: () => {},
      tablesMade: () => {},
    });
    this.running = { engine, cluster };
  }

  async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    await running?.cluster.stop();
    await running?.engine.close();
  }

  /** Whether it was acknowledged; undefined: nobody knows. */
  async write(change: Change): Promise<boolean | undefined> {
    const { running } = this;
    if (!running) return false;
    try {
      await running.engine.commit({ database: 'data', changes: [change] });
      return true;
    } catch (error) {
      const { code, fields } = error as { readonly code?: string; readonly fields?: { readonly written?: unknown } };
      if (code === 'SHUTTING_DOWN' || code === undefined || fields?.written === null) return undefined;
      if (code !== 'UNREACHABLE' && code !== 'NOT_FOUND') throw error;
      return false;
    }
  }

  /** What is in its own table. */
  rows(): ReadonlyMap<string, string> {
    const rows = this.running?.engine.store('data')?.readSome('Person', 0, 1e9, () => true).rows ?? [];
    return new Map(rows.flatMap((row) => (row.body === null ? [] : [[String(row.id), `${row.body}${row.merge}`]])));
  }
}

function homesOf(id: string, at: string, nodes: readonly Node[]): readonly string[] {
  const residency = nodes[0]?.running?.cluster.residency;
  return [...(residency?.placement?.homes('data.Person', id, () => place({ at })) ?? [])].sort();
}

/** What a record says of its place. */
function placeOf(held: readonly (readonly [string, ReadonlyMap<string, string>])[], id: string): string {
  const text = held.map(([, rows]) => rows.get(id)).find((row) => row !== undefined) ?? '';
  return /"at":"([^"]*)"/.exec(text)?.[1] ?? '';
}

async function settled(nodes: readonly Node[]): Promise<void> {
  const state = () =>
    nodes.map(({ id, running }) => [id, running?.cluster.settler.due, running?.cluster.moves.status()?.state]);
  let quiet = 0;
  await until('all is where it belongs', () => {
    const vectors = nodes.map(({ running }) => running?.engine.store('data')?.vector() ?? new Map());
    const isQuiet =
      state().every(([, due, moves]) => due === 0 && moves === 'settled') &&
      vectors.every((vector) => sameVector(vector, vectors[0] ?? new Map()));
    quiet = isQuiet ? quiet + 1 : 0;
    return Promise.resolve(quiet >= 10);
  }).catch((error: unknown) => {
    throw new Error(JSON.stringify(state()), { cause: error });
  });
}

async function run(seed: number, steps: number): Promise<void> {
  const random = new Random(seed);
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-residents-'));
  const nodes = [0, 1, 2, 3].map((number) => new Node(folder, number));
  const [first] = nodes as [Node];
  try {
    for (const node of nodes) await node.start(first);
    await settled(nodes);
    const kept = Array.from({ length: 5 }, (_, number) => `kept-${number}`);
    const gone = Array.from({ length: 4 }, (_, number) => `gone-${number}`);
    const put = (id: string, at: string): Change => ({
      op: 'put',
      table: 'Person',
      id,
      body: JSON.stringify({ id, at, count: 0 }),
      expires: null,
    });
    for (const id of [...kept, ...gone])
      expect(await random.pick(nodes).write(put(id, random.pick(choices)))).toBe(true);
    await settled(nodes);
    const least = new Map(kept.map((id) => [id, 0]));
    const most = new Map(kept.map((id) => [id, 0]));
    const misses: string[] = [];
    const read = async (id: string) => {
      const node = random.pick(nodes);
      const { running } = node;
      const found = await running?.engine.fetch('data', { table: 'Person', id }).catch(() => undefined);
      if (found === undefined || node.running !== running || running === undefined) return;
      const isHere = found.here && (running.engine.store('data')?.readThese('Person', [id]).length ?? 0) > 0;
      if (!isHere && (found.here || found.record === null)) misses.push(`${id} at ${node.id}`);
    };
    const add = async (id: string) => {
      const done = await random
        .pick(nodes)
        .write({ op: 'patch', table: 'Person', id, patch: { set: {}, add: { count: 1 } } });
      if (done) least.set(id, (least.get(id) ?? 0) + 1);
      if (done !== false) most.set(id, (most.get(id) ?? 0) + 1);
    };
    const move = (id: string) =>
      random
        .pick(nodes)
        .write({ op: 'patch', table: 'Person', id, patch: { set: { at: random.pick(choices) }, add: {} } });
    let work: Promise<unknown>[] = [];
    for (let step = 0; step < steps; step++) {
      for (let count = 0; count < 6; count++) {
        work.push(add(random.pick(kept)), read(random.pick(kept)));
        if (random.chance(0.5)) work.push(move(random.pick(kept)));
        if (random.chance(0.2)) work.push(move(random.pick(gone)));
      }
      if (random.chance(0.5)) {
        await Promise.all(work);
        work = [];
      }
      if (random.chance(0.4))
        for (const connection of random.pick(nodes).running?.cluster.links.connections.values() ?? [])
          connection.close();
      const victim = random.pick(nodes);
      if (random.chance(0.04)) {
        await victim.stop();
        await victim.start(victim === first ? (nodes[1] as Node) : first);
      }
    }
    await Promise.all(work);
    // Deleted where nobody writes them any more, while some are still on their way.
    for (const id of gone)
      await until(
        `${id} is deleted`,
        async () => (await random.pick(nodes).write({ op: 'delete', table: 'Person', id })) === true,
      );
    await settled(nodes);
    const held = nodes.map((node) => [node.id, node.rows()] as const);
    for (const id of kept) {
      const having = held.filter(([, rows]) => rows.has(id));
      const states = new Set(having.map(([, rows]) => rows.get(id)));
      expect([seed, id, states.size]).toEqual([seed, id, 1]);
      const record = JSON.parse([...states][0]?.replace(/\}(null|\{.*|\[.*)$/s, '}') ?? '{}') as {
        at: string;
        count: number;
      };
      expect([seed, id, having.map(([node]) => node).sort()]).toEqual([seed, id, [...homesOf(id, record.at, nodes)]]);
      expect(record.count).toBeGreaterThanOrEqual(least.get(id) ?? 0);
      expect(record.count).toBeLessThanOrEqual(most.get(id) ?? 0);
    }
    for (const id of gone) expect([seed, id, held.filter(([, rows]) => rows.has(id)).length]).toEqual([seed, id, 0]);
    expect([seed, misses]).toEqual([seed, []]);
    // When the deletions are not kept any more, the entries go too, and only theirs.
    skippedMs += 2 * retentionMs;
    await until('only places of records that are there are known', () => {
      for (const { running } of nodes) running?.engine.runUpkeep();
      return Promise.resolve(
        nodes.every(({ running }) =>
          [...kept, ...gone].every((id) => {
            const isKnown = running?.cluster.residency.places.entry('data', 'Person', id) !== undefined;
            return gone.includes(id) ? !isKnown : isKnown || placeOf(held, id) === '';
          }),
        ),
      );
    });
    for (const id of gone) expect(await random.pick(nodes).write(put(id, random.pick(choices)))).toBe(true);
    await settled(nodes);
    for (const id of [...kept, ...gone]) await read(id);
    expect([seed, misses]).toEqual([seed, []]);
  } finally {
    for (const node of nodes) await node.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const [seeds, from] = [Number(process.env.SEEDS ?? 1), Number(process.env.SEED ?? 1)];
for (let seed = from; seed < from + seeds; seed++)
  test(`nothing is lost, forked or brought back (seed ${seed})`, () => run(seed, 40));
