// What other threads may ask the cluster, and its answers.

import type { ErrorData } from '../base/index.ts';
import type { VerifyCursor } from './verify-messages.ts';

/** What other threads may ask. Values and answers are plain data. */
export type ClusterRequest =
  | { readonly type: 'status' }
  | { readonly type: 'init'; readonly cluster: string }
  | { readonly type: 'token'; readonly lifeMs: number; readonly authority: boolean }
  | { readonly type: 'join'; readonly address: string; readonly token: string }
  | { readonly type: 'remove'; readonly node: string }
  | { readonly type: 'revoke'; readonly node: string }
  | { readonly type: 'rotate' }
  /** One stretch of comparing with all members that can be reached: see verify.ts. */
  | { readonly type: 'verify'; readonly repair: boolean; readonly from: VerifyCursor | null }
  /** The configuration of an HAProxy; `region` undefined: of this node. */
  | {
      readonly type: 'haproxy';
      readonly region: string | undefined;
      readonly bind: string;
      /** See `HaproxyOptions.caFile`. */
      readonly caFile: string;
    };

export type ClusterAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: ErrorData };
