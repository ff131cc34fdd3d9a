// One request to an origin and what came of it: an answer, or a kind of failure. Nothing of it is decoded or followed.

import { Socket } from 'node:net';
import type { Site } from './types.ts';
import { Upload } from './upload.ts';

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
  | 'proxy_internal_error'
  /** Not the origin's: the client has not sent all of its request. */
  | 'http_request_error';

export type OriginAnswer =
  | {
      readonly ok: true;
      readonly response: Response;
      readonly requestedMs: number;
      readonly receivedMs: number;
      /** Breaks the answer off. */
      readonly abort: () => void;
      /**
       * It goes to a client as fast as that reads: from here on it may take any time, as long as the origin goes on sending, and `ended` does not
       * wait for it.
       */
      readonly unhurried: () => void;
    }
  | { readonly ok: false; readonly failure: OriginFailure };

export interface OriginRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Headers;
  readonly body?: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  /** For one client, and no page: how long it takes says nothing of others. */
  readonly isPassed?: boolean;
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
  let waiting: Timer | undefined;
  let total: Timer | undefined;
  let isAnswered = false;
  const isAsked = () => {
    // It need not have read all of the request.
    if (isAnswered) return;
    waiting = setTimeout(() => giveUp('http_response_timeout'), site.timeoutMs.firstByte);
    total = setTimeout(() => giveUp('http_response_timeout'), site.timeoutMs.total);
  };
  const late = () => giveUp('http_request_error');
  const upload =
    request.body instanceof ReadableStream
      ? new Upload(request.body, site.timeoutMs.total, { late, done: isAsked })
      : undefined;
  if (!upload) isAsked();
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
    isAnswered = true;
    clearTimeout(waiting);
    clearTimeout(connecting);
    probe.destroy();
  };
  const pace: Pace = { idleMs: undefined, stop: () => giveUp('http_response_timeout') };
  let isOver = false;
  const finished = () => {
    clearTimeout(total);
    if (!isOver) ended();
    isOver = true;
  };
  request.signal?.addEventListener('abort', () => controller.abort(request.signal?.reason), { once: true });
  const requestedMs = Date.now();
  try {
    const response = await fetchOnce(
      site.origin + request.target,
      request,
      upload?.stream ?? request.body,
      controller.signal,
    );
    answered();
    return {
      ok: true,
      response: untilEnd(response, finished, pace),
      requestedMs,
      receivedMs: Date.now(),
      abort: () => {
        controller.abort();
        finished();
      },
      unhurried: () => {
        finished();
        pace.idleMs = site.timeoutMs.total;
      },
    };
  } catch (error) {
    answered();
    finished();
    return { ok: false, failure: failure ?? (upload?.isBroken ? 'http_request_error' : failureOf(error)) };
  }
}

/**
 * A kept connection may be closed by the origin in the very moment it is used again: what changes nothing is then sent once more, on a new one
 * (RFC 9112 §9.3.1). What changes something has a new one from the beginning, as nobody could tell whether it was done.
 */
async function fetchOnce(
  url: string,
  { method, headers }: OriginRequest,
  body: OriginRequest['body'],
  signal: AbortSignal,
): Promise<Response> {
  const init = { method, headers, redirect: 'manual', decompress: false, signal } as const;
  const mayRepeat = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
  try {
    return await fetch(url, {
      ...init,
      keepalive: mayRepeat,
      ...(body && { body, ...(body instanceof ReadableStream && { duplex: 'half' }) }),
    });
  } catch (error) {
    if (!mayRepeat || signal.aborted || failureOf(error) !== 'connection_terminated') throw error;
    return fetch(url, { ...init, keepalive: false });
  }
}

interface Pace {
  /** How long the origin may send nothing when more is wanted; undefined: all of the answer has its time. */
  idleMs: number | undefined;
  readonly stop: () => void;
}

/** The same response; `done` is called once, when its body has ended, failed or is not wanted any more. */
function untilEnd(response: Response, done: () => void, pace: Pace): Response {
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
        const timer = pace.idleMs === undefined ? undefined : setTimeout(pace.stop, pace.idleMs);
        try {
          const next = await reader.read();
          if (!next.done) return controller.enqueue(next.value);
          done();
          controller.close();
        } catch (error) {
          done();
          controller.error(error);
        } finally {
          clearTimeout(timer);
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
