// The records of the shop, as the services pass them on. Dates are Date objects from a database and text from a service.

export interface Category {
  readonly id: string;
  readonly name: string;
  readonly department: string;
  readonly description: string;
  readonly picture: string;
  readonly position: number;
  readonly productCount: number;
}

/** A product as the catalogue lists it; what it costs and how many there are is elsewhere. */
export interface Summary {
  readonly id: string;
  readonly name: string;
  readonly brand: string;
  readonly category: string;
  readonly picture: string;
  readonly price: number;
  readonly rating: number;
  readonly ratingCount: number;
}

export interface Product extends Summary {
  readonly description: string;
  readonly colour: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly addedAt: Date | string;
  readonly featured?: number;
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
  readonly writtenAt: Date | string;
}
