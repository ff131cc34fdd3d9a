// The configuration of an HAProxy before the members of a running cluster.

import { ZerohopError } from '../base/index.ts';
import type { ClusterNode } from './cluster-node.ts';
import { backendOf, haproxyConfig } from './haproxy.ts';

/** `region`: undefined: of this node. Throws NOT_FOUND for a region without members. */
export function haproxyBefore(
  { members, links, cluster }: Pick<ClusterNode, 'members' | 'links' | 'cluster'>,
  {
    region: wanted,
    bind,
    caFile,
  }: { readonly region: string | undefined; readonly bind: string; readonly caFile: string },
): string {
  const { own } = members;
  const all = own ? [own, ...members.others] : members.others;
  const region = wanted ?? own?.region ?? '';
  const regions = [...new Set(all.map((member) => member.region ?? ''))];
  if (region !== '' && !regions.includes(region))
    throw new ZerohopError('NOT_FOUND', `No member is of the region ${region}. There are: ${regions.join(', ')}.`);
  const backends = all
    .map((member) => backendOf(member, links.connections.get(member.id)?.roundTripMs))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return haproxyConfig(backends, { cluster, region, bind, caFile });
}
