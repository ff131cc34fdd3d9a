// Whether this node is in a cluster, and what makes it be: begins one, joins one, lets others in, removes members, renews its certificate.
// Lives in the thread of the store; other threads ask it by `ask`, with plain data both ways.

import { assert, type Clock, errorToData, ZerohopError } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import { type Credentials, overPlainTcp, overTls } from '../net/index.ts';
import { isGeneratedUser, systemDatabase, tableNames } from '../security/index.ts';
import type { StoreEngine } from '../store/index.ts';
import type { MetricsSnapshot } from '../telemetry/index.ts';
import { admit } from './admission.ts';
import { ClusterFolder, type ClusterState } from './cluster-folder.ts';
import { ClusterNode, type ClusterNodeOptions } from './cluster-node.ts';
import type { ClusterAnswer, ClusterRequest } from './cluster-request.ts';
import { beginCluster, giveToken, joinCluster } from './entering.ts';
import { openGuestDoor } from './guest-door.ts';
import { haproxyBefore } from './haproxy-before.ts';
import { checkInsecure, readOwnCertificate } from './own-certificate.ts';
import { type Issued, Renewal } from './renewal.ts';
import { type ClusterStatus, metricsOf, statusOf } from './status.ts';
import type { ClusterLog } from './troubles.ts';
import type { VerifyCursor } from './verify-messages.ts';

export interface ClusterOptions {
  readonly engine: StoreEngine;
  readonly node: string;
  readonly clock: Clock;
  readonly config: Config['replication'];
  readonly ports: ClusterNodeOptions['ports'];
  /** The data folder. */
  readonly folder: string;
  readonly version: string;
  readonly log: ClusterLog;
  /** Tables came in from another node: every thread is to take note. */
  readonly tablesMade: () => void;
}

