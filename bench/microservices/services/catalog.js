// Categories and products: what there is, in which order, and what is like it.

import { between } from '../schemas.js';
import { Refusal } from '../sort-orders.js';
import { idsOf, idsQuery } from './ids.js';

/** @type {import('./index.js').Service<'catalog'>} */
export function catalog(server, store) {
  server.get('/front', { schema: { response: { 200: between.front } } }, () => store.front());

  server.get('/listings/:category', { schema: { response: { 200: between.listing } } }, async (request) => {
    const { category: id } = request.params;
    const { sort, offset, limit } = request.query;
    const { category, products } = await store.listing(id, sort, Number(offset), Number(limit));
    if (!category) throw new Refusal(404, `There is no category ${id}.`);
    return { category, products };
  });

  server.get('/product-pages/:id', { schema: { response: { 200: between.productPage } } }, async (request) => {
    const { id } = request.params;
    const { product, related } = await store.productPage(id);
    if (!product) throw new Refusal(404, `There is no product ${id}.`);
    return { product, related };
  });

  server.get('/products', { schema: { querystring: idsQuery, response: { 200: between.summaries } } }, (request) =>
    store.summaries(idsOf(request)),
  );
}
