// Pages that are empty without JavaScript, rendered in the real Chromium.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { chromiumPath } from '../../tools/requirements.ts';
import { parseMetrics } from '../support/metrics-page.ts';
import { type PageOrigin, startOrigin } from '../support/page-origin.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { until } from '../support/until.ts';

// A browser is started, on machines that may have much else to do.
setDefaultTimeout(60_000);

const html = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'max-age=3600' };
const js = (text: string, headers = {}) =>
  new Response(text, { headers: { 'content-type': 'text/javascript', ...headers } });
const page = (script: string, init: ResponseInit = {}) =>
  new Response(`<!doctype html><title>…</title><div id="app"></div><script type="module">${script}</script>`, {
    headers: html,
    ...init,
  });

const shell = `<!doctype html><html><head><title>…</title><link rel="modulepreload" href="/app.js">
<script type="application/ld+json">{"@type":"WebSite"}</script><script type="module" src="/app.js"></script></head><body><div id="app"></div></body></html>`;
const app = `
  const { name, robots } = await (await fetch('/api' + location.pathname)).json();
  document.title = name;
  document.querySelector('#app').innerHTML = '<h1 onclick="go()">' + name + '</h1><p id="where">' + location.href + '</p>';
  if (robots) document.head.insertAdjacentHTML('beforeend', '<meta name="robots" content="' + robots + '">');
`;

/** A shop whose pages are made in the browser. */
function shop({ headers }: Request, path: string): Response {
  if (path === '/app.js') return js(app, { 'cache-control': 'max-age=600' });
  if (path.startsWith('/api/')) {
    const robots = path.includes('hidden') ? 'noindex' : '';
    return Response.json({ name: `${path.slice(13)}${headers.has('cookie') ? ' of a visitor' : ''}`, robots });
  }
  if (path.startsWith('/product/gone')) return new Response(shell, { status: 404, headers: html });
  if (path === '/product/moved')
    return new Response(null, { status: 301, headers: { ...html, location: '/product/x' } });
  if (path === '/product/data') return Response.json({ plain: true }, { headers: { 'cache-control': 'max-age=60' } });
  if (path === '/product/private')
    return new Response(shell, { headers: { ...html, 'cache-control': 'private', 'set-cookie': 'a=b' } });
  const link = '</app.js>; rel=preload; as=script, </app.css>; rel=preload; as=style';
  const kept = { 'x-robots-tag': 'noarchive', 'content-language': 'en', 'surrogate-key': 'shop', link };
  return new Response(shell, { headers: { ...html, etag: '"shell"', ...kept } });
}

