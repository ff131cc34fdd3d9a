import { expect, test } from 'bun:test';
import { RenderAssets } from './render-assets.ts';

const gets = (cacheControl: string, more: Record<string, string> = {}, status = 200, bytes = 10) => ({
  status,
  headers: { 'cache-control': cacheControl, ...more },
  body: new Uint8Array(bytes),
});

test.each([
  ['max-age=60', {}, 200, true],
  ['public, max-age=60, immutable', { vary: 'Accept-Encoding' }, 200, true],
  ['max-age=0', {}, 200, false],
  ['', {}, 200, false],
  ['no-store, max-age=60', {}, 200, false],
  ['no-cache, max-age=60', {}, 200, false],
  ['max-age=60', { vary: 'Origin' }, 200, false],
  ['max-age=60', {}, 404, false],
] as const)('%p, %p, %d: kept is %p', (cacheControl, more, status, isKept) => {
  const assets = new RenderAssets();
  assets.put('a', gets(cacheControl, more, status), 0);
  expect(assets.get('a', 59_999) !== undefined).toBe(isKept);
  expect(assets.get('a', 60_000)).toBeUndefined();
});

test('what was used least recently goes when there is no room', () => {
  const assets = new RenderAssets(4_000);
  for (const key of ['a', 'b']) assets.put(key, gets('max-age=60', {}, 200, 500), 0);
  expect(assets.get('a', 1)).toBeDefined();
  assets.put('c', gets('max-age=60', {}, 200, 500), 1);
  expect(['a', 'b', 'c'].map((key) => assets.get(key, 2) !== undefined)).toEqual([true, false, true]);
  assets.put('huge', gets('max-age=60', {}, 200, 5_000), 2);
  expect(['a', 'c', 'huge'].map((key) => assets.get(key, 2) !== undefined)).toEqual([false, false, false]);
});
