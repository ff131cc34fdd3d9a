// Columns as records name them, and orders of listings. Products that are equal in what a listing sorts by follow their ids in its direction.

const columns = {
  summary: ['id', 'name', 'brand', 'category', 'picture', 'price', 'rating', 'rating_count AS "ratingCount"'],
  category: ['id', 'name', 'department', 'description', 'picture', 'position', 'product_count AS "productCount"'],
  product: [
    ...['id', 'name', 'brand', 'category', 'description', 'colour', 'attributes', 'picture', 'price', 'rating'],
    ...['rating_count AS "ratingCount"', 'added_at AS "addedAt"', 'featured'],
  ],
  inventory: ['id', 'quantity', 'warehouse'],
  pricing: ['id', 'currency', 'cents', 'list_cents AS "listCents"', 'discount_percent AS "discountPercent"'],
  review: ['id', 'product', 'author', 'stars', 'title', 'text', 'verified', 'written_at AS "writtenAt"'],
};

/** `id, name, …`, or `p.id, p.name, …`. @param {keyof typeof columns} of @param {string} [table] */
export function columnsOf(of, table) {
  return columns[of].map((column) => (table === undefined ? column : `${table}.${column}`)).join(', ');
}

/** @type {Record<string, string>} */
export const orderings = {
  rating: 'rating DESC, rating_count DESC, id DESC',
  price: 'price, id',
  '-price': 'price DESC, id DESC',
  name: 'lower(name) COLLATE "C", id',
};

/** A product without `featured` has no such property. @param {any} row */
export function productOf(row) {
  if (row?.featured === null) delete row.featured;
  return row;
}
