// The services as the storefront calls them: over connections that are kept open.

import { Pool } from 'undici';
import { Refusal } from '../sort-orders.js';

/** To each service. More calls than this wait in the storefront. */
const connections = 64;

/**
 * @typedef {import('../types.ts').Summary} Summary
 * @param {Record<'catalog' | 'inventory' | 'pricing' | 'reviews', string>} urls
 */
export function openClients(urls) {
  const clients = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, openClient(url)]));
  const { catalog, inventory, pricing, reviews } = clients;
  return {
    front: () => catalog.get('/front'),
    /** @param {string} id @param {string} sort @param {number} offset @param {number} limit */
    listing: (id, sort, offset, limit) =>
      catalog.get(`/listings/${encodeURIComponent(id)}?sort=${sort}&offset=${offset}&limit=${limit}`),
    /** @param {string} id */
    productPage: (id) => catalog.get(`/product-pages/${encodeURIComponent(id)}`),
    /** @param {string[]} ids @returns {Promise<Summary[]>} */
    summaries: (ids) => catalog.get(`/products?ids=${ids.join(',')}`),
    /** @param {string[]} ids @returns {Promise<import('../types.ts').Inventory[]>} */
    inventories: (ids) => inventory.get(`/inventories?ids=${ids.join(',')}`),
    /** @param {string[]} ids @returns {Promise<import('../types.ts').Pricing[]>} */
    pricings: (ids) => pricing.get(`/pricings?ids=${ids.join(',')}`),
    /** @param {number} least @param {number} limit @returns {Promise<import('../types.ts').Pricing[]>} */
    reductions: (least, limit) => pricing.get(`/reductions?least=${least}&limit=${limit}`),
    /** @param {string} product */
    reviews: (product) => reviews.get(`/reviews/${encodeURIComponent(product)}`),
    close: async () => {
      await Promise.all(Object.values(clients).map((client) => client.close()));
    },
  };
}

/** @param {string} url */
function openClient(url) {
  const pool = new Pool(url, { connections, pipelining: 1, keepAliveTimeout: 60_000 });
  return {
    /** @param {string} path */
    async get(path) {
      const { statusCode, body } = await pool.request({ path, method: 'GET' });
      if (statusCode === 200) return body.json();
      const text = await body.text();
      if (statusCode === 404) throw new Refusal(404, JSON.parse(text).detail);
      throw new Error(`${url}${path} was answered ${statusCode}: ${text.slice(0, 200)}`);
    },
    close: () => pool.close(),
  };
}

/** @typedef {ReturnType<typeof openClients>} Clients */