describe.skipIf(chromiumPath() === undefined)('rendered pages', () => {
  describe.each([0, 2])('with %d serve threads', (threads) => {
    let origin: PageOrigin;
    let node: PagesNode;
    beforeAll(async () => {
      origin = startOrigin(shop);
      const site = { host: 'shop.example', origin: origin.url, rules: [{ match: '/**', negativeTtl: '1h' }] };
      node = await startPagesNode({ ...site, render: { engine: 'chromium', match: '/product/**' } }, { threads });
    });
    afterAll(async () => {
      await node[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    });
    const ask = (path: string, headers = {}) => node.get(path, { host: 'shop.example', ...headers });

    test('what is stored is what the browser made, and is served with the origin down', async () => {
      const first = await ask('/product/lamp', { cookie: 'session=mine' });
      const text = await first.text();
      expect(text).toContain('<h1>lamp</h1><p id="where">https://shop.example/product/lamp</p>');
      expect(text).toContain('<title>lamp</title>');
      expect(text).not.toContain('app.js');
      expect(text).toContain('application/ld+json');
      const { headers } = first;
      expect(headers.get('cache-status')).toEndWith(';stored;detail=rendered');
      expect(['x-robots-tag', 'content-language', 'link', 'cache-control'].map((name) => headers.get(name))).toEqual([
        'noarchive',
        'en',
        '</app.css>; rel=preload; as=style',
        'max-age=3600',
      ]);
      expect(headers.get('etag')).not.toContain('shell');
      await origin.stop();
      const second = await ask('/product/lamp');
      expect(await second.text()).toBe(text);
      expect(second.headers.get('cache-status')).toStartWith('zerohop;hit');
      const again = await ask('/product/lamp', { 'if-none-match': second.headers.get('etag') ?? '' });
      expect(again.status).toBe(304);
      origin.start();
      expect(origin.seen.every(({ headers: seen }) => !seen.has('cookie'))).toBe(true);
    });

    test('many who want a page share one rendering', async () => {
      const before = origin.seen.length;
      const texts = await Promise.all(Array.from({ length: 50 }, async () => (await ask('/product/many')).text()));
      expect(new Set(texts).size).toBe(1);
      expect(texts[0]).toContain('<h1>many</h1>');
      expect(origin.seen.slice(before).filter(({ path }) => path === '/product/many').length).toBe(1);
    });

    test('a 404 stays one, and noindex stays', async () => {
      const gone = await ask('/product/gone');
      expect([gone.status, await gone.text()]).toEqual([404, expect.stringContaining('<h1>gone</h1>')]);
      const again = await ask('/product/gone');
      expect([again.status, again.headers.get('cache-status')]).toEqual([404, expect.stringContaining('hit')]);
      expect(await (await ask('/product/hidden')).text()).toContain('<meta name="robots" content="noindex">');
      // The script of all of them is fetched once, as it may be kept.
      expect(origin.seen.filter(({ path }) => path === '/app.js').length).toBe(1);
    });

    test('what is no page, or is somebody’s own, is as the origin has it', async () => {
      const moved = await ask('/product/moved');
      expect([moved.status, moved.headers.get('location')]).toEqual([301, '/product/x']);
      expect(await (await ask('/product/data')).json()).toEqual({ plain: true });
      const own = await ask('/product/private');
      expect([await own.text(), own.headers.get('set-cookie')]).toEqual([shell, 'a=b']);
      expect(await (await ask('/other')).text()).toBe(shell);
    });
  });

  test('every way in which a page can end', async () => {
    const secret = startOrigin(() => Response.json('secret'));
    const friend = startOrigin(() => Response.json('friend', { headers: { 'access-control-allow-origin': '*' } }));
    const set = (text: string) => `document.querySelector('#app').textContent = ${text};`;
    // Says when it is ready, which is quicker than to wait until nothing is asked for.
    const put = (text: string) => `window.prerenderReady = false; ${set(text)} window.prerenderReady = true;`;
    const get = (url: string) => `await fetch('${url}').then((r) => r.text(), () => 'refused')`;
    const later = (text: string) =>
      `window.prerenderReady = false; setTimeout(() => { ${set(text)} prerenderReady = true }, 900);`;
    const cases: readonly (readonly [path: string, script: string, expected: readonly [number, string, string]])[] = [
      ['/told', later('"late"'), [200, 'rendered', 'late']],
      [
        '/soft',
        `${set('"not here"')} document.head.innerHTML += '<meta name="prerender-status-code" content="404">';`,
        [404, 'rendered', 'not here'],
      ],
      [
        '/images',
        `const i = new Image(); i.onload = () => { ${set('"loaded"')} }; i.onerror = () => { ${set('"broken"')} }; i.src = '/a.jpg';`,
        [200, 'rendered', 'loaded'],
      ],
      ['/secret', put(get(`${secret.url}/`)), [200, 'rendered', 'refused']],
      ['/metadata', put(get('http://169.254.169.254/latest/')), [200, 'rendered', 'refused']],
      ['/friend', put(get(`${friend.url}/`)), [200, 'rendered', '"friend"']],
      ['/hops', put(get('/hop')), [200, 'rendered', 'refused']],
      [
        '/window',
        `window.open('${secret.url}/'); document.body.append(Object.assign(document.createElement('iframe'), { src: '${secret.url}/' })); new WebSocket('${secret.url.replace('http', 'ws')}'); ${set('"stays"')}`,
        [200, 'rendered', 'stays'],
      ],
      ['/leaves', `location.href = '${secret.url}/';`, [200, 'not rendered: left', '']],
      ['/broken', put(get('/api')), [200, 'not rendered: incomplete', '']],
      ['/short/never', 'window.prerenderReady = false;', [200, 'not rendered: timeout', '']],
      ['/short/loop', 'for (;;);', [200, 'not rendered: timeout', '']],
    ];
    const others: Record<string, () => Response> = {
      '/csp': () =>
        new Response('<!doctype html><div id="app"></div><script src="/csp.js"></script>', {
          headers: { ...html, 'content-security-policy': "default-src 'self'" },
        }),
      '/csp.js': () => js(later('"strict"')),
      '/styles': () =>
        page(
          "const s = document.createElement('style'); document.head.append(s); s.sheet.insertRule('h1 { color: red }');",
        ),
      '/hop': () => new Response(null, { status: 302, headers: { location: `${secret.url}/` } }),
      '/api': () => new Response('down', { status: 503 }),
    };
    await using origin = startOrigin((_request, path) => {
      const script = cases.find(([at]) => at === path)?.[1];
      return script === undefined ? (others[path] ?? (() => new Response('?', { status: 404 })))() : page(script);
    });
    const site = { origin: origin.url, rules: [{ match: '/**' }] };
    const render = { match: '/**', timeout: '30s', concurrency: 4, fallbackTtl: '1h' };
    const allow = [new URL(friend.url).host];
    await using node = await startPagesNode([
      { ...site, render: { ...render, allow } },
      { ...site, path: '/short', render: { ...render, timeout: '1s' } },
    ]);
    const ask = async (path: string) => {
      const response = await node.get(path);
      const text = await response.text();
      const [, detail = ''] = /detail="?([^"]*)/.exec(response.headers.get('cache-status') ?? '') ?? [];
      return { status: response.status, detail, app: /<div id="app">([^<]*)/.exec(text)?.[1], text };
    };
    const seen = await Promise.all(
      cases.map(async ([path]) => {
        const { status, detail, app: content } = await ask(path);
        return [path, status, detail, content];
      }),
    );
    expect(seen).toEqual(cases.map(([path, , expected]) => [path, ...expected]));
    expect(await ask('/csp')).toMatchObject({ detail: 'rendered', app: 'strict' });
    expect((await ask('/styles')).text).toContain('<style>h1 { color: red; }</style>');
    expect(secret.seen).toEqual([]);
    // What could not be rendered is kept as the origin has it, for as long as was said.
    const before = origin.seen.length;
    expect((await ask('/short/never')).text).toContain('<script');
    expect(origin.seen.length).toBe(before);
    const metrics = parseMetrics(await (await fetch(`${node.operationsUrl}/metrics`)).text());
    const timeouts = metrics.filter(
      ({ name, labels }) => name.endsWith('renders_total') && labels.result === 'timeout',
    );
    expect(timeouts.map(({ labels, value }) => [labels.site, value])).toEqual([['*/short', 2]]);
    await secret[Symbol.asyncDispose]();
    await friend[Symbol.asyncDispose]();
  });

  test('a browser that ends, or hangs, does not hold the next page up; no more pages at once than were said', async () => {
    let running = 0;
    let most = 0;
    let gate = Promise.withResolvers<void>();
    await using origin = startOrigin(async (_request, path) => {
      if (path !== '/api')
        return page("document.querySelector('#app').textContent = await (await fetch('/api')).text()");
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
      return new Response('here');
    });
    const site = { origin: origin.url, rules: [{ match: '/**' }] };
    const render = { match: '/**', timeout: '30s', concurrency: 2, fallbackTtl: '1h' };
    await using node = await startPagesNode([
      { ...site, render },
      { ...site, path: '/short', render: { ...render, timeout: '1s' } },
    ]);
    const ask = async (path: string) => {
      const response = await node.get(path);
      const text = await response.text();
      const status = response.headers.get('cache-status') ?? '';
      return [status.replace(/.*detail="?([^"]*)"?/, '$1'), text.includes('>here<')];
    };
    gate.resolve();
    expect(await ask('/first')).toEqual(['rendered', true]);
    // In the middle of a page.
    gate = Promise.withResolvers();
    const killed = ask('/killed');
    await until('the page asks', () => running === 1);
    process.kill(browserOf(node.pid), 'SIGKILL');
    expect(await killed).toEqual(['not rendered: browser', false]);
    gate.resolve();
    expect(await ask('/next')).toEqual(['rendered', true]);
    const stopped = browserOf(node.pid);
    process.kill(stopped, 'SIGSTOP');
    expect(await ask('/short/hangs')).toEqual(['not rendered: timeout', false]);
    expect(await ask('/after')).toEqual(['rendered', true]);
    expect(browserOf(node.pid)).not.toBe(stopped);
    gate = Promise.withResolvers();
    running = most = 0;
    const all = Promise.all(Array.from({ length: 4 }, (_, index) => ask(`/many/${index}`)));
    await until('two ask', () => running === 2);
    gate.resolve();
    expect(await all).toEqual(Array(4).fill(['rendered', true]));
    expect(most).toBe(2);
    const browser = browserOf(node.pid);
    await node.stop();
    await until('the browser has ended with the node', () => !isRunning(browser));
  });

  test('a stale page stays when it can’t be rendered anew', async () => {
    let name = 'one';
    await using origin = startOrigin((_request, path) => {
      if (path === '/api') return name === '' ? new Response('down', { status: 500 }) : new Response(name);
      return page("document.querySelector('#app').textContent = await (await fetch('/api')).text()");
    });
    const render = { match: '/**', timeout: '20s', fallbackTtl: '1h', scripts: 'keep' };
    await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**', ttl: '1h' }], render });
    const ask = async () => {
      const response = await node.get('/a');
      const [, content] = /<div id="app">([^<]*)/.exec(await response.text()) ?? [];
      return [content, response.headers.get('cache-status')];
    };
    const purge = () => fetch(`${node.url}/a`, { method: 'PURGE', headers: { 'soft-purge': '1' } });
    expect(await ask()).toEqual(['one', expect.stringContaining('detail=rendered')]);
    expect(await (await node.get('/a')).text()).toContain('<script type="module">');
    name = '';
    expect((await purge()).status).toBe(200);
    expect(await ask()).toEqual(['one', expect.stringContaining('detail="not rendered: incomplete"')]);
    expect(await ask()).toEqual(['one', expect.stringMatching(/^zerohop;hit;ttl=3[56]/)]);
    name = 'two';
    await purge();
    expect(await ask()).toEqual(['two', expect.stringContaining('detail=rendered')]);
  });

  test('warming renders', async () => {
    await using origin = startOrigin(() => page("document.querySelector('#app').textContent = 'made'"));
    const render = { match: '/**', timeout: '20s' };
    const warm = { urls: ['/a', '/b'] };
    await using node = await startPagesNode({ origin: origin.url, rules: [{ match: '/**' }], render, warm });
    for (const path of ['/a', '/b']) {
      await until(`${path} is warm`, async () => {
        const response = await node.get(path, { 'cache-control': 'only-if-cached' });
        await response.text();
        return response.headers.get('cache-status')?.startsWith('zerohop;hit') === true;
      });
      expect(await (await node.get(path)).text()).toContain('<div id="app">made</div>');
    }
  });
});

test('without a browser the app says what to do', async () => {
  const config = { origin: 'http://127.0.0.1:1', render: { match: '/**', executable: '/no/such/browser' } };
  await using node = await startPagesNode(config);
  await node.output.match(
    /there is no browser at \/no\/such\/browser\. Correct render\.executable, or leave it out to have Chromium looked for/,
  );
});

/** The browser that the node has started: Chromium's first process is its child. */
function browserOf(pid: number): number {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );
  const found = children.find((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('--remote-debugging-pipe'),
  );
  if (found === undefined) throw new Error('No browser runs.');
  return found;
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
