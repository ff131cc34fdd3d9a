// A product as the shop's pages show it in a list.

/**
 * @param {import('./types.ts').Summary} summary
 * @param {import('./types.ts').Pricing | undefined} pricing
 * @param {import('./types.ts').Inventory | undefined} inventory
 */
export function cardOf(summary, pricing, inventory) {
  return {
    id: summary.id,
    name: summary.name,
    brand: summary.brand,
    category: summary.category,
    picture: summary.picture,
    price: pricing?.cents ?? summary.price,
    listPrice: pricing?.listCents ?? summary.price,
    currency: pricing?.currency ?? 'USD',
    rating: summary.rating,
    ratingCount: summary.ratingCount,
    stock: inventory?.quantity ?? 0,
  };
}

/** For a product nobody has a record of. @param {string} id */
export const noInventory = (id) => ({ id, quantity: 0, warehouse: '' });

/** @param {{ id: string, price: number }} product */
export const noPricing = ({ id, price }) => ({
  id,
  currency: 'USD',
  cents: price,
  listCents: price,
  discountPercent: 0,
});
