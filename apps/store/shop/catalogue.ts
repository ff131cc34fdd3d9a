// What the shop asks of its tables. Every list walks one index from where it starts to where it ends, so it takes as long
// with a million products as with a thousand; prices and stock are joined to the rows of the page only.

import { tables } from 'zerohop';
import type { Card, Category, Inventory, Pricing, Product, Review } from './records.ts';
import { Refusal } from './refusal.ts';

export const sortOrders = {
  rating: { attribute: 'byRating', descending: true, label: 'Best rated' },
  price: { attribute: 'byPrice', descending: false, label: 'Price, low to high' },
  '-price': { attribute: 'byPrice', descending: true, label: 'Price, high to low' },
  name: { attribute: 'byName', descending: false, label: 'Name' },
} as const;
export type SortOrder = keyof typeof sortOrders;

/** Pages beyond this are refused: no person goes there, and a walk to them is long. */
const maxPage = 200;

interface CardRow extends Omit<Card, 'listPrice' | 'currency' | 'stock'> {
  readonly inventory?: Pick<Inventory, 'quantity'>;
  readonly pricing?: Pick<Pricing, 'cents' | 'listCents' | 'currency'>;
}

const cardSelect = [
  'id',
  'name',
  'brand',
  'category',
  'picture',
  'price',
  'rating',
  'ratingCount',
  { name: 'inventory', select: ['quantity'] },
  { name: 'pricing', select: ['cents', 'listCents', 'currency'] },
];

export interface Home {
  readonly categories: readonly Category[];
  readonly hero: (Card & { readonly description: string }) | null;
  readonly featured: readonly Card[];
  readonly reduced: readonly Card[];
}

export async function readHome(): Promise<Home> {
  const [categories, featured, reduced] = await Promise.all([readCategories(), readFeatured(), readReduced()]);
  const [first, ...others] = featured;
  return { categories, hero: first ?? null, featured: others, reduced };
}

/** All categories, in the shop's order. */
export async function readCategories(): Promise<readonly Category[]> {
  return tables.Category.search({ sort: { attribute: 'position' }, limit: 200, allowFullScan: true }).toArray();
}

async function readFeatured(): Promise<readonly (Card & { readonly description: string })[]> {
  const rows = await tables.Product.search<CardRow & { readonly description: string }>({
    conditions: [{ attribute: 'featured', comparator: 'greater_than_equal', value: 1 }],
    sort: { attribute: 'featured' },
    select: [...cardSelect, 'description'],
    limit: 9,
  }).toArray();
  return rows.map((row) => ({ ...cardOf(row), description: row.description }));
}

async function readReduced(): Promise<readonly Card[]> {
  const rows = await tables.Pricing.search<{ readonly product?: CardRow }>({
    conditions: [{ attribute: 'discountPercent', comparator: 'greater_than_equal', value: 30 }],
    sort: { attribute: 'discountPercent', descending: true },
    select: [{ name: 'product', select: cardSelect }],
    limit: 4,
  }).toArray();
  return rows.flatMap(({ product }) => (product ? [cardOf(product)] : []));
}

export interface Listing {
  readonly category: Category;
  readonly sort: SortOrder;
  /** From 1. */
  readonly page: number;
  readonly pageSize: number;
  readonly hasNext: boolean;
  readonly products: readonly Card[];
}

/** A page of a category. `sort` and `page` as they stand in a URL; null for the defaults. */
export async function readListing(
  id: string,
  { sort, page, pageSize }: { sort: string | null; page: string | null; pageSize: number },
): Promise<Listing> {
  const order = parseSort(sort);
  const number = parsePage(page);
  const [category, rows] = await Promise.all([
    readCategory(id),
    tables.Product.search<CardRow>({
      conditions: [{ attribute: sortOrders[order].attribute, comparator: 'starts_with', value: `${id}|` }],
      sort: { attribute: sortOrders[order].attribute, descending: sortOrders[order].descending },
      select: cardSelect,
      offset: (number - 1) * pageSize,
      // One more, to know whether there is a next page.
      limit: pageSize + 1,
    }).toArray(),
  ]);
  const products = rows.slice(0, pageSize).map(cardOf);
  return { category, sort: order, page: number, pageSize, hasNext: rows.length > pageSize, products };
}

async function readCategory(id: string): Promise<Category> {
  const category = await tables.Category.get(id);
  if (!category) throw new Refusal(404, `There is no category ${id}.`);
  return category;
}

function isSortOrder(text: string): text is SortOrder {
  return Object.hasOwn(sortOrders, text);
}

