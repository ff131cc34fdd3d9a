// A whole cluster from one seed: nodes with real stores, a network and disks that fail, clients that write. In the end everything heals, and then
// all nodes must hold exactly what the oracle says. The same seed gives the same run.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tagOfRow } from '../../src/records/index.ts';
import type { Report } from '../../src/replication/index.ts';
import { covers, type RemoteRow, sameVector } from '../../src/store/index.ts';
import { Network, type Pair } from './network.ts';
import { Oracle } from './oracle.ts';
import { Random } from './random.ts';
import { clockDriftMs, type Sabotage, SimNode } from './sim-node.ts';
import { put, randomChanges, sdl, tallies } from './workload.ts';
import { World } from './world.ts';

export interface Outcome {
  readonly seed: number;
  /** What is wrong; empty: nothing. */
  readonly faults: readonly string[];
  readonly figures: Figures;
}

interface Figures {
  commits: number;
  crashes: number;
  breaks: number;
  copies: number;
  clashes: number;
  taken: number;
  refusedAhead: number;
  healMs: number;
}

const startMs = 1_700_000_000_000;
/** How long a healed cluster may take to agree, in simulated time. */
const healLimitMs = 20 * 60_000;

export function simulate(seed: number, sabotage?: Sabotage): Outcome {
  const simulation = new Simulation(seed, sabotage);
  try {
    return { seed, faults: simulation.run(), figures: simulation.figures };
  } finally {
    simulation.close();
  }
}

class Simulation {
  readonly figures: Figures = {
    commits: 0,
    crashes: 0,
    breaks: 0,
    copies: 0,
    clashes: 0,
    taken: 0,
    refusedAhead: 0,
    healMs: 0,
  };
  readonly #random: Random;
  readonly #world = new World(startMs);
  readonly #oracle: Oracle;
  readonly #folder: string;
  readonly #nodes: readonly SimNode[];
  readonly #network: Network;
  readonly #faults = new Set<string>();
  /** Which troubles this seed has. */
  readonly #has: Readonly<
    Record<'crashes' | 'partitions' | 'skew' | 'farSkew' | 'shortRetention' | 'absence', boolean>
  >;
  #isHealed = false;
  /** The latest any node's clock has been. */
  #latestMs = 0;
  #tokens = 0;
  #compared = 0;

