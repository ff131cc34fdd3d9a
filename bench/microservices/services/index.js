// The four services: routes on a server, given the store that is theirs.

import { catalog } from './catalog.js';
import { inventory } from './inventory.js';
import { pricing } from './pricing.js';
import { reviews } from './reviews.js';

/**
 * @template {keyof import('../stores/index.js').Stores} Kind
 * @typedef {(server: import('fastify').FastifyInstance<any, any, any, any>, store: import('../stores/index.js').Stores[Kind]) => void} Service
 */

export const services = { catalog, inventory, pricing, reviews };
