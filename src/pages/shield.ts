// What stands between clients and an origin: how many requests it gets at once, and whether it is asked at all. A failing origin is left alone
// for a while, then probed by one request.

import type { Tracer } from '../base/index.ts';
import { type AskedSite, askOrigin, type OriginAnswer, type OriginFailure, type OriginRequest } from './origin.ts';
import type { SiteMetrics } from './page-metrics.ts';
import type { SharedState } from './shared-state.ts';
import { Silence } from './silence.ts';

/** A failure to answer counts as much as four answers that say 5xx: one broken page must not take its whole site with it. */
const weights = { failure: 4, serverError: 1 } as const;

export type OutageMode = 'auto' | 'on' | 'force';

export class Shield {
  readonly #state: SharedState;
  readonly #metrics: readonly SiteMetrics[];
  readonly #tracer: Tracer | undefined;
  readonly #waiting = new Map<number, number>();
  readonly #silences = new Map<number, Silence>();

  /** @param metrics of each site, in their order */
  constructor(state: SharedState, metrics: readonly SiteMetrics[] = [], tracer?: Tracer) {
    this.#state = state;
    this.#tracer = tracer;
    this.#metrics = metrics;
  }

  /** Whether a request would reach the origin now, as far as is known without asking. */
  isOpen(number: number, mode: OutageMode): boolean {
    return mode === 'force' || (mode !== 'on' && !this.#state.isClosed(number));
  }

  /** Whether a request would be refused now, and would not be the one that looks whether the origin is back. */
  rests(number: number, mode: OutageMode, nowMs: number): boolean {
    return mode === 'on' || (mode !== 'force' && this.#state.rests(number, nowMs));
  }

  /** How long the origin has said nothing to this thread though it is asked, in ms. */
  silentMs(number: number): number {
    return this.#silences.get(number)?.lastsMs(Date.now()) ?? 0;
  }

  underWay(number: number): number {
    return this.#state.underWay(number);
  }

  /**
   * Asks the origin. Its place is given to another when the answer's body has ended.
   * @param background asked for nobody who waits: only while the origin has little to do
   */
  async ask(
    site: AskedSite,
    number: number,
    mode: OutageMode,
    request: OriginRequest,
    background = false,
  ): Promise<OriginAnswer | { readonly ok: false; readonly failure: 'outage_drill' }> {
    if (mode === 'on') return { ok: false, failure: 'outage_drill' };
    const gate = mode === 'force' ? 'open' : this.#state.gate(number, Date.now(), site.timeoutMs.total);
    if (gate === 'closed') return { ok: false, failure: 'destination_unavailable' };
    // A probe must not wait behind those it is to free.
    if (gate !== 'probe' && !(await this.#enter(site, number, request, background)))
      return { ok: false, failure: 'connection_limit_reached' };
    const ended = () => {
      if (gate !== 'probe') this.#state.leave(number);
    };
    const silence = this.#silences.get(number) ?? new Silence();
    this.#silences.set(number, silence);
    if (!request.isPassed) silence.asked(Date.now());
    const answer = await (this.#tracer === undefined
      ? askOrigin(site, request, ended)
      : askTraced(this.#tracer, site, request, ended));
    if (!request.isPassed) silence.ended(answer.ok, Date.now());
    else if (answer.ok) silence.heard(Date.now());
    this.#judge(site, number, answer);
    this.#measure(number, answer);
    return answer;
  }

  #measure(number: number, answer: OriginAnswer): void {
    const metrics = this.#metrics[number];
    if (!answer.ok) return metrics?.originAnswered(answer.failure);
    metrics?.originAnswered(`${Math.floor(answer.response.status / 100)}xx`);
    metrics?.originSeconds.observe((answer.receivedMs - answer.requestedMs) / 1000);
  }

  #judge(site: AskedSite, number: number, answer: OriginAnswer): void {
    const { failures, openMs } = site.limit;
    const isServerError = answer.ok && answer.response.status >= 500;
    if (answer.ok && !isServerError) return this.#state.succeeded(number);
    // It says nothing of the origin.
    if (!answer.ok && answer.failure === 'http_request_error') return this.#state.withdrawn(number);
    const weight = answer.ok ? weights.serverError : weights.failure;
    this.#state.failed(number, weight, failures * weights.failure, openMs, Date.now());
  }

  async #enter(site: AskedSite, number: number, { body }: OriginRequest, background: boolean): Promise<boolean> {
    const { concurrent, queued } = site.limit;
    const half = Math.max(1, Math.floor(concurrent / 2));
    if (background) return this.#state.enter(number, half);
    // How long an upload takes is up to its client: all of them together must leave places for others.
    const most = body instanceof ReadableStream ? half : concurrent;
    if (this.#state.enter(number, most)) return true;
    const waiting = this.#waiting.get(number) ?? 0;
    if (waiting >= queued) return false;
    this.#waiting.set(number, waiting + 1);
    const untilMs = Date.now() + site.timeoutMs.firstByte;
    try {
      for (let leftMs = site.timeoutMs.firstByte; leftMs > 0; leftMs = untilMs - Date.now()) {
        await this.#state.whenLeft(number, leftMs);
        if (this.#state.enter(number, most)) return true;
      }
      return false;
    } finally {
      this.#waiting.set(number, (this.#waiting.get(number) ?? 1) - 1);
    }
  }
}

/** The one header beside those of the key that an origin gets: `traceparent`, which must not change what it answers. */
function askTraced(tracer: Tracer, site: AskedSite, request: OriginRequest, ended: () => void): Promise<OriginAnswer> {
  const { method, target } = request;
  const { hostname, port, protocol } = new URL(site.origin);
  const attributes = {
    'http.request.method': method,
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
    'url.full': site.origin + target.replace(/\?.*/s, ''),
  };
  return tracer.run(method, { kind: 'client', attributes }, async (span) => {
    const headers = new Headers(request.headers);
    const { traceparent } = tracer.headers();
    if (traceparent !== undefined) headers.set('traceparent', traceparent);
    const answer = await askOrigin(site, { ...request, headers }, ended);
    if (answer.ok) span.set({ 'http.response.status_code': answer.response.status });
    if (!answer.ok || answer.response.status >= 400)
      span.fail(new Error(answer.ok ? `${answer.response.status}` : answer.failure));
    return answer;
  });
}

/** Failures as numbers, for shared memory. */
const failureOrder: readonly OriginFailure[] = [
  'dns_error',
  'connection_refused',
  'connection_timeout',
  'connection_terminated',
  'http_response_timeout',
  'tls_protocol_error',
  'http_protocol_error',
  'connection_limit_reached',
  'destination_unavailable',
  'proxy_internal_error',
  'http_request_error',
];

export function outcomeOfFailure(failure: OriginFailure): number {
  return 1000 + failureOrder.indexOf(failure);
}

export function failureOfOutcome(outcome: number): OriginFailure | undefined {
  return failureOrder[outcome - 1000];
}
