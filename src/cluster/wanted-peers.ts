// Whom this node connects to, and which ways. Pure.

import type { Config } from '../config/index.ts';
import type { Seed } from './cluster-folder.ts';
import type { Peer, Ways } from './links.ts';
import type { Member } from './members.ts';

type Routes = Config['replication']['routes'];

/** @param seeds members known when it joined */
export function wantedPeers(
  node: string,
  { routes, mesh }: Pick<Config['replication'], 'routes' | 'mesh'>,
  others: readonly Member[],
  seeds: readonly Seed[],
): Peer[] {
  const wanted: Peer[] = routes.map(({ host, port }) => ({ node: undefined, host, port }));
  if (mesh === 'full') {
    for (const member of others)
      if (member.mesh === 'full' && member.host !== '' && member.port !== 0 && !isRoute(routes, member))
        wanted.push({ node: member.id, host: member.host, port: member.port });
    // Until it hears who is a member, it knows those it heard of when it joined; whoever has the smaller id.
    if (others.length === 0) for (const { host, port } of seeds) wanted.push({ node: undefined, host, port });
  }
  return wanted.filter((peer) => peer.node !== node);
}

/** @param place where the other node is, as far as it is known */
export function waysTo(routes: Routes, place: { readonly host: string; readonly port: number } | undefined): Ways {
  const route = routes.find(({ host, port }) => host === place?.host && port === place.port);
  return { sends: route?.sends ?? true, receives: route?.receives ?? true };
}

function isRoute(routes: Routes, { host, port }: { readonly host: string; readonly port: number }): boolean {
  return routes.some((route) => route.host === host && route.port === port);
}
