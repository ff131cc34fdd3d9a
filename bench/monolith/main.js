// node main.js PORT DATABASE-URL [FRONT-END-FOLDER]
//
// The shop as one Fastify process with one database.

import { addFiles, addPages } from '../microservices/routes.js';
import { createServer } from '../microservices/server.js';
import { openShop } from './shop.js';

const [port, url = '', folder] = process.argv.slice(2);
const shop = openShop(url);
const server = createServer([shop]);
addPages(server, shop);
if (folder) await addFiles(server, folder);
await shop.ready();
await server.listen({ host: '127.0.0.1', port: Number(port) });