function parseSort(text: string | null): SortOrder {
  if (text === null || text === '') return 'rating';
  if (isSortOrder(text)) return text;
  throw new Refusal(400, `sort can be ${Object.keys(sortOrders).join(', ')}; it was ${text}.`);
}

function parsePage(text: string | null): number {
  const page = text === null || text === '' ? 1 : Number(text);
  if (Number.isInteger(page) && page >= 1 && page <= maxPage) return page;
  throw new Refusal(400, `page is a whole number from 1 to ${maxPage}; it was ${text}.`);
}

export interface Details {
  readonly product: Product;
  readonly inventory: Inventory;
  readonly pricing: Pricing;
  /** Newest first. */
  readonly reviews: readonly Review[];
  readonly related: readonly Card[];
}

export async function readDetails(id: string): Promise<Details> {
  const product = await tables.Product.get(id);
  if (!product) throw new Refusal(404, `There is no product ${id}.`);
  const [inventory, pricing, reviews, related] = await Promise.all([
    tables.Inventory.get(id),
    tables.Pricing.get(id),
    tables.Review.search({ conditions: [{ attribute: 'product', value: id }], limit: 50 }).toArray(),
    readRelated(product),
  ]);
  return {
    product,
    inventory: inventory ?? { id, quantity: 0, warehouse: '' },
    pricing: pricing ?? {
      id,
      currency: 'USD',
      cents: product.price,
      listCents: product.price,
      discountPercent: 0,
    },
    reviews: reviews.sort((a, b) => Number(b.writtenAt) - Number(a.writtenAt)),
    related,
  };
}

/** Products of the category that cost about as much: the nearest dearer ones, made up with the best rated. */
async function readRelated({ id, category, price }: Product): Promise<readonly Card[]> {
  const key = `${category}|${String(price).padStart(9, '0')}`;
  const rows = await tables.Product.search<CardRow>({
    conditions: [{ attribute: 'byPrice', comparator: 'between', value: [key, `${category}|~`] }],
    sort: { attribute: 'byPrice' },
    select: cardSelect,
    limit: 5,
  }).toArray();
  const others = rows.filter((row) => row.id !== id);
  if (others.length >= 4) return others.slice(0, 4).map(cardOf);
  const { products } = await readListing(category, { sort: 'rating', page: '1', pageSize: 9 });
  const known = new Set([id, ...others.map((row) => row.id)]);
  return [...others.map(cardOf), ...products.filter((card) => !known.has(card.id))].slice(0, 4);
}

export function cardOf({ inventory, pricing, ...row }: CardRow): Card {
  return {
    id: row.id,
    name: row.name,
    brand: row.brand,
    category: row.category,
    picture: row.picture,
    price: pricing?.cents ?? row.price,
    listPrice: pricing?.listCents ?? row.price,
    currency: pricing?.currency ?? 'USD',
    rating: row.rating,
    ratingCount: row.ratingCount,
    stock: inventory?.quantity ?? 0,
  };
}

/** The named products as cards, in no order; those that do not exist are left out. */
export async function readCards(ids: readonly string[]): Promise<readonly Card[]> {
  if (ids.length === 0) return [];
  const rows = await tables.Product.search<CardRow>({
    conditions: [{ attribute: 'id', comparator: 'in', value: ids }],
    select: cardSelect,
  }).toArray();
  return rows.map(cardOf);
}

export interface Found {
  readonly q: string;
  /** How many were looked at: at most `searchLimit`. */
  readonly total: number;
  readonly products: readonly Card[];
}

/** A search looks at this many matches and shows the best of them. */
export const searchLimit = 200;
const shownLimit = 48;
const maxWords = 6;

/** Products with every word of `q` in their name, brand or description; those with it in the name first. */
export async function search(q: string): Promise<Found> {
  const words = (q.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, maxWords);
  if (words.length === 0) return { q, total: 0, products: [] };
  const rows = await tables.Product.search<CardRow>({
    conditions: words.map((word) => ({
      operator: 'or' as const,
      conditions: ['name', 'brand', 'description'].map((attribute) => ({ attribute, comparator: 'ft', value: word })),
    })),
    select: cardSelect,
    limit: searchLimit,
  }).toArray();
  const ranked = rows.map((row) => ({ row, score: score(row, words) })).sort((a, b) => b.score - a.score);
  return { q, total: rows.length, products: ranked.slice(0, shownLimit).map(({ row }) => cardOf(row)) };
}

function score({ name, brand, rating, inventory }: CardRow, words: readonly string[]): number {
  const inName = words.filter((word) => name.toLowerCase().includes(word)).length;
  const inBrand = words.filter((word) => brand.toLowerCase().includes(word)).length;
  return inName * 10 + inBrand * 6 + rating - (inventory?.quantity ? 0 : 3);
}
