// The shop's records, as the schema declares them, and what it makes of them.

export type {
  BasketLine,
  Category,
  Inventory,
  Order,
  OrderInsert,
  Pricing,
  Product,
  Review,
} from '../zerohop-env.d.ts';

/** A product as a listing shows it. Prices in cents. */
export interface Card {
  readonly id: string;
  readonly name: string;
  readonly brand: string;
  readonly category: string;
  readonly picture: string;
  readonly price: number;
  readonly listPrice: number;
  readonly currency: string;
  readonly rating: number;
  readonly ratingCount: number;
  readonly stock: number;
}
