// What the shop's data set holds: forty categories and 1,200 products, numbered.

export const products = {
  categories: Array.from({ length: 40 }, (_, at) => `c-${String(at + 1).padStart(2, '0')}`),
  ids: Array.from({ length: 1200 }, (_, at) => `p-${String(at + 1).padStart(4, '0')}`),
} as const;
