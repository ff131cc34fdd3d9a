// Requests that are not for the cache: passed on with everything the client sent, and back. A successful one that changes something makes
// what is stored of its address invalid (RFC 9111 §4.4).

import { type Answered, assess } from './assess.ts';
import type { Forwarded } from './cache-status.ts';
import { parseDirectives } from './directives.ts';
import { type FetchParts, storePage } from './fetch-page.ts';
import type { Flights } from './flights.ts';
import { addHost, keyOf, withoutConnection } from './key.ts';
import { type PurgeOrder, purge } from './purge.ts';
import { failureResponse, passedResponse } from './responses.ts';
import { routeOf } from './route.ts';
import type { OutageMode } from './shield.ts';
import { groupsOf } from './tags.ts';
import type { PageRequest, Rule, Site } from './types.ts';
import { bodyToSend } from './upload.ts';

export interface Passing {
  readonly parts: FetchParts;
  readonly flights: Flights;
  readonly site: Site;
  readonly number: number;
  readonly mode: OutageMode;
  readonly request: PageRequest;
  readonly outcome: Forwarded;
}

/** RFC 9110 §9.2.1. */
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

export async function passOn(passing: Passing): Promise<Response> {
  const { parts, site, number, mode, request, outcome } = passing;
  const { method, url } = request;
  const body = safe.has(method) || request.body === null ? null : await bodyOf(site, request.body, request.headers);
  if (body === undefined) return failureResponse('http_request_error', { outcome }, notPassed);
  const answer = await parts.shield.ask(site, number, mode, {
    method,
    target: url,
    headers: headersOf(passing),
    body,
    isPassed: true,
  });
  if (!answer.ok) return failureResponse(answer.failure, { outcome }, notPassed);
  const { response, requestedMs, receivedMs } = answer;
  answer.unhurried();
  const isChange = !safe.has(method) && response.status >= 200 && response.status < 400;
  if (isChange) for (const order of invalidated(passing, response)) await purge(parts.store, order);
  const authorized = request.headers.has('authorization');
  const answered = { status: response.status, headers: response.headers, authorized, requestedMs, receivedMs };
  const kept = isChange && method === 'POST' ? await keepAsPage(passing, response, answered) : response;
  return passedResponse(kept, method, { outcome, forwardedStatus: response.status, stored: kept !== response });
}

const notPassed = 'The request can not be passed on to its origin';

function bodyOf(site: Site, body: ReadableStream<Uint8Array>, headers: Headers): ReturnType<typeof bodyToSend> {
  return bodyToSend(body, Number(headers.get('content-length') ?? Number.NaN), site.timeoutMs.total);
}

function headersOf({ site, request }: Passing): Headers {
  const { headers: asked, ip, protocol } = request;
  const headers = new Headers();
  for (const [name, value] of withoutConnection(asked)) headers.set(name, value);
  headers.set('x-forwarded-proto', protocol);
  addHost(site, asked, headers);
  const length = asked.get('content-length');
  // Not every server takes a body of which it is not told how long it is.
  if (length !== null && request.body !== null) headers.set('content-length', length);
  const address = ip.replace(/^::ffff:(?=\d+\.)/, '');
  headers.set('x-forwarded-for', [asked.get('x-forwarded-for'), address].filter(Boolean).join(', '));
  return headers;
}

/** What a change makes invalid: its own address, what Location and Content-Location name on the same site, and groups (RFC 9875 §3). */
function invalidated({ site, request }: Passing, response: Response): readonly PurgeOrder[] {
  const base = new URL(`http://${site.host ?? 'any.invalid'}${request.url}`);
  const named = ['location', 'content-location'].flatMap((name) => {
    const value = response.headers.get(name);
    const target = value === null ? null : URL.parse(value, base.href);
    return target && (target.host === base.host || target.origin === new URL(site.origin).origin) ? [target] : [];
  });
  const urls = [base, ...named].flatMap(({ pathname, search }) => {
    const rule = ruleFor(site, pathname);
    const keyed = rule && keyOf(site, { ...rule, otherCookies: 'drop' }, pathname, search, request.headers);
    return keyed?.url ?? [];
  });
  const groups = groupsOf(response.headers.get('cache-group-invalidation'));
  return [
    ...[...new Set(urls)].map((value) => ({ site: site.id, kind: 'url' as const, value, hard: true })),
    ...groups.map((value) => ({ site: site.id, kind: 'tag' as const, value, hard: true })),
  ];
}

function ruleFor(site: Site, path: string): Rule | undefined {
  const rule = routeOf([site], site.host ?? '', path)?.rule;
  return rule?.store ? rule : undefined;
}

/**
 * The answer to a POST is the page itself when it says so by Content-Location and says how long it lasts (RFC 9110 §9.3.3). Its origin has seen
 * all of the request, which is more than what is part of the key: it has to be trusted to say by what the page varies.
 */
async function keepAsPage(
  { parts, flights, site, request }: Passing,
  response: Response,
  answered: Answered,
): Promise<Response> {
  const base = new URL(`http://${site.host ?? 'any.invalid'}${request.url}`);
  const content = URL.parse(response.headers.get('content-location') ?? ' ', base.href);
  const rule = ruleFor(site, base.pathname);
  const keyed = rule && keyOf(site, rule, base.pathname, base.search, request.headers);
  if (!keyed || rule.headers !== 'all' || content?.href !== base.href || !saysHowLong(response.headers))
    return response;
  const assessment = assess(answered, rule);
  if (!assessment.store) return response;
  const mark = parts.store.mark(site.id);
  const stored = await storePage(parts, { site, rule, keyed }, answered, assessment.times, response, mark);
  if (stored.kind !== 'page') return response;
  flights.adopt(keyed, mark, stored);
  return new Response(stored.body.stream(), { status: response.status, headers: response.headers });
}

function saysHowLong(headers: Headers): boolean {
  const directives = parseDirectives(headers.get('cache-control'));
  return headers.has('expires') || ['max-age', 's-maxage'].some((name) => directives.has(name));
}
