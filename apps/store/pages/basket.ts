import { type RequestTarget, Resource } from 'zerohop';
import { wantedOf } from '../api/order.ts';
import { addToBasket, type Basket, maxPerLine, parseQuantity, readBasket, setInBasket } from '../shop/basket.ts';
import { formatMoney } from '../shop/money.ts';
import { parseCustomer, placeOrder } from '../shop/orders.ts';
import { Refusal } from '../shop/refusal.ts';
import { basketHeaders, basketId, readFields } from '../shop/request.ts';
import { type Html, html } from './html.ts';
import { type Page, respond } from './layout.ts';
import { picture, plural, stockNote } from './parts.ts';

type Fields = Readonly<Record<string, unknown>>;

/** GET /basket shows it; POST /basket is its forms: add, set, remove and order, then back to a page to look at. */
export class BasketPage extends Resource {
  static override path = '/basket';
  static override hidden = true;

  static override async get(): Promise<Response> {
    return respond(basketPage(await readBasket(basketId())));
  }

  static override async post(_target: RequestTarget, data: unknown): Promise<Response> {
    const fields = await readFields(data);
    const id = basketId() ?? crypto.randomUUID();
    try {
      return fields.change === 'order' ? await order(id, fields) : await change(id, fields);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Thrown, so that what was begun is undone; the basket is shown as it is, with the reason.
      throw await respond({ ...basketPage(await readBasket(id), error.message, fields), status: error.statusCode });
    }
  }
}

async function change(id: string, fields: Fields): Promise<Response> {
  const product = String(fields.product ?? '');
  if (fields.change === 'add') await addToBasket(id, product, parseQuantity(fields.quantity ?? 1, 1));
  else if (fields.change === 'set') await setInBasket(id, product, parseQuantity(fields.quantity, 0));
  else if (fields.change === 'remove') await setInBasket(id, product, 0);
  else throw new Refusal(400, 'change is one of add, set, remove and order.');
  return seeOther('/basket', id, (await readBasket(id)).count);
}

async function order(id: string, fields: Fields): Promise<Response> {
  const customer = parseCustomer(fields);
  const placed = await placeOrder(await wantedOf(id), customer, id);
  return seeOther(`/order/${placed.id}`, id, 0);
}

function seeOther(location: string, basket: string, count: number): Response {
  const headers = basketHeaders(basket, count);
  headers.set('location', location);
  return new Response(null, { status: 303, headers });
}

function basketPage(basket: Basket, problem?: string, fields: Fields = {}): Page {
  return {
    title: 'Your basket',
    isPrivate: true,
    main: basket.lines.length === 0 ? emptyBasket(problem) : fullBasket(basket, problem, fields),
  };
}

function emptyBasket(problem?: string): Html {
  return html`<div class="notice" data-basket>
  <h1>Your basket is empty</h1>
  ${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
  <p>There are 1,200 good things that would like to change that.</p>
  <p><a class="button" href="/">Have a look round</a></p>
</div>`;
}

function fullBasket(basket: Basket, problem: string | undefined, fields: Fields): Html {
  const { currency, count, itemsCents, deliveryCents, totalCents } = basket;
  return html`<div data-basket>
<h1>Your basket <span class="count">${plural(count, 'item')}</span></h1>
${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
<div class="basket">
  <ul class="lines">${basket.lines.map((line) => lineOf(line))}</ul>
  <div class="checkout">
    <dl class="sums">
      <div><dt>Items</dt><dd>${formatMoney(itemsCents, currency)}</dd></div>
      <div><dt>Delivery</dt><dd>${deliveryCents === 0 ? 'Free' : formatMoney(deliveryCents, currency)}</dd></div>
      <div class="total"><dt>Total</dt><dd>${formatMoney(totalCents, currency)}</dd></div>
    </dl>
    <form class="checkout-form" method="post" action="/basket">
      <h2>Where shall we send it?</h2>
      <input type="hidden" name="change" value="order">
      ${field('name', 'Name', 'text', 'name', fields)}
      ${field('email', 'Email', 'email', 'email', fields)}
      <label for="address">Address</label>
      <textarea id="address" name="address" rows="3" required maxlength="500" autocomplete="street-address">${typed(fields, 'address')}</textarea>
      <button class="button" type="submit">Place order for ${formatMoney(totalCents, currency)}</button>
      <p class="hint">This is a demonstration: nothing is charged, nothing is sent.</p>
    </form>
  </div>
</div>
</div>`;
}

function field(name: string, label: string, type: string, autocomplete: string, fields: Fields): Html {
  return html`<label for="${name}">${label}</label>
      <input id="${name}" name="${name}" type="${type}" required maxlength="500" autocomplete="${autocomplete}" value="${typed(fields, name)}">`;
}

function typed(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}

function lineOf({ quantity, item }: Basket['lines'][number]): Html {
  const { id, name, brand, stock, price, currency } = item;
  return html`<li class="line" data-line="${id}">
  <a class="line-picture" href="/p/${id}" tabindex="-1" aria-hidden="true">${picture(item.picture, '', true)}</a>
  <div class="line-words">
    <p class="card-brand">${brand}</p>
    <p class="line-name"><a href="/p/${id}">${name}</a></p>
    <p>${stock < quantity ? html`<span class="stock stock-out">${stock === 0 ? 'Sold out' : `Only ${stock} left`}</span>` : stockNote(stock)}</p>
  </div>
  <form class="line-quantity" method="post" action="/basket" data-change>
    <input type="hidden" name="change" value="set">
    <input type="hidden" name="product" value="${id}">
    <label for="quantity-${id}">Quantity<span class="sr"> of ${name}</span></label>
    <input id="quantity-${id}" name="quantity" type="number" inputmode="numeric" min="0" max="${maxPerLine}" value="${quantity}" required>
    <button class="button-text without-js" type="submit">Update<span class="sr"> quantity of ${name}</span></button>
  </form>
  <form class="line-remove" method="post" action="/basket" data-change>
    <input type="hidden" name="change" value="remove">
    <input type="hidden" name="product" value="${id}">
    <button class="button-text" type="submit">Remove<span class="sr"> ${name}</span></button>
  </form>
  <p class="line-price">${formatMoney(price * quantity, currency)}${quantity > 1 && html` <span class="count">${formatMoney(price, currency)} each</span>`}</p>
</li>`;
}
