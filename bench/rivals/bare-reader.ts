// The least a server can do for a read: the same bytes, out of memory, by the path.
//
//   bun bare-reader.ts PORT FILE      FILE: a JSON object of path → body

import { readFileSync } from 'node:fs';

const [port, file] = process.argv.slice(2);
if (port === undefined || file === undefined) throw new Error('Usage: bare-reader.ts PORT FILE');

const bodies = new Map(Object.entries<string>(JSON.parse(readFileSync(file, 'utf8'))));
const headers = { 'content-type': 'application/json' };

Bun.serve({
  port: Number(port),
  hostname: '127.0.0.1',
  fetch(request) {
    const { url } = request;
    const body = bodies.get(url.slice(url.indexOf('/', 8)));
    return body === undefined ? new Response(null, { status: 404 }) : new Response(body, { headers });
  },
});
