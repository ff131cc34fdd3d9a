// bun origin.ts PORT BYTES plain|gzip
//
// The site behind the cache: /p/<number> is a page of that many bytes, sent as it is or compressed for who takes it.

import { pageText } from './page-text.ts';

const [port, bytes, coding] = process.argv.slice(2);
if (coding !== 'plain' && coding !== 'gzip') throw new Error('Usage: origin.ts PORT BYTES plain|gzip');

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(port),
  fetch(request) {
    const number = /\/p\/(\d+)$/.exec(request.url)?.[1];
    if (number === undefined) return new Response('There is no such page.', { status: 404 });
    const text = pageText(Number(number), Number(bytes));
    const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'max-age=86400' };
    if (coding === 'plain') return new Response(text, { headers });
    const varying = { ...headers, vary: 'Accept-Encoding' };
    if (!/\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')) return new Response(text, { headers: varying });
    const packed = Bun.gzipSync(Buffer.from(text), { level: 6 });
    return new Response(packed, { headers: { ...varying, 'content-encoding': 'gzip' } });
  },
});
