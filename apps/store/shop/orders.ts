// Placing an order: the stock goes down, the order is written and the basket emptied in one transaction, or nothing is.

import { tables, transaction } from 'zerohop';
import { emptyBasket } from './basket.ts';
import { readCards } from './catalogue.ts';
import { deliveryFor } from './money.ts';
import type { Card, Order, OrderInsert } from './records.ts';
import { Refusal } from './refusal.ts';

export interface Wanted {
  readonly product: string;
  readonly quantity: number;
}

export interface Customer {
  readonly name: string;
  readonly email: string;
  readonly address: string;
}

type NewOrder = OrderInsert & { readonly id: string };

/** `basket`: the basket to empty. Refuses with 409 when there is not enough of something, however many others order it now. */
export async function placeOrder(
  wanted: readonly Wanted[],
  customer: Customer,
  basket: string | null,
): Promise<NewOrder> {
  if (wanted.length === 0) throw new Refusal(400, 'There is nothing in the basket to order.');
  return transaction(async (open) => {
    const lines = await price(merge(wanted));
    const order = orderOf(lines, customer);
    for (const { quantity, item } of lines) {
      // The floor is checked when the transaction commits, so no order that came between can be overlooked.
      (await tables.Inventory.update(item.id)).addTo('quantity', -quantity, { min: 0 });
    }
    await tables.Order.put(order.id, order);
    if (basket !== null) await emptyBasket(basket);
    await open.commit().catch((error: unknown) => {
      throw isBelowMinimum(error) ? new Refusal(409, beaten(lines)) : error;
    });
    return order;
  });
}

export async function readOrder(id: string): Promise<Order> {
  const order = await tables.Order.get(id);
  if (!order) throw new Refusal(404, `There is no order ${id}.`);
  return order;
}

interface PricedLine {
  readonly quantity: number;
  readonly item: Card;
}

/** One entry per product. */
function merge(wanted: readonly Wanted[]): readonly Wanted[] {
  const sums = new Map<string, number>();
  for (const { product, quantity } of wanted) sums.set(product, (sums.get(product) ?? 0) + quantity);
  return [...sums].map(([product, quantity]) => ({ product, quantity }));
}

async function price(wanted: readonly Wanted[]): Promise<readonly PricedLine[]> {
  const cards = new Map((await readCards(wanted.map(({ product }) => product))).map((card) => [card.id, card]));
  return wanted.map(({ product, quantity }) => {
    const item = cards.get(product);
    if (!item) throw new Refusal(404, `There is no product ${product}.`);
    if (item.stock < quantity) throw new Refusal(409, shortage(item));
    return { quantity, item };
  });
}

function shortage({ name, stock }: Card): string {
  if (stock === 0) return `${name} has just sold out. Please remove it from the order.`;
  return `There ${stock === 1 ? 'is' : 'are'} only ${stock} of ${name} left. Please order fewer.`;
}

function orderOf(lines: readonly PricedLine[], customer: Customer): NewOrder {
  const itemsCents = lines.reduce((sum, { quantity, item }) => sum + quantity * item.price, 0);
  const deliveryCents = deliveryFor(itemsCents);
  return {
    id: crypto.randomUUID(),
    lines: lines.map(({ quantity, item }) => ({
      product: item.id,
      name: item.name,
      picture: item.picture,
      quantity,
      cents: item.price,
    })),
    currency: lines[0]?.item.currency ?? 'USD',
    itemsCents,
    deliveryCents,
    totalCents: itemsCents + deliveryCents,
    ...customer,
  };
}

function isBelowMinimum(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'BELOW_MINIMUM';
}

function beaten(lines: readonly PricedLine[]): string {
  const names = lines.map(({ item }) => item.name).join(', ');
  return `Somebody else was faster: there is not enough left of ${names}. Nothing was ordered.`;
}

/** Reads the customer's details from a form or a JSON body. */
export function parseCustomer(fields: Readonly<Record<string, unknown>>): Customer {
  return {
    name: required(fields, 'name', 'your name'),
    email: parseEmail(required(fields, 'email', 'your email address')),
    address: required(fields, 'address', 'the address to send it to'),
  };
}

function required(fields: Readonly<Record<string, unknown>>, name: string, what: string): string {
  const value = fields[name];
  const text = typeof value === 'string' ? value.trim() : '';
  if (text === '') throw new Refusal(400, `Please tell us ${what}.`);
  if (text.length > 500) throw new Refusal(400, `${name} is too long: 500 characters at most.`);
  return text;
}

function parseEmail(text: string): string {
  if (/^[^\s@]+@[^\s@]+$/.test(text)) return text;
  throw new Refusal(400, `${text} is not an email address.`);
}