  constructor(seed: number, sabotage?: Sabotage) {
    this.#oracle = new Oracle(sabotage === 'untold' ? (version) => version : tagOfRow);
    this.#random = new Random(seed);
    const root = join(tmpdir(), 'zerohop-simulation');
    mkdirSync(root, { recursive: true });
    this.#folder = mkdtempSync(join(root, `${seed}-`));
    const random = this.#random;
    this.#has = {
      crashes: random.chance(0.6),
      partitions: random.chance(0.6),
      skew: random.chance(0.5),
      farSkew: random.chance(0.1),
      shortRetention: random.chance(0.4),
      absence: random.chance(0.3),
    };
    // Small ones let batches end in the middle of things and peers run out of room.
    const limits = random.pick([
      { batchBytes: 262_144, window: 4_194_304 },
      { batchBytes: 1500, window: 6000 },
      { batchBytes: 200, window: 300 },
    ]);
    this.#nodes = Array.from(
      { length: random.between(2, 5) },
      (_, index) =>
        new SimNode({
          id: `n${index}`,
          folder: this.#folder,
          sdl,
          limits,
          ...(sabotage && { sabotage }),
          world: this.#world,
          random,
          report: (node, report) => this.#reported(node, report),
        }),
    );
    this.#network = new Network(this.#world, random, topology(random, this.#nodes));
    this.#network.maxDelayMs = random.pick([5, 50, 400]);
  }

  run(): readonly string[] {
    const random = this.#random;
    for (const node of this.#nodes) {
      node.syncMs = random.pick([20, 20, 500]);
      if (this.#has.skew) node.skewMs = random.between(-20_000, 20_000);
      if (this.#has.farSkew && random.chance(0.3)) node.skewMs = clockDriftMs + 30_000;
      node.start();
    }
    const [first] = this.#nodes;
    if (first)
      this.#commit(
        first,
        tallies.map((id) => put('Tally', id, { sum: 0 })),
      );
    first?.syncNow();
    this.#network.start();
    for (const node of this.#nodes) {
      this.#writeSoon(node);
      this.#upkeepSoon(node);
    }
    this.#troubleSoon();
    const busyMs = random.between(10_000, 60_000);
    this.#world.run(startMs + busyMs, () => this.#faults.size > 0);
    if (this.#faults.size === 0) this.#heal();
    return [...this.#faults];
  }

  close(): void {
    for (const node of this.#nodes) node.close();
    rmSync(this.#folder, { recursive: true });
  }

  #heal(): void {
    this.#isHealed = true;
    this.#network.heal();
    for (const node of this.#nodes) {
      node.skewMs = Math.min(node.skewMs, 0);
      if (!node.isUp) this.#restart(node);
    }
    const healedMs = this.#world.nowMs;
    const agreed = this.#world.run(healedMs + healLimitMs, () => this.#agree() || this.#faults.size > 0);
    this.figures.healMs = this.#world.nowMs - healedMs;
    this.figures.commits = this.#oracle.size;
    this.figures.copies = this.#network.sent.get('copy') ?? 0;
    if (!agreed) {
      const vectors = this.#nodes.map((node) => `${node.id} ${JSON.stringify([...node.store.vector()])}`).join('; ');
      const peers = this.#nodes.map((node) => `${node.id}: ${node.replicator.peers.join(' ')}`).join('; ');
      this.#faults.add(`no agreement after ${healLimitMs} ms: ${vectors}; linked ${peers}`);
    }
    if (this.#faults.size > 0) return;
    this.#checkAll();
    // Long enough for the nodes to compare for themselves.
    this.#world.run(this.#world.nowMs + 90_000, () => this.#faults.size > 0);
    if (this.#compared === 0) this.#faults.add('no two nodes compared their digests');
  }

  #agree(): boolean {
    const [first, ...others] = this.#nodes;
    if (!first) return true;
    const vector = first.store.vector();
    return (
      others.every((node) => sameVector(node.store.vector(), vector)) &&
      this.#nodes.every((node) => node.store.copies().length === 0)
    );
  }

  #checkAll(): void {
    const expected = this.#oracle.expected();
    const [first] = this.#nodes;
    for (const node of this.#nodes) {
      const held = new Map<string, RemoteRow>(
        node.store.readCopy(undefined, Number.MAX_SAFE_INTEGER).rows.map((row) => [`${row.table}/${row.id}`, row]),
      );
      for (const [key, state] of expected) {
        const row = held.get(key);
        const isOver = state.body === null || (state.expires !== null && state.expires <= this.#latestMs);
        if (!row && isOver) continue;
        const wanted = JSON.stringify([state.stamp, state.expires, state.body]);
        const has =
          row &&
          JSON.stringify([{ version: row.version, origin: row.origin }, row.expires, row.body && JSON.parse(row.body)]);
        if (has !== wanted) this.#faults.add(`${node.id} holds ${key} as ${has}, not ${wanted}`);
      }
      for (const key of held.keys())
        if (!expected.has(key)) this.#faults.add(`${node.id} holds ${key}, which nobody wrote`);
      for (const id of tallies) {
        const row = held.get(`Tally/${id}`);
        const sum = row?.body ? JSON.parse(row.body).sum : undefined;
        if (sum !== this.#oracle.sum(id))
          this.#faults.add(`${node.id} counts ${sum} in ${id}, not ${this.#oracle.sum(id)}`);
      }
      if (first && JSON.stringify([...node.digests()]) !== JSON.stringify([...first.digests()]))
        this.#faults.add(`digests of ${node.id} and ${first.id} differ at the same vector`);
      for (const torn of this.#oracle.tornIn(node, Number.MAX_SAFE_INTEGER)) this.#faults.add(torn);
      for (const mistaken of this.#oracle.mistakenIn(node, Number.MAX_SAFE_INTEGER)) this.#faults.add(mistaken);
    }
  }

  #reported(node: SimNode, report: Report): void {
    if (report.type === 'compared' && this.#isHealed && report.different.length === 0) this.#compared++;
    if (report.type === 'clash') this.figures.clashes++;
    if (report.type === 'diverged') this.#faults.add(`${node.id} finds ${report.table} of ${report.peer} diverged`);
    if (report.type !== 'closed') return;
    if (report.code === 'CLOCK_AHEAD') this.figures.refusedAhead++;
    const isExpected = ['DISCONNECTED', 'REPLACED', 'TIMEOUT', 'STALLED', 'CLOCK_AHEAD'].includes(report.code);
    if (!isExpected) this.#faults.add(`${node.id} ended with ${report.peer}: ${report.code} ${report.reason}`);
  }

  #commit(node: SimNode, changes: Parameters<SimNode['commit']>[0]): void {
    const outcome = node.commit(changes);
    if (outcome.ok) this.#oracle.committed(node, changes, outcome.written);
  }

  #writeSoon(node: SimNode): void {
    const random = this.#random;
    this.#world.after(random.between(10, random.pick([200, 2000])), () => {
      if (this.#isHealed) return;
      if (node.isUp) {
        this.#commit(node, randomChanges(random, node.nowMs(), `${node.id}.${this.#tokens++}`));
        // Soon after a write is when a failure matters most.
        if (this.#has.crashes && random.chance(0.01))
          this.#world.after(random.between(1, 200), () => {
            if (node.isUp && !this.#isHealed) this.#crash(node, random.between(10, 3000));
          });
        if (random.chance(0.2)) {
          for (const torn of this.#oracle.tornIn(node, 30)) this.#faults.add(torn);
          for (const mistaken of this.#oracle.mistakenIn(node, 10)) this.#faults.add(mistaken);
        }
      }
      this.#writeSoon(node);
    });
  }

  /** Takes out what is over, as the members' acknowledgements allow. */
  #upkeepSoon(node: SimNode): void {
    const random = this.#random;
    this.#world.after(random.between(500, 5000), () => {
      if (node.isUp) {
        this.#latestMs = Math.max(this.#latestMs, node.nowMs());
        const members = node.members(this.#nodes);
        const retentionMs = this.#has.shortRetention ? random.between(500, 5000) : 3_600_000;
        for (const name of node.store.tables.keys())
          this.figures.taken += node.store.sweep(name, node.nowMs(), 100, members);
        node.store.trim((node.nowMs() - retentionMs) * 1000, 500, members);
      }
      this.#upkeepSoon(node);
    });
  }

  #troubleSoon(): void {
    const random = this.#random;
    this.#world.after(random.between(200, 6000), () => {
      if (this.#isHealed) return;
      this.#trouble();
      this.#troubleSoon();
    });
  }

  #trouble(): void {
    const random = this.#random;
    const node = random.pick(this.#nodes);
    const other = random.pick(this.#nodes);
    switch (random.pick(['crash', 'partition', 'oneWay', 'heal', 'break', 'absence'] as const)) {
      case 'crash':
        if (this.#has.crashes && node.isUp) this.#crash(node, random.between(10, 5000));
        return;
      case 'absence':
        if (this.#has.absence && node.isUp) this.#crash(node, random.between(10_000, 40_000));
        return;
      case 'partition':
        if (!this.#has.partitions) return;
        this.#network.block(node, other);
        return this.#network.block(other, node);
      case 'oneWay':
        if (this.#has.partitions) this.#network.block(node, other);
        return;
      case 'heal':
        return this.#network.heal();
      case 'break':
        this.figures.breaks++;
        return this.#network.breakSome(0.5);
    }
  }

  #crash(node: SimNode, downMs: number): void {
    this.figures.crashes++;
    node.crash(this.#random.chance(0.7));
    this.#network.lost(node);
    const { life } = node;
    this.#world.after(downMs, () => {
      if (!node.isUp && node.life === life) this.#restart(node);
    });
  }

  #restart(node: SimNode): void {
    const promised = node.durable;
    node.start();
    const kept = node.store.vector();
    if (!covers(kept, promised)) this.#faults.add(`${node.id} lost what it had on disk`);
    this.#oracle.forget(node);
    for (const other of this.#nodes)
      if (other !== node && other.isUp && !covers(kept, other.replicator.durableAt(node.id)))
        this.#faults.add(`${other.id} was told of more on ${node.id}'s disk than there is`);
  }
}

/** Every pair, a chain, a ring, a star, or by chance; some pairs send one way only where others make up for it. */
function topology(random: Random, nodes: readonly SimNode[]): Pair[] {
  const kind = random.pick(['mesh', 'mesh', 'chain', 'ring', 'star'] as const);
  const oneWay = kind === 'mesh' && nodes.length > 2 && random.chance(0.3);
  const pairs: Pair[] = [];
  for (const [i, a] of nodes.entries()) {
    for (const [j, b] of nodes.entries()) {
      if (j <= i) continue;
      const isLinked =
        kind === 'mesh' ||
        (kind === 'star' ? i === 0 : j === i + 1 || (kind === 'ring' && i === 0 && j === nodes.length - 1));
      if (!isLinked) continue;
      // Around in a circle everything still gets everywhere.
      const isCircle = j === i + 1;
      const back = i === 0 && j === nodes.length - 1;
      if (oneWay && isCircle) pairs.push({ a, b, aSends: true, bSends: false });
      else if (oneWay && back) pairs.push({ a, b, aSends: false, bSends: true });
      else pairs.push({ a, b, aSends: true, bSends: true });
    }
  }
  return pairs;
}
