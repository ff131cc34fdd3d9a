// bun origin.ts '{"port":…,"plan":…,"mode":…}'
//
// The site that fails. Its pages say when they were made. Told its mode by messages; tells what it is asked, each second.

import { pageText } from '../pages/page-text.ts';
import { type Freshness, type OriginMode, originMs, otherSeconds, type Plan, pathOf } from './plan.ts';

export interface OriginOptions {
  readonly port: number;
  readonly plan: Plan;
  readonly mode: OriginMode;
}

/** Of one second. */
export interface OriginSecond {
  /** Since 1970. */
  readonly second: number;
  readonly requests: number;
  /** Most at the same time. */
  readonly most: number;
}

/** What the protocol allows in one sitemap. */
const sitemapPages = 50_000;

const { port, plan, mode: firstMode } = JSON.parse(process.argv[2] ?? '') as OriginOptions;
let mode = firstMode;
let underWay = 0;
let [requests, most, second] = [0, 0, nowSecond()];

process.on('message', (message: OriginMode) => {
  mode = message;
});
setInterval(report, 50);

Bun.serve({
  hostname: '127.0.0.1',
  port,
  idleTimeout: 0,
  async fetch(request, server) {
    report();
    const path = request.url.slice(request.url.indexOf('/', 8));
    if (path.startsWith('/sitemap')) return new Response(sitemapText(path, server.url.origin));
    requests++;
    most = Math.max(most, ++underWay);
    try {
      return await answer(path, request.signal);
    } finally {
      underWay--;
    }
  },
});

async function answer(path: string, signal: AbortSignal): Promise<Response> {
  if (mode === 'hangs') await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  else await Bun.sleep(originMs);
  if (mode !== 'up') return new Response('The database is gone.', { status: 500 });
  const rank = Number(/^\/(?:live|p)\/(\d+)$/.exec(path)?.[1] ?? Number.NaN);
  if (!(rank < plan.pages)) return new Response('There is no such page.', { status: 404 });
  const madeMs = Date.now();
  return new Response(`${pageText(rank, plan.bytes)}<!-- made ${madeMs} -->`, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': cacheControl(rank < plan.live ? plan.liveSeconds : otherSeconds),
      'x-made': String(madeMs),
    },
  });
}

function cacheControl({ fresh, staleWhileRevalidate, staleIfError }: Freshness): string {
  return `max-age=${fresh}, stale-while-revalidate=${staleWhileRevalidate}, stale-if-error=${staleIfError}`;
}

/** An index, or one of its parts. */
function sitemapText(path: string, origin: string): string {
  const part = /^\/sitemap-(\d+)\.xml$/.exec(path)?.[1];
  const list = (name: string, entry: string, addresses: readonly string[]) =>
    `<?xml version="1.0"?><${name} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${addresses
      .map((address) => `<${entry}><loc>${origin}${address}</loc></${entry}>`)
      .join('')}</${name}>`;
  if (part === undefined) {
    const parts = Math.ceil(plan.pages / sitemapPages);
    return list(
      'sitemapindex',
      'sitemap',
      Array.from({ length: parts }, (_, at) => `/sitemap-${at}.xml`),
    );
  }
  const from = Number(part) * sitemapPages;
  const count = Math.max(0, Math.min(sitemapPages, plan.pages - from));
  return list(
    'urlset',
    'url',
    Array.from({ length: count }, (_, at) => pathOf(from + at, plan.live)),
  );
}

function report(): void {
  const now = nowSecond();
  if (now === second) return;
  if (requests > 0) process.send?.({ second, requests, most } satisfies OriginSecond);
  [requests, most, second] = [0, underWay, now];
}

function nowSecond(): number {
  return Math.floor(Date.now() / 1000);
}
