// Everything the shop answers: JSON for programs, pages for people, pictures for both. Paths are on the classes.

import './pages/missing.ts';

export { Basket } from './api/basket.ts';
export { Home } from './api/home.ts';
export { Order } from './api/order.ts';
export { Pdp } from './api/pdp.ts';
export { Plp } from './api/plp.ts';
export { Search } from './api/search.ts';
export { BasketPage } from './pages/basket.ts';
export { ComparePage } from './pages/compare.ts';
export { HomePage } from './pages/home.ts';
export { ListingPage } from './pages/listing.ts';
export { OrderPage } from './pages/order.ts';
export { ProductPage } from './pages/product.ts';
export { SearchPage } from './pages/search.ts';
export { Pictures } from './pictures/resource.ts';
