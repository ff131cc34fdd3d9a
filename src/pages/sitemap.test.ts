import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { maxEntries, readSitemap } from './sitemap.ts';

/** In pieces of `size` bytes. */
function streamOf(bytes: Uint8Array, size = bytes.length): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const read = (text: string, size?: number) => readSitemap(streamOf(bytesOf(text), size), 'it');
const addressesOf = async (text: string, size?: number) =>
  (await read(text, size)).entries.map(({ address }) => address);

const set = (inside: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${inside}</urlset>`;

describe('a sitemap', () => {
  test.each([
    [
      'pages',
      set('<url><loc>https://a/1</loc></url><url><loc>\n https://a/2 </loc></url>'),
      ['https://a/1', 'https://a/2'],
    ],
    ['entities', set('<url><loc>https://a/?b=1&amp;c=&#50;&#x33;</loc></url>'), ['https://a/?b=1&c=23']],
    ['CDATA', set('<url><loc><![CDATA[https://a/?b=1&c=2]]></loc></url>'), ['https://a/?b=1&c=2']],
    ['comments', set('<!-- <url><loc>https://a/no</loc></url> --><url><loc>/yes</loc></url>'), ['/yes']],
    [
      'images are none',
      set('<url><loc>/a</loc><image:image><image:loc>/a.png</image:loc></image:image></url>'),
      ['/a'],
    ],
    [
      'a prefix of its own',
      '<s:urlset xmlns:s="x"><s:url><s:loc>/a</s:loc><i:loc>/b</i:loc></s:url></s:urlset>',
      ['/a'],
    ],
    [
      'the most important first',
      set('<url><loc>/c</loc></url><url><loc>/a</loc><priority>1.0</priority></url><url><loc>/d</loc></url>'),
      ['/a', '/c', '/d'],
    ],
    ['a list', '\uFEFF# mine\n/a\r\nhttps://a/b\n\nnothing\n/c', ['/a', 'https://a/b', '/c']],
    ['nothing', '', []],
  ])('%s', async (_name, text, expected) => {
    for (const size of [1, 7, 100_000]) expect(await addressesOf(text, size)).toEqual(expected);
  });

  test('an index', async () => {
    const text =
      '<sitemapindex xmlns="x"><sitemap><loc>/1.xml</loc></sitemap><sitemap><loc>/2.xml</loc></sitemap></sitemapindex>';
    expect(await read(text)).toMatchObject({ kind: 'index', entries: [{ address: '/1.xml' }, { address: '/2.xml' }] });
  });

  test('gzipped, and once more on its way', async () => {
    const once = Bun.gzipSync(bytesOf(set('<url><loc>/a</loc></url>')));
    for (const bytes of [once, Bun.gzipSync(once)])
      expect((await readSitemap(streamOf(bytes, 5), 'it')).entries.map(({ address }) => address)).toEqual(['/a']);
  });

  test('50,000 pages with long extensions, in pieces of any size', async () => {
    const pages = Array.from({ length: 50_000 }, (_, index) => `https://shop.example.com/p/${index}`);
    const extension = `<image:image><image:caption>${'x'.repeat(100)}</image:caption></image:image>`;
    const text = set(pages.map((page) => `<url>${extension}<loc>${page}</loc>${extension}</url>`).join('\n'));
    expect(await addressesOf(text, 65_536)).toEqual(pages);
  });

  test('more than the limit is counted', async () => {
    const { entries, ignored } = await read('/a\n'.repeat(maxEntries + 3));
    expect([entries.length, ignored]).toEqual([maxEntries, 3]);
  });

  test.each([
    ['a page for people', '<!doctype html><html><body>Not found</body></html>'],
    ['one without an end', `<${'x'.repeat(100_000)}`],
  ])('%s is none', async (_name, text) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'INVALID_BODY' });
  });

  test('broken gzip', async () => {
    const bytes = Bun.gzipSync(bytesOf(set('<url><loc>/a</loc></url>'))).slice(0, 20);
    await expect(readSitemap(streamOf(bytes), 'it')).rejects.toMatchObject({ code: 'INVALID_BODY' });
  });

  test('any address comes out as it went in, wherever it is cut', async () => {
    const address = fc.webUrl({ withQueryParameters: true }).filter((url) => !/[<>]/.test(url));
    await fc.assert(
      fc.asyncProperty(fc.array(address, { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), async (urls, size) => {
        const entries = urls.map((url) => `<url><loc>${url.replaceAll('&', '&amp;')}</loc></url>`);
        expect(await addressesOf(set(entries.join('')), size)).toEqual(urls);
      }),
    );
  });
});
