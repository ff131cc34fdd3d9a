// Clusters that a benchmark measures: nodes that replicate directly, and the same nodes with a broker between them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '../../src/storage/index.ts';
import { apps, cores, freePort, type Lab, type Server, zerohopEnvironment } from '../lab.ts';

export interface Member {
  readonly server: Server;
  readonly data: string;
}

export interface BenchCluster {
  readonly members: readonly Member[];
  /** Processes whose time counts. */
  readonly pids: readonly number[];
  /** Bytes sent between nodes, or between nodes and the broker, so far. */
  sentBytes(): Promise<number>;
  stop(): Promise<void>;
}

const joinedMs = 60_000;
/** How often nodes are looked at. */
const pollMs = 10;

export interface DirectCluster extends BenchCluster {
  /** Starts a member again that was stopped: where it was, with what it had. */
  restart(member: Member): Promise<Member>;
}

export interface DirectOptions {
  /** Without TLS: only then are the nodes told of each other by configuration. */
  readonly isPlain?: boolean;
  /** For the Bun of the first node: a profiler. */
  readonly bunArguments?: readonly string[];
}

export async function startDirect(lab: Lab, size: number, options: DirectOptions = {}): Promise<DirectCluster> {
  const { isPlain = false, bunArguments = [] } = options;
  const ports = Array.from({ length: size }, freePort);
  const start = async (index: number, data: string): Promise<Member> => {
    const routes = ports.slice(0, index).map((other) => `127.0.0.1:${other}`);
    const environment = {
      ZEROHOP_REPLICATION_HOST: '127.0.0.1',
      ZEROHOP_REPLICATION_ADDRESS: '127.0.0.1',
      ZEROHOP_REPLICATION_PORT: String(ports[index]),
      ZEROHOP_REPLICATION_HOSTNAME: `node-${index}`,
      ...(isPlain && { ZEROHOP_REPLICATION_INSECURE: 'true', ZEROHOP_REPLICATION_ROUTES: routes.join(',') }),
    };
    const server = await lab.startZerohop({
      app: apps.node,
      data,
      cores: cores.both,
      threads: 0,
      environment,
      ...(index === 0 && { bunArguments }),
    });
    return { server, data };
  };
  const members = await Promise.all(ports.map((_, index) => start(index, lab.newPath('data'))));
  const [first, ...others] = members;
  if (!isPlain && first) {
    await operate(first, { operation: 'cluster_init', cluster: 'bench' });
    for (const other of others) {
      const { token } = (await operate(first, { operation: 'cluster_token' })) as { token: string };
      await operate(other, { operation: 'cluster_join', address: `127.0.0.1:${ports[0]}`, token });
    }
  }
  const statusOf = async (member: Member) =>
    (await operate(member, { operation: 'cluster_status' })) as {
      readonly peers: readonly { readonly connected: boolean; readonly sentBytes: number }[];
    };
  await waitFor('all nodes to be connected', joinedMs, async () => {
    const all = await Promise.all(members.map(statusOf));
    return all.every(({ peers }) => peers.filter(({ connected }) => connected).length === size - 1);
  });
  return {
    members,
    pids: members.map(({ server }) => server.pid),
    async sentBytes() {
      const all = await Promise.all(members.map(statusOf));
      return all.flatMap(({ peers }) => peers).reduce((sum, { sentBytes }) => sum + sentBytes, 0);
    },
    restart: ({ data }) =>
      start(
        members.findIndex((member) => member.data === data),
        data,
      ),
    stop: async () => void (await Promise.all(members.map(({ server }) => server.stop()))),
  };
}

/** What a message holds and how it is committed: see rivals/broker-node.ts. */
export type BrokerMode = 'batches' | 'grouped' | 'transactions';

export async function startBrokered(lab: Lab, size: number, mode: BrokerMode = 'batches'): Promise<BenchCluster> {
  const [port, monitor] = [freePort(), freePort()];
  const nats = Bun.spawn(
    ['nats-server', '-a', '127.0.0.1', '-p', String(port), '-m', String(monitor), '-js', '-sd', lab.newPath('nats')],
    { stdio: ['ignore', 'ignore', 'ignore'], signal: lab.signal },
  );
  const varz = async () =>
    (await (await fetch(`http://127.0.0.1:${monitor}/varz`)).json()) as { in_bytes: number; out_bytes: number };
  await waitFor('the broker to answer', joinedMs, async () => (await varz()).in_bytes >= 0);
  const members: Member[] = [];
  for (let index = 0; index < size; index++) {
    const data = lab.newPath('data');
    const url = `nats://127.0.0.1:${port}`;
    const args = [apps.node, data, `node-${index}`, url, mode];
    const environment = zerohopEnvironment(0, 0, data);
    const server = await lab.startRival('broker-node.ts', args, cores.both, environment);
    members.push({ server, data });
  }
  return {
    members,
    pids: [nats.pid, ...members.map(({ server }) => server.pid)],
    async sentBytes() {
      const { in_bytes, out_bytes } = await varz();
      return in_bytes + out_bytes;
    },
    async stop() {
      await Promise.all(members.map(({ server }) => server.stop()));
      nats.kill();
      await nats.exited;
    },
  };
}

/** What a node's file holds of the table `Item`: number of records and their digest. */
export function digestOf({ data }: Member): { readonly count: number; readonly digest: string } {
  const connection = new Connection(join(data, 'data.db'), { readonly: true });
  try {
    const [row] = connection.all("SELECT count, digest_high, digest_low FROM _catalog WHERE name = 'Item'");
    return { count: Number(row?.[0] ?? 0), digest: `${row?.[1]}:${row?.[2]}` };
  } finally {
    connection.close();
  }
}

/** Resolves with the number of records when all nodes hold the same `least` or more. */
export async function converged(members: readonly Member[], least: number, limitMs: number): Promise<number> {
  let count = 0;
  await waitFor(`${members.length} nodes to hold the same`, limitMs, () => {
    const all = members.map(digestOf);
    count = all[0]?.count ?? 0;
    return count >= least && all.every(({ digest }) => digest === all[0]?.digest);
  });
  return count;
}

/** User and system time of processes so far, in ms. */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) * 10;
  }, 0);
}

export async function operate({ data }: Member, body: object): Promise<unknown> {
  const unix = join(data, 'operations.sock');
  // The file is there a moment before somebody listens.
  await waitFor('the operations socket', joinedMs, async () => (await fetch('http://localhost/health', { unix })).ok);
  const response = await fetch('http://localhost/', { unix, method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`An operation was answered ${response.status}: ${await response.text()}`);
  return response.json();
}

export async function waitFor(what: string, limitMs: number, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      if (await isSo()) return;
    } catch (error) {
      last = error;
    }
    await Bun.sleep(pollMs);
  }
  throw new Error(`Waited ${limitMs} ms for ${what}${last === undefined ? '' : `: ${last}`}`);
}
