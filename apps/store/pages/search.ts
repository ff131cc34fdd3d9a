import { type RequestTarget, Resource } from 'zerohop';
import { type Found, search, searchLimit } from '../shop/catalogue.ts';
import { html } from './html.ts';
import { type Page, respondOr } from './layout.ts';
import { grid, plural } from './parts.ts';

/** GET /search?q=oak+table: what was found. */
export class SearchPage extends Resource {
  static override cacheable = true;
  static override path = '/search';
  static override hidden = true;

  static override get(target: RequestTarget): Promise<Response> {
    return respondOr(async () => searchPage(await search((target.get('q') ?? '').slice(0, 100).trim())));
  }
}

function searchPage({ q, total, products }: Found): Page {
  const count = total >= searchLimit ? `More than ${searchLimit} products` : plural(total, 'product');
  return {
    title: q === '' ? 'Search' : `“${q}”`,
    q,
    main: html`<div class="listing-head">
  <h1>${q === '' ? 'What are you looking for?' : html`<span class="quoted">“${q}”</span>`}</h1>
  ${q !== '' && html`<p class="count" role="status">${count}${total > products.length && `, the best ${products.length} shown`}</p>`}
</div>
${
  products.length > 0
    ? grid(products, 8)
    : html`<div class="empty">
  <p>${q === '' ? 'Type a word or two above.' : 'Nothing matches all of these words. Fewer words find more.'} Or try one of these:</p>
  <ul class="chips">${['oak', 'linen', 'enamelled steel', 'gift', 'lamp', 'waterproof'].map((word) => html`<li><a href="/search?q=${encodeURIComponent(word)}">${word}</a></li>`)}</ul>
</div>`
}`,
  };
}
