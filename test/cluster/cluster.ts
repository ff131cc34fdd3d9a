// A cluster as people run it: processes of their own that began and joined it by operations, over TLS on loopback.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterStatus, DatabaseStatus } from '../../src/cluster/index.ts';
import { freePort } from '../support/free-port.ts';
import { startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';
import { TcpProxy } from './tcp-proxy.ts';

export interface ClusterOptions {
  readonly app: string;
  readonly threads?: number;
  /** More `ZEROHOP_*` variables of one node, or of all. */
  readonly settings?: (name: string) => Readonly<Record<string, string>>;
  /** How clients check the certificates of members, where these speak HTTPS. */
  readonly tls?: BunFetchRequestInitTLS;
  /** Lines between all members, which can be cut, with the time there and back between two of them. */
  readonly roundTripMs?: (one: string, other: string) => number;
}

interface Line {
  readonly from: string;
  readonly to: string;
  readonly proxy: TcpProxy;
}

/** One member. Its process can end and be started again on the same data. */
export class ClusterMember {
  readonly name: string;
  readonly #start: () => Promise<TestNode>;
  #node: TestNode | undefined;

  constructor(name: string, start: () => Promise<TestNode>) {
    this.name = name;
    this.#start = start;
  }

  get node(): TestNode {
    if (!this.#node) throw new Error(`${this.name} is not running`);
    return this.#node;
  }

  async start(): Promise<void> {
    this.#node = await this.#start();
  }

  async stop(): Promise<void> {
    await this.#node?.stop();
    this.#node = undefined;
  }

  async kill9(): Promise<void> {
    await this.#node?.kill9();
    this.#node = undefined;
  }

  /** The answer of an operation, asked as whoever may read the data folder; throws what it was refused with. */
  async operation<T>(operation: string, body: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const response = await fetch('http://localhost/', {
      unix: join(this.node.folder, 'operations.sock'),
      method: 'POST',
      body: JSON.stringify({ operation, ...body }),
    });
    const answer = (await response.json()) as T & { detail?: string };
    if (!response.ok) throw new Error(answer.detail ?? `${response.status}`);
    return answer;
  }

  status(): Promise<ClusterStatus> {
    return this.operation<ClusterStatus>('cluster_status');
  }

  async get<T = Record<string, unknown>>(path: string): Promise<T | undefined> {
    const response = await fetch(this.node.url + path);
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`GET ${path} at ${this.name}: ${response.status}`);
    return (await response.json()) as T;
  }

  /** The status of a write. */
  async write(method: 'PUT' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<Response> {
    const response = await fetch(this.node.url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path} at ${this.name}: ${response.status} ${await response.text()}`);
    return response;
  }
}

export class TestCluster implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'zerohop-cluster-'));
  readonly members: ClusterMember[] = [];
  readonly #options: ClusterOptions;
  readonly #ports = new Map<string, number>();
  readonly #lines: Line[] = [];
  readonly #apps = new Map<string, string>();

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Begins with `names[0]`; the others join it. */
  static async start(options: ClusterOptions, names: readonly string[]): Promise<TestCluster> {
    const cluster = new TestCluster(options);
    try {
      if (options.roundTripMs) await cluster.#layLines(names, options.roundTripMs);
      await Promise.all(names.map((name) => cluster.add(name)));
      const [first, ...others] = names.map((name) => cluster.member(name));
      await first?.operation('cluster_init', { cluster: 'test' });
      await Promise.all(others.map((other) => cluster.join(other, first as ClusterMember)));
      await cluster.meshed();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** From its next start on, a member runs another application. */
  runs(name: string, app: string): void {
    this.#apps.set(name, app);
  }

  /** Cuts these members off from the others; without any, everybody hears everybody again. */
  partition(...names: readonly string[]): void {
    for (const { from, to, proxy } of this.#lines) proxy.isCut = names.includes(from) !== names.includes(to);
  }

  #portOf(name: string): number {
    const port = this.#ports.get(name) ?? freePort();
    this.#ports.set(name, port);
    return port;
  }

  async #layLines(names: readonly string[], roundTripMs: (one: string, other: string) => number): Promise<void> {
    for (const [index, from] of names.entries())
      for (const to of names.slice(index + 1)) {
        const proxy = await TcpProxy.start(this.#portOf(to), { roundTripMs: roundTripMs(from, to) });
        this.#lines.push({ from, to, proxy });
      }
  }

  /** Starts a node that is in no cluster. */
  async add(name: string): Promise<ClusterMember> {
    const { threads, settings, tls } = this.#options;
    const port = this.#portOf(name);
    const routes = this.#lines.filter(({ from }) => from === name).map(({ proxy }) => `127.0.0.1:${proxy.port}`);
    const member = new ClusterMember(name, () =>
      startNode({
        app: this.#apps.get(name) ?? this.#options.app,
        data: join(this.folder, name),
        threads: threads ?? 0,
        ...(tls && { tls }),
        settings: {
          REPLICATION_HOST: '127.0.0.1',
          REPLICATION_PORT: String(port),
          REPLICATION_HOSTNAME: name,
          REPLICATION_ADDRESS: '127.0.0.1',
          ...(this.#lines.length > 0 && { REPLICATION_MESH: 'routes', REPLICATION_ROUTES: routes.join(',') }),
          ...settings?.(name),
        },
      }),
    );
    this.members.push(member);
    await member.start();
    return member;
  }

  /** Lets a node join by a member. */
  async join(node: ClusterMember, by: ClusterMember): Promise<void> {
    const { token } = await by.operation<{ token: string }>('cluster_token');
    const { port } = await by.status();
    await node.operation('cluster_join', { address: `127.0.0.1:${port}`, token });
  }

  member(name: string): ClusterMember {
    const member = this.members.find((one) => one.name === name);
    if (!member) throw new Error(`There is no ${name}.`);
    return member;
  }

  /** Resolves when each of these is connected to each. */
  async meshed(members: readonly ClusterMember[] = this.members): Promise<void> {
    await until(`${members.map(({ name }) => name).join(', ')} are connected`, async () => {
      for (const member of members) {
        const { peers } = await member.status();
        const connected = new Set(peers.filter((peer) => peer.connected).map(({ name }) => name));
        if (members.some(({ name }) => name !== member.name && !connected.has(name))) return false;
      }
      return true;
    });
  }

  /** Resolves when nobody lacks anything that another of these has. */
  async settled(members: readonly ClusterMember[] = this.members): Promise<void> {
    const names = new Set(members.map(({ name }) => name));
    const seen = new Map<string, unknown>();
    const isDone = ({ behind, missing, connected }: DatabaseStatus) => connected && behind === 0 && missing === 0;
    await until('all have the same transactions', async () => {
      for (const member of members) {
        const { peers } = await member.status();
        const others = peers.filter(({ name }) => names.has(name));
        seen.set(member.name, others);
        if (others.length !== members.length - 1) return false;
        if (!others.every(({ databases }) => databases.every(isDone))) return false;
      }
      return true;
    }).catch((error: unknown) => {
      throw new Error(`They do not have the same: ${JSON.stringify([...seen], null, 1)}`, { cause: error });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill9()));
    await Promise.all(this.#lines.map(({ proxy }) => proxy[Symbol.asyncDispose]()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
