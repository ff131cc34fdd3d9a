// Deploying to every node of a cluster, in two steps: all prepare and check, and only when every connected member has told that it can, all
// switch. A member that is away takes what is active when it is back.
//
//   preparing ──all connected are ready──▶ active ──each node switches──▶ …
//       └──── one has failed, or took too long ──▶ failed: nobody switches
//
// The state is a record that replicates, as are the members' answers, so that it goes on wherever it was broken off.

import { type Logger, ZerohopError } from '../base/index.ts';
import type { Attribute, ScalarType, TableDefinition } from '../schema/index.ts';
import type { Databases, Table } from '../tables/index.ts';
import type { Deployments } from './deployments.ts';

/** How often it is looked for news, in ms. */
const stepMs = 500;
/** How long members may take to prepare, and to switch. */
const prepareMs = 10 * 60_000;
const switchMs = 60_000;
/** Orders that are kept, with their archives: the newest. */
const kept = 10;

export const deploymentTables: readonly TableDefinition[] = [
  table('hdb_deployment', [
    ['id', 'ID'],
    ['project', 'String'],
    ['by', 'String'],
    ['state', 'String'],
    ['reason', 'String'],
    ['createdMs', 'Long'],
    ['archive', 'Blob'],
  ]),
  table('hdb_deployment_node', [
    ['id', 'ID'],
    ['state', 'String'],
    ['reason', 'String'],
    ['atMs', 'Long'],
  ]),
];

interface Order {
  readonly id: string;
  readonly project: string;
  readonly state: 'preparing' | 'active' | 'failed';
  readonly archive: { readonly $blob: string; readonly size: number; readonly type: string };
}

/** `left`: it went back by itself. */
interface Answer {
  readonly id: string;
  readonly state: 'ready' | 'active' | 'failed' | 'left';
  readonly reason?: string;
}

export interface Member {
  readonly id: string;
  readonly name: string;
  readonly connected: boolean;
}

export interface ClusterDeploymentsOptions {
  readonly deployments: Deployments;
  readonly databases: Databases;
  readonly node: string;
  /** The others. */
  readonly members: () => Promise<readonly Member[]>;
  readonly log: Logger;
}

/** What each node has come to, by its name. */
export type Outcome = Readonly<Record<string, string>>;

