import { type RequestTarget, Resource } from 'zerohop';
import { parseQuantity, readBasket } from '../shop/basket.ts';
import { parseCustomer, placeOrder, readOrder, type Wanted } from '../shop/orders.ts';
import type { Order as PlacedOrder } from '../shop/records.ts';
import { Refusal } from '../shop/refusal.ts';
import { basketHeaders, basketId, isObject, readFields } from '../shop/request.ts';

/**
 * POST /Order/ `{ name, email, address, items?: [{ product, quantity }] }`: orders the items, or else what is in the basket.
 * 201 with the order; 409 when there is not enough in stock, and then nothing has changed. GET /Order/<id> shows it again.
 */
export class Order extends Resource {
  static override description = 'Places an order: stock goes down with it, and never below zero.';

  static override get(target: RequestTarget): Promise<PlacedOrder> {
    return readOrder(String(target.id));
  }

  static override async post(_target: RequestTarget, data: unknown): Promise<Response> {
    const fields = await readFields(data);
    const customer = parseCustomer(fields);
    const basket = fields.items === undefined ? basketId() : null;
    const order = await placeOrder(
      fields.items === undefined ? await wantedOf(basket) : parseItems(fields.items),
      customer,
      basket,
    );
    const headers = basket === null ? new Headers() : basketHeaders(basket, 0);
    headers.set('location', `/Order/${order.id}`);
    return Response.json(order, { status: 201, headers });
  }
}

export async function wantedOf(basket: string | null): Promise<readonly Wanted[]> {
  const { lines } = await readBasket(basket);
  return lines.map(({ quantity, item }) => ({ product: item.id, quantity }));
}

function parseItems(items: unknown): readonly Wanted[] {
  if (!Array.isArray(items) || items.length > 100) {
    throw new Refusal(400, 'items is a list of at most 100 { product, quantity }.');
  }
  return items.map((item: unknown) => {
    if (!isObject(item) || typeof item.product !== 'string')
      throw new Refusal(400, 'Each of the items names a product by its id.');
    return { product: item.product, quantity: parseQuantity(item.quantity ?? 1, 1) };
  });
}
