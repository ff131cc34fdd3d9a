// Pages that are empty without JavaScript, rendered in the real Chromium.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { chromiumPath } from '../../tools/requirements.ts';
import { type PageOrigin, startOrigin } from '../support/page-origin.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';

// A browser is started, on machines that may have much else to do.
setDefaultTimeout(60_000);

const script = `
  const { name, noindex } = await (await fetch('/api' + location.pathname)).json();
  document.title = name;
  document.querySelector('#app').innerHTML = '<h1 onclick="go()">' + name + '</h1><p id="where">' + location.href + '</p>';
  if (noindex) document.head.insertAdjacentHTML('beforeend', '<meta name="robots" content="noindex">');
`;
const shell = `<!doctype html><html><head><title>…</title><link rel="modulepreload" href="/app.js">
<script type="application/ld+json">{"@type":"WebSite"}</script><script type="module" src="/app.js"></script></head><body><div id="app"></div></body></html>`;
const html = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'max-age=3600' };

/** A shop whose pages are made in the browser. */
function shopAnswer(_request: Request, path: string): Response {
  if (path === '/app.js') return new Response(script, { headers: { 'content-type': 'text/javascript' } });
  if (path.startsWith('/api/'))
    return Response.json({ name: `The ${path.slice(5)}`, noindex: path.includes('hidden') });
  if (path.startsWith('/product/gone')) return new Response(shell, { status: 404, headers: html });
  if (path === '/product/moved') return Response.redirect('/product/here', 301);
  return new Response(shell, {
    headers: { ...html, etag: '"shell"', 'x-robots-tag': 'noarchive', 'surrogate-key': 'shop' },
  });
}

describe.skipIf(chromiumPath() === undefined).each([0, 2])('with %d serve threads', (threads) => {
  let origin: PageOrigin;
  let node: PagesNode;
  beforeAll(async () => {
    origin = startOrigin(shopAnswer);
    const rules = [{ match: '/**', negativeTtl: '1h' }];
    const render = { engine: 'chromium', match: '/product/**' };
    node = await startPagesNode({ origin: origin.url, rules, render }, { threads });
  });
  afterAll(async () => {
    await node[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
  });

  test('what is stored is what the browser made, and is served with the origin down', async () => {
    const first = await node.get('/product/lamp');
    const text = await first.text();
    expect(text).toContain('<h1>The product/lamp</h1>');
    expect(text).toContain(`<p id="where">${origin.url}/product/lamp</p>`);
    expect(text).toContain('<title>The product/lamp</title>');
    expect(text).not.toContain('app.js');
    expect(text).toContain('application/ld+json');
    expect(first.headers.get('cache-status')).toContain('stored;detail=rendered');
    expect(first.headers.get('x-robots-tag')).toBe('noarchive');
    expect(first.headers.get('etag')).not.toContain('shell');
    await origin.stop();
    const second = await node.get('/product/lamp');
    expect(await second.text()).toBe(text);
    expect(second.headers.get('cache-status')).toStartWith('zerohop;hit');
    origin.start();
  });
});
