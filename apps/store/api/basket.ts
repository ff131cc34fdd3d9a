import { type RequestTarget, Resource } from 'zerohop';
import { addToBasket, parseQuantity, readBasket, removeFromBasket, setInBasket } from '../shop/basket.ts';
import { Refusal } from '../shop/refusal.ts';
import { basketHeaders, basketId, readFields } from '../shop/request.ts';

/**
 * The visitor's basket, by cookie: GET /Basket/ reads it; POST /Basket/ `{ product, quantity }` adds;
 * PUT /Basket/p-0001 `{ quantity }` sets; DELETE /Basket/p-0001 removes. Each answers with the basket.
 */
export class Basket extends Resource {
  static override description = 'The basket of the visitor who holds the cookie.';

  static override async get(): Promise<Response> {
    const id = basketId();
    const basket = await readBasket(id);
    return Response.json(basket, {
      headers: id === null ? { 'cache-control': 'no-store' } : basketHeaders(id, basket.count),
    });
  }

  static override async post(_target: RequestTarget, data: unknown): Promise<Response> {
    const { product, quantity = 1 } = await readFields(data);
    const id = basketId() ?? crypto.randomUUID();
    await addToBasket(id, parseProduct(product), parseQuantity(quantity, 1));
    return answer(id);
  }

  static override async put(target: RequestTarget, data: unknown): Promise<Response> {
    const { quantity } = await readFields(data);
    const id = basketId() ?? crypto.randomUUID();
    await setInBasket(id, parseProduct(target.id), parseQuantity(quantity, 0));
    return answer(id);
  }

  static override async delete(target: RequestTarget): Promise<Response> {
    const id = basketId() ?? crypto.randomUUID();
    await removeFromBasket(id, parseProduct(target.id));
    return answer(id);
  }
}

async function answer(id: string): Promise<Response> {
  const basket = await readBasket(id);
  return Response.json(basket, { headers: basketHeaders(id, basket.count) });
}

function parseProduct(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new Refusal(400, 'Please say which product, by its id, such as p-0001.');
}
