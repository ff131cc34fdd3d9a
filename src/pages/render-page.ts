// What of the pages a site's origin answers is rendered, and the answer made of it: status and headers are the origin's, the body is the browser's.

import type { Logger } from '../base/index.ts';
import type { Answered } from './assess.ts';
import { codingOf, recode } from './bodies.ts';
import { cookiesOf, deviceOf, hostOf, type KeyedRequest } from './key.ts';
import type { SiteMetrics } from './page-metrics.ts';
import { linksWithoutScripts } from './render-html.ts';
import { browserStartMs, type Renderer, type RenderJob } from './render-job.ts';
import { SharedBody } from './shared-body.ts';
import type { OutageMode } from './shield.ts';
import type { RenderFailure, RenderSettings, Rule, Site } from './types.ts';

export interface Rendering {
  readonly renderer: Renderer;
  /** Of each site, in their order. */
  readonly metrics: readonly SiteMetrics[];
  readonly log: Logger;
}

/** What of a fetch is needed to render what it brings. */
interface Asked {
  readonly site: Site;
  readonly number: number;
  readonly rule: Rule;
  readonly keyed: KeyedRequest;
  readonly mode: OutageMode;
}

export type Rendered =
  | { readonly kind: 'rendered'; readonly response: Response; readonly answered: Answered }
  /** `response`: the origin's own. */
  | {
      readonly kind: 'failed';
      readonly response: Response;
      readonly failure: RenderFailure;
      readonly fallbackTtlMs: number;
    }
  | { readonly kind: 'too large'; readonly response: Response };

/** Whether a fetch is of a page to be rendered, if its answer is one; known beforehand. */
export function mayBeRendered({ site, keyed }: Pick<Asked, 'site' | 'keyed'>): boolean {
  return site.render?.matches(pathOf(keyed)) === true;
}

/** A turn, the browser's start and the page, each in its time. */
export function longestRenderMs({ render }: Pick<Site, 'render'>): number {
  return render ? 2 * render.timeoutMs + browserStartMs : 0;
}

/** Redirects and errors of the server are not, nor what is somebody's own. */
export function isRendered(asked: Asked, { status, headers, authorized }: Answered): boolean {
  const isPage =
    (status >= 200 && status < 300 && status !== 204 && status !== 205) || status === 404 || status === 410;
  const isHtml = /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(headers.get('content-type') ?? '');
  return (
    isPage && isHtml && !authorized && mayBeRendered(asked) && codingOf(headers.get('content-encoding')) !== 'other'
  );
}

export async function renderPage(
  { renderer, metrics, log }: Rendering,
  asked: Asked & { readonly site: Site },
  answered: Answered,
  response: Response,
): Promise<Rendered> {
  const { site, number, keyed } = asked;
  const { status } = answered;
  const whole = new SharedBody(response.body, site.maxBodyBytes);
  const flowing = whole.stream();
  const bytes = await whole.whole;
  if (bytes === undefined) return { kind: 'too large', response: new Response(flowing, response) };
  await flowing.cancel();
  const settings = site.render;
  const coding = codingOf(answered.headers.get('content-encoding'));
  if (!settings || coding === 'other') return { kind: 'too large', response: new Response(bytes, response) };
  const startMs = Date.now();
  const body = await recode(bytes, coding, 'identity');
  const outcome = await renderer.render(jobOf(asked, settings, answered, body));
  metrics[number]?.rendered(outcome.ok ? 'rendered' : outcome.failure);
  if (!outcome.ok) {
    const { fallbackTtlMs } = settings;
    log.warn(
      `The page ${keyed.url} was not rendered: ${outcome.why}. It is tried again in ${fallbackTtlMs / 1000} s.`,
      {
        site: site.id,
        failure: outcome.failure,
      },
    );
    return { kind: 'failed', response: new Response(bytes, response), failure: outcome.failure, fallbackTtlMs };
  }
  metrics[number]?.renderSeconds.observe((Date.now() - startMs) / 1000);
  const html = new TextEncoder().encode(outcome.html);
  const headers = renderedHeaders(answered.headers, html, settings);
  // A page that says of itself that it is not there is believed where its origin could not know.
  const said = status === 200 && outcome.status !== undefined ? outcome.status : status;
  return {
    kind: 'rendered',
    response: new Response(html, { status: said, headers }),
    answered: { ...answered, status: said, headers },
  };
}

