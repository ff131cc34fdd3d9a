// Why a conversation between two nodes ends: one table, with what an operator is told.

interface CloseKind {
  /** Whether trying again by itself may help. */
  readonly retry: boolean;
  readonly title: string;
}

export const closeCodes = {
  PROTOCOL: { retry: true, title: 'The peer sent something that can not be understood' },
  TOO_LARGE: { retry: true, title: 'The peer sent more than is allowed' },
  VERSION: { retry: true, title: 'The peer speaks another version of the protocol; update the older node' },
  WRONG_CLUSTER: { retry: false, title: 'The peer belongs to another cluster' },
  WRONG_DATABASE: { retry: false, title: 'The peer means another database' },
  WRONG_IDENTITY: { retry: false, title: 'The peer says it is another node than its certificate does' },
  SELF: { retry: false, title: 'The peer has the id of this node; a copied data folder needs an id of its own' },
  LOST_COMMITS: {
    retry: false,
    title: 'A node has fewer of its own commits than its peers have of them; give restored data a node id of its own',
  },
  CLOCK_AHEAD: {
    retry: true,
    title: 'Changes are further ahead of the clock than is allowed; check the clocks of both nodes',
  },
  UNKNOWN_TABLE: { retry: true, title: 'A table of the peer is not known here' },
  STORAGE: { retry: true, title: 'Changes could not be stored' },
  TIMEOUT: { retry: true, title: 'Nothing was heard for too long' },
  STALLED: { retry: true, title: 'The peer takes no data although it answers' },
  REPLACED: { retry: false, title: 'A newer connection to the same node took over' },
  STOPPING: { retry: true, title: 'The node is stopping' },
  DISCONNECTED: { retry: true, title: 'The connection broke' },
} as const satisfies Record<string, CloseKind>;

export type CloseCode = keyof typeof closeCodes;
