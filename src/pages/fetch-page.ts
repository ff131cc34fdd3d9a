// One fetch of a page: asks the origin, decides what to make of its answer, and stores it. All who want the page share what comes of it.
//
//   stored page? ─no→ GET          ─┐              ┌ 304 → the stored page, renewed
//                ─yes→ GET if changed ┴→ the answer ─┤ storable → a page, while its body still flows
//                                                   ├ 5xx, 429 → an error, shared
//                                                   └ anything else → only for who asked

import type { Logger } from '../base/index.ts';
import { isCompressible } from '../semantics/index.ts';
import { addVary, headerOf } from './answer.ts';
import { type Answered, assess } from './assess.ts';
import { codingOf, pack, thresholdBytes } from './bodies.ts';
import type { NotAsked } from './cache-status.ts';
import { type HotPage, newPage } from './hot-pages.ts';
import { type KeyedRequest, varyNames, withoutConnection } from './key.ts';
import type { OriginAnswer } from './origin.ts';
import type { PageStore } from './page-store.ts';
import { isRendered, mayBeRendered, type Rendering, renderPage } from './render-page.ts';
import { SharedBody } from './shared-body.ts';
import type { OutageMode, Shield } from './shield.ts';
import { tagsNamedIn } from './tags.ts';
import type { Coding, Page, Rule, Site } from './types.ts';

export interface PageFetch {
  readonly site: Site;
  /** Of the site among all. */
  readonly number: number;
  readonly rule: Rule;
  readonly keyed: KeyedRequest;
  readonly mode: OutageMode;
  /** What is stored and no longer fresh. */
  readonly stale: HotPage | undefined;
  /** Nobody waits for it. */
  readonly background: boolean;
}

export type Fetched =
  /** `hot` is there when the body is whole; undefined: it broke off, or is too large. `stored`: when it is in the store. */
  | {
      readonly kind: 'page';
      readonly status: number;
      readonly headers: Headers;
      readonly body: SharedBody;
      readonly hot: Promise<HotPage | undefined>;
      readonly stored: Promise<boolean>;
      readonly vary: readonly string[];
      readonly receivedMs: number;
      readonly bornMs: number;
      readonly freshMs: number;
      /** What Cache-Status tells of how it was made. */
      readonly detail?: string;
    }
  /** The origin says that the stored page still holds. */
  | { readonly kind: 'renewed'; readonly hot: HotPage; readonly stored: Promise<boolean>; readonly detail?: string }
  /** May be given to the one who asked, once. */
  | { readonly kind: 'private'; readonly response: Response; readonly reason: string }
  | { readonly kind: 'error'; readonly status: number; readonly headers: Headers; readonly body: SharedBody }
  | { readonly kind: 'failed'; readonly failure: NotAsked };

export interface FetchParts {
  readonly store: PageStore;
  readonly shield: Shield;
  readonly log: Logger;
  /** From 0 to 1. */
  readonly chance: () => number;
  /** Undefined: no page is rendered. */
  readonly rendering?: Rendering | undefined;
}

/** Pages that may be served stale are made stale up to this part of their life early, so that what was stored together is not due together. */
const jitter = 0.05;
/** Error pages larger than this are given to the first alone, in bytes. */
const sharedErrorBytes = 1024 * 1024;

export async function fetchPage(parts: FetchParts, asked: PageFetch): Promise<Fetched> {
  const { store, shield } = parts;
  const { site, number, keyed, mode, stale, background } = asked;
  const mark = store.mark(site.id);
  const headers = new Headers(keyed.forward);
  // What a page is rendered from may have changed though its own bytes have not.
  if (stale && !mayBeRendered(asked)) addConditions(headers, stale.page);
  const answer = await shield.ask(site, number, mode, { method: 'GET', target: keyed.target, headers }, background);
  if (!answer.ok) return { kind: 'failed', failure: answer.failure };
  try {
    const decided = await decide(parts, asked, answer, headers, mark);
    if (decided.kind === 'private') answer.unhurried();
    return decided;
  } catch (error) {
    answer.abort();
    throw error;
  }
}

async function decide(
  parts: FetchParts,
  asked: PageFetch,
  { response, requestedMs, receivedMs }: Extract<OriginAnswer, { ok: true }>,
  headers: Headers,
  mark: number | null,
): Promise<Fetched> {
  const { site, stale } = asked;
  const authorized = headers.has('authorization');
  const answered: Answered = {
    status: response.status,
    headers: response.headers,
    authorized,
    requestedMs,
    receivedMs,
  };
  if (response.status === 304 && stale) return renew(parts, asked, stale, answered, mark);
  const assessment = assess(answered, asked.rule);
  // An origin that wants to be left alone says no more of the page than one that fails (RFC 6585 §4).
  const isError = response.status >= 500 || response.status === 429;
  if (isError && (!assessment.store || isUsableOnError(stale, receivedMs))) {
    const body = new SharedBody(response.body, sharedErrorBytes);
    return { kind: 'error', status: response.status, headers: ownHeaders(response.headers), body };
  }
  if (!assessment.store) return { kind: 'private', response, reason: assessment.reason };
  if (Number(response.headers.get('content-length') ?? 0) > site.maxBodyBytes)
    return { kind: 'private', response, reason: 'it is too large' };
  if (parts.rendering && isRendered(asked, answered))
    return render(parts, parts.rendering, asked, answered, assessment.times, response, mark);
  return storePage(parts, asked, answered, withJitter(assessment.times, parts.chance), response, mark);
}

