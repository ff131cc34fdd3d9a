// The data layer on PostgreSQL: each service its own database and its own connections.

import { columnsOf, orderings, productOf } from './columns.js';
import { openPool } from './pool.js';

/** For each service. Two cores do not run more queries at once than this, and waiting is cheaper here than in the database. */
const connections = 10;

/** @type {{ [Kind in keyof import('../index.js').Stores]: (url: string) => import('../index.js').Stores[Kind] }} */
export const postgresStores = {
  catalog(url) {
    const { rows, ready, close } = openPool(url, connections);
    const summary = columnsOf('summary');
    const related = columnsOf('summary', 'r');
    return {
      ready,
      close,
      async front() {
        const [categories, featured] = await Promise.all([
          rows('categories', `SELECT ${columnsOf('category')} FROM category ORDER BY position LIMIT 200`),
          rows(
            'featured',
            `SELECT ${summary}, description FROM product WHERE featured >= 1 ORDER BY featured, id LIMIT 9`,
          ),
        ]);
        return { categories, featured };
      },
      async listing(id, sort, offset, limit) {
        const [[category], products] = await Promise.all([
          rows('category', `SELECT ${columnsOf('category')} FROM category WHERE id = $1`, [id]),
          rows(
            `listing by ${sort}`,
            `SELECT ${summary} FROM product WHERE category = $1 ORDER BY ${orderings[sort]} OFFSET $2 LIMIT $3`,
            [id, offset, limit],
          ),
        ]);
        return { category, products };
      },
      async productPage(id) {
        const [[product], dearer] = await Promise.all([
          rows('product', `SELECT ${columnsOf('product')} FROM product WHERE id = $1`, [id]),
          rows(
            'dearer',
            `SELECT ${related} FROM product p CROSS JOIN LATERAL (
               SELECT * FROM product o WHERE o.category = p.category AND o.price >= p.price AND o.id <> p.id
               ORDER BY o.price, o.id LIMIT 4) r
             WHERE p.id = $1 ORDER BY r.price, r.id`,
            [id],
          ),
        ]);
        if (!product || dearer.length === 4) return { product: productOf(product), related: dearer };
        const best = await rows(
          'best rated',
          `SELECT ${summary} FROM product WHERE category = $1 AND id <> ALL($2) ORDER BY ${orderings.rating} LIMIT $3`,
          [product.category, [id, ...dearer.map((row) => row.id)], 4 - dearer.length],
        );
        return { product: productOf(product), related: [...dearer, ...best] };
      },
      summaries: (ids) => rows('summaries', `SELECT ${summary} FROM product WHERE id = ANY($1)`, [ids]),
    };
  },

  inventory(url) {
    const { rows, ready, close } = openPool(url, connections);
    return {
      ready,
      close,
      inventories: (ids) =>
        rows('inventories', `SELECT ${columnsOf('inventory')} FROM inventory WHERE id = ANY($1)`, [ids]),
    };
  },

  pricing(url) {
    const { rows, ready, close } = openPool(url, connections);
    return {
      ready,
      close,
      pricings: (ids) => rows('pricings', `SELECT ${columnsOf('pricing')} FROM pricing WHERE id = ANY($1)`, [ids]),
      reductions: (leastPercent, limit) =>
        rows(
          'reductions',
          `SELECT ${columnsOf('pricing')} FROM pricing WHERE discount_percent >= $1 ORDER BY discount_percent DESC, id DESC LIMIT $2`,
          [leastPercent, limit],
        ),
    };
  },

  reviews(url) {
    const { rows, ready, close } = openPool(url, connections);
    return {
      ready,
      close,
      reviews: (product) =>
        rows(
          'reviews',
          `SELECT ${columnsOf('review')} FROM review WHERE product = $1 ORDER BY written_at DESC, id LIMIT 50`,
          [product],
        ),
    };
  },
};
