// The certificate of a node, renewed before it expires: by this node, where it admits others, else by a member that does.

import { type Clock, ZerohopError } from '../base/index.ts';
import { fingerprintOf, issueCertificate, lifeOf, makeRequest, renewalMs, signText } from './certificates.ts';
import type { ClusterState } from './cluster-folder.ts';
import { askMember } from './guest-door.ts';
import type { Member } from './members.ts';
import type { ClusterLog } from './troubles.ts';

export type Issued = ClusterState['own'];

export interface RenewalOptions {
  readonly node: string;
  readonly clock: Clock;
  /** Of certificates this node gives out. */
  readonly lifeMs: number;
  /** Undefined: the certificates are not made here. */
  readonly state: () => ClusterState | undefined;
  /** Members that admit others. */
  readonly authorities: () => readonly Member[];
  /** Takes a new one into use, in place of that with the fingerprint `old`. */
  readonly renewed: (own: Issued, old: string) => Promise<void>;
  readonly log: ClusterLog;
}

/** How often it is looked whether the certificate is to be renewed. */
const checkMs = 3600_000;
/** How soon a renewal that failed is tried again: of a certificate that lasts long. */
const retryMs = 60_000;
/** Between two. */
const soonestMs = 1_000;

export class Renewal {
  readonly #options: RenewalOptions;
  #timer: Timer | undefined;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /** From now on it is renewed in time. */
  plan(failed = false): void {
    const { state, clock, log } = this.#options;
    clearTimeout(this.#timer);
    const certificate = state()?.own.certificate;
    if (certificate === undefined) return;
    const dueMs = renewalMs(certificate) - clock.nowMs();
    const { fromMs, untilMs } = lifeOf(certificate);
    const againMs = Math.max(soonestMs, Math.min(retryMs, (untilMs - fromMs) / 20));
    const waitMs = failed ? againMs : Math.min(Math.max(dueMs, soonestMs), checkMs);
    this.#timer = setTimeout(() => {
      if (dueMs > waitMs && !failed) return this.plan();
      this.renew().catch((error: unknown) => {
        log('error', `The certificate of this node could not be renewed: ${String(error)}`);
        this.plan(true);
      });
    }, waitMs);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** A new certificate for a new key, now. Rejects with CONFLICT or ORIGIN_FAILED. */
  async renew(): Promise<{ readonly message: string; readonly validUntil: string }> {
    const { node, renewed, log } = this.#options;
    const state = this.#options.state();
    // Where it is asked for, the caller says what is missing.
    if (!state) throw new ZerohopError('CONFLICT', 'The certificate of this node is not made here.');
    const { key, request } = await makeRequest(node);
    const certificate =
      state.authorityKey === undefined
        ? await this.#askOthers(state, request)
        : await this.#issue(state, state.authorityKey, request);
    await renewed({ key, certificate }, fingerprintOf(state.own.certificate));
    this.plan();
    const validUntil = new Date(lifeOf(certificate).untilMs).toISOString();
    log('info', `This node has a new certificate, valid until ${validUntil}.`);
    return { message: 'This node has a new certificate.', validUntil };
  }

  #issue({ cluster, authority }: ClusterState, key: string, request: string): Promise<string> {
    const { node, clock, lifeMs } = this.#options;
    const terms = { cluster, node, nowMs: clock.nowMs(), lifeMs };
    return issueCertificate({ key, certificate: authority }, request, terms);
  }

  async #askOthers({ own, authority }: ClusterState, request: string): Promise<string> {
    const { clock, authorities } = this.#options;
    const signature = await signText(request, own.key);
    const reasons: string[] = [];
    for (const { host, port, name } of authorities()) {
      try {
        const asked = { type: 'renew', request, certificate: own.certificate, signature } as const;
        const call = { host, port, authority: fingerprintOf(authority), request: asked, nowMs: clock.nowMs() };
        return (await askMember(call)).certificate;
      } catch (error) {
        reasons.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw new ZerohopError(
      'ORIGIN_FAILED',
      `No member that admits others gave a new certificate. ${reasons.join(' ') || 'None is known.'}`,
    );
  }
}
