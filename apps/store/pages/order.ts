import { type RequestTarget, Resource } from 'zerohop';
import { formatMoney } from '../shop/money.ts';
import { readOrder } from '../shop/orders.ts';
import type { Order as PlacedOrder } from '../shop/records.ts';
import { html } from './html.ts';
import { type Page, respondOr } from './layout.ts';
import { picture } from './parts.ts';

/** GET /order/<id>: thank you. */
export class OrderPage extends Resource {
  static override path = '/order/:id';
  static override hidden = true;

  static override get(target: RequestTarget): Promise<Response> {
    return respondOr(async () => orderPage(await readOrder(String(target.id))));
  }
}

function orderPage({
  id,
  name,
  email,
  address,
  lines,
  currency,
  itemsCents,
  deliveryCents,
  totalCents,
}: PlacedOrder): Page {
  return {
    title: 'Thank you',
    isPrivate: true,
    main: html`<div class="order">
  <p class="eyebrow">Order ${id.slice(0, 8).toUpperCase()}</p>
  <h1>Thank you, ${name.split(' ')[0] ?? name}.</h1>
  <p class="lead">We are packing it now, and would write to ${email} when it leaves, if this were not a demonstration.</p>
  <ul class="order-lines">${lines.map(
    (line) =>
      html`<li><a href="/p/${line.product}" tabindex="-1" aria-hidden="true">${picture(line.picture, '', true)}</a><span><a href="/p/${line.product}">${line.name}</a><span class="count">${line.quantity} × ${formatMoney(line.cents, currency)}</span></span><span>${formatMoney(line.quantity * line.cents, currency)}</span></li>`,
  )}</ul>
  <dl class="sums">
    <div><dt>Items</dt><dd>${formatMoney(itemsCents, currency)}</dd></div>
    <div><dt>Delivery</dt><dd>${deliveryCents === 0 ? 'Free' : formatMoney(deliveryCents, currency)}</dd></div>
    <div class="total"><dt>Total</dt><dd>${formatMoney(totalCents, currency)}</dd></div>
  </dl>
  <h2>On its way to</h2>
  <address>${name}<br>${address}</address>
  <p><a class="button" href="/">Keep looking round</a></p>
</div>`,
  };
}
