// Made by `zerohop types` from the schema. Do not edit: changes are overwritten.

import type { TableClass } from 'zerohop';

/** A shelf of the shop, such as Mugs. */
export interface Category {
  readonly id: string;
  readonly name: string;
  /** The part of the shop it belongs to; departments are listed in the order of their first category. */
  readonly department: string;
  readonly description: string;
  /** Look of the product shown for it; see Product.picture. */
  readonly picture: string;
  readonly position: number;
  /** How many products it holds; kept here, so that listing one needs no counting. */
  readonly productCount: number;
  /** Only there when selected. */
  readonly products?: readonly Product[];
}

/** What creating a Category takes: ids, times and defaults that the runtime fills in may be left out. */
export interface CategoryInsert {
  id?: string | null;
  name: string;
  /** The part of the shop it belongs to; departments are listed in the order of their first category. */
  department: string;
  description: string;
  /** Look of the product shown for it; see Product.picture. */
  picture: string;
  position: number;
  /** How many products it holds; kept here, so that listing one needs no counting. */
  productCount: number;
}

/** Something for sale. Holds what a listing shows and sorts by, so that a listing is one walk along one index. */
export interface Product {
  readonly id: string;
  readonly name: string;
  readonly brand: string;
  readonly category: string;
  readonly description: string;
  readonly colour: string;
  /** Name → value, in the order to show them. */
  readonly attributes: any;
  /** drawing/colour-variant: the address of its picture below /pictures/. */
  readonly picture: string;
  /** Selling price in cents; Pricing.cents is where it is decided. */
  readonly price: number;
  /** Mean stars of its reviews, to two places. */
  readonly rating: number;
  readonly ratingCount: number;
  /** 1 for the product the home page opens with, 2 and up for those it recommends; absent for the others. */
  readonly featured?: number | null;
  readonly addedAt: Date;
  /**
   * Keys to list a category in each order: the category, then what to sort by, as text that sorts the same way.
   * Only there when selected.
   */
  readonly byRating?: string;
  /** Only there when selected. */
  readonly byPrice?: string;
  /** Only there when selected. */
  readonly byName?: string;
  /** Only there when selected. */
  readonly shelf?: Category;
  /** Only there when selected. */
  readonly inventory?: Inventory;
  /** Only there when selected. */
  readonly pricing?: Pricing;
  /** Only there when selected. */
  readonly reviews?: readonly Review[];
}

/** What creating a Product takes: ids, times and defaults that the runtime fills in may be left out. */
export interface ProductInsert {
  id?: string | null;
  name: string;
  brand: string;
  category: string;
  description: string;
  colour: string;
  /** Name → value, in the order to show them. */
  attributes: any;
  /** drawing/colour-variant: the address of its picture below /pictures/. */
  picture: string;
  /** Selling price in cents; Pricing.cents is where it is decided. */
  price: number;
  /** Mean stars of its reviews, to two places. */
  rating: number;
  ratingCount: number;
  /** 1 for the product the home page opens with, 2 and up for those it recommends; absent for the others. */
  featured?: number | null;
  addedAt: Date | number | string;
}

/** How many of a product there are. Orders subtract from it and never below zero. */
export interface Inventory {
  /** The product's id. */
  readonly id: string;
  readonly quantity: number;
  readonly warehouse: string;
}

/** What creating a Inventory takes: ids, times and defaults that the runtime fills in may be left out. */
export interface InventoryInsert {
  /** The product's id. */
  id?: string | null;
  quantity: number;
  warehouse: string;
}

/** What a product costs. */
export interface Pricing {
  /** The product's id. */
  readonly id: string;
  readonly currency: string;
  readonly cents: number;
  /** Price before any reduction. */
  readonly listCents: number;
  readonly discountPercent: number;
  /** Only there when selected. */
  readonly product?: Product;
}

/** What creating a Pricing takes: ids, times and defaults that the runtime fills in may be left out. */
export interface PricingInsert {
  /** The product's id. */
  id?: string | null;
  currency: string;
  cents: number;
  /** Price before any reduction. */
  listCents: number;
  discountPercent: number;
}

/** What somebody who bought a product thinks of it. */
export interface Review {
  readonly id: string;
  readonly product: string;
  readonly author: string;
  /** 1 to 5. */
  readonly stars: number;
  readonly title: string;
  readonly text: string;
  /** Whether the author bought it here. */
  readonly verified: boolean;
  readonly writtenAt: Date;
}

/** What creating a Review takes: ids, times and defaults that the runtime fills in may be left out. */
export interface ReviewInsert {
  id?: string | null;
  product: string;
  author: string;
  /** 1 to 5. */
  stars: number;
  title: string;
  text: string;
  /** Whether the author bought it here. */
  verified: boolean;
  writtenAt: Date | number | string;
}

/** One product in one visitor's basket. Forgotten a month after it was last touched. */
export interface BasketLine {
  /** basket:product, so that adding the same product twice is one line. */
  readonly id: string;
  /** The basket's id, which the visitor holds in a cookie. */
  readonly basket: string;
  readonly product: string;
  readonly quantity: number;
  readonly addedAt: Date;
  readonly touchedAt: Date;
  /** Only there when selected. */
  readonly item?: Product;
}

/** What creating a BasketLine takes: ids, times and defaults that the runtime fills in may be left out. */
export interface BasketLineInsert {
  /** basket:product, so that adding the same product twice is one line. */
  id?: string | null;
  /** The basket's id, which the visitor holds in a cookie. */
  basket: string;
  product: string;
  quantity: number;
  addedAt?: Date | number | string | null;
  touchedAt?: Date | number | string | null;
}

/** A placed order. Its id is a secret: who knows it may see the order. */
export interface Order {
  readonly id: string;
  readonly lines: readonly (OrderLine)[];
  readonly currency: string;
  readonly itemsCents: number;
  readonly deliveryCents: number;
  readonly totalCents: number;
  readonly name: string;
  readonly email: string;
  readonly address: string;
  readonly placedAt: Date;
}

/** What creating a Order takes: ids, times and defaults that the runtime fills in may be left out. */
export interface OrderInsert {
  id?: string | null;
  lines: (OrderLineInsert)[];
  currency: string;
  itemsCents: number;
  deliveryCents: number;
  totalCents: number;
  name: string;
  email: string;
  address: string;
  placedAt?: Date | number | string | null;
}

export interface OrderLine {
  readonly product: string;
  readonly name: string;
  readonly picture: string;
  readonly quantity: number;
  /** Price of one at the time of the order. */
  readonly cents: number;
}

export interface OrderLineInsert {
  product: string;
  name: string;
  picture: string;
  quantity: number;
  /** Price of one at the time of the order. */
  cents: number;
}

declare module 'zerohop' {
  interface Tables {
    /** A shelf of the shop, such as Mugs. */
    "Category": TableClass<Category, CategoryInsert>;
    /** Something for sale. Holds what a listing shows and sorts by, so that a listing is one walk along one index. */
    "Product": TableClass<Product, ProductInsert>;
    /** How many of a product there are. Orders subtract from it and never below zero. */
    "Inventory": TableClass<Inventory, InventoryInsert>;
    /** What a product costs. */
    "Pricing": TableClass<Pricing, PricingInsert>;
    /** What somebody who bought a product thinks of it. */
    "Review": TableClass<Review, ReviewInsert>;
    /** One product in one visitor's basket. Forgotten a month after it was last touched. */
    "BasketLine": TableClass<BasketLine, BasketLineInsert>;
    /** A placed order. Its id is a secret: who knows it may see the order. */
    "Order": TableClass<Order, OrderInsert>;
  }
}
