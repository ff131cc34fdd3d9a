// How many there are of each product, and where.

import { between } from '../schemas.js';
import { idsOf, idsQuery } from './ids.js';

/** @type {import('./index.js').Service<'inventory'>} */
export function inventory(server, store) {
  server.get('/inventories', { schema: { querystring: idsQuery, response: { 200: between.inventories } } }, (request) =>
    store.inventories(idsOf(request)),
  );
}
