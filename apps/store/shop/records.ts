// The shop's records and what it makes of them.

export interface Category {
  readonly id: string;
  readonly name: string;
  readonly department: string;
  readonly description: string;
  readonly picture: string;
  readonly position: number;
  readonly productCount: number;
}

export interface Product {
  readonly id: string;
  readonly name: string;
  readonly brand: string;
  readonly category: string;
  readonly description: string;
  readonly colour: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly picture: string;
  readonly price: number;
  readonly rating: number;
  readonly ratingCount: number;
}

export interface Inventory {
  readonly id: string;
  readonly quantity: number;
  readonly warehouse: string;
}

export interface Pricing {
  readonly id: string;
  readonly currency: string;
  readonly cents: number;
  readonly listCents: number;
  readonly discountPercent: number;
}

export interface Review {
  readonly id: string;
  readonly product: string;
  readonly author: string;
  readonly stars: number;
  readonly title: string;
  readonly text: string;
  readonly verified: boolean;
  readonly writtenAt: Date | string | number;
}

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

export interface OrderLine {
  readonly product: string;
  readonly name: string;
  readonly picture: string;
  readonly quantity: number;
  readonly cents: number;
}

export interface OrderRecord {
  readonly id: string;
  readonly lines: readonly OrderLine[];
  readonly currency: string;
  readonly itemsCents: number;
  readonly deliveryCents: number;
  readonly totalCents: number;
  readonly name: string;
  readonly email: string;
  readonly address: string;
  readonly placedAt?: Date | string | number;
}
