// Renders one page, in a context of the browser that has nothing of any other: loads it, waits until it is ready, takes its HTML.
//
//   the origin's answer → Chromium → window.prerenderReady false? ─yes→ until it is true ─┐
//                                                                 └no─→ until nothing is asked for any more ─┴→ HTML

import type { BrowserContext, BrowserPage, BrowserRequest, Route } from './playwright.ts';
import type { RenderBrowser } from './render-browser.ts';
import { statusSaid, withoutScripts } from './render-html.ts';
import { type RenderJob, type RenderOutcome, RenderTrouble } from './render-job.ts';
import type { RenderRequests } from './render-requests.ts';

/** Wide as such devices are, and tall, so that what is shown when it is scrolled to is there. */
const viewports = {
  desktop: { width: 1280, height: 3000 },
  tablet: { width: 820, height: 3000 },
  mobile: { width: 412, height: 3000 },
} as const;
/** How often it is looked whether the page says that it is ready, in ms. */
const readyStepMs = 25;

/** Rejects with RenderTrouble, or whatever the browser fails with. Goes on until `signal`. */
export async function renderTab(
  { browser }: RenderBrowser,
  job: RenderJob,
  requests: RenderRequests,
  signal: AbortSignal,
): Promise<RenderOutcome> {
  const context = await browser.newContext({
    viewport: viewports[job.device],
    isMobile: job.device !== 'desktop',
    serviceWorkers: 'block',
    acceptDownloads: false,
    ...(job.userAgent !== undefined && { userAgent: job.userAgent }),
    ...(job.language !== undefined && { locale: job.language }),
  });
  const close = () => void context.close().catch(() => {});
  signal.addEventListener('abort', close, { once: true });
  try {
    signal.throwIfAborted();
    return await renderIn(context, job, requests, signal);
  } finally {
    signal.removeEventListener('abort', close);
    await context.close().catch(() => {});
  }
}

async function renderIn(
  context: BrowserContext,
  job: RenderJob,
  requests: RenderRequests,
  signal: AbortSignal,
): Promise<RenderOutcome> {
  const { url, cookies, how } = job;
  if (cookies.length > 0) await context.addCookies(cookies.map(([name, value]) => ({ name, value, url })));
  const page = await context.newPage();
  // Windows it opens are nobody's.
  context.on('page', (other) => void other.close().catch(() => {}));
  const trouble = Promise.withResolvers<never>();
  // It may come when nobody waits any more.
  trouble.promise.catch(() => {});
  page.on('crash', () => trouble.reject(new RenderTrouble('browser', 'the page crashed the browser')));
  let isLoaded = false;
  await context.routeWebSocket('**/*', (socket) => void socket.close());
  await context.route('**/*', async (route, request) => {
    if (request.resourceType() === 'document' && request.frame() === page.mainFrame()) {
      if (!isLoaded) {
        isLoaded = true;
        return settle(route.fulfill(documentOf(job)));
      }
      trouble.reject(new RenderTrouble('left', `it went to ${request.url()}`));
      return settle(route.abort());
    }
    try {
      await settle(answer(route, request, requests, how.assets));
    } catch (error) {
      trouble.reject(error);
      await settle(route.abort());
    }
  });
  const load = async (): Promise<void> => {
    // The limit is that of the signal.
    await page.goto(url, { waitUntil: 'load', timeout: 0 });
    await becomeReady(page, signal);
  };
  await Promise.race([load(), trouble.promise]);
  await page.evaluate(keepStyles);
  const html = await page.content();
  return { ok: true, html: how.scripts === 'strip' ? withoutScripts(html) : html, status: statusSaid(html) };
}

function documentOf({ document }: RenderJob): object {
  return { status: document.status, headers: Object.fromEntries(document.headers), body: Buffer.from(document.body) };
}

/** The browser may have ended, or the context: whoever waits for the page learns of it. */
async function settle(done: Promise<void>): Promise<void> {
  await done.catch((error: unknown) => {
    if (error instanceof RenderTrouble) throw error;
  });
}

const served: ReadonlySet<string> = new Set(['script', 'stylesheet', 'xhr', 'fetch', 'other']);
const isKept: ReadonlySet<string> = new Set(['script', 'stylesheet']);
const assetTypes: ReadonlySet<string> = new Set(['image', 'font', 'media']);

async function answer(
  route: Route,
  request: BrowserRequest,
  requests: RenderRequests,
  hasAssets: boolean,
): Promise<void> {
  const type = request.resourceType();
  // A page that is told of a broken image may put another in its place.
  if (type === 'image' && !hasAssets) return route.fulfill({ status: 200, contentType: 'image/gif', body: onePixel });
  if (!served.has(type) && !(hasAssets && assetTypes.has(type))) return route.abort();
  const [url, method] = [request.url(), request.method()];
  const isNeeded = method === 'GET' && requests.isOfSite(url) && served.has(type) && type !== 'other';
  try {
    const body = request.postDataBuffer() ?? undefined;
    const asks = { url, method, headers: request.headers(), body };
    const gets = await (isKept.has(type) ? requests.asset(asks) : requests.answer(asks));
    if (!gets) return route.abort();
    // What the page makes of an error of its own site is not to be kept.
    if (isNeeded && gets.status >= 500)
      throw new RenderTrouble('incomplete', `${new URL(url).pathname} answers ${gets.status}`);
    await route.fulfill({ status: gets.status, headers: gets.headers, body: Buffer.from(gets.body) });
  } catch (error) {
    if (error instanceof RenderTrouble && !isNeeded) return route.abort();
    throw error;
  }
}

const onePixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

async function becomeReady(page: BrowserPage, signal: AbortSignal): Promise<void> {
  const isToldBy = () => page.evaluate('typeof window.prerenderReady === "boolean" ? window.prerenderReady : null');
  let ready = await isToldBy();
  if (ready === null) return page.waitForLoadState('networkidle', { timeout: 0 });
  while (ready !== true) {
    signal.throwIfAborted();
    await Bun.sleep(readyStepMs);
    ready = await isToldBy();
  }
}

/** Rules that scripts have put into style sheets are in no HTML: they are written there. */
const keepStyles = `(() => {
  const textOf = (sheet) => [...sheet.cssRules].map((rule) => rule.cssText).join('\\n');
  for (const style of document.querySelectorAll('style'))
    if (style.sheet && style.sheet.cssRules.length > 0 && style.textContent.trim() === '') style.textContent = textOf(style.sheet);
  for (const sheet of document.adoptedStyleSheets ?? []) {
    const style = document.createElement('style');
    style.textContent = textOf(sheet);
    document.head.append(style);
  }
})()`;
