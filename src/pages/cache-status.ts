// Cache-Status (RFC 9211) and Proxy-Status (RFC 9209): what this cache did, on every answer.

import type { OriginFailure } from './origin.ts';

export interface CacheStatus {
  /** Served without asking the origin, or why it was asked. */
  readonly outcome: 'hit' | Forwarded;
  /** Seconds of freshness left; negative when stale. */
  readonly ttl?: number;
  /** The status the origin answered with. */
  readonly forwardedStatus?: number;
  readonly stored?: boolean;
  /** It waited for another request's answer. */
  readonly collapsed?: boolean;
  readonly detail?: string;
  /** For administrators only. */
  readonly key?: string;
}

/** RFC 9211 §2.2. */
export type Forwarded = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial';

export function cacheStatusText(status: CacheStatus): string {
  const { outcome, ttl, forwardedStatus, stored, collapsed, detail, key } = status;
  let text = outcome === 'hit' ? 'zerohop;hit' : `zerohop;fwd=${outcome}`;
  if (forwardedStatus !== undefined) text += `;fwd-status=${forwardedStatus}`;
  if (ttl !== undefined) text += `;ttl=${Math.floor(ttl)}`;
  if (stored) text += ';stored';
  if (collapsed) text += ';collapsed';
  if (key !== undefined) text += `;key=${quoted(key)}`;
  if (detail !== undefined) text += `;detail=${/^[A-Za-z][A-Za-z0-9_-]*$/.test(detail) ? detail : quoted(detail)}`;
  return text;
}

/** A String of Structured Fields (RFC 8941 §3.3.3): ASCII only. */
function quoted(text: string): string {
  return `"${text.replace(/[^ -~]/g, '?').replace(/[\\"]/g, '\\$&')}"`;
}

/** Why the origin was not heard. */
export type NotAsked = OriginFailure | 'outage_drill' | 'proxy_loop_detected';

/** @param failure of the origin; a number: the status it answered with, in place of which a stored page is served */
export function proxyStatusText(failure: NotAsked | number): string {
  if (typeof failure === 'number') return `zerohop;received-status=${failure}`;
  return failure === 'outage_drill'
    ? 'zerohop;error=destination_unavailable;details="the origin is switched off"'
    : `zerohop;error=${failure}`;
}

/** What is told of an answer. */
export interface Told {
  readonly status: CacheStatus;
  /** A number: the status the origin answered with. */
  readonly failure?: NotAsked | number;
}
