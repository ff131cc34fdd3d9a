// The least a server can do for a read: the same bytes, out of memory, by the path.
//
//   bun bare-reader.ts PORT FILE [THREADS]      FILE: a JSON object of path → body

import { readFileSync } from 'node:fs';
import { isMainThread, Worker } from 'node:worker_threads';

const [port, file, threads = '1'] = process.argv.slice(2);
if (port === undefined || file === undefined) throw new Error('Usage: bare-reader.ts PORT FILE [THREADS]');
if (isMainThread)
  for (let more = 1; more < Number(threads); more++) new Worker(import.meta.path, { argv: [port, file] });

const bodies = new Map(Object.entries<string>(JSON.parse(readFileSync(file, 'utf8'))));
const headers = { 'content-type': 'application/json' };

Bun.serve({
  port: Number(port),
  hostname: '127.0.0.1',
  reusePort: true,
  fetch(request) {
    const { url } = request;
    const body = bodies.get(url.slice(url.indexOf('/', 8)));
    return body === undefined ? new Response(null, { status: 404 }) : new Response(body, { headers });
  },
});
