// Answers to those who ask for all of a page that is in memory: made once for each value of Accept-Encoding, and brought up to date once a second.

import { cacheStatusText, proxyStatusText, type Told } from './cache-status.ts';
import type { HotPage, PlainAnswer, Serving } from './hot-pages.ts';
import { KeptPage } from './hot-pages.ts';
import { shared } from './page-rows.ts';
import type { PageTimes } from './types.ts';

/** Values of Accept-Encoding that are kept for a page, and the longest. */
const most = 8;
const longest = 100;

/** Asks for all of a page, whatever it has. */
export function isPlain(headers: Headers): boolean {
  return !headers.has('range') && !headers.has('if-none-match') && !headers.has('if-modified-since');
}

/** For who asks as others did before; undefined: the answer has to be made. */
export function answerAgain(hot: HotPage, asked: Headers, serving: Serving, nowMs: number): Response | undefined {
  if (!(hot instanceof KeptPage) || hot.plain === undefined) return undefined;
  const known = find(hot, asked.get('accept-encoding') ?? '');
  if (!known || !isPlain(asked)) return undefined;
  const second = Math.floor(nowMs / 1000);
  if (known.second !== second || known.serving !== serving) renew(known, hot.times, second, serving, nowMs);
  return new Response(known.blob, known);
}

/** Keeps an answer to a request that is plain, for the next. */
export function keepAnswer(
  hot: KeptPage,
  {
    asked,
    nowMs,
    ...made
  }: Pick<PlainAnswer, 'blob' | 'headers' | 'serving'> & { readonly asked: Headers; readonly nowMs: number },
): void {
  const accept = asked.get('accept-encoding') ?? '';
  if (accept.length > longest) return;
  let count = 0;
  for (let one = hot.plain; one; one = one.next) count++;
  const next = count < most ? hot.plain : undefined;
  const before = (name: string) => hot.page.headers.find(([known]) => known === name)?.[1] ?? '';
  hot.plain = {
    ...made,
    accept: shared(accept),
    cachesBefore: before('cache-status'),
    proxiesBefore: before('proxy-status'),
    second: Math.floor(nowMs / 1000),
    next,
  };
}

function find({ plain }: KeptPage, accept: string): PlainAnswer | undefined {
  for (let one = plain; one; one = one.next) if (one.accept === accept) return one;
  return undefined;
}

/** Age and ttl change once a second. A response has a copy of the headers it is made with. */
function renew(answer: PlainAnswer, times: PageTimes, second: number, serving: Serving, nowMs: number): void {
  const { headers, cachesBefore, proxiesBefore } = answer;
  const { status, failure } = toldOf(times, serving, nowMs);
  headers.set('age', String(ageOf(times, nowMs)));
  headers.set('cache-status', listed(cachesBefore, cacheStatusText(status)));
  if (failure !== undefined) headers.set('proxy-status', listed(proxiesBefore, proxyStatusText(failure)));
  else if (proxiesBefore !== '') headers.set('proxy-status', proxiesBefore);
  else headers.delete('proxy-status');
  answer.second = second;
  answer.serving = serving;
}

/** In seconds (RFC 9111 §5.1). */
export function ageOf({ bornMs }: PageTimes, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - bornMs) / 1000));
}

/** Our word comes after those of caches closer to the origin (RFC 9211 §2). */
function listed(before: string, own: string): string {
  return before === '' ? own : `${before}, ${own}`;
}

/** What is told of a page that is served without a fetch of this request. */
function toldOf({ freshUntilMs }: PageTimes, serving: Serving, nowMs: number): Told {
  const ttl = (freshUntilMs - nowMs) / 1000;
  if (serving === 'fresh' || serving === 'stale') return { status: { outcome: 'hit', ttl } };
  return { status: { outcome: 'hit', ttl, detail: 'stale-if-error' }, failure: serving };
}

/** Undefined: it is told otherwise than by `toldOf`. */
export function servingOf({ status, failure }: Told): Serving | undefined {
  if (status.outcome !== 'hit' || status.collapsed) return undefined;
  if (failure === undefined) return (status.ttl ?? 0) > 0 ? 'fresh' : 'stale';
  return failure === 'destination_unavailable' || failure === 'outage_drill' ? failure : undefined;
}
