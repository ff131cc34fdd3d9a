// What an operation is. Every area of the node brings its own; runtime joins them.

import type { ClientCertificate, User } from '../../security/index.ts';

export interface Operation {
  /** As in the request: 'cluster_status'. */
  readonly name: string;
  /** Who may call it. `user`: whoever has credentials, and the operation asks `allow` for each thing it touches. */
  readonly access: 'super_user' | 'user' | 'anyone';
  /** A value to answer as JSON, or a Response as it is. Throws ZerohopError for what the caller can put right. */
  run(call: OperationCall): Promise<unknown>;
}

export interface OperationCall {
  readonly user: User | null;
  /** The whole request: `operation` and what belongs to it. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether it came over the socket in the data folder. */
  readonly isLocal: boolean;
  /** Of the caller; null over the socket. */
  readonly address: string | null;
  readonly headers: Headers;
  /** Fires when the caller is gone. */
  readonly signal: AbortSignal;
}

/** Who sends a request to the operations port. Throws UNAUTHENTICATED when its credentials are wrong. */
export type IdentifyCaller = (
  request: Request,
  address: string,
  certificate?: ClientCertificate,
) => Promise<User | null>;
