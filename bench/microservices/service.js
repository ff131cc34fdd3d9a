// node service.js catalog|inventory|pricing|reviews PORT STORE-URL
//
// One service as a process of its own.

import { createServer } from './server.js';
import { services } from './services/index.js';
import { openStore } from './stores/index.js';

const [name = '', port, url = ''] = process.argv.slice(2);
if (!Object.hasOwn(services, name)) throw new Error(`There is no service ${name}.`);

const store = await openStore(name, url);
const server = createServer([store]);
services[name](server, store);
await store.ready();
await server.listen({ host: '127.0.0.1', port: Number(port) });
