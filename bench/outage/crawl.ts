// bun crawl.ts PORT PAGES LIVE
//
// Asks for every page once: how a cache is warmed that can't do so itself.

import { Connection } from './connection.ts';
import { pathOf } from './plan.ts';

const [port = 0, pages = 0, live = 0] = process.argv.slice(2).map(Number);
const connections = 32;
let next = 0;

await Promise.all(
  Array.from({ length: connections }, async () => {
    const connection = await Connection.open(port);
    while (next < pages) {
      const path = pathOf(next++, live);
      const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
      const status = await new Promise((resolve) => connection.ask(request, (answer) => resolve(answer?.status)));
      if (status !== 200) throw new Error(`${path} was answered ${status ?? 'not at all'}.`);
    }
    connection.close();
  }),
);
