import { type RequestTarget, Resource } from 'zerohop';
import { type Details, readCategories, readDetails } from '../shop/catalogue.ts';
import { formatMoney } from '../shop/money.ts';
import type { Category, Inventory, Product, Review } from '../shop/records.ts';
import { type Html, html } from './html.ts';
import { type Page, respondOr } from './layout.ts';
import { date, grid, pictureUrl, plural, price, stars, stockNote } from './parts.ts';

/** GET /p/p-0001: a product. */
export class ProductPage extends Resource {
  static override cacheable = true;
  static override path = '/p/:id';
  static override hidden = true;

  static override get(target: RequestTarget): Promise<Response> {
    return respondOr(async () => {
      const [details, categories] = await Promise.all([readDetails(String(target.id)), readCategories()]);
      return productPage(
        details,
        categories.find(({ id }) => id === details.product.category),
      );
    });
  }
}

function productPage({ product, inventory, pricing, reviews, related }: Details, category: Category | undefined): Page {
  const cost = { price: pricing.cents, listPrice: pricing.listCents, currency: pricing.currency };
  return {
    title: `${product.name} by ${product.brand}`,
    description: product.description,
    main: html`<nav class="crumbs" aria-label="You are here"><ol><li><a href="/">Home</a></li>${category && html`<li>${category.department}</li><li><a href="/c/${category.id}">${category.name}</a></li>`}<li aria-current="page">${product.name}</li></ol></nav>
<div class="product">
  ${gallery(product)}
  <div class="product-words">
    <p class="card-brand">${product.brand}</p>
    <h1>${product.name}</h1>
    <p><a class="rating-link" href="#reviews">${stars(product.rating)} <span>${product.rating.toFixed(1)} (${plural(product.ratingCount, 'review')})</span></a></p>
    <p class="product-price">${price(cost)}${pricing.discountPercent > 0 && html` <span class="saving">You save ${formatMoney(pricing.listCents - pricing.cents, pricing.currency)}</span>`}</p>
    <p class="product-description">${product.description}</p>
    ${buyForm(product, inventory)}
    <ul class="reassurance"><li>Free delivery over $50, otherwise $4.90</li><li>Leaves our warehouse within a day</li><li>30 days to change your mind</li></ul>
    <h2 class="facts-title">Details</h2>
    <dl class="facts">${Object.entries<string>(product.attributes).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  </div>
</div>
${reviewSection(product, reviews)}
${related.length > 0 && html`<section class="section" aria-labelledby="related"><h2 id="related">You may like these too</h2>${grid(related)}</section>`}`,
  };
}

function gallery({ name, picture, colour }: Product): Html {
  const views = [
    [undefined, `${name} in ${colour}`],
    [2, `${name}, close up`],
    [3, `${name} at home`],
  ] as const;
  return html`<div class="gallery" data-gallery>
  <a class="gallery-main" href="${pictureUrl(picture)}"><img src="${pictureUrl(picture)}" alt="${name} in ${colour}" width="800" height="800" fetchpriority="high"></a>
  <ul>${views.map(([view, alt], at) => html`<li><a href="${pictureUrl(picture, view)}" data-alt="${alt}"${at === 0 && html` aria-current="true"`}><img src="${pictureUrl(picture, view)}" alt="Show: ${alt}" width="800" height="800"></a></li>`)}</ul>
</div>`;
}

function buyForm({ id }: Product, { quantity }: Inventory): Html {
  const most = Math.min(quantity, 10);
  const choices = Array.from({ length: most }, (_, at) => html`<option>${at + 1}</option>`);
  if (quantity === 0)
    return html`<p class="buy-stock">${stockNote(0)}</p><p class="hint">We are making more. Have a look at its neighbours below.</p>`;
  return html`<p class="buy-stock">${stockNote(quantity)}</p>
<form class="buy" method="post" action="/basket" data-add>
  <input type="hidden" name="change" value="add">
  <input type="hidden" name="product" value="${id}">
  <label for="quantity">Quantity</label>
  <select id="quantity" name="quantity">${choices}</select>
  <button class="button" type="submit">Add to basket</button>
</form>`;
}

function reviewSection({ rating, ratingCount }: Product, reviews: readonly Review[]): Html {
  const counts = [5, 4, 3, 2, 1].map(
    (value) => [value, reviews.filter((review) => review.stars === value).length] as const,
  );
  return html`<section class="section reviews" id="reviews" aria-labelledby="reviews-title">
  <div class="review-summary">
    <h2 id="reviews-title">Reviews</h2>
    <p class="review-mean"><strong>${rating.toFixed(1)}</strong> ${stars(rating)}</p>
    <p class="count">${plural(ratingCount, 'review')}</p>
    <ul class="histogram">${counts.map(([value, count]) => html`<li><span>${plural(value, 'star')}</span><meter min="0" max="${Math.max(reviews.length, 1)}" value="${count}" aria-label="${plural(value, 'star')}"></meter><span>${count}</span></li>`)}</ul>
  </div>
  <ol class="review-list">${reviews.map(
    (review) => html`<li>
    <p class="review-head">${stars(review.stars)} <strong>${review.title}</strong></p>
    <p>${review.text}</p>
    <p class="review-author"><span>${review.author}</span>${review.verified && html` <span class="verified">Bought here</span>`} ${date(review.writtenAt)}</p>
  </li>`,
  )}</ol>
</section>`;
}
