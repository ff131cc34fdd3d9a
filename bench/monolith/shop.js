// The pages from one database: what belongs together is joined there, and what does not wait for each other is asked in parallel.

import { noInventory, noPricing } from '../microservices/cards.js';
import { pageSize, Refusal } from '../microservices/sort-orders.js';
import { columnsOf, orderings, productOf } from '../microservices/stores/postgres/columns.js';
import { openPool } from '../microservices/stores/postgres/pool.js';

const connections = 20;

/** Columns of a card from the product `p`, its price `c` and its stock `i`, in the order the page shows them. */
const card = `p.id, p.name, p.brand, p.category, p.picture, coalesce(c.cents, p.price) AS price,
  coalesce(c.list_cents, p.price) AS "listPrice", coalesce(c.currency, 'USD') AS currency, p.rating,
  p.rating_count AS "ratingCount", coalesce(i.quantity, 0) AS stock`;
const joined = 'LEFT JOIN pricing c ON c.id = p.id LEFT JOIN inventory i ON i.id = p.id';

/** @param {string} url */
export function openShop(url) {
  const { rows, ready, close } = openPool(url, connections);
  return { ready, close, home, listing, details };

  async function home() {
    const [categories, featured, reduced] = await Promise.all([
      rows('categories', `SELECT ${columnsOf('category')} FROM category ORDER BY position LIMIT 200`),
      rows(
        'featured',
        `SELECT ${card}, p.description FROM (SELECT * FROM product WHERE featured >= 1 ORDER BY featured, id LIMIT 9) p
         ${joined} ORDER BY p.featured, p.id`,
      ),
      rows(
        'reduced',
        `SELECT ${card} FROM (SELECT * FROM pricing WHERE discount_percent >= 30 ORDER BY discount_percent DESC, id DESC LIMIT 4) c
         JOIN product p ON p.id = c.id LEFT JOIN inventory i ON i.id = p.id ORDER BY c.discount_percent DESC, c.id DESC`,
      ),
    ]);
    const [hero, ...others] = featured;
    return { categories, hero: hero ?? null, featured: others, reduced };
  }

  /** @param {string} id @param {string} sort @param {number} page */
  async function listing(id, sort, page) {
    const order = orderings[sort];
    const [[category], found] = await Promise.all([
      rows('category', `SELECT ${columnsOf('category')} FROM category WHERE id = $1`, [id]),
      rows(
        `listing by ${sort}`,
        `SELECT ${card} FROM (SELECT *, row_number() OVER (ORDER BY ${order}) AS at FROM (
           SELECT * FROM product WHERE category = $1 ORDER BY ${order} OFFSET $2 LIMIT $3) page) p
         ${joined} ORDER BY p.at`,
        [id, (page - 1) * pageSize, pageSize + 1],
      ),
    ]);
    if (!category) throw new Refusal(404, `There is no category ${id}.`);
    return {
      category,
      sort,
      page,
      pageSize,
      hasNext: found.length > pageSize,
      products: found.slice(0, pageSize),
    };
  }

  /** @param {string} id */
  async function details(id) {
    const [[product], [inventory], [pricing], reviews, dearer] = await Promise.all([
      rows('product', `SELECT ${columnsOf('product')} FROM product WHERE id = $1`, [id]),
      rows('inventory', `SELECT ${columnsOf('inventory')} FROM inventory WHERE id = $1`, [id]),
      rows('pricing', `SELECT ${columnsOf('pricing')} FROM pricing WHERE id = $1`, [id]),
      rows(
        'reviews',
        `SELECT ${columnsOf('review')} FROM review WHERE product = $1 ORDER BY written_at DESC, id LIMIT 50`,
        [id],
      ),
      rows(
        'dearer',
        `SELECT ${card} FROM product s CROSS JOIN LATERAL (
           SELECT * FROM product o WHERE o.category = s.category AND o.price >= s.price AND o.id <> s.id
           ORDER BY o.price, o.id LIMIT 4) p
         ${joined} WHERE s.id = $1 ORDER BY p.price, p.id`,
        [id],
      ),
    ]);
    if (!product) throw new Refusal(404, `There is no product ${id}.`);
    return {
      product: productOf(product),
      inventory: inventory ?? noInventory(id),
      pricing: pricing ?? noPricing(product),
      reviews,
      related: dearer.length === 4 ? dearer : [...dearer, ...(await bestRated(product, dearer))],
    };
  }

  /** The best rated of a category, to make up for dearer ones there are too few of. */
  function bestRated({ id, category }, dearer) {
    return rows(
      'best rated',
      `SELECT ${card} FROM (SELECT * FROM product WHERE category = $1 AND id <> ALL($2)
         ORDER BY ${orderings.rating} LIMIT $3) p ${joined} ORDER BY p.rating DESC, p.rating_count DESC, p.id DESC`,
      [category, [id, ...dearer.map((row) => row.id)], 4 - dearer.length],
    );
  }
}
