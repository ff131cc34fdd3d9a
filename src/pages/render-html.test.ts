import { describe, expect, test } from 'bun:test';
import { linksWithoutScripts, statusSaid, withoutScripts } from './render-html.ts';

describe('a page without its scripts', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['<p>a<script>1 < 2</script>b</p>', '<p>ab</p>'],
    ['<script src="/app.js" defer></script><script type="module">x</script>', ''],
    ['<script type="importmap">{}</script><script type="speculationrules">{}</script>', ''],
    [
      '<script type="application/ld+json">{"@type":"Product"}</script>',
      '<script type="application/ld+json">{"@type":"Product"}</script>',
    ],
    ['<link rel="preload" as="script" href="/a.js"><link rel="modulepreload" href="/b.js">', ''],
    ['<link rel="prefetch" as="script" href="/a.js">', ''],
    ['<link rel="preload" as="style" href="/a.css">', '<link rel="preload" as="style" href="/a.css">'],
    ['<link rel="canonical" href="/p/1">', '<link rel="canonical" href="/p/1">'],
    ['<button onclick="buy()" ONLOAD="x" class="one">Buy</button>', '<button class="one">Buy</button>'],
    ['<a href="javascript:void(0)" title="t">x</a>', '<a title="t">x</a>'],
    ['<a href=" java\tscript:x()">x</a>', '<a>x</a>'],
    ['<a href="/javascript:guide" name="once">x</a>', '<a href="/javascript:guide" name="once">x</a>'],
    ['<meta name="robots" content="noindex">', '<meta name="robots" content="noindex">'],
  ];
  test.each(cases)('%s', (html, expected) => expect(withoutScripts(html)).toBe(expected));
});

test.each([
  ['<meta name="prerender-status-code" content="404">', 404],
  ['<meta content=" 410 " name="Prerender-Status-Code">', 410],
  ['<meta name="prerender-status-code" content="500">', undefined],
  ['<meta name="prerender-status-code" content="200">', undefined],
  ['<meta name="description" content="404">', undefined],
  ['<p>&lt;meta name="prerender-status-code" content="404"&gt;</p>', undefined],
] as const)('the status %s says', (html, status) => expect(statusSaid(html)).toBe(status));

test.each([
  ['</a.js>; rel=preload; as=script', undefined],
  ['</a.js>; rel="modulepreload"', undefined],
  ['</a.css>; rel=preload; as=style, </a.js>; as=script; rel=preload', '</a.css>; rel=preload; as=style'],
  ['<https://cdn.example>; rel=preconnect', '<https://cdn.example>; rel=preconnect'],
  [
    '</a,b>; rel="next"; title="one, two", </script>; rel=canonical',
    '</a,b>; rel="next"; title="one, two", </script>; rel=canonical',
  ],
])('the Link header %s', (header, expected) => expect(linksWithoutScripts(header)).toBe(expected));
