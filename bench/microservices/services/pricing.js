// What each product costs, and which are reduced most.

import { between } from '../schemas.js';
import { idsOf, idsQuery } from './ids.js';

/** @type {import('./index.js').Service<'pricing'>} */
export function pricing(server, store) {
  server.get('/pricings', { schema: { querystring: idsQuery, response: { 200: between.pricings } } }, (request) =>
    store.pricings(idsOf(request)),
  );

  server.get('/reductions', { schema: { response: { 200: between.pricings } } }, (request) => {
    const { least, limit } = request.query;
    return store.reductions(Number(least), Number(limit));
  });
}
