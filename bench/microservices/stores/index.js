// What the services ask of a database. Each service has its own, named by a URL; another kind of database is another folder beside postgres/
// that makes the same four, and a line in `openStore`.

/**
 * @typedef {import('../types.ts').Category} Category
 * @typedef {import('../types.ts').Product} Product
 * @typedef {import('../types.ts').Summary} Summary
 * @typedef {import('../types.ts').Inventory} Inventory
 * @typedef {import('../types.ts').Pricing} Pricing
 * @typedef {import('../types.ts').Review} Review
 *
 * @typedef {object} Store
 * @property {() => Promise<void>} ready resolves when the database answers, which it may not yet when the service starts
 * @property {() => Promise<void>} close
 *
 * @typedef {object} CatalogStore
 * @property {() => Promise<{ categories: Category[], featured: (Summary & { description: string })[] }>} front
 * @property {(category: string, sort: string, offset: number, limit: number) => Promise<{ category: Category | undefined, products: Summary[] }>} listing
 * @property {(id: string) => Promise<{ product: Product | undefined, related: Summary[] }>} productPage
 * @property {(ids: string[]) => Promise<Summary[]>} summaries in no order
 *
 * @typedef {object} InventoryStore
 * @property {(ids: string[]) => Promise<Inventory[]>} inventories in no order
 *
 * @typedef {object} PricingStore
 * @property {(ids: string[]) => Promise<Pricing[]>} pricings in no order
 * @property {(leastPercent: number, limit: number) => Promise<Pricing[]>} reductions the greatest first
 *
 * @typedef {object} ReviewsStore
 * @property {(product: string) => Promise<Review[]>} reviews newest first
 *
 * @typedef {{ catalog: CatalogStore & Store, inventory: InventoryStore & Store, pricing: PricingStore & Store, reviews: ReviewsStore & Store }} Stores
 */

/**
 * @template {keyof Stores} Kind
 * @param {Kind} kind
 * @param {string} url such as postgres://postgres@localhost:5432/catalog
 * @returns {Promise<Stores[Kind]>}
 */
export async function openStore(kind, url) {
  const { protocol } = new URL(url);
  if (protocol === 'postgres:') {
    const { postgresStores } = await import('./postgres/index.js');
    return postgresStores[kind](url);
  }
  throw new Error(`There is no data layer for ${protocol}// addresses. There is one for postgres://`);
}
