// What people think of a product.

import { between } from '../schemas.js';

/** @type {import('./index.js').Service<'reviews'>} */
export function reviews(server, store) {
  server.get('/reviews/:product', { schema: { response: { 200: between.reviews } } }, (request) =>
    store.reviews(request.params.product),
  );
}