/** The page as a browser makes it; where that fails, the one there is for a little longer, or the origin's own. */
async function render(
  parts: FetchParts,
  rendering: Rendering,
  asked: PageFetch,
  answered: Answered,
  times: Page['times'],
  response: Response,
  mark: number | null,
): Promise<Fetched> {
  const rendered = await renderPage(rendering, asked, answered, response);
  if (rendered.kind === 'too large') return { kind: 'private', response: rendered.response, reason: 'it is too large' };
  if (rendered.kind === 'rendered') {
    const assessment = assess(rendered.answered, asked.rule);
    if (!assessment.store) return { kind: 'private', response: rendered.response, reason: assessment.reason };
    const lasting = withJitter(assessment.times, parts.chance);
    const stored = await storePage(parts, asked, rendered.answered, lasting, rendered.response, mark);
    return stored.kind === 'page' ? { ...stored, detail: 'rendered' } : stored;
  }
  const detail = `not rendered: ${rendered.failure}`;
  const untilMs = Date.now() + rendered.fallbackTtlMs;
  const { stale } = asked;
  if (stale && isUsableOnError(stale, Date.now())) {
    const { page } = stale;
    const freshUntilMs = Math.min(untilMs, page.times.errorUntilMs);
    const kept: Page = { ...page, times: { ...page.times, freshUntilMs, revalidateUntilMs: freshUntilMs } };
    return { ...keepRenewed(parts, asked, newPage(kept, stale.forms), mark), detail };
  }
  const freshUntilMs = Math.min(untilMs, times.freshUntilMs);
  const brief = { ...times, freshUntilMs, revalidateUntilMs: freshUntilMs };
  const stored = await storePage(parts, asked, answered, brief, rendered.response, mark);
  return stored.kind === 'page' ? { ...stored, detail } : stored;
}

export function isUsableOnError(stale: HotPage | undefined, nowMs: number): boolean {
  return stale !== undefined && stale.times.errorUntilMs > nowMs;
}

/** RFC 9111 §4.3.1. */
function addConditions(headers: Headers, page: Page): void {
  if (page.body === null && page.status !== 204) return;
  const tag = headerOf(page, 'etag');
  if (tag !== undefined) headers.set('if-none-match', tag);
  const modified = headerOf(page, 'last-modified');
  if (modified !== undefined) headers.set('if-modified-since', modified);
}

function withJitter(times: Page['times'], chance: () => number): Page['times'] {
  if (times.revalidateUntilMs <= times.freshUntilMs) return times;
  const lifeMs = times.freshUntilMs - times.storedMs;
  return { ...times, freshUntilMs: times.freshUntilMs - Math.max(0, lifeMs) * jitter * chance() };
}

/** Not stored, and not sent on: they belong to the connection, to this cache, or are made anew for each answer (RFC 9111 §3.1). */
const notKept: ReadonlySet<string> = new Set([
  'age',
  'content-length',
  'proxy-authentication-info',
  'zerohop-cache-control',
  'surrogate-control',
  'surrogate-key',
  'cache-tag',
]);

/** Headers of an origin's answer as clients get them. */
export function ownHeaders(headers: Headers, setCookie: Rule['setCookie'] = 'refuse'): Headers {
  const own = new Headers();
  for (const [name, value] of withoutConnection(headers)) {
    if (notKept.has(name) || (name === 'set-cookie' && setCookie !== 'keep')) continue;
    own.append(name, value);
  }
  return own;
}

