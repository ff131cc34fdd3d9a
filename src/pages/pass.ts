// Requests that are not for the cache: passed on with everything the client sent, and back. A successful one that changes something makes
// what is stored of its address invalid (RFC 9111 §4.4).

import type { Forwarded } from './cache-status.ts';
import { addHost, keyOf, withoutConnection } from './key.ts';
import type { PageStore } from './page-store.ts';
import { purge } from './purge.ts';
import { failureResponse, passedResponse } from './responses.ts';
import { routeOf } from './route.ts';
import type { OutageMode, Shield } from './shield.ts';
import type { PageRequest, Site } from './types.ts';

export interface Passing {
  readonly store: PageStore;
  readonly shield: Shield;
  readonly site: Site;
  readonly number: number;
  readonly mode: OutageMode;
  readonly request: PageRequest;
  readonly path: string;
  readonly outcome: Forwarded;
}

/** RFC 9110 §9.2.1. */
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

export async function passOn(passing: Passing): Promise<Response> {
  const { store, shield, site, number, mode, request, outcome } = passing;
  const { method, url, headers: asked, ip, protocol } = request;
  const headers = new Headers();
  for (const [name, value] of withoutConnection(asked)) headers.set(name, value);
  addHost(site, asked, headers);
  headers.set('x-forwarded-for', [asked.get('x-forwarded-for'), ip].filter(Boolean).join(', '));
  headers.set('x-forwarded-proto', protocol);
  const body = safe.has(method) ? null : request.body;
  const answer = await shield.ask(site, number, mode, { method, target: url, headers, body });
  if (!answer.ok) return failureResponse(answer.failure, { outcome });
  const { response } = answer;
  if (!safe.has(method) && response.status >= 200 && response.status < 400) {
    for (const value of invalidated(passing, response))
      await purge(store, { site: site.id, kind: 'url', value, hard: true });
  }
  return passedResponse(response, method, { outcome, forwardedStatus: response.status });
}

/** What a change makes invalid: its own address, and what Location and Content-Location name on the same site. */
function invalidated({ site, path, request }: Passing, response: Response): readonly string[] {
  const base = new URL(`http://${site.host ?? 'any.invalid'}${request.url}`);
  const mark = request.url.indexOf('?');
  const targets = [
    { path, search: mark < 0 ? '' : request.url.slice(mark) },
    ...['location', 'content-location'].flatMap((name) => {
      const value = response.headers.get(name);
      const target = value === null ? null : URL.parse(value, base.href);
      return target && isSameSite(target, base, site) ? [{ path: target.pathname, search: target.search }] : [];
    }),
  ];
  const urls = targets.flatMap((target) => {
    const rule = routeOf([site], site.host ?? '', target.path)?.rule;
    return rule
      ? (keyOf(site, { ...rule, otherCookies: 'drop' }, target.path, target.search, request.headers)?.url ?? [])
      : [];
  });
  return [...new Set(urls)];
}

function isSameSite(target: URL, base: URL, site: Site): boolean {
  return target.host === base.host || target.origin === new URL(site.origin).origin;
}
