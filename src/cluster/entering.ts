// How a node comes to be in a cluster: it begins one, or a member admits it by a token. What comes of it is the state that is kept of it.

import { hostname } from 'node:os';
import { type Clock, ZerohopError } from '../base/index.ts';
import { type Config, readAddress } from '../config/index.ts';
import { fingerprintOf, issueCertificate, makeAuthority, makeRequest } from './certificates.ts';
import type { ClusterFolder, ClusterState } from './cluster-folder.ts';
import { askMember } from './guest-door.ts';
import { newToken, readToken } from './join-token.ts';
import { ownAddress } from './own-row.ts';

export interface Entering {
  readonly node: string;
  readonly clock: Clock;
  readonly config: Config['replication'];
}

/** Numbers for nodes: see `idSlots`. */
const slots = 256;
const longestTokenMs = 30 * 24 * 3600_000;

/** A new cluster, with an authority of its own. */
export async function beginCluster({ node, clock, config }: Entering, name: string): Promise<ClusterState> {
  const cluster = `${name}-${Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString('hex')}`;
  const authority = await makeAuthority(name, clock.nowMs());
  const { key, request } = await makeRequest(node);
  const terms = { cluster, node, nowMs: clock.nowMs(), lifeMs: config.certificateMs };
  const certificate = await issueCertificate(authority, request, terms);
  return {
    cluster,
    slots: { own: 0, from: 0, to: slots },
    seeds: [],
    own: { key, certificate },
    authority: authority.certificate,
    authorityKey: authority.key,
  };
}

/** Asks a member to be admitted. Rejects with INVALID_REQUEST, or why it is not. */
export async function joinCluster(
  { node, clock, config }: Entering,
  address: string,
  tokenText: string,
): Promise<ClusterState> {
  const place = readAddress(address);
  if (!place)
    throw new ZerohopError('INVALID_REQUEST', `${address} is no address. Give a host, or host:port, of a member.`);
  const token = readToken(tokenText);
  const { key, request } = await makeRequest(node);
  const own = ownAddress(config.address, config.port);
  const { cluster, certificate, authority, authorityKey, slots, members } = await askMember({
    ...place,
    authority: token.authority,
    nowMs: clock.nowMs(),
    request: {
      type: 'join',
      secret: token.secret,
      request,
      node,
      name: config.hostname || hostname(),
      host: own?.host ?? config.hostname,
      port: own?.port ?? config.port,
      dialled: place.host,
      databases: [...config.databases],
    },
  });
  // The member that was asked first, at the address that works from here.
  const seeds = [{ node: '', ...place }, ...members];
  return { cluster, slots, seeds, own: { key, certificate }, authority, authorityKey };
}

/** A token for one node to join with. Throws CONFLICT where this node admits nobody. */
export function giveToken(
  state: ClusterState,
  folder: ClusterFolder,
  asked: { readonly lifeMs: number; readonly authority: boolean; readonly nowMs: number },
): { readonly token: string; readonly validUntil: string } {
  if (state.authorityKey === undefined)
    throw new ZerohopError(
      'CONFLICT',
      'This node does not admit others. Make the token on the node the cluster was begun on, or one that joined with a token made with --authority.',
    );
  const { authority, nowMs } = asked;
  const untilMs = nowMs + Math.min(asked.lifeMs, longestTokenMs);
  const { text, hash } = newToken(fingerprintOf(state.authority));
  folder.tokens = [...folder.tokens.filter((one) => one.untilMs > nowMs), { hash, untilMs, authority }];
  return { token: text, validUntil: new Date(untilMs).toISOString() };
}
