// Who may come in, and with what: what a node that has the authority's key answers those who ask to join, or for a new certificate.

import { type Clock, ZerohopError } from '../base/index.ts';
import { fingerprintOf, identityIn, isSignedBy, issueCertificate } from './certificates.ts';
import type { ClusterFolder, ClusterState, Slots } from './cluster-folder.ts';
import type { Admission, GuestRequest, JoinRequest, RenewRequest } from './guest-door.ts';
import { hashOf } from './join-token.ts';
import type { Member, Members } from './members.ts';

export interface AdmissionOptions {
  readonly folder: ClusterFolder;
  readonly state: () => ClusterState;
  readonly changeState: (state: ClusterState) => void;
  readonly members: Members;
  readonly clock: Clock;
  /** Of the certificates it gives. */
  readonly lifeMs: number;
  /** The host by which somebody reached this node. */
  readonly reachedAs: (host: string) => void;
}

/** One at a time: what one is given shows when the next asks. Throws ZerohopError for the guest. */
export async function admit(options: AdmissionOptions, request: GuestRequest, address: string): Promise<Admission> {
  const { authorityKey } = options.state();
  if (authorityKey === undefined)
    throw new ZerohopError('FORBIDDEN', 'This node does not admit others. Ask the node the cluster was made on.');
  return request.type === 'join' ? admitNew(options, request, address) : renew(options, request);
}

async function admitNew(options: AdmissionOptions, request: JoinRequest, address: string): Promise<Admission> {
  const { members, clock, state, folder } = options;
  const { node, name, host, port, databases } = request;
  const known = members.all.get(node);
  if (known?.removed)
    throw new ZerohopError(
      'FORBIDDEN',
      `The node ${known.name} was removed from the cluster. To bring the machine back, start with an empty data folder.`,
    );
  const token = folder.tokens.find(({ hash }) => hash === hashOf(request.secret));
  if (!token)
    throw new ZerohopError('FORBIDDEN', 'The token is not known here, or was used. Make one: zerohop cluster token');
  // Used up whatever comes next.
  folder.tokens = folder.tokens.filter(({ hash, untilMs }) => hash !== token.hash && untilMs > clock.nowMs());
  if (token.untilMs <= clock.nowMs())
    throw new ZerohopError('FORBIDDEN', 'The token has expired. Make one: zerohop cluster token');
  const twin = [...members.all.values()].find((other) => other.name === name && other.id !== node && !other.removed);
  if (twin)
    throw new ZerohopError(
      'CONFLICT',
      `There is a node ${name} in the cluster already. Give this one another name with replication.hostname; if it takes the place of that one, whose data is lost, remove that one first: zerohop cluster remove ${name}`,
    );
  const certificate = await certify(options, request.request, node);
  const slots = known ? { own: known.slot, from: 0, to: 0 } : slotsFor(options, token.authority);
  await members.write(node, {
    name,
    host: host || address,
    port,
    databases,
    certificate: fingerprintOf(certificate),
    slot: slots.own,
    authority: token.authority,
  });
  options.reachedAs(request.dialled);
  const { cluster, authority, authorityKey } = state();
  return {
    cluster,
    certificate,
    authority,
    ...(token.authority && authorityKey !== undefined && { authorityKey }),
    slots,
    members: [...members.all.values()]
      .filter(({ id, removed }) => id !== node && !removed)
      .map((member) => ({ node: member.id, host: member.host, port: member.port })),
  };
}

/** By the certificate so far, which must still be good. */
async function renew(options: AdmissionOptions, request: RenewRequest): Promise<Admission> {
  const { members, state, clock } = options;
  const { cluster, authority, slots } = state();
  const identity = await identityIn(request.certificate, authority, clock.nowMs());
  if (identity?.cluster !== cluster || !(await isSignedBy(request.request, request.signature, request.certificate)))
    throw new ZerohopError(
      'FORBIDDEN',
      'A new certificate is given only to who has one of this cluster that is valid.',
    );
  const refusal = refusalOf(members.all.get(identity.node), fingerprintOf(request.certificate));
  if (refusal !== undefined) throw new ZerohopError('FORBIDDEN', refusal);
  const certificate = await certify(options, request.request, identity.node);
  await members.write(identity.node, { certificate: fingerprintOf(certificate) });
  return { cluster, certificate, authority, slots: { ...slots, own: 0 }, members: [] };
}

/** Why nobody talks to who shows this certificate. */
export function refusalOf(member: Member | undefined, fingerprint: string | undefined): string | undefined {
  if (member?.removed)
    return `The node ${member.name} (${member.id}) was removed from the cluster. To bring the machine back, have it join with an empty data folder.`;
  if (fingerprint !== undefined && member?.revoked?.includes(fingerprint))
    return `The certificate of the node ${member.name} was revoked (${fingerprint.slice(0, 16)}…). To let the machine in again, remove the node and have it join with an empty data folder.`;
  return undefined;
}

async function certify({ state, clock, lifeMs }: AdmissionOptions, request: string, node: string): Promise<string> {
  const { authority, authorityKey, cluster } = state();
  const signer = { key: authorityKey ?? '', certificate: authority };
  return issueCertificate(signer, request, { cluster, node, nowMs: clock.nowMs(), lifeMs });
}

/**
 * A number of its own for the new node; one that may admit others gets half of those this node may give out. As each number is given out by
 * one node only, no two get the same. A removed node's number is free again: what it has not told anybody is lost anyway.
 */
function slotsFor({ state, changeState, members }: AdmissionOptions, isAuthority: boolean): Slots {
  const before = state();
  const { from, to, own } = before.slots;
  const taken = new Set([own, ...members.others.map(({ slot }) => slot)]);
  if (isAuthority) {
    const middle = Math.ceil((Math.max(from, own + 1) + to) / 2);
    const free = firstFree(middle, to, taken);
    if (free !== undefined && middle > from) {
      changeState({ ...before, slots: { own, from, to: middle } });
      return { own: free, from: middle, to };
    }
  }
  const free = firstFree(from, to, taken);
  if (free === undefined)
    throw new ZerohopError(
      'CONFLICT',
      'This node has no numbers left for new nodes. Ask another that admits, or remove nodes.',
    );
  return { own: free, from: 0, to: 0 };
}

function firstFree(from: number, to: number, taken: ReadonlySet<number>): number | undefined {
  for (let slot = from; slot < to; slot++) if (!taken.has(slot)) return slot;
  return undefined;
}
