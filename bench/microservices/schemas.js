// JSON schemas of everything the services and the storefront answer. Fastify compiles them to serialisers; the order of properties here is the
// order in the answer.

const text = { type: 'string' };
const whole = { type: 'integer' };
const number = { type: 'number' };
const yesOrNo = { type: 'boolean' };
const date = { type: 'string', format: 'date-time' };

/** @param {object} items */
const list = (items) => ({ type: 'array', items });

/** All properties are required but those in `optional`. @param {Record<string, object>} properties @param {string[]} [optional] */
function object(properties, optional = []) {
  return { type: 'object', properties, required: Object.keys(properties).filter((name) => !optional.includes(name)) };
}

export const category = object({
  id: text,
  name: text,
  department: text,
  description: text,
  picture: text,
  position: whole,
  productCount: whole,
});

export const product = object(
  {
    id: text,
    name: text,
    brand: text,
    category: text,
    description: text,
    colour: text,
    attributes: { type: 'object', additionalProperties: text },
    picture: text,
    price: whole,
    rating: number,
    ratingCount: whole,
    addedAt: date,
    featured: whole,
  },
  ['featured'],
);

export const inventory = object({ id: text, quantity: whole, warehouse: text });

export const pricing = object({ id: text, currency: text, cents: whole, listCents: whole, discountPercent: whole });

export const review = object({
  id: text,
  product: text,
  author: text,
  stars: whole,
  title: text,
  text,
  verified: yesOrNo,
  writtenAt: date,
});

/** What the catalogue knows of a product in a list. */
const summaryProperties = {
  id: text,
  name: text,
  brand: text,
  category: text,
  picture: text,
  price: whole,
  rating: number,
  ratingCount: whole,
};
const summary = object(summaryProperties);
const featuredSummary = object({ ...summaryProperties, description: text });

const cardProperties = {
  id: text,
  name: text,
  brand: text,
  category: text,
  picture: text,
  price: whole,
  listPrice: whole,
  currency: text,
  rating: number,
  ratingCount: whole,
  stock: whole,
};
const card = object(cardProperties);

/** What services answer the storefront. */
export const between = {
  front: object({ categories: list(category), featured: list(featuredSummary) }),
  listing: object({ category, products: list(summary) }),
  productPage: object({ product, related: list(summary) }),
  summaries: list(summary),
  inventories: list(inventory),
  pricings: list(pricing),
  reviews: list(review),
};

/** What visitors are answered. */
export const pages = {
  home: object({
    categories: list(category),
    hero: { ...object({ ...cardProperties, description: text }), nullable: true },
    featured: list(object({ ...cardProperties, description: text })),
    reduced: list(card),
  }),
  listing: object({ category, sort: text, page: whole, pageSize: whole, hasNext: yesOrNo, products: list(card) }),
  details: object({ product, inventory, pricing, reviews: list(review), related: list(card) }),
};
