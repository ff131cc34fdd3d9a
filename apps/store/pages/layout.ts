// The frame of every page: head, header with menu and search, footer.

import { readCategories } from '../shop/catalogue.ts';
import type { Category } from '../shop/records.ts';
import { Refusal } from '../shop/refusal.ts';
import { assetUrl } from './assets.ts';
import { type Html, html } from './html.ts';

export interface Page {
  readonly title: string;
  readonly description?: string;
  readonly main: Html;
  /** What stands in the search field. */
  readonly q?: string;
  readonly status?: number;
  readonly headers?: Headers;
  /** Not for search engines, nor for any cache. */
  readonly isPrivate?: boolean;
  /** Other origins whose pages it shows in frames, besides its own. */
  readonly frames?: readonly string[];
}

export async function respond(page: Page): Promise<Response> {
  const headers = new Headers(page.headers);
  headers.set('content-type', 'text/html; charset=utf-8');
  headers.set('cache-control', page.isPrivate ? 'no-store' : 'public, max-age=0, must-revalidate');
  headers.set(
    'content-security-policy',
    `default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'${page.frames ? `; frame-src 'self' ${page.frames.join(' ')}` : ''}`,
  );
  headers.set('x-content-type-options', 'nosniff');
  headers.set('referrer-policy', 'same-origin');
  const { text } = document(page, await readCategories());
  if (page.isPrivate) return new Response(text, { status: page.status ?? 200, headers });
  // Weak: compressed, it is still the same page.
  const tag = `W/"${Bun.hash(text).toString(36)}"`;
  headers.set('etag', tag);
  return new Response(text, { headers });
}

/** Runs what makes a page; a refusal becomes a page that says so. */
export async function respondOr(make: () => Promise<Page>): Promise<Response> {
  try {
    return await respond(await make());
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Thrown, so that whatever the page had begun to change is undone.
    throw await refusalResponse(error);
  }
}

export function refusalResponse(refusal: Refusal): Promise<Response> {
  return respond(refusalPage(refusal));
}

function refusalPage({ statusCode, message }: Refusal): Page {
  const title = statusCode === 404 ? 'Not found' : 'That did not work';
  return {
    title,
    status: statusCode,
    isPrivate: true,
    main: html`<div class="notice">
  <h1>${title}</h1>
  <p>${message}</p>
  <p><a class="button" href="/">To the home page</a></p>
</div>`,
  };
}

/** Departments in order, each with its categories. */
export function departmentsOf(categories: readonly Category[]): readonly (readonly [string, readonly Category[]])[] {
  return [...Map.groupBy(categories, ({ department }) => department)];
}

export function anchorOf(department: string): string {
  return department.toLowerCase().replace(/[^a-z]+/g, '-');
}

function document({ title, description, main, q, isPrivate }: Page, categories: readonly Category[]): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title === '' ? 'Larkmoor: good things for every day' : `${title} · Larkmoor`}</title>
${description !== undefined && html`<meta name="description" content="${description}">`}
${isPrivate && html`<meta name="robots" content="noindex">`}
<meta name="theme-color" content="#fbfaf7">
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="preload" href="/assets/fonts/instrument-sans.woff2" as="font" type="font/woff2" crossorigin>
<link rel="preload" href="/assets/fonts/instrument-serif.woff2" as="font" type="font/woff2" crossorigin>
<link rel="stylesheet" href="${assetUrl('shop.css')}">
<script src="${assetUrl('shop.js')}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
${symbols}
<p class="ribbon"><span>Free delivery over $50</span> <span>30 days to change your mind</span> <span><a class="architecture" href="/compare" data-architecture="unified"><strong>Unified</strong> one process · compare</a></span></p>
<header class="header">
  <div class="header-row">
    <a class="logo" href="/">Larkmoor</a>
    <form class="search" action="/search" role="search">
      <label class="sr" for="q">Search for products</label>
      <input id="q" name="q" type="search" value="${q ?? ''}" placeholder="Search 1,200 good things" autocomplete="off" maxlength="100" required>
      <button type="submit"><svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Zm5 11.5L20 20" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/></svg><span class="sr">Search</span></button>
    </form>
    <a class="basket-link" href="/basket"><svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true"><path d="M5 9h14l-1.4 10.2a1 1 0 0 1-1 .8H7.4a1 1 0 0 1-1-.8L5 9Zm3.5 0V8a3.5 3.5 0 0 1 7 0v1" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round"/></svg><span class="basket-word">Basket</span> <span class="badge" data-basket-count hidden></span></a>
  </div>
  <nav class="menu" aria-label="Departments">
    <details class="menu-all">
      <summary>Shop</summary>
      <div class="menu-sheet">${departmentsOf(categories).map(([name, list]) => html`<div><p class="menu-title">${name}</p>${categoryList(list)}</div>`)}</div>
    </details>
    ${departmentsOf(categories).map(
      ([name, list]) =>
        html`<details class="menu-one" name="menu"><summary>${name}</summary><div class="menu-drop">${categoryList(list)}</div></details>`,
    )}
  </nav>
</header>
<main id="main" tabindex="-1">
${main}
</main>
<footer class="footer">
  <div class="footer-row">
    <div><p class="logo">Larkmoor</p><p>Good things for every day, from people who use them.</p></div>
    <ul class="promises">
      <li><strong>Honest stock</strong> What we say we have, we have.</li>
      <li><strong>Free returns</strong> 30 days, no questions.</li>
      <li><strong>Made to last</strong> We repair what we sell.</li>
    </ul>
  </div>
  <p class="small">A demonstration shop: nothing is really sold here. Served by Zerohop, data and pages from one process.</p>
</footer>
<div class="toast" role="status" aria-live="polite" data-toast></div>
</body>
</html>
`;
}

function categoryList(categories: readonly Category[]): Html {
  return html`<ul>${categories.map(({ id, name }) => html`<li><a href="/c/${id}">${name}</a></li>`)}</ul>`;
}

const symbols = html`<svg width="0" height="0" class="symbols" aria-hidden="true"><symbol id="stars" viewBox="0 0 100 20" width="100" height="20">${[
  0, 20, 40, 60, 80,
].map(
  (x) =>
    html`<path transform="translate(${x})" d="m10 1.8 2.5 5.3 5.8.8-4.2 4 1 5.8L10 15l-5.1 2.7 1-5.8-4.2-4 5.8-.8Z"/>`,
)}</symbol></svg>`;
