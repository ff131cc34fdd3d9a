// Baskets: lines in the data store, one per product, found by the id in the visitor's cookie.

import { tables } from 'zerohop';
import { readCards } from './catalogue.ts';
import { deliveryFor } from './money.ts';
import type { BasketLine, Card } from './records.ts';
import { Refusal } from './refusal.ts';

export const maxPerLine = 99;
const maxLines = 100;

export interface Basket {
  readonly lines: readonly { readonly quantity: number; readonly item: Card }[];
  /** Pieces, not lines. */
  readonly count: number;
  readonly currency: string;
  readonly itemsCents: number;
  readonly deliveryCents: number;
  readonly totalCents: number;
}

/** The basket with today's names, prices and stock. No id: an empty one. */
export async function readBasket(id: string | null): Promise<Basket> {
  const lines = id === null ? [] : await readLines(id);
  const cards = new Map((await readCards(lines.map(({ product }) => product))).map((card) => [card.id, card]));
  const known = lines.flatMap(({ product, quantity }) => {
    const item = cards.get(product);
    return item ? [{ quantity, item }] : [];
  });
  const itemsCents = known.reduce((sum, { quantity, item }) => sum + quantity * item.price, 0);
  const deliveryCents = deliveryFor(itemsCents);
  return {
    lines: known,
    count: known.reduce((sum, { quantity }) => sum + quantity, 0),
    currency: known[0]?.item.currency ?? 'USD',
    itemsCents,
    deliveryCents,
    totalCents: itemsCents + deliveryCents,
  };
}

async function readLines(basket: string): Promise<BasketLine[]> {
  const lines = await tables.BasketLine.search({
    conditions: [{ attribute: 'basket', value: basket }],
    limit: maxLines,
  }).toArray();
  return lines.sort((a, b) => Number(a.addedAt) - Number(b.addedAt));
}

/** Adds to what is there: two tabs that add at once add up. */
export async function addToBasket(basket: string, product: string, quantity: number): Promise<void> {
  await checkProduct(product);
  const line = await tables.BasketLine.get(lineId(basket, product));
  if (!line) {
    if ((await readLines(basket)).length >= maxLines)
      throw new Refusal(409, `A basket holds at most ${maxLines} products.`);
    await tables.BasketLine.put(lineId(basket, product), { basket, product, quantity });
    return;
  }
  const more = Math.min(quantity, maxPerLine - line.quantity);
  if (more <= 0) throw new Refusal(409, `That is the most of one product a basket holds: ${maxPerLine}.`);
  const known = await tables.BasketLine.update(line.id);
  known.addTo('quantity', more);
  // Staged now, so that the basket read for the answer has it.
  await known.save();
}

export async function setInBasket(basket: string, product: string, quantity: number): Promise<void> {
  if (quantity === 0) return removeFromBasket(basket, product);
  await checkProduct(product);
  await tables.BasketLine.put(lineId(basket, product), { basket, product, quantity });
}

export async function removeFromBasket(basket: string, product: string): Promise<void> {
  await tables.BasketLine.delete(lineId(basket, product));
}

export async function emptyBasket(basket: string): Promise<void> {
  for (const { id } of await readLines(basket)) await tables.BasketLine.delete(id);
}

/** A quantity as a form or a JSON body has it. */
export function parseQuantity(value: unknown, least: 0 | 1): number {
  const quantity = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof quantity === 'number' && Number.isInteger(quantity) && quantity >= least && quantity <= maxPerLine)
    return quantity;
  throw new Refusal(400, `quantity is a whole number from ${least} to ${maxPerLine}; it was ${String(value)}.`);
}

function lineId(basket: string, product: string): string {
  return `${basket}:${product}`;
}

async function checkProduct(product: string): Promise<void> {
  if (!(await tables.Product.get(product))) throw new Refusal(404, `There is no product ${product}.`);
}