/** Certificates of a node before its present one that are told to be void; older ones have expired. */
const mostRevoked = 8;

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #folder: ClusterFolder;
  #state: ClusterState | undefined;
  #credentials: Credentials | undefined;
  #running: ClusterNode | undefined;
  readonly #renewal: Renewal;
  #admissions: Promise<unknown> = Promise.resolve();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#folder = new ClusterFolder(options.folder);
    const { node, clock, config, log } = options;
    this.#renewal = new Renewal({
      node,
      clock,
      lifeMs: config.certificateMs,
      state: () => this.#state,
      authorities: () => this.#demandRunning().members.others.filter((member) => member.authority),
      renewed: (own, old) => this.#renewed(own, old),
      log,
    });
  }

  /** Undefined: the node is in no cluster. */
  get running(): ClusterNode | undefined {
    return this.#running;
  }

  /** Takes the node's place in the cluster it is in. Throws INVALID_CONFIG. */
  async start(): Promise<void> {
    const { config } = this.#options;
    if (config.insecure) return this.#startInsecure();
    if (config.certificate !== '') return this.#startWithOwnCertificate();
    this.#state = this.#folder.read();
    if (this.#state) await this.#startAdmitted(this.#state, false);
  }

  async ask(request: ClusterRequest): Promise<ClusterAnswer> {
    try {
      return { ok: true, value: await this.#answer(request) };
    } catch (error) {
      return { ok: false, error: errorToData(error) };
    }
  }

  metrics(): MetricsSnapshot {
    return this.#running ? metricsOf(this.#running) : [];
  }

  /** Local tables have changed. */
  schemaChanged(): void {
    this.#running?.schemaChanged();
  }

  async stop(): Promise<void> {
    this.#renewal.stop();
    await this.#running?.stop();
  }

  #answer(request: ClusterRequest): Promise<unknown> {
    switch (request.type) {
      case 'status':
        return Promise.resolve(this.#status());
      case 'init':
        return this.#init(request.cluster);
      case 'token':
        return Promise.resolve(this.#token(request.lifeMs, request.authority));
      case 'join':
        return this.#join(request.address, request.token);
      case 'remove':
        return this.#remove(request.node);
      case 'revoke':
        return this.#revoke(request.node);
      case 'rotate':
        return this.#renew();
      case 'verify':
        return this.#verify(request.repair, request.from);
      case 'haproxy':
        return Promise.resolve(haproxyBefore(this.#demandRunning(), request));
    }
  }

  #status(): ClusterStatus | { readonly enabled: false } {
    const running = this.#running;
    if (!running) return { enabled: false };
    const certificate = this.#credentials?.certificate;
    const authority = this.#state?.authorityKey !== undefined;
    return statusOf(running, { node: this.#options.node, certificate, authority });
  }

  async #verify(repair: boolean, from: VerifyCursor | null): Promise<unknown> {
    const { members, links, verifier, replicators } = this.#demandRunning();
    const unreachable = members.others.filter(({ id }) => !links.connections.has(id)).map(({ name }) => name);
    const report = await verifier.verify({ repair, from, databases: [...replicators.keys()] });
    return { ...report, unreachable };
  }

  async #init(name: string): Promise<unknown> {
    this.#demandAlone();
    const state = await beginCluster(this.#options, name);
    await this.#enter(state, true);
    return { message: `The cluster ${state.cluster} is begun.`, cluster: state.cluster };
  }

  #token(lifeMs: number, authority: boolean): unknown {
    return giveToken(this.#demandState(), this.#folder, { lifeMs, authority, nowMs: this.#options.clock.nowMs() });
  }

  async #join(address: string, token: string): Promise<unknown> {
    this.#demandAlone();
    const state = await joinCluster(this.#options, address, token);
    await this.#enter(state, false);
    const { cluster, seeds } = state;
    return { message: `This node is in the cluster ${cluster}.`, cluster, members: seeds.length };
  }

  async #enter(state: ClusterState, isFirst: boolean): Promise<void> {
    this.#folder.write(state);
    this.#state = state;
    // The administrator this node made for itself is not to take the place of the cluster's, who may have the same name.
    if (!isFirst) this.#options.engine.forget(systemDatabase, tableNames.users, isGeneratedUser);
    await this.#startAdmitted(state, isFirst);
  }

  async #remove(nameOrId: string): Promise<unknown> {
    const running = this.#demandRunning();
    const member = running.members.find(nameOrId);
    if (member.id === this.#options.node)
      throw new ZerohopError('CONFLICT', 'A node can not remove itself. Ask another member to.');
    await running.members.write(member.id, { removed: true });
    running.links.drop(member.id);
    return { message: `${member.name} is removed from the cluster.` };
  }

  /** The certificate that a node has now is worth nothing any more; a new one it gets only by joining again. */
  async #revoke(nameOrId: string): Promise<unknown> {
    const running = this.#demandRunning();
    const member = running.members.find(nameOrId);
    if (member.certificate === '') throw new ZerohopError('CONFLICT', `${member.name} has no certificate.`);
    const revoked = [...new Set([...(member.revoked ?? []), member.certificate])];
    await running.members.write(member.id, { revoked });
    running.links.drop(member.id);
    return { message: `The certificate of ${member.name} is revoked.`, certificate: member.certificate };
  }

  async #startInsecure(): Promise<void> {
    const { config, node } = this.#options;
    checkInsecure(config);
    await this.#run({
      cluster: 'insecure',
      transport: overPlainTcp(`URI:zerohop://insecure/${encodeURIComponent(node)}`),
      isAdmitted: false,
    });
  }

  async #startWithOwnCertificate(): Promise<void> {
    const { config, node, clock } = this.#options;
    const { credentials, cluster } = await readOwnCertificate(config, node, clock.nowMs());
    this.#credentials = credentials;
    await this.#run({ cluster, transport: this.#secure(), isAdmitted: false });
  }

  async #startAdmitted(state: ClusterState, isFirst: boolean): Promise<void> {
    const { clock } = this.#options;
    this.#credentials = { ...state.own, authorities: [state.authority] };
    const members = () => this.#demandRunning().members;
    const guest = openGuestDoor({
      authority: state.authority,
      admit: (request, address) =>
        this.#oneAfterTheOther(() =>
          admit(
            {
              folder: this.#folder,
              state: () => this.#demandState(),
              changeState: (changed) => {
                this.#folder.write(changed);
                this.#state = changed;
              },
              members: members(),
              clock,
              lifeMs: this.#options.config.certificateMs,
              reachedAs: (host) => this.#running?.reachedAs(host),
            },
            request,
            address,
          ),
        ),
      refused: (address, reason) => this.#options.log('warn', `${address} was refused: ${reason}`),
    });
    await this.#run({
      cluster: state.cluster,
      transport: this.#secure(),
      guest,
      isAdmitted: !isFirst && state.slots.own !== 0,
      seeds: state.seeds,
      slot: state.slots.own,
    });
    this.#renewal.plan();
  }

  #oneAfterTheOther<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#admissions.then(work);
    this.#admissions = result.catch(() => {});
    return result;
  }

  #secure(): ClusterNodeOptions['transport'] {
    return overTls(() => {
      assert(this.#credentials, 'there are credentials where a certificate is used');
      return this.#credentials;
    });
  }

  async #run(
    own: Pick<ClusterNodeOptions, 'cluster' | 'transport' | 'isAdmitted'> &
      Partial<Pick<ClusterNodeOptions, 'guest' | 'seeds' | 'slot'>>,
  ): Promise<void> {
    const { engine, node, clock, config, ports, version, log, tablesMade } = this.#options;
    this.#running = await ClusterNode.start({
      seeds: [],
      slot: undefined,
      ...own,
      engine,
      node,
      clock,
      config,
      ports,
      version,
      log,
      tablesMade,
      certificate: () => this.#credentials?.certificate,
      isAuthority: this.#state?.authorityKey !== undefined,
    });
    tablesMade();
  }

  async #renew(): Promise<unknown> {
    this.#demandState();
    return this.#renewal.renew();
  }

  /** A new certificate for this node is there. */
  async #renewed(own: Issued, old: string): Promise<void> {
    const running = this.#demandRunning();
    this.#folder.writeOwn(own);
    const state = { ...this.#demandState(), own };
    this.#state = state;
    this.#credentials = { ...own, authorities: [state.authority] };
    await running.certificateChanged();
    const { node } = this.#options;
    await running.members.write(node, { revoked: [...(running.members.own?.revoked ?? []), old].slice(-mostRevoked) });
  }

  #demandAlone(): void {
    if (this.#running)
      throw new ZerohopError('CONFLICT', `This node is in the cluster ${this.#running.cluster} already.`);
  }

  #demandRunning(): ClusterNode {
    if (this.#running) return this.#running;
    throw new ZerohopError(
      'CONFLICT',
      'This node is in no cluster. Begin one with zerohop cluster init, or join one with zerohop cluster join.',
    );
  }

  #demandState(): ClusterState {
    const { cluster } = this.#demandRunning();
    if (this.#state) return this.#state;
    throw new ZerohopError('CONFLICT', `The certificates of ${cluster} are not made here: it uses your own, or none.`);
  }
}
