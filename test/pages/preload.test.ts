// Pages in memory before anybody has asked for them: after they were warmed, and after a restart.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchMetrics, sumOf } from '../support/metrics-page.ts';
import { startOrigin } from '../support/page-origin.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { until } from '../support/until.ts';

// Several nodes are started, on machines that may have much else to do.
setDefaultTimeout(40_000);

const count = 60;
const paths = Array.from({ length: count }, (_, at) => `/p/${at}`);
const sitemap = `<urlset>${paths.map((path) => `<url><loc>${path}</loc></url>`).join('')}</urlset>`;

/** Pages in the memory of all threads, and requests that were answered. */
async function measured(node: PagesNode): Promise<readonly [inMemory: number, answered: number]> {
  const samples = await fetchMetrics(node.operationsUrl);
  return [sumOf(samples, 'zerohop_pages_memory_pages'), sumOf(samples, 'zerohop_pages_requests_total')];
}

test.each([0, 1, 2])('they are there unasked, with %d threads, and again after a power cut', async (threads) => {
  const data = mkdtempSync(join(tmpdir(), 'zerohop-preload-'));
  const copies = Math.max(1, threads);
  await using origin = startOrigin((_request, path) => {
    const headers = { 'cache-control': 'max-age=3600', 'content-type': 'text/html' };
    return path === '/sitemap.xml' ? new Response(sitemap) : new Response(`page ${path}`, { headers });
  });
  const pages = {
    origin: origin.url,
    rules: [{ match: '/**', staleIfError: '1d' }],
    warm: { sitemap: '/sitemap.xml', perSecond: 10_000 },
  };
  try {
    {
      await using node = await startPagesNode(pages, { data, threads });
      await until('warmed pages are in memory', async () => (await measured(node))[0] === count * copies);
      expect(await measured(node)).toEqual([count * copies, 0]);
      await node.kill9();
    }
    await origin.stop();
    await using node = await startPagesNode(pages, { data, threads });
    await until('they are in memory again', async () => (await measured(node))[0] === count * copies);
    expect(await measured(node)).toEqual([count * copies, 0]);
    for (const path of paths) {
      const response = await node.get(path);
      expect([response.headers.get('cache-status')?.slice(0, 11), await response.text()]).toEqual([
        'zerohop;hit',
        `page ${path}`,
      ]);
    }
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});
