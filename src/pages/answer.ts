// A stored page as an answer to one request: unchanged, a part, a head, or all of it in a coding the client takes (RFC 9110 §13, §14, §15).

import { ZerohopError } from '../base/index.ts';
import { isCompressible, isKnown, parseHttpDate, parseRange } from '../semantics/index.ts';
import { chooseCoding, thresholdBytes } from './bodies.ts';
import { cacheStatusText, proxyStatusText, type Told } from './cache-status.ts';
import { type HotPage, KeptPage } from './hot-pages.ts';
import type { PageStore } from './page-store.ts';
import { ageOf, answerAgain, isPlain, keepAnswer, servingOf } from './plain-answers.ts';
import type { Coding, Page } from './types.ts';

export interface Asked {
  readonly method: string;
  readonly headers: Headers;
}

/** Undefined: the page can't be sent to this client from what is stored. */
export function answer(
  store: PageStore,
  hot: HotPage,
  asked: Asked,
  told: Told,
  nowMs: number,
): Response | undefined | Promise<Response | undefined> {
  const serving = asked.method === 'GET' ? servingOf(told) : undefined;
  const again = serving && answerAgain(hot, asked.headers, serving, nowMs);
  if (again) return again;
  const { page } = hot;
  const type = headerOf(page, 'content-type') ?? '';
  const canTransform = mayTransform(page);
  const coding =
    page.body === null ? 'identity' : chooseCoding(page.body, type, canTransform, asked.headers.get('accept-encoding'));
  if (coding === undefined) return undefined;
  const head = () => headersOf(page, coding, type, canTransform, told, nowMs);
  if (serving && hot instanceof KeptPage && page.status === 200 && isPlain(asked.headers)) {
    const blob = store.formAtHand(hot, coding);
    if (blob) {
      const headers = head();
      keepAnswer(hot, { asked: asked.headers, blob, headers, nowMs, serving });
      return new Response(blob, { headers });
    }
  }
  const headers = head();
  if (page.status === 200 && isUnchanged(page, asked.headers)) {
    for (const name of bodyHeaders) headers.delete(name);
    return new Response(null, { status: 304, headers });
  }
  const sent = page.body?.sent ?? 'identity';
  const range = page.status === 200 && asked.method === 'GET' ? asked.headers.get('range') : null;
  // A range is one of the bytes the origin sent: a strong tag stands for those alone (RFC 9110 §14.2, §8.8.1).
  const isPart =
    range !== null && (coding === sent || sent === 'other' || sent === 'identity') && rangeApplies(page, asked.headers);
  if (isPart && sent === 'identity') headersForPlain(headers, page);
  const wanted: Coding = isPart && sent === 'identity' ? 'identity' : coding;
  const finish = (blob: Blob | undefined): Response | undefined =>
    blob && (isPart ? partOf(blob, range, headers) : whole(page, blob, asked.method, headers));
  const atHand = store.formAtHand(hot, wanted);
  return atHand ? finish(atHand) : store.form(hot, wanted).then(finish);
}

function mayTransform(page: Page): boolean {
  return !/\bno-transform\b/i.test(headerOf(page, 'cache-control') ?? '');
}

export function headerOf(page: Page, name: string): string | undefined {
  return page.headers.find(([known]) => known === name)?.[1];
}

const bodyHeaders = ['content-length', 'content-encoding', 'content-type', 'content-range'];

function headersOf(
  page: Page,
  coding: Coding,
  type: string,
  canTransform: boolean,
  told: Told,
  nowMs: number,
): Headers {
  const headers = new Headers(page.headers as [string, string][]);
  const { body } = page;
  if (body !== null && body.sent !== 'other') {
    const isAsSent = coding === body.sent;
    if (coding !== 'identity') headers.set('content-encoding', coding);
    const tag = headers.get('etag');
    // The same content in other bytes (RFC 9110 §8.8.1).
    if (!isAsSent && tag?.startsWith('"')) headers.set('etag', `W/${tag}`);
    const mayDiffer = body.sent !== 'identity' || (canTransform && body.size >= thresholdBytes && isCompressible(type));
    if (mayDiffer) addVary(headers);
  }
  headers.set('age', String(ageOf(page.times, nowMs)));
  tell(headers, told);
  return headers;
}

export function addVary(headers: Headers): void {
  const vary = headers.get('vary');
  if (vary === null || vary === '') headers.set('vary', 'Accept-Encoding');
  else if (!/\baccept-encoding\b/i.test(vary)) headers.set('vary', `${vary}, Accept-Encoding`);
}

/** Our word comes after those of caches closer to the origin (RFC 9211 §2). */
export function tell(headers: Headers, { status, failure }: Told): void {
  headers.append('cache-status', cacheStatusText(status));
  if (failure !== undefined) headers.append('proxy-status', proxyStatusText(failure));
}

/** RFC 9110 §13.2.2: If-None-Match counts, and only without it If-Modified-Since. */
function isUnchanged(page: Page, headers: Headers): boolean {
  const tags = headers.get('if-none-match');
  if (tags !== null) {
    const tag = headerOf(page, 'etag');
    return tag === undefined ? tags.trim() === '*' : knows(tags, tag);
  }
  const since = parseHttpDate(headers.get('if-modified-since') ?? '');
  const modified = parseHttpDate(headerOf(page, 'last-modified') ?? '');
  return since !== undefined && modified !== undefined && modified <= since;
}

/** A list of tags that can't be read knows none: the client gets the page. */
function knows(tags: string, tag: string): boolean {
  try {
    return isKnown(tags, tag);
  } catch (error) {
    if (error instanceof ZerohopError) return false;
    throw error;
  }
}

/** RFC 9110 §13.1.5: If-Range by strong comparison, or by the exact date of the last change. */
function rangeApplies(page: Page, headers: Headers): boolean {
  const condition = headers.get('if-range');
  if (condition === null) return true;
  if (condition.startsWith('"')) return condition === headerOf(page, 'etag');
  return !condition.startsWith('W/') && condition === headerOf(page, 'last-modified');
}

function headersForPlain(headers: Headers, page: Page): void {
  headers.delete('content-encoding');
  const tag = headerOf(page, 'etag');
  if (tag !== undefined) headers.set('etag', tag);
}

function partOf(blob: Blob, range: string, headers: Headers): Response {
  try {
    const part = parseRange(range, blob.size);
    if (part === undefined) return new Response(blob, { headers });
    headers.set('content-range', `bytes ${part.start}-${part.end}/${blob.size}`);
    return new Response(blob.slice(part.start, part.end + 1), { status: 206, headers });
  } catch (error) {
    if (!(error instanceof ZerohopError) || error.code !== 'RANGE_NOT_SATISFIABLE') throw error;
    for (const name of bodyHeaders) headers.delete(name);
    headers.set('content-range', `bytes */${blob.size}`);
    return new Response(null, { status: 416, headers });
  }
}

/** What has no content by its status (RFC 9110 §6.4.1). */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

function whole(page: Page, blob: Blob, method: string, headers: Headers): Response {
  const { status } = page;
  if (bodiless.has(status)) return new Response(null, { status, headers });
  if (method !== 'HEAD') return new Response(blob, { status, headers });
  headers.set('content-length', String(blob.size));
  return new Response(null, { status, headers });
}
