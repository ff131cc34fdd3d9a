// The addresses visitors know: pages as JSON, and the files of the front end.

import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { pages } from './schemas.js';
import { parsePage, parseSort } from './sort-orders.js';

/**
 * @typedef {object} Pages
 * @property {() => Promise<unknown>} home
 * @property {(id: string, sort: string, page: number) => Promise<unknown>} listing
 * @property {(id: string) => Promise<unknown>} details
 *
 * @param {import('fastify').FastifyInstance<any, any, any, any>} server
 * @param {Pages} made
 */
export function addPages(server, made) {
  server.get('/Home/', { schema: { response: { 200: pages.home } } }, () => made.home());
  server.get('/Plp/:category', { schema: { response: { 200: pages.listing } } }, (request) => {
    const { sort, page } = request.query;
    return made.listing(request.params.category, parseSort(sort), parsePage(page));
  });
  server.get('/Pdp/:product', { schema: { response: { 200: pages.details } } }, (request) =>
    made.details(request.params.product),
  );
}

/** @type {Record<string, string>} */
const types = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

/** Answers the files of a folder from memory. @param {import('fastify').FastifyInstance<any, any, any, any>} server @param {string} folder */
export async function addFiles(server, folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const body = await readFile(path);
    const type = types[extname(path)] ?? 'application/octet-stream';
    const route = `/${relative(folder, path).split(sep).join('/')}`;
    server.get(route, (_request, reply) => reply.type(type).send(body));
  }
}
