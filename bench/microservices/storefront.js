// node storefront.js PORT CATALOG-URL INVENTORY-URL PRICING-URL REVIEWS-URL [FRONT-END-FOLDER]
//
// The backend for the front end: asks the services and answers visitors.

import { addFiles, addPages } from './routes.js';
import { createServer } from './server.js';
import { openClients } from './storefront/clients.js';
import { details, home, listing } from './storefront/pages.js';

const [port, catalog = '', inventory = '', pricing = '', reviews = '', folder] = process.argv.slice(2);
const clients = openClients({ catalog, inventory, pricing, reviews });
const server = createServer([clients]);
addPages(server, {
  home: () => home(clients),
  listing: (id, sort, page) => listing(clients, id, sort, page),
  details: (id) => details(clients, id),
});
if (folder) await addFiles(server, folder);
await server.listen({ host: '127.0.0.1', port: Number(port) });
