// Pieces that several pages share.

import { formatMoney } from '../shop/money.ts';
import type { Card } from '../shop/records.ts';
import { type Html, html } from './html.ts';

export function pictureUrl(picture: string, view?: 2 | 3): string {
  return `/pictures/${picture}${view ? `-${view}` : ''}.svg`;
}

/** `eager`: for pictures in sight when the page opens. */
export function picture(look: string, alt: string, eager = false): Html {
  return html`<img src="${pictureUrl(look)}" alt="${alt}" width="800" height="800"${eager ? '' : html` loading="lazy"`} decoding="async">`;
}

export function stars(rating: number): Html {
  const label = `${rating.toFixed(1)} out of 5 stars`;
  const width = Math.round((rating / 5) * 1000) / 10;
  return html`<span class="stars" role="img" aria-label="${label}"><svg viewBox="0 0 100 20" width="90" height="18" aria-hidden="true"><use href="#stars" class="stars-off"/><svg width="${width}" height="20"><use href="#stars" class="stars-on"/></svg></svg></span>`;
}

export function price({ price: now, listPrice, currency }: Pick<Card, 'price' | 'listPrice' | 'currency'>): Html {
  if (listPrice <= now) return html`<span class="price">${formatMoney(now, currency)}</span>`;
  return html`<span class="price price-reduced"><span class="sr">Reduced to </span>${formatMoney(now, currency)}</span> <s class="price-list"><span class="sr">from </span>${formatMoney(listPrice, currency)}</s>`;
}

export function stockNote(stock: number): Html {
  if (stock === 0) return html`<span class="stock stock-out">Sold out</span>`;
  if (stock <= 5) return html`<span class="stock stock-low">Only ${stock} left</span>`;
  return html`<span class="stock">In stock</span>`;
}

/** `heading`: the level that fits where it stands. `eager`: see `picture`. */
export function card(item: Card, eager = false): Html {
  const reduced = item.listPrice > item.price && Math.round((1 - item.price / item.listPrice) * 100);
  return html`<li class="card">
  <a href="/p/${item.id}">
    <span class="card-picture">${picture(item.picture, '', eager)}${reduced ? html`<span class="tag">−${reduced}%</span>` : ''}${item.stock === 0 && html`<span class="tag tag-out">Sold out</span>`}</span>
    <span class="card-brand">${item.brand}</span>
    <span class="card-name">${item.name}</span>
  </a>
  <p class="card-rating">${stars(item.rating)} <span class="count">${item.ratingCount}<span class="sr"> reviews</span></span></p>
  <p class="card-price">${price(item)}${item.stock > 0 && item.stock <= 5 && stockNote(item.stock)}</p>
</li>`;
}

export function grid(items: readonly Card[], eager = 0): Html {
  return html`<ul class="grid">${items.map((item, at) => card(item, at < eager))}</ul>`;
}

const dateFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
});

export function date(value: Date | string | number): Html {
  const day = new Date(value);
  return html`<time datetime="${day.toISOString().slice(0, 10)}">${dateFormat.format(day)}</time>`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