function jobOf(
  { site, number, rule, keyed, mode }: Asked,
  { scripts, timeoutMs, concurrency, executable, allow, assets, base }: RenderSettings,
  { status, headers }: Answered,
  body: Uint8Array<ArrayBuffer>,
): RenderJob {
  const { forward } = keyed;
  // A rule that lets all headers through trusts its origin with them. A browser gets none of a visitor's.
  const named = rule.headers === 'all' ? [] : rule.headers;
  const sent = ['host', 'user-agent', 'accept-language', 'x-device', 'x-forwarded-host', 'via', ...named];
  const isOfVisitor = (name: string) => rule.headers === 'all' && ownToVisitors.has(name) && !isOfSegment(rule, name);
  const { id, origin, timeoutMs: siteTimeoutMs, limit, maxBodyBytes } = site;
  const userAgent = rule.segments.device ? forward.get('user-agent') : null;
  return {
    site: { id, origin, timeoutMs: siteTimeoutMs, limit, maxBodyBytes },
    number,
    mode,
    how: { scripts, timeoutMs, concurrency, executable, allow, assets },
    url: (base ?? baseOf(site, forward)) + keyed.target,
    document: { status, headers: documentHeaders(headers), body },
    forward: [...forward].filter(([name]) => sent.includes(name) && !isOfVisitor(name)),
    cookies: cookiesOf(forward.get('cookie')).filter(([name]) => rule.cookies.includes(name)),
    userAgent: userAgent ?? undefined,
    language: rule.segments.languages.length > 0 ? (forward.get('accept-language') ?? undefined) : undefined,
    device: userAgent === null ? 'desktop' : deviceOf(userAgent),
  };
}

const ownToVisitors: ReadonlySet<string> = new Set(['user-agent', 'accept-language']);

function isOfSegment({ segments }: Rule, name: string): boolean {
  return name === 'user-agent' ? segments.device : segments.languages.length > 0;
}

/** Where visitors find the site: by the name it is asked for, over TLS, as sites are; one for any host where its origin is. */
function baseOf({ host, origin, hostHeader }: Site, forward: Headers): string {
  const asked = hostHeader === 'client' ? hostOf(forward) : '';
  const name = host ?? (asked === '' ? undefined : asked);
  return name === undefined ? new URL(origin).origin : `https://${name}`;
}

function pathOf({ target }: KeyedRequest): string {
  const mark = target.indexOf('?');
  return mark < 0 ? target : target.slice(0, mark);
}

const ofBytes = [
  'content-encoding',
  'content-length',
  'content-md5',
  'content-digest',
  'repr-digest',
  'digest',
  'etag',
];

/** What the browser gets to see: no cookies, and the bytes as they are. */
function documentHeaders(headers: Headers): (readonly [string, string])[] {
  return [...headers].filter(([name]) => ![...ofBytes, 'transfer-encoding', 'set-cookie', 'link'].includes(name));
}

/** The origin's, but for what describes its bytes: the rendered ones have a tag of their own. */
function renderedHeaders(given: Headers, html: Uint8Array, { scripts }: RenderSettings): Headers {
  const headers = new Headers(given);
  for (const name of [...ofBytes, 'last-modified', 'accept-ranges']) headers.delete(name);
  headers.set('content-type', 'text/html; charset=utf-8');
  headers.set('etag', `"${new Bun.CryptoHasher('sha256').update(html).digest('base64url').slice(0, 22)}"`);
  const link = headers.get('link');
  if (link === null || scripts === 'keep') return headers;
  const links = linksWithoutScripts(link);
  if (links === undefined) headers.delete('link');
  else headers.set('link', links);
  return headers;
}
