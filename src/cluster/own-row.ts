// What this node says of itself in the table of members; and of nodes that do not say it themselves.

import { hostname } from 'node:os';
import type { Clock } from '../base/index.ts';
import { type Config, readAddress } from '../config/index.ts';
import { fingerprintOf } from './certificates.ts';
import type { Links } from './links.ts';
import type { Member, Members } from './members.ts';
import type { ClusterLog } from './troubles.ts';

/** Of the application and of the agent for load balancers; 0: none that others can know. */
export interface OwnPorts {
  readonly http: number;
  readonly agent: number;
  /** Whether the application's port speaks HTTPS. */
  readonly tls: boolean;
}

export interface OwnRowOptions {
  readonly node: string;
  readonly clock: Clock;
  readonly config: Config['replication'];
  readonly ports: OwnPorts;
  /** Of the runtime. */
  readonly version: string;
  /** PEM of the certificate in use; undefined: there are none. */
  readonly certificate: () => string | undefined;
  readonly isAuthority: boolean;
  /** Number for integer ids; undefined: one is chosen that no known member has. */
  readonly slot: number | undefined;
  /** Whether somebody else writes this node's row first. */
  readonly isAdmitted: boolean;
  readonly members: Members;
  readonly links: Links;
  /** Tables whose places code chooses: see `Member.residencies`. */
  readonly residencies: () => readonly string[];
  /** Where other nodes connect. */
  readonly port: () => number;
  readonly log: ClusterLog;
}

/** How long a node that is connected may be without a row before it is given one. */
const strangerMs = 30_000;

export class OwnRow {
  /** The host name by which somebody reached this node. */
  reachedAs = '';
  readonly #options: OwnRowOptions;
  #isWriting = false;
  #isStopped = false;

  constructor(options: OwnRowOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.config.hostname || hostname();
  }

  /** Its number for integer ids. Where nobody gives them out: one that follows from the id, and that no member it knows has. */
  get slot(): number {
    const { node, members, slot: given } = this.#options;
    if (given !== undefined) return given;
    if (members.own) return members.own.slot;
    const taken = new Set(members.others.map(({ slot }) => slot));
    let slot = Number(BigInt(Bun.hash(node)) % 256n);
    for (let tried = 0; taken.has(slot) && tried < 256; tried++) slot = (slot + 1) % 256;
    return slot;
  }

  /** Never rejects. */
  async write(): Promise<void> {
    const { node, isAdmitted, members, log } = this.#options;
    if (this.#isWriting || this.#isStopped || (isAdmitted && !members.all.has(node))) return;
    this.#isWriting = true;
    try {
      await members.write(node, this.#values());
    } catch (error) {
      if (!this.#isStopped) log('error', `This node could not say where it is: ${String(error)}`);
    } finally {
      this.#isWriting = false;
    }
  }

  /** A node whose row does not come here, on a route that only sends: it counts as a member, so that nothing is taken out before it has it. */
  takeNoteOfStrangers(): void {
    const { members, links, clock, log } = this.#options;
    for (const { peer, sinceMs, address } of links.connections.values()) {
      if (members.all.has(peer) || clock.nowMs() - sinceMs < strangerMs || this.#isWriting) continue;
      this.#isWriting = true;
      void members
        .write(peer, { name: peer, host: '', port: 0, mesh: 'routes' })
        .catch((error: unknown) => log('error', `The node at ${address} could not be noted: ${error}`))
        .finally(() => {
          this.#isWriting = false;
        });
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  #values(): Partial<Member> {
    const { config, ports, version, certificate, isAuthority, members, residencies, port } = this.#options;
    const address = ownAddress(config.address, port());
    const pem = certificate();
    return {
      name: this.name,
      host: address?.host ?? (config.hostname || this.reachedAs || members.own?.host || hostname()),
      port: address?.port ?? port(),
      ...ports,
      region: config.region,
      shard: config.shard,
      residencies: residencies(),
      databases: [...config.databases],
      mesh: config.mesh,
      version,
      authority: isAuthority,
      slot: this.slot,
      ...(pem !== undefined && { certificate: fingerprintOf(pem) }),
    };
  }
}

/** A configured address; a name alone goes with the port this node listens on. */
export function ownAddress(text: string, port: number): { readonly host: string; readonly port: number } | undefined {
  const read = text === '' ? undefined : readAddress(text);
  return read && { host: read.host, port: /:\d+\/?$/.test(text) ? read.port : port };
}
