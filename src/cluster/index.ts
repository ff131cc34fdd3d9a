export { Agent, type AgentOptions } from './agent.ts';
export * from './certificates.ts';
export { Cluster, type ClusterAnswer, type ClusterOptions, type ClusterRequest } from './cluster.ts';
export { ClusterNode, type OriginLag } from './cluster-node.ts';
export { type LinkReport, Links, type LinksOptions, type Peer } from './links.ts';
export { type Member, Members } from './members.ts';
export type { ClusterStatus, DatabaseStatus, PeerStatus } from './status.ts';
export type { ClusterLog } from './troubles.ts';
export type * from './verify-messages.ts';
