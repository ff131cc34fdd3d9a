// The pages, put together from what the services know: two rounds of calls each, in parallel within a round, and one call for many records.

import { cardOf, noInventory, noPricing } from '../cards.js';
import { pageSize } from '../sort-orders.js';

/** @typedef {import('./clients.js').Clients} Clients */

/** @param {Clients} clients */
export async function home(clients) {
  const [{ categories, featured }, reductions] = await Promise.all([clients.front(), clients.reductions(30, 4)]);
  const reducedIds = reductions.map(({ id }) => id);
  const featuredIds = featured.map(({ id }) => id);
  const [reduced, inventories, pricings] = await Promise.all([
    clients.summaries(reducedIds),
    clients.inventories([...featuredIds, ...reducedIds]),
    clients.pricings(featuredIds),
  ]);
  const inventoryOf = byId(inventories);
  const pricingOf = byId([...pricings, ...reductions]);
  const summaryOf = byId(reduced);
  const [hero, ...others] = featured.map((summary) => ({
    ...cardOf(summary, pricingOf.get(summary.id), inventoryOf.get(summary.id)),
    description: summary.description,
  }));
  return {
    categories,
    hero: hero ?? null,
    featured: others,
    reduced: reducedIds.flatMap((id) => {
      const summary = summaryOf.get(id);
      return summary ? [cardOf(summary, pricingOf.get(id), inventoryOf.get(id))] : [];
    }),
  };
}

/** @param {Clients} clients @param {string} id @param {string} sort @param {number} page */
export async function listing(clients, id, sort, page) {
  const { category, products } = await clients.listing(id, sort, (page - 1) * pageSize, pageSize + 1);
  return {
    category,
    sort,
    page,
    pageSize,
    hasNext: products.length > pageSize,
    products: await cardsOf(clients, products.slice(0, pageSize)),
  };
}

/** @param {Clients} clients @param {string} id */
export async function details(clients, id) {
  const [{ product, related }, reviews] = await Promise.all([clients.productPage(id), clients.reviews(id)]);
  // The product itself is asked for together with the related ones.
  const ids = [id, ...related.map((summary) => summary.id)];
  const [inventories, pricings] = await Promise.all([clients.inventories(ids), clients.pricings(ids)]);
  const inventoryOf = byId(inventories);
  const pricingOf = byId(pricings);
  return {
    product,
    inventory: inventoryOf.get(id) ?? noInventory(id),
    pricing: pricingOf.get(id) ?? noPricing(product),
    reviews,
    related: related.map((summary) => cardOf(summary, pricingOf.get(summary.id), inventoryOf.get(summary.id))),
  };
}

/** @param {Clients} clients @param {import('../types.ts').Summary[]} summaries */
async function cardsOf(clients, summaries) {
  if (summaries.length === 0) return [];
  const ids = summaries.map(({ id }) => id);
  const [inventories, pricings] = await Promise.all([clients.inventories(ids), clients.pricings(ids)]);
  const inventoryOf = byId(inventories);
  const pricingOf = byId(pricings);
  return summaries.map((summary) => cardOf(summary, pricingOf.get(summary.id), inventoryOf.get(summary.id)));
}

/** @template {{ id: string }} T @param {T[]} records @returns {Map<string, T>} */
function byId(records) {
  return new Map(records.map((record) => [record.id, record]));
}