export class ClusterDeployments {
  readonly #options: ClusterDeploymentsOptions;
  readonly #orders: Table;
  readonly #answers: Table;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: ClusterDeploymentsOptions) {
    this.#options = options;
    const found = deploymentTables.map(({ database, name }) => options.databases.table(database, name));
    const [orders, answers] = found;
    if (!orders || !answers) throw new ZerohopError('INVALID_SCHEMA', 'The tables of deployments are missing.');
    this.#orders = orders;
    this.#answers = answers;
  }

  /** Follows what other nodes order. */
  start(): void {
    const steps = async (): Promise<void> => {
      await this.#follow().catch((error) => this.#options.log.error('A deployment could not go on', { error }));
      if (!this.#stopped) this.#timer = setTimeout(steps, stepMs).unref();
    };
    this.#timer = setTimeout(steps, stepMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Deploys everywhere. Rejects where a connected member can't: then nobody has switched. */
  async deploy(id: string, project: string, archive: Uint8Array): Promise<Outcome> {
    const { databases, deployments, node } = this.#options;
    await deployments.prepare(id, project, archive);
    const reference = await databases.blobs('system').write(archive, 'application/gzip');
    const order = { id, project, by: node, state: 'preparing', createdMs: Date.now(), archive: { ...reference } };
    await this.#put(this.#orders, id, order);
    await this.#answer(id, 'ready');
    const ready = await this.#waitFor(id, ['ready', 'active'], prepareMs);
    if (ready.trouble !== undefined) {
      await this.#patch(id, { state: 'failed', reason: ready.trouble });
      deployments.folder.drop(id);
      throw new ZerohopError('INVALID_REQUEST', `Nothing was deployed on any node: ${ready.trouble}`, {
        nodes: ready.outcome,
      });
    }
    await this.#patch(id, { state: 'active' });
    await deployments.activate(id);
    await this.#answer(id, 'active');
    await this.#forgetOld();
    return (await this.#waitFor(id, ['active'], switchMs)).outcome;
  }

  /** The bytes of a deployment that was made everywhere. */
  async archiveOf(id: string): Promise<{ readonly project: string; readonly archive: Uint8Array }> {
    const order = this.#order(id);
    const blob = order && this.#options.databases.blobs('system').open(order.archive);
    if (!order || !blob)
      throw new ZerohopError('NOT_FOUND', `The deployment ${id} was not made on the whole cluster: deploy it again.`);
    return { project: order.project, archive: new Uint8Array(await blob.arrayBuffer()) };
  }

  /** This node alone runs something else now: it does not take the cluster's again until there is a newer one. */
  async leave(): Promise<void> {
    const newest = this.#newest();
    if (newest?.state === 'active') await this.#answer(newest.id, 'left');
  }

  async #follow(): Promise<void> {
    const { deployments, node } = this.#options;
    const order = this.#newest();
    if (!order) return;
    if (order.state === 'failed') {
      if (deployments.folder.current?.id !== order.id) deployments.folder.drop(order.id);
      return;
    }
    const own = this.#answerOf(order.id, node)?.state;
    if (own === 'failed' || own === 'left' || own === 'active') return;
    const current = deployments.folder.current?.id;
    // What was deployed on this node alone since then stays.
    if (current !== undefined && current > order.id) return;
    try {
      if (!deployments.folder.has(order.id)) {
        const { project, archive } = await this.archiveOf(order.id);
        await deployments.prepare(order.id, project, archive);
      }
      if (order.state === 'preparing') return void (own === 'ready' || (await this.#answer(order.id, 'ready')));
      if (current !== order.id) await deployments.activate(order.id);
      await this.#answer(order.id, 'active');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.error(`The deployment ${order.id} failed here: ${reason}`);
      await this.#answer(order.id, 'failed', reason);
    }
  }

  async #waitFor(
    id: string,
    states: readonly Answer['state'][],
    mostMs: number,
  ): Promise<{ readonly outcome: Outcome; readonly trouble?: string }> {
    const { node, members } = this.#options;
    const untilMs = Date.now() + mostMs;
    for (;;) {
      const others = await members();
      const answers = others.map((member) => ({ member, answer: this.#answerOf(id, member.id) }));
      const outcome = Object.fromEntries([
        ['this node', this.#answerOf(id, node)?.state ?? 'unknown'],
        ...answers.map(({ member, answer }) => [member.name, told(member, answer)]),
      ]);
      const failed = answers.find(({ answer }) => answer?.state === 'failed');
      if (failed) return { outcome, trouble: `${failed.member.name}: ${failed.answer?.reason}` };
      const open = answers.filter(
        ({ member, answer }) => member.connected && !(answer && states.includes(answer.state)),
      );
      if (open.length === 0) return { outcome };
      if (Date.now() > untilMs)
        return {
          outcome,
          trouble: `${open.map(({ member }) => member.name).join(', ')} did not answer within ${mostMs / 1000} s.`,
        };
      await Bun.sleep(100);
    }
  }

  /** The archives of old orders, and what nodes answered to them. */
  async #forgetOld(): Promise<void> {
    const transaction = this.#options.databases.transaction();
    try {
      const newestFirst = { sort: [{ attribute: ['id'], descending: true }] };
      const orders = [...transaction.search(this.#orders, newestFirst).rows].map(({ id }) => String(id));
      const oldest = orders[kept - 1];
      for (const id of orders.slice(kept)) transaction.delete(this.#orders, id);
      for (const { id } of [...transaction.search(this.#answers, newestFirst).rows])
        if (oldest !== undefined && String(id) < oldest) transaction.delete(this.#answers, id);
      await transaction.commit();
    } finally {
      transaction.abort();
    }
  }

  #newest(): Order | undefined {
    const transaction = this.#options.databases.transaction();
    try {
      const found = transaction.search(this.#orders, { sort: [{ attribute: ['id'], descending: true }], limit: 1 });
      const [row] = [...found.rows];
      return row && (JSON.parse(row.json) as Order);
    } finally {
      transaction.abort();
    }
  }

  #order(id: string): Order | undefined {
    const record = this.#options.databases.getLatest(this.#orders, id);
    return record && (JSON.parse(record.body) as Order);
  }

  #answerOf(order: string, node: string): Answer | undefined {
    const record = this.#options.databases.getLatest(this.#answers, `${order} ${node}`);
    return record && (JSON.parse(record.body) as Answer);
  }

  #answer(order: string, state: Answer['state'], reason?: string): Promise<void> {
    const id = `${order} ${this.#options.node}`;
    return this.#put(this.#answers, id, { id, state, atMs: Date.now(), ...(reason !== undefined && { reason }) });
  }

  async #put(into: Table, id: string, record: Readonly<Record<string, unknown>>): Promise<void> {
    const transaction = this.#options.databases.transaction();
    transaction.put(into, id, record);
    await transaction.commit();
  }

  async #patch(id: string, changes: Readonly<Record<string, unknown>>): Promise<void> {
    const transaction = this.#options.databases.transaction();
    transaction.patch(this.#orders, id, changes);
    await transaction.commit();
  }
}

function told({ connected }: Member, answer: Answer | undefined): string {
  if (answer) return answer.state;
  return connected ? 'preparing' : 'away: takes it when it is back';
}

function table(name: string, columns: readonly (readonly [name: string, type: ScalarType])[]): TableDefinition {
  const attributes = columns.map(
    ([attribute, scalar]): Attribute => ({
      name: attribute,
      type: { kind: 'scalar', scalar },
      required: false,
      indexed: false,
      unique: false,
      fulltext: false,
      hidden: false,
    }),
  );
  return {
    database: 'system',
    name,
    primaryKey: 'id',
    attributes,
    sealed: true,
    replicate: true,
    audit: true,
    hidden: true,
  };
}
