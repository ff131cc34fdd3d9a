// What visitors ask for: three pages, three crowds, with and without time to think.

import { products } from './catalogue.ts';

export const pageNames = ['Home', 'PLP', 'PDP'] as const;
export type PageName = (typeof pageNames)[number];

export const crowds = [20, 200, 2000] as const;
export type Users = (typeof crowds)[number];

/** `thinking`: a second between an answer and the next request. `saturation`: none. */
export const modes = ['thinking', 'saturation'] as const;
export type Mode = (typeof modes)[number];

export const thinkMs = 1000;

/** The addresses of a page that are asked for, each as often as the others. */
export const paths: Readonly<Record<PageName, readonly string[]>> = {
  Home: ['/Home/'],
  PLP: products.categories.flatMap((id) =>
    ['rating', 'price', '-price', 'name'].map((sort) => `/Plp/${id}?sort=${sort}`),
  ),
  PDP: products.ids.map((id) => `/Pdp/${id}`),
};
