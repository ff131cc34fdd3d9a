import { type RequestTarget, Resource } from 'zerohop';
import { type Listing, readListing, type SortOrder, sortOrders } from '../shop/catalogue.ts';
import { type Html, html } from './html.ts';
import { type Page, respondOr } from './layout.ts';
import { grid, plural } from './parts.ts';

const pageSize = 24;

/** GET /c/c-01?sort=price&page=2: a category. */
export class ListingPage extends Resource {
  static override cacheable = true;
  static override path = '/c/:id';
  static override hidden = true;

  static override get(target: RequestTarget): Promise<Response> {
    return respondOr(async () =>
      listingPage(
        await readListing(String(target.id), { sort: target.get('sort'), page: target.get('page'), pageSize }),
      ),
    );
  }
}

function listingPage(listing: Listing): Page {
  const { category, page, products } = listing;
  return {
    title: page === 1 ? category.name : `${category.name}, page ${page}`,
    description: `${category.name} at Larkmoor: ${category.description}`,
    main: html`<nav class="crumbs" aria-label="You are here"><ol><li><a href="/">Home</a></li><li>${category.department}</li><li aria-current="page">${category.name}</li></ol></nav>
<div class="listing-head">
  <div>
    <h1>${category.name}</h1>
    <p class="lead">${category.description}</p>
  </div>
  <p class="count">${plural(category.productCount, 'product')}</p>
</div>
${sortLinks(listing)}
${products.length > 0 ? grid(products, 8) : html`<p class="empty">There is nothing on this page. <a href="/c/${category.id}">Back to the first one</a></p>`}
${pager(listing)}`,
  };
}

function isShown(order: string): order is SortOrder {
  return Object.hasOwn(sortOrders, order);
}

function sortLinks({ category, sort }: Listing): Html {
  const links = Object.entries(sortOrders).map(([order, { label }]) =>
    isShown(order)
      ? html`<li><a href="${listingUrl(category.id, order, 1)}"${order === sort && html` aria-current="true"`}>${label}</a></li>`
      : '',
  );
  return html`<nav class="sort" aria-label="Sort by"><ul>${links}</ul></nav>`;
}

function pager({ category, sort, page, hasNext, pageSize: size }: Listing): Html | false {
  if (page === 1 && !hasNext) return false;
  const pages = Math.max(Math.ceil(category.productCount / size), page);
  return html`<nav class="pager" aria-label="Pages">
  ${page > 1 ? html`<a class="button button-quiet" rel="prev" href="${listingUrl(category.id, sort, page - 1)}">← Previous</a>` : html`<span></span>`}
  <p>Page ${page} of ${pages}</p>
  ${hasNext ? html`<a class="button button-quiet" rel="next" href="${listingUrl(category.id, sort, page + 1)}">Next →</a>` : html`<span></span>`}
</nav>`;
}

/** The defaults are left out, so that each page has one address. */
function listingUrl(category: string, sort: SortOrder, page: number): string {
  const query = new URLSearchParams();
  if (sort !== 'rating') query.set('sort', sort);
  if (page !== 1) query.set('page', String(page));
  return query.size > 0 ? `/c/${category}?${query}` : `/c/${category}`;
}