/** A response that may be stored, as a page: its body goes to who asked and into the store at once. */
export async function storePage(
  parts: FetchParts,
  { site, rule, keyed }: Pick<PageFetch, 'site' | 'rule' | 'keyed'>,
  { status, headers: answeredHeaders, receivedMs }: Answered,
  times: Page['times'],
  response: Response,
  mark: number | null,
): Promise<Fetched> {
  const { store, log } = parts;
  const headers = ownHeaders(answeredHeaders, rule.setCookie);
  if (!headers.has('date')) headers.set('date', new Date(receivedMs).toUTCString());
  const sent = codingOf(headers.get('content-encoding'));
  const body = new SharedBody(response.body, site.maxBodyBytes);
  const vary = varyNames(headers.get('vary'), rule);
  const stored = Promise.withResolvers<boolean>();
  const keep = async (bytes: Uint8Array<ArrayBuffer> | undefined): Promise<HotPage | undefined> => {
    if (bytes === undefined) {
      stored.resolve(false);
      return undefined;
    }
    const packed = await pack(bytes, sent, headers.get('content-type') ?? '', times.freshUntilMs - receivedMs);
    const kept = new Headers(headers);
    // What is known is set anew for the coding each client gets.
    if (sent !== 'other') kept.delete('content-encoding');
    const made: Page = {
      key: keyed.key,
      url: keyed.url,
      site: site.id,
      status,
      headers: [...kept],
      tags: tagsOf(answeredHeaders, rule),
      times,
      body: bytes.length === 0 ? null : packed.body,
    };
    const how = { vary, forward: keyed.forward, maxVariants: site.maxVariants, mark };
    store.put(made, packed.bytes, how).then(stored.resolve, (error: unknown) => {
      log.error(`The page ${keyed.url} could not be stored`, { error });
      stored.resolve(false);
    });
    return newPage(made, { [packed.body.stored]: new Blob([packed.bytes]) });
  };
  const hot = body.whole.then(keep).catch((error: unknown) => {
    log.error(`The page ${keyed.url} could not be stored`, { error });
    stored.resolve(false);
    return undefined;
  });
  return {
    kind: 'page',
    status,
    headers: toldAtFirst(headers, sent, Number(answeredHeaders.get('content-length') ?? Number.NaN)),
    body,
    hot,
    stored: stored.promise,
    vary,
    receivedMs,
    bornMs: times.bornMs,
    freshMs: times.freshUntilMs - receivedMs,
  };
}

/** As all answers after it will, the first says that there are other codings, where there may be. @param length of the body; NaN: not known yet */
function toldAtFirst(headers: Headers, sent: Coding | 'other', length: number): Headers {
  if (sent === 'other') return headers;
  const mayPack =
    !(length < thresholdBytes) && isCompressible(headers.get('content-type') ?? '') && mayTransform(headers);
  if (sent === 'identity' && !mayPack) return headers;
  const told = new Headers(headers);
  addVary(told);
  return told;
}

function mayTransform(headers: Headers): boolean {
  return !/\bno-transform\b/i.test(headers.get('cache-control') ?? '');
}

/** RFC 9111 §4.3.4: the headers of the 304 replace those stored, but for what describes the stored bytes. */
async function renew(
  parts: FetchParts,
  asked: PageFetch,
  stale: HotPage,
  answered: Answered,
  mark: number | null,
): Promise<Fetched> {
  const { rule } = asked;
  const merged = new Headers(stale.page.headers as [string, string][]);
  const news = ownHeaders(answered.headers, rule.setCookie);
  for (const name of describesBytes) news.delete(name);
  for (const name of new Set(news.keys())) merged.delete(name);
  for (const [name, value] of news) merged.append(name, value);
  const judged = new Headers(merged);
  for (const name of ['age', 'zerohop-cache-control']) {
    const value = answered.headers.get(name);
    if (value !== null) judged.set(name, value);
  }
  if (!answered.headers.has('date')) judged.delete('date');
  const assessment = assess({ ...answered, status: stale.page.status, headers: judged }, rule);
  const times = assessment.store
    ? withJitter(assessment.times, parts.chance)
    : { ...stale.page.times, bornMs: answered.receivedMs, freshUntilMs: 0, revalidateUntilMs: 0, errorUntilMs: 0 };
  const renewed: Page = {
    ...stale.page,
    headers: [...merged],
    tags: [...new Set([...stale.page.tags, ...tagsOf(answered.headers, rule)])],
    times,
  };
  return keepRenewed(parts, asked, newPage(renewed, stale.forms), mark);
}

/** A stored page with other headers or times. */
function keepRenewed(
  { store, log }: FetchParts,
  { site, rule, keyed }: PageFetch,
  hot: HotPage,
  mark: number | null,
): Extract<Fetched, { kind: 'renewed' }> {
  const vary = hot.page.headers.find(([name]) => name === 'vary')?.[1] ?? null;
  const how = { vary: varyNames(vary, rule), forward: keyed.forward, maxVariants: site.maxVariants, mark };
  const stored = store.put({ ...hot.page, key: keyed.key }, undefined, how).catch((error: unknown) => {
    log.error(`The page ${keyed.url} could not be renewed`, { error });
    return false;
  });
  return { kind: 'renewed', hot, stored };
}

const describesBytes = ['content-encoding', 'content-length', 'content-range', 'content-md5', 'etag', 'digest'];

/** Names to purge it by: what the origin says, and those of the rule. */
export function tagsOf(headers: Headers, rule: Rule): readonly string[] {
  return [...new Set([...rule.tags, ...tagsNamedIn(headers)])].slice(0, maxTags);
}

/** Tags of one page. */
const maxTags = 200;
