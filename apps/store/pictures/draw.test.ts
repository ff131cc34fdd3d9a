import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { drawPicture } from './draw.ts';

interface Shown {
  readonly picture: string;
}

const { records }: { records: readonly Shown[] } = await Bun.file(
  join(import.meta.dirname, '../data/products.json'),
).json();

test('every product has its three pictures, well formed and small', () => {
  for (const { picture } of records) {
    const [drawing = '', look = ''] = picture.split('/');
    for (const view of ['', '-2', '-3']) {
      const svg = drawPicture(drawing, look + view) ?? '';
      expect(svg).toStartWith('<svg ');
      expect(svg).not.toMatch(/undefined|NaN/);
      expect(svg.length).toBeLessThan(6000);
      expect([picture, unclosedTags(svg)]).toEqual([picture, []]);
    }
  }
});

test('the same look is the same picture; another variant or colour is another', () => {
  expect(drawPicture('lamp', 'oat-12')).toBe(drawPicture('lamp', 'oat-12'));
  expect(drawPicture('lamp', 'oat-12')).not.toBe(drawPicture('lamp', 'plum-12'));
  const variants = new Set(Array.from({ length: 50 }, (_, at) => drawPicture('lamp', `oat-${at}`)));
  expect(variants.size).toBeGreaterThan(8);
});

test.each([
  ['submarine', 'oat-1'],
  ['lamp', 'tartan-1'],
  ['lamp', 'oat'],
  ['lamp', 'oat-1-4'],
  ['lamp', '"><script>'],
  ['constructor', 'oat-1'],
])('there is no %s/%s', (drawing, look) => {
  expect(drawPicture(drawing, look)).toBeUndefined();
});

function unclosedTags(svg: string): string[] {
  const open: string[] = [];
  for (const [, slash, name = '', self] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (slash === '/') {
      if (open.at(-1) === name) open.pop();
      else open.push(`/${name}`);
    } else if (self !== '/') open.push(name);
  }
  return open;
}
