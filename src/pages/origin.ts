// One request to an origin and what came of it: an answer, or a kind of failure. Nothing of it is decoded or followed.

import { Socket } from 'node:net';
import type { Site } from './types.ts';

/** By the names of RFC 9209 §2.3. */
export type OriginFailure =
  | 'dns_error'
  | 'connection_refused'
  | 'connection_timeout'
  | 'connection_terminated'
  | 'http_response_timeout'
  | 'tls_protocol_error'
  | 'http_protocol_error'
  | 'connection_limit_reached'
  | 'destination_unavailable'
  | 'proxy_internal_error';

export type OriginAnswer =
  | {
      readonly ok: true;
      readonly response: Response;
      readonly requestedMs: number;
      readonly receivedMs: number;
      /** Breaks the answer off. */
      readonly abort: () => void;
    }
  | { readonly ok: false; readonly failure: OriginFailure };

export interface OriginRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Headers;
  readonly body?: ReadableStream<Uint8Array> | null;
  /** Aborted when nobody waits any more. */
  readonly signal?: AbortSignal;
}

/** What of a site asking its origin takes. */
export type AskedSite = Pick<Site, 'origin' | 'timeoutMs' | 'limit'>;

/** @param ended called once: the answer has been read, has failed, or is not wanted any more */
export async function askOrigin(site: AskedSite, request: OriginRequest, ended: () => void): Promise<OriginAnswer> {
  const controller = new AbortController();
  let failure: OriginFailure | undefined;
  const giveUp = (why: OriginFailure) => {
    failure ??= why;
    controller.abort(new Error(why));
  };
  const waiting = setTimeout(() => giveUp('http_response_timeout'), site.timeoutMs.firstByte);
  const total = setTimeout(() => giveUp('http_response_timeout'), site.timeoutMs.total);
  // fetch does not say when it is connected: an origin that is slow to answer is asked whether it can be reached at all.
  const probe = new Socket();
  const connecting = setTimeout(() => {
    const late = setTimeout(() => giveUp('connection_timeout'), site.timeoutMs.connect);
    probe.once('connect', () => {
      clearTimeout(late);
      probe.destroy();
    });
    probe.once('error', () => clearTimeout(late));
    probe.once('close', () => clearTimeout(late));
    probe.connect(portOf(site.origin), new URL(site.origin).hostname);
  }, site.timeoutMs.connect);
  const answered = () => {
    clearTimeout(waiting);
    clearTimeout(connecting);
    probe.destroy();
  };
  let isOver = false;
  const finished = () => {
    clearTimeout(total);
    if (!isOver) ended();
    isOver = true;
  };
  request.signal?.addEventListener('abort', () => controller.abort(request.signal?.reason), { once: true });
  const requestedMs = Date.now();
  try {
    const response = await fetchOnce(site.origin + request.target, request, controller.signal);
    answered();
    return {
      ok: true,
      response: untilEnd(response, finished),
      requestedMs,
      receivedMs: Date.now(),
      abort: () => {
        controller.abort();
        finished();
      },
    };
  } catch (error) {
    answered();
    finished();
    return { ok: false, failure: failure ?? failureOf(error) };
  }
}

/**
 * A kept connection may be closed by the origin in the very moment it is used again: what changes nothing is then sent once more, on a new one
 * (RFC 9112 §9.3.1).
 */
async function fetchOnce(
  url: string,
  { method, headers, body }: OriginRequest,
  signal: AbortSignal,
): Promise<Response> {
  const init = { method, headers, redirect: 'manual', decompress: false, signal } as const;
  try {
    return await fetch(url, { ...init, ...(body && { body, duplex: 'half' }) });
  } catch (error) {
    const mayRepeat = method === 'GET' && !signal.aborted && failureOf(error) === 'connection_terminated';
    if (!mayRepeat) throw error;
    return fetch(url, { ...init, keepalive: false });
  }
}

/** The same response; `done` is called once, when its body has ended, failed or is not wanted any more. */
function untilEnd(response: Response, done: () => void): Response {
  const { body: source, status } = response;
  if (source === null || isBodiless(status)) {
    done();
    void source?.cancel();
    return source === null ? response : new Response(null, { status, headers: response.headers });
  }
  const reader = source.getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await reader.read();
          if (!next.done) return controller.enqueue(next.value);
          done();
          controller.close();
        } catch (error) {
          done();
          controller.error(error);
        }
      },
      cancel(reason) {
        done();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers });
}

/** RFC 9110 §6.4.1. */
function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

function portOf(origin: string): number {
  const { port, protocol } = new URL(origin);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** Bun's errors have the codes of Node's, and names of their own for TLS. */
export function failureOf(error: unknown): OriginFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/ENOTFOUND|EAI_AGAIN|DNS/.test(code)) return 'dns_error';
  if (/ECONNREFUSED|ConnectionRefused|EHOSTUNREACH|ENETUNREACH/.test(code)) return 'connection_refused';
  if (/ETIMEDOUT/.test(code)) return 'connection_timeout';
  if (/CERT|EPROTO|TLS|SSL|SELF_SIGNED|UNABLE_TO_VERIFY|HOSTNAME/i.test(code)) return 'tls_protocol_error';
  if (/ECONNRESET|ConnectionClosed|EPIPE|ABORT/i.test(code)) return 'connection_terminated';
  return 'http_protocol_error';
}
